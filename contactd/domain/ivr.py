"""What the keys mean that somebody presses while an agentless call speaks to them; pure, for the switchboard's ivr.py.

Whoever answers may be anybody. What concerns the account is told only to who knows its postcode, and the digits that
are typed go no further than this module's values.
"""

import re
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from contactd.domain.money import Money

_MOST_TRIES = 3  # at the postcode
_MOST_REPEATS = 5  # of texts
_MOST_KEYS = 80  # after which no key gives more time: one may be stuck
_SHORTEST_POSTCODE = 4
_COUNTRY = re.compile(r"^[A-Z]{1,3}-")

_CLEAR = "*"


class Stage(StrEnum):
    """What the person hears; also in which text."""

    MENU = "menu"  # who calls, and the keys
    POSTCODE = "postcode"  # who calls, and a question
    WRONG = "wrong"  # the question again
    PERSONAL = "personal"  # what the account owes, and the keys
    GOODBYE = "goodbye"  # too many wrong answers
    STOPPED = "stopped"  # no more calls


class Meaning(StrEnum):
    """What follows from a key."""

    NOTHING = "nothing"  # and no more time for it
    WAIT = "wait"  # perhaps others follow
    AGENT = "agent"
    SPEAK = "speak"  # the text of the stage, from its beginning
    PART = "part"  # the text of the stage, and that is all


@dataclass(frozen=True, slots=True)
class Personal:
    """What may be told to who knows the postcode."""

    postcode: str
    open: Money
    invoices: int
    oldest_due: date | None
    reference: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """Where the conversation with the keys stands; `typed` is not for anybody else.

    `chose`: the last thing that was wanted, an agent or no more calls.
    """

    stage: Stage = Stage.MENU
    asked: bool = False  # for the postcode
    identified: bool = False
    typed: str = ""
    tries: int = 0
    repeats: int = 0
    keys: int = 0
    chose: str = ""

    @property
    def opted_out(self) -> bool:
        """Tell whether the person wants no more calls."""
        return self.stage is Stage.STOPPED


def begin(*, identify: bool, postcode: str) -> Dialogue:
    """Begin with the question where there is an answer, else with a text that leads to nothing personal."""
    asked = identify and bool(keyed(postcode))
    return Dialogue(Stage.POSTCODE if asked else Stage.MENU, asked=asked)


def keyed(postcode: str) -> str:
    """Give the keys of a postcode, without country, blanks and hyphens; nothing when it cannot be typed."""
    digits = re.sub(r"[ -]", "", _COUNTRY.sub("", postcode.strip().upper()))
    return digits if re.fullmatch(rf"[0-9]{{{_SHORTEST_POSTCODE},}}", digits) else ""


def press(dialogue: Dialogue, key: str, postcode: str) -> tuple[Dialogue, Meaning]:
    """Answer where the conversation stands after a key, and what follows."""
    dialogue = replace(dialogue, keys=dialogue.keys + 1)
    if dialogue.stage in (Stage.GOODBYE, Stage.STOPPED) or dialogue.keys > _MOST_KEYS:
        return dialogue, Meaning.NOTHING
    if dialogue.stage in (Stage.POSTCODE, Stage.WRONG):
        return _type(dialogue, key, keyed(postcode))
    match key:
        case "1":
            return replace(dialogue, chose="agent"), Meaning.AGENT
        case "2" if dialogue.repeats < _MOST_REPEATS:
            return replace(dialogue, repeats=dialogue.repeats + 1), Meaning.SPEAK
        case "9":
            return replace(dialogue, stage=Stage.STOPPED, chose="no_more_calls"), Meaning.PART
        case _:
            return dialogue, Meaning.WAIT


def _type(dialogue: Dialogue, key: str, wanted: str) -> tuple[Dialogue, Meaning]:
    """Collect the digits of a postcode until there are as many as it has."""
    typed = "" if key == _CLEAR else dialogue.typed + (key if key.isdigit() else "")
    if len(typed) < len(wanted):
        return replace(dialogue, typed=typed), Meaning.WAIT
    dialogue = replace(dialogue, typed="", tries=dialogue.tries + 1)
    if wanted and typed == wanted:
        return replace(dialogue, stage=Stage.PERSONAL, identified=True), Meaning.SPEAK
    if dialogue.tries < _MOST_TRIES:
        return replace(dialogue, stage=Stage.WRONG), Meaning.SPEAK
    return replace(dialogue, stage=Stage.GOODBYE), Meaning.PART
