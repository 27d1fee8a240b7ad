"""Letters that came back: the attempt failed, the address is written to no more, somebody is to find a better one."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.attempt import Event, State
from contactd.domain.clock import Clock
from contactd.domain.errors import InputError, NotThere
from contactd.domain.task import Kind
from contactd.engine.tasks.tasking import Order, Tasking
from contactd.store import accounts, attempts, returned, tasks
from contactd.store.attempts import Transition
from contactd.store.database import leave_unchanged
from contactd.store.returned import RETURNED_MAIL
from contactd.store.schema import account
from contactd.store.tasks import Which

REASONS = ("unknown", "moved", "refused")  # what the post says; the last one says nothing against the address
CHANGED = "changed since"
_LETTER = re.compile(r"(\d{1,15})-(\d{1,9})(?:\.pdf)?")

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Returned:
    """What a reference says: the attempt, and the account rows of whoever did not get it."""

    attempt: Any  # a row
    debtor: Any  # a row of account
    account_ids: tuple[int, ...]


def find(connection: sa.Connection, reference: str, creditor: str = "") -> Returned:
    """Find a letter by its file's name, or the last one to an account that is out; raises InputError."""
    letter, owners = _by_name(connection, reference), accounts.find(connection, reference, creditor or None)
    if letter is not None and owners:
        raise InputError(
            f"{reference} is a letter and an account: write {reference}.pdf for the letter, "
            f"or the name of the account's letter"
        )
    if letter is None:
        letter = _by_account(connection, reference, owners)
    debtor = connection.execute(sa.select(account).where(account.c.id == letter.account_id)).one()
    same = accounts.find(connection, debtor.account_no, debtor.creditor)
    return Returned(letter, debtor, tuple(row.id for row in same))


def _by_name(connection: sa.Connection, reference: str) -> Any:  # noqa: ANN401 - a row
    name = _LETTER.fullmatch(reference)
    found = returned.letter(connection, int(name[1])) if name else None
    return found if found is not None and name and found.claim_no == int(name[2]) and found.sending_at else None


def _by_account(connection: sa.Connection, reference: str, owners: list[Any]) -> Any:  # noqa: ANN401 - rows
    if not owners:
        raise NotThere(f"there is no letter and no account {reference!r}; a letter is called like 123-1.pdf")
    creditors = sorted({row.creditor for row in owners})
    if len(creditors) > 1:
        raise InputError(f"account {reference!r} exists for {', '.join(creditors)}: name the creditor")
    ids = [row.id for row in owners]
    found = returned.newest_letter(connection, ids)
    if found is None:
        raise NotThere(f"no letter to account {reference!r} is out")
    return found


def note(settings: Settings, connection: sa.Connection, found: Returned, why: str, *, by: str, clock: Clock) -> Told:
    """Note that a letter came back; a second time changes nothing. Answers what was done."""
    accounts.lock(connection, found.account_ids)
    now = clock.now()
    letter = attempts.get(connection, found.attempt.id) or found.attempt
    told = {
        "attempt": letter.id, "account": found.debtor.account_no, "creditor": found.debtor.creditor, "reason": why,
        "noted": False, "address": "as it was", "task": None,
    }  # fmt: skip
    if letter.outcome == RETURNED_MAIL:
        leave_unchanged(connection)
        return told
    transition = Transition(letter.id, None, Event.REJECTED, now, outcome=RETURNED_MAIL, reason=why)
    [answer] = attempts.apply(connection, [transition])
    if not isinstance(answer, State):
        raise InputError(f"letter {letter.id} is {letter.state}, so it cannot have come back")
    told["noted"] = True
    if why != "refused":
        told["address"] = _mark(connection, found, why, now)
    if told["address"] != CHANGED or _changed(connection, found) is None:
        told["task"] = _open_task(Tasking(settings, connection, by=by, now=now), connection, found, why, settings)
    return told


def lift(connection: sa.Connection, found: Returned, *, by: str, clock: Clock) -> Told:
    """Let letters go again to the address as it stands: it was right after all."""
    accounts.lock(connection, found.account_ids)
    lifted = returned.lift(connection, found.account_ids, by, clock.now())
    if not lifted:
        leave_unchanged(connection)
    return {
        "attempt": found.attempt.id, "account": found.debtor.account_no, "creditor": found.debtor.creditor,
        "lifted": lifted,
    }  # fmt: skip


def _mark(connection: sa.Connection, found: Returned, why: str, now: datetime) -> str:
    """Mark the address, unless it is, or may be, another one by now than that the letter went to."""
    if _changed(connection, found) is not False:
        return CHANGED
    source = f"attempt {found.attempt.id}"
    return "marked" if returned.mark(connection, found.account_ids, why, source, now) else "marked before"


def _changed(connection: sa.Connection, found: Returned) -> bool | None:
    """Answer whether the address is another one than that the letter went to; None: the log does not say enough."""
    letter = found.attempt
    went_to = returned.went_to(connection, letter.id, letter.claim_no)
    columns = (account.c.updated_at, *(account.c[name] for name in returned.PLACE))
    stands = connection.execute(sa.select(*columns).where(account.c.id == found.debtor.id)).one()
    if any(getattr(stands, name) != value for name, value in went_to.items()):
        return True
    return None if "street" not in went_to and stands.updated_at > letter.sending_at else False


def _open_task(
    tasking: Tasking, connection: sa.Connection, found: Returned, why: str, settings: Settings
) -> int | None:
    """Have somebody see to it, unless somebody does already."""
    kind = Kind.RETURNED_MAIL if why == "refused" else Kind.ADDRESS
    others = tasks.listed(connection, Which(account_ids=found.account_ids))
    same = next((one.id for one in others if one.kind is kind), None)
    words = f"letter {found.attempt.id}-{found.attempt.claim_no} came back: {why}"
    order = Order(kind, settings.tasks.owner, None, words)
    return same or tasking.open(found.debtor.id, order).id
