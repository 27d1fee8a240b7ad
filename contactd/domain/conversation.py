"""A conversation with a debtor: its five steps, who is on the line, what may be said by then, and how it may end.

Nothing confidential is disclosed to anybody before they are identified. What they say to prove who they are is compared
here and forgotten; only that it was right or wrong is kept, and tries are counted.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from contactd.domain.call import Disposition
from contactd.domain.errors import Contradiction, InputError
from contactd.domain.phrase import Phrase
from contactd.domain.typed import birth

NEEDED = 2  # right answers; fewer only where we know less of the debtor
TRIES = 5  # wrong answers in one conversation, then nobody is identified any more


class Step(StrEnum):
    """Where the conversation is; agents go to and fro between them, for no two are alike."""

    PREPARE = "prepare"
    IDENTIFY = "identify"
    UNDERSTAND = "understand"
    SOLUTION = "solution"
    CLOSE = "close"


class Person(StrEnum):
    """Who is on the line, as the agent was told."""

    UNKNOWN = "unknown"  # nobody has asked yet
    CUSTOMER = "customer"
    AUTHORISED = "authorised"  # speaks for the customer: a managing director, a guardian, whoever has authority
    SOMEONE_ELSE = "someone_else"
    NOBODY = "nobody"  # silence, or a machine after all


class Item(StrEnum):
    """What proves that it is the right person."""

    BIRTH_DATE = "birth_date"
    POSTCODE = "postcode"
    CUSTOMER_NUMBER = "customer_number"


class Reason(StrEnum):
    """Why nothing was paid, as understood in the third step; the list the desk offers."""

    OVERSIGHT = "oversight"
    LIQUIDITY = "liquidity"
    WORK_OR_ILLNESS = "work_or_illness"
    OWN_CUSTOMERS = "own_customers"  # waits for money of their own customers
    NOT_RECEIVED = "not_received"
    WRONG_INVOICE = "wrong_invoice"
    DEFECT = "defect"
    PRICE = "price"
    ALREADY_PAID = "already_paid"
    APPROVAL = "approval"
    MOVED = "moved"
    REFUSES = "refuses"
    INSOLVENCY = "insolvency"
    UNKNOWN = "unknown"


# Of these the creditor is the cause: there is something to mend on our side.
OURS = frozenset({Reason.NOT_RECEIVED, Reason.WRONG_INVOICE, Reason.DEFECT, Reason.PRICE, Reason.ALREADY_PAID})
_SPEAKS_FOR_THEM = frozenset({Person.CUSTOMER, Person.AUTHORISED})


class NotIdentified(Contradiction):
    """Something would be disclosed to somebody of whom it is not known that they are the right person; HTTP 409."""


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of the debtor, empty where we do not; the only place where the values stand."""

    birth_date: date | None = None
    postcode: str = ""
    customer_number: str = ""

    def items(self) -> tuple[Item, ...]:
        """List what can be asked for."""
        held = {
            Item.BIRTH_DATE: self.birth_date is not None,
            Item.POSTCODE: bool(_bare(self.postcode)),
            Item.CUSTOMER_NUMBER: bool(_bare(self.customer_number)),
        }
        return tuple(item for item, there in held.items() if there)

    def agrees(self, item: Item, said: str) -> bool:
        """Compare what was said with what we know; raises InputError for a date that is none, and when it is blank."""
        if not _bare(said):
            raise InputError("nothing is written there; write what the person says")
        if item is Item.BIRTH_DATE:
            return birth(said) == self.birth_date
        ours = self.postcode if item is Item.POSTCODE else self.customer_number
        return bool(_bare(ours)) and _bare(said) == _bare(ours)


@dataclass(frozen=True, slots=True)
class Identification:
    """How far it is known who is on the line; `right` are the items that agreed, `wrong` counts what did not.

    It holds for one conversation and one agent.
    """

    person: Person = Person.UNKNOWN
    right: frozenset[Item] = frozenset()
    wrong: int = 0

    @property
    def tries_left(self) -> int:
        """Count the wrong answers that are still allowed."""
        return max(TRIES - self.wrong, 0)

    def is_sure(self, known: Known) -> bool:
        """Answer whether it is the right person: two of three agree, or all there are where we know fewer.

        Of whom nothing is known, nobody can be sure.
        """
        items = known.items()
        needed = min(NEEDED, len(items))
        return needed > 0 and self.person in _SPEAKS_FOR_THEM and len(self.right & set(items)) >= needed

    def meets(self, person: Person) -> "Identification":
        """Note who is on the line; whoever takes over the telephone begins anew, but for the tries."""
        return self if person is self.person else Identification(person, wrong=self.wrong)

    def tells(self, item: Item, *, right: bool) -> "Identification":
        """Note an answer; raises Contradiction when too many were wrong, or nobody is there who could be the one."""
        if self.person not in _SPEAKS_FOR_THEM:
            raise Contradiction("say first that the customer, or somebody authorised, is on the line")
        if not self.tries_left:
            raise Contradiction(
                "%(tries)s answers were wrong: nobody is identified in this conversation any more", tries=TRIES
            )
        if right:
            return replace(self, right=self.right | {item})
        return replace(self, right=self.right - {item}, wrong=self.wrong + 1)

    def why_not_sure(self, known: Known) -> str:
        """Say in a word why nothing may be disclosed; empty when it may.

        `nobody_asked`, `not_the_person`, `nothing_known`, `too_many_wrong`, `not_enough`.
        """
        if self.is_sure(known):
            return ""
        if self.person is Person.UNKNOWN:
            return "nobody_asked"
        if self.person not in _SPEAKS_FOR_THEM:
            return "not_the_person"
        if not known.items():
            return "nothing_known"
        return "not_enough" if self.tries_left else "too_many_wrong"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One of the ten ends: its key on the desk, and whether saying so discloses that something is owed."""

    key: str
    disposition: Disposition
    discloses: bool


OUTCOMES = (
    Outcome("1", Disposition.PROMISE, discloses=True),
    Outcome("2", Disposition.PLAN, discloses=True),
    Outcome("3", Disposition.PAID, discloses=True),
    Outcome("4", Disposition.DISPUTE, discloses=True),
    Outcome("5", Disposition.HARDSHIP, discloses=True),
    Outcome("6", Disposition.REFUSES, discloses=True),
    Outcome("7", Disposition.CALLBACK, discloses=False),
    Outcome("8", Disposition.WRONG_PERSON, discloses=False),
    Outcome("9", Disposition.REPRESENTED, discloses=False),
    Outcome("0", Disposition.DROPPED, discloses=False),
)
_BY_DISPOSITION: Mapping[Disposition, Outcome] = {one.disposition: one for one in OUTCOMES}


def outcome_of(disposition: Disposition) -> Outcome:
    """Find what the desk says of an outcome."""
    return _BY_DISPOSITION[disposition]


def preset(person: Person) -> Disposition | None:
    """Answer which outcome is chosen beforehand, once it is known who is on the line."""
    return {Person.SOMEONE_ELSE: Disposition.WRONG_PERSON, Person.NOBODY: Disposition.DROPPED}.get(person)


def shows_debt(step: Step, *, sure: bool) -> bool:
    """Answer whether the agent sees figures: to prepare, with their own eyes only, and once they know who it is."""
    return sure or step is Step.PREPARE


def speaks(step: Step, *, sure: bool) -> bool:
    """Answer whether the words of a step may be shown to be said now."""
    return sure or step in {Step.PREPARE, Step.IDENTIFY}


def refuse_disclosure(disposition: Disposition, identification: Identification, known: Known) -> None:
    """Raise NotIdentified when an outcome says more than may be said to whoever is on the line."""
    why = identification.why_not_sure(known)
    if why and outcome_of(disposition).discloses:
        raise NotIdentified(
            "%(disposition)s cannot be agreed on before the person is identified: %(why)s",
            disposition=disposition,
            why=Phrase(why),
        )


def _bare(text: str) -> str:
    """Leave only letters and digits: people say numbers with blanks, dashes and points or without."""
    return re.sub(r"[\W_]", "", text).casefold()
