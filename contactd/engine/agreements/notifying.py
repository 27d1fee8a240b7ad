"""Has notices about agreements written: a confirmation, a reminder, the rest that falls due, thanks, costs, advice.

A notice is entered in the transaction of what it tells of, together with its attempt, which the senders carry out like
any other. Whatever changes an agreement calls `follow`: what nobody wants any more is cancelled, what did not arrive
goes another way, what falls due is reminded of. Calling it twice does nothing twice.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Row

from contactd.config.crosschecks import unavailable
from contactd.config.holidays import every_region
from contactd.config.policies import policy_of_notices
from contactd.config.settings import Settings
from contactd.domain.account import Channel, Facts
from contactd.domain.deadlines import working_day
from contactd.domain.errors import InputError
from contactd.domain.ladder import local_date
from contactd.domain.notice import CAMPAIGN, CONFIRMED, Occasion, fits, to_advise, to_confirm, to_remind, unwanted
from contactd.domain.phrase import NONE
from contactd.domain.policy import Never, NotBefore, Proposal
from contactd.domain.rules import may_contact
from contactd.store import attempts, contact_log, facts, notices
from contactd.store.agreements import Stored
from contactd.store.attempts import NewAttempt
from contactd.store.notices import About

_YEARS = range(2000, 2061)
# The way is closed, another may be open; after any other reason the notice is not wanted.
_CLOSED = frozenset({"no_address", "undeliverable", "opted_out", "stopped", "suppressed"})


class Notifying:
    """One transaction's; the accounts are locked."""

    def __init__(self, settings: Settings, connection: sa.Connection, now: datetime) -> None:
        self._settings, self._agreed = settings, settings.agreements
        self._connection, self._now = connection, now
        self._today = local_date(settings.claims.timezone, now)
        self._policy = settings.policies.get(CAMPAIGN) or policy_of_notices(settings)

    def confirm(
        self, one: Stored, *, told_by: str = "", channel: Channel | None = None, reply_by: date | None = None
    ) -> None:
        """Have an agreement confirmed in writing, or advice given, unless somebody has told it otherwise.

        `channel` is the way that is tried first, `reply_by` until when an answer is asked for; None: as configured.
        """
        if self._agreed.confirm and to_confirm(one.agreed):
            self._refuse_way(one, channel)
            new = About(0, one.account_id, Occasion.CONFIRMATION, agreement=one, told_by=told_by, reply_by=reply_by)
            self._enter(new, channel)
        if self._agreed.advise and to_advise(one.agreed):
            self._enter(About(0, one.account_id, Occasion.ADVICE, agreement=one, told_by=told_by))

    def confirms_by(self, account_id: int) -> list[Channel]:
        """List the ways a confirmation may go now, the usual one first."""
        seen = facts.load(self._connection, [account_id], campaign=None, since=self._now)[account_id]
        ways = self._ways(Occasion.CONFIRMATION) if self._agreed.confirm else []
        return [one for one in ways if self._when(seen, one) is not None]

    def _refuse_way(self, one: Stored, channel: Channel | None) -> None:
        if channel is None or channel in (known := self.confirms_by(one.account_id)):
            return
        raise InputError(
            "no confirmation can go by %(channel)s; it can by: %(known)s", channel=channel, known=tuple(known) or NONE
        )

    def tell_costs(self, account_id: int, amount: int) -> bool:
        """Have the costs of an agreement told before it is made; answers whether there is a way."""
        before = sum(
            one.occasion is Occasion.COSTS for one in notices.of_accounts(self._connection, [account_id]).values()
        )
        return self._enter(About(0, account_id, Occasion.COSTS, before + 1, amount))

    def thank(self, account_ids: Collection[int]) -> None:
        """Thank those who owe nothing any more, once a case."""
        for account_id, case_no in notices.owe_nothing(self._connection, account_ids).items():
            self._enter(About(0, account_id, Occasion.THANKS, case_no))

    def thank_the_dunned(self, account_ids: Collection[int]) -> None:
        """Thank those of these accounts who owe nothing any more since they were reminded."""
        cases = notices.owe_nothing(self._connection, account_ids)
        self.thank(notices.dunned(self._connection, set(cases.items())))

    def warn(self, one: Stored, number: int) -> None:
        """Give notice that the rest of a plan falls due unless the arrears up to an instalment come in (§ 498 BGB)."""
        days = self._agreed.notice_deadline
        self._enter(About(0, one.account_id, Occasion.ACCELERATION, number, agreement=one, days=days))

    def follow(self, account_ids: Collection[int], every: Iterable[Stored]) -> None:
        """Go on with the notices of accounts after something changed; `every` are their agreements."""
        self._remind(every)
        known = notices.of_accounts(self._connection, account_ids)
        if not known:
            return
        tries = notices.tries(self._connection, account_ids)
        paid_up = notices.owe_nothing(self._connection, account_ids)
        needless: list[tuple[int, str]] = []
        for one in known.values():
            mine = tries.get(one.id, [])
            why = why_not(one, self._today, settled=one.account_id in paid_up)
            if why:
                needless += [(attempt_id, why) for attempt_id in notices.waiting(mine)]
            elif not one.told_by and _is_stuck(mine):
                self._plan(one, mine)
        notices.cancel(self._connection, needless, self._now)

    def _remind(self, every: Iterable[Stored]) -> None:
        for one in every:
            made_on = local_date(self._settings.claims.timezone, one.made_at)
            number = to_remind(one.agreed, made_on, one.received, self._today, self._agreed.remind)
            if number:
                self._enter(About(0, one.account_id, Occasion.REMINDER, number, agreement=one))

    def _enter(self, new: About, first: Channel | None = None) -> bool:
        """Enter a notice and queue its first attempt; answers False when nothing can carry it, which is logged."""
        if not self._ways(new.occasion):
            return False
        notice_id = notices.add(self._connection, new)
        if notice_id is None or new.told_by:
            return True
        one = replace(new, id=notice_id)
        planned = self._plan(one, (), first)
        if not planned:
            self._not_told(one)
        return planned

    def _ways(self, occasion: Occasion) -> list[Channel]:
        """List the channels that may carry a notice, in the order in which they are tried."""
        chosen = [Channel(name) for name in self._agreed.channels]
        return [one for one in chosen if fits(occasion, one) and not unavailable(self._settings, one)]

    def _plan(self, one: About, before: Sequence[Row[Any]], first: Channel | None = None) -> bool:
        """Queue the next attempt by a way not tried yet, `first` before others; answers False when none is left."""
        seen = facts.load(self._connection, [one.account_id], campaign=None, since=self._now)[one.account_id]
        tried = {row.channel for row in before}
        for channel in sorted(self._ways(one.occasion), key=lambda way: way is not first):
            if channel.value not in tried and (when := self._when(seen, channel)) is not None:
                new = NewAttempt(
                    one.account_id, seen.account.customer_id, None, CAMPAIGN, one.occasion.value, channel, one.id,
                    len(before) + 1, when, self._now,
                )  # fmt: skip
                attempts.plan(self._connection, [new])
                return True
        return False

    def _when(self, seen: Facts, channel: Channel) -> datetime | None:
        """Answer when the rules let it through, None for never."""
        match may_contact(seen, Proposal(channel, requested=True, agreed=True), self._policy, self._now):
            case Never():
                return None
            case NotBefore(when, _):
                return when
            case _:
                return self._now

    def _not_told(self, one: About) -> None:
        row = {
            "account_id": one.account_id, "at": self._now, "campaign": CAMPAIGN, "step": one.occasion.value,
            "event": "not_told", "outcome": "cancelled", "reason": "no_address",
        }  # fmt: skip
        contact_log.add(self._connection, [row])


def why_not(one: About, today: date, *, settled: bool) -> str:
    """Say why a notice is not to be sent any more, empty when it is; `settled`: nothing at all is owed."""
    if one.occasion is Occasion.THANKS:
        return "" if settled else "something_open"
    if one.agreement is None:
        return ""
    return unwanted(one.occasion, one.number, one.agreement.agreed, one.agreement.received, today)


def _is_stuck(tries: Sequence[Row[Any]]) -> bool:
    """Tell whether a notice waits for another way."""
    if not tries:
        return True
    last = tries[-1]
    return last.state == "failed" or (last.state == "cancelled" and last.reason in _CLOSED)


def make_up_by(settings: Settings, channel: Channel, days: int, sent_at: datetime) -> date:
    """Answer the day by which a notice asks for arrears, where agreements are kept; a letter takes its time."""
    sent_on = local_date(settings.claims.timezone, sent_at)
    days += settings.claims.letters_arrive if channel is Channel.LETTER else 0
    return workday(settings, sent_on + timedelta(days=days))


def workday(settings: Settings, day: date) -> date:
    """Answer the day at whose end a period is over that ends on a day: that or the next working one (§ 193 BGB)."""
    return working_day(day, every_region(_YEARS)[settings.claims.holidays])


def template_of(one: About) -> str:
    """Name the template of a notice."""
    kind = one.agreement.agreed.kind.value if one.agreement and one.occasion is Occasion.CONFIRMATION else ""
    return f"agreement-{kind or one.occasion.value}"


def templates_of(settings: Settings, channel: Channel) -> list[str]:
    """List the templates of a channel that these settings can ask for."""
    agreed = settings.agreements
    kinds = [kind.value for kind in CONFIRMED] if agreed.confirm else []
    occasions = {
        Occasion.REMINDER: agreed.remind > 0,
        Occasion.ACCELERATION: agreed.needs_notice != "never",
        Occasion.THANKS: agreed.thank != "never",
        Occasion.COSTS: settings.operator.kind != "creditor",
        Occasion.ADVICE: agreed.advise,
    }
    wanted = [one.value for one, whether in occasions.items() if whether and fits(one, channel)]
    return [f"agreement-{name}" for name in sorted([*kinds, *wanted])]
