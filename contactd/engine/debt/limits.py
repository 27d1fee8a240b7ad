"""When each claim of an account is statute-barred, and why: what the books and people say, for domain/limitation.py."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from contactd.domain.calendar import local_day
from contactd.domain.circumstance import Circumstance, Kind, days_of
from contactd.domain.ledger import Claim
from contactd.domain.limitation import Ground, Limitation, Suspension, limitation, of_loan
from contactd.engine.debt.claims import Owed

_RUNS_FROM = {
    "year": "the end of the year in which it fell due, §§ 195, 199 BGB",
    "payment": "a payment, § 212 BGB",
    "acknowledgement": "an acknowledgement, § 212 BGB",
    "plan": "a plan that was confirmed, § 212 BGB",
    "deferral": "a deferral, § 212 BGB",
    "title": "the title, § 197 BGB",
}
_YEARS = {3: "three", 30: "thirty"}
_SUSPENDED = {
    "negotiations": "negotiations, § 203 BGB: three months more at least",
    "court": "court order, § 204 BGB: six months after it included",
    "deferral": "a deferral, § 205 BGB",
    "loan": "a consumer's loan in default, § 497(3) BGB",
}
_GROUNDS = {Kind.NEGOTIATIONS: Ground.NEGOTIATIONS, Kind.COURT_ORDER: Ground.COURT}


@dataclass(frozen=True, slots=True)
class Limit:
    """The last day of a claim, None while its time is held up; `began` and `because`: from which event its `years` run.

    `suspensions` are those that held up this very time. `interest_last_day` is that of the oldest interest since a
    title, which lives shorter; None: there is none.
    """

    last_day: date | None
    began: date
    because: str
    years: int = 3
    suspensions: tuple[Suspension, ...] = ()
    interest_last_day: date | None = None


def limit_of(owed: Owed, claim: Claim) -> Limit:
    """Answer when a claim is statute-barred, as far as is known on the day of the statement."""
    noted = owed.circumstances()
    titled = min(days_of(Kind.TITLE, noted, claim.id, claim.arose_on), default=None)
    restarts = {day: word for word, day in _restarts(owed, claim, noted)}
    # What held up the time before a title holds up nothing of the title's: where there is doubt, the earlier day.
    suspensions = tuple(one for one in _suspensions(owed, claim, noted) if titled is None or one.first > titled)
    found = limitation(claim.due_on, owed.holidays, suspensions=suspensions, restarts=restarts, title_on=titled)
    because = restarts.get(found.began) or ("title" if titled == found.began else "year")
    later = None
    if titled is not None and not claim.consumer_loan:  # §197(2) BGB; not of those loans (§497(3) S. 4)
        oldest = max(titled, date(owed.statement.as_of.year - 3, 1, 1))
        later = limitation(oldest, owed.holidays, suspensions=suspensions, restarts=restarts).last_day
    counted = tuple(one for one in suspensions if _counts(one, found))
    return Limit(found.last_day, found.began, because, 3 if titled is None else 30, counted, later)


def _counts(one: Suspension, found: Limitation) -> bool:
    """Tell whether it held up the time that runs: not when it was over before that began, or began after its end."""
    over = one.until is not None and one.until <= found.began
    return not over and (found.last_day is None or one.first <= found.last_day)


def limit_told(limit: Limit) -> dict[str, Any]:
    """Write it as the command line and the dossier do."""
    return {
        "last_day": limit.last_day,
        "runs_from": limit.began,
        "because": limit.because,
        "years": limit.years,
        "suspended": [{"ground": one.ground, "from": one.first, "to": one.until} for one in limit.suspensions],
        "interest_last_day": limit.interest_last_day,
    }


def limit_words(told: Mapping[str, Any]) -> str:
    """Say until when a claim can be enforced, and why, so that it can be counted again."""
    words = f"{_YEARS[told['years']]} years from {told['runs_from']} ({_RUNS_FROM[told['because']]})"
    for one in told["suspended"]:
        words += f", without {one['from']} to {one['to'] or 'its end'} ({_SUSPENDED[one['ground']]})"
    last = f"statute-barred after {told['last_day']}" if told["last_day"] else "not statute-barred meanwhile"
    interest = told["interest_last_day"]
    return f"{last}: {words}" + (f"; interest since the title from {interest} on (§ 197(2) BGB)" if interest else "")


def limits_told(owed: Owed) -> list[dict[str, Any]]:
    """Write those of all claims of which something is open."""
    return [{"claim": one.id, **limit_told(limit_of(owed, one))} for one, balance in owed.claims() if balance.open]


def _restarts(owed: Owed, claim: Claim, noted: list[Circumstance]) -> Iterator[tuple[str, date]]:
    """List what begins the time anew (§212(1) Nr. 1 BGB).

    Only money that came in does, on its own day: what a list took off, or a credit note, need not be the debtor's act.
    """
    as_of = owed.statement.as_of
    yield from (("acknowledgement", day) for day in days_of(Kind.ACKNOWLEDGEMENT, noted, claim.id, claim.arose_on))
    for word in owed.books.acknowledged:
        day = local_day(owed.zone, word.at)
        if day <= as_of and (claim.id in word.invoices or (not word.invoices and claim.arose_on <= day)):
            yield word.kind.value, day
    paid = {one.payment for one in owed.statement.allocations if one.claim == claim.id}
    for payment in owed.ledger.payments:
        if payment.id in paid and ":" not in payment.id:
            yield "payment", payment.on


def _suspensions(owed: Owed, claim: Claim, noted: list[Circumstance]) -> Iterator[Suspension]:
    """List the times that do not count; what ended after the day of the statement goes on, or as long as agreed."""
    as_of = owed.statement.as_of
    for one in noted:
        if one.kind in _GROUNDS and one.concerns(claim.id, claim.arose_on):
            ended = one.until if one.until and one.until <= as_of else None
            yield Suspension(_GROUNDS[one.kind], one.on, ended)
    for word in owed.books.acknowledged:
        day = local_day(owed.zone, word.at)
        if word.until and day <= min(word.until, as_of) and claim.arose_on <= day:
            ended = local_day(owed.zone, word.ended_at) if word.ended_at else word.until
            yield Suspension(Ground.DEFERRAL, day, min(ended, word.until) if ended <= as_of else word.until)
    default = owed.defaults.get(claim.id)
    if claim.consumer_loan and default is not None and default.on <= as_of:
        yield from of_loan(claim.due_on, default.on)
