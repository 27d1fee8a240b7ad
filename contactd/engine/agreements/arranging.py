"""What else people say of an account beside agreements: call back then, a wrong number, represented, tell the costs.

One model for the command line and the API, like agreeing.py; each act is one transaction with its line in the
log, and answers what was done in a sentence.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from contactd.config.settings import Settings
from contactd.domain.account import Channel
from contactd.domain.agreement import ALIVE, Kind
from contactd.domain.campaign import AGENTLESS
from contactd.domain.errors import Contradiction, InputError, NotThere
from contactd.domain.ladder import local_date, selects
from contactd.domain.money import Money
from contactd.domain.phrase import NONE
from contactd.engine.agreements.agreeing import Agreeing
from contactd.engine.agreements.notifying import Notifying
from contactd.engine.debt.debtors import Debtor, minor_of
from contactd.intake.contacts import read_phone
from contactd.store import accounts, agreements, call_queue, contact_log, facts, suppressions
from contactd.store.call_queue import CallBack
from contactd.store.suppressions import REPRESENTED, NewSuppression

_KEPT = timedelta(hours=2)  # so long a callback waits for its agent, then it is the team's
# Whoever is insolvent or dead keeps no promise; what is disputed is for the administrator or the heirs.
FINAL = ("insolvency", "deceased")
# The acts and what each may be told, for the API.
ACTS: Mapping[str, tuple[str, ...]] = {
    "callback": ("at", "number", "agent"),
    "wrong-number": ("number", "reason"),
    "represented": ("by", "lift"),
    "costs": ("amount",),
}


class Arranging:
    """One set of settings; `by` is who is at work, `now` the instant of the transaction."""

    def __init__(self, settings: Settings, connection: sa.Connection, *, by: str, now: datetime) -> None:
        self._settings, self._connection, self._by, self._now = settings, connection, by, now

    def carry_out(self, act: str, debtor: Debtor, told: Mapping[str, str]) -> str:
        """Do one of ACTS."""
        accounts.lock(self._connection, self._concerned(act, debtor, told))
        if act == "callback":
            return self.callback(debtor, told.get("at", ""), told.get("number", ""), told.get("agent", ""))
        if act == "wrong-number":
            return self.wrong_number(debtor, told.get("number", ""), told.get("reason", ""))
        if act == "represented":
            return self.represented(debtor, told.get("by", ""), lift=bool(told.get("lift")))
        return self.costs(debtor, told.get("amount", ""))

    def callback(self, debtor: Debtor, at: str, number: str, agent: str) -> str:
        """Queue a call at a time the customer has asked for; an earlier one gives way."""
        when = self._instant(at)
        if when <= self._now:
            raise InputError("%(at)s is past; say when to call", command=f"--at {self._now:%Y-%m-%dT}18:00", at=at)
        if agent and agent not in self._settings.agents:
            raise NotThere(
                "there is no agent %(agent)r; there is: %(known)s",
                agent=agent,
                known=tuple(self._settings.agents) or NONE,
            )
        known = self._numbers(debtor)
        number = self._number(number) if number else ""
        if number and number not in known:
            raise NotThere(
                "%(number)s is no number of account %(account)s; known: %(known)s",
                number=number,
                account=debtor.number,
                known=tuple(known) or NONE,
            )
        if not known:
            raise Contradiction("account %(account)s has no telephone number", account=debtor.number)
        campaign, step, customer_id = self.called_for(debtor)
        kept_until = when + _KEPT if agent else None
        item = CallBack(0, when, number, agent, kept_until, (campaign, step))
        call_queue.agree_beforehand(self._connection, debtor.id, customer_id, item, self._now)
        self._log(debtor, "callback", "planned", f"for {when.isoformat(timespec='minutes')}", number)
        return f"{debtor.number} is called back at {when.astimezone(self._zone):%Y-%m-%d %H:%M}"

    def wrong_number(self, debtor: Debtor, number: str, reason: str) -> str:
        """Mark a number that leads to somebody else: nobody is reached there any more, the others stay in use."""
        number, known = self._number(number), self._numbers(debtor)
        if number not in known:
            raise NotThere(
                "%(number)s is no number of account %(account)s; known: %(known)s",
                number=number,
                account=debtor.number,
                known=tuple(known) or NONE,
            )
        source = f"{self._by}: {reason}" if reason else self._by
        new = suppressions.add(
            self._connection, [NewSuppression("number", number, None, "wrong_number", source, self._now)]
        )
        return f"{number} is not used any more" if any(new) else f"{number} was marked before"

    def represented(self, debtor: Debtor, by: str, *, lift: bool) -> str:
        """Stop all contact with a customer who is represented, and note by whom; or take that back."""
        customer = self._customer(debtor)
        if lift:
            gone = suppressions.remove(
                self._connection, "account", str(customer), source=self._by, now=self._now, reason=REPRESENTED
            )
            return f"{debtor.number}: " + ("contact is allowed again" if gone else "nobody represented them")
        if not by.strip():
            raise InputError("say who represents the customer, with an address or telephone number", command="--by …")
        source = f"{self._by}: {by.strip()}"
        suppressions.add(
            self._connection, [NewSuppression("account", str(customer), None, REPRESENTED, source, self._now)]
        )
        call_queue.drop(self._connection, [customer], self._now, reason=REPRESENTED)
        Notifying(self._settings, self._connection, self._now).follow([debtor.id], ())
        self._log(debtor, REPRESENTED, "stopped", by.strip())
        return f"{debtor.number} is represented by {by.strip()}, and is not contacted any more"

    def costs(self, debtor: Debtor, amount: str) -> str:
        """Tell the customer in text form what a plan or deferral would cost (§ 13a(3) RDG)."""
        if not amount:
            raise InputError("say what the agreement costs, 0.00 if it costs nothing", command="--amount 0.00")
        costs = minor_of(amount, debtor.currency)
        if costs < 0:
            raise InputError("%(amount)s is no cost", amount=amount)
        if not Notifying(self._settings, self._connection, self._now).tell_costs(debtor.id, costs):
            raise Contradiction(
                "account %(account)s cannot be written to: it has neither an e-mail address nor a postal "
                "one that channels in [agreements] and the senders can use",
                account=debtor.number,
            )
        return f"{debtor.number} is told the costs of {Money(costs, debtor.currency)}; agree when that was sent"

    def stop_for_good(self, customer: int, reason: str) -> None:
        """End all contact with a debtor of whom one of FINAL is true, and what was agreed with them."""
        accounts.lock(self._connection, accounts.of_customer(self._connection, customer))
        source = f"{self._by}: {reason}"
        stop = NewSuppression("account", str(customer), None, reason, source, self._now)
        suppressions.add(self._connection, [stop])
        self.end_agreements(customer, reason)

    def end_agreements(self, customer: int, reason: str) -> None:
        """Withdraw what was agreed with a debtor who cannot keep it any more; what is disputed stays for others."""
        mine = sorted(accounts.of_customer(self._connection, customer))
        accounts.lock(self._connection, mine)
        agreeing = Agreeing(self._settings, self._connection, by=self._by, now=self._now)
        for known in agreements.of_accounts(self._connection, mine):
            # The end of one has its account judged, which may have ended the next.
            one = agreements.read(self._connection, known.id) or known
            if one.agreed.state in ALIVE and one.agreed.kind is not Kind.DISPUTE:
                agreeing.say(one.id, "withdraw", reason)

    # ---- what acts share --------------------------------------------------------------------------------------------

    @property
    def _zone(self) -> ZoneInfo:
        return ZoneInfo(self._settings.claims.timezone)

    def _concerned(self, act: str, debtor: Debtor, told: Mapping[str, str]) -> set[int]:
        """List the accounts an act has to lock, at once and so in one order: with some it is not only the debtor's."""
        if act == "represented":
            return {debtor.id, *accounts.of_customer(self._connection, self._customer(debtor))}
        if act == "wrong-number":
            owners = suppressions.owners(self._connection, {("number", self._number(told.get("number", "")))})
            return {debtor.id, *(account_id for ids in owners.values() for account_id in ids)}
        return {debtor.id}

    def _customer(self, debtor: Debtor) -> int:
        [customer] = {row.customer_id for row in accounts.find(self._connection, debtor.number, debtor.creditor)}
        return int(customer)

    def _instant(self, text: str) -> datetime:
        """Read a time; without a zone it is that of [claims] timezone."""
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise InputError("%(text)r is no time; write it like 2026-12-01T10:00", text=text) from None
        return (at if at.tzinfo else at.replace(tzinfo=self._zone)).astimezone(UTC)

    def _number(self, text: str) -> str:
        try:
            return read_phone(text, self._settings.intake.country)[0]
        except ValueError as error:
            raise InputError("%(error)s; write it like +49 30 23125 042", error=error) from None

    def _numbers(self, debtor: Debtor) -> list[str]:
        return accounts.telephones(self._connection, debtor.id)

    def called_for(self, debtor: Debtor) -> tuple[str, str, int]:
        """Answer for which campaign and step the customer is called, and their customer_id."""
        for campaign in self._settings.campaigns:
            calls = [one for one in campaign.steps if one.channel is Channel.CALL and one.mode not in AGENTLESS]
            seen = facts.load(self._connection, [debtor.id], campaign=None, since=self._now)[debtor.id]
            if calls and selects(campaign.select, seen, local_date(campaign.timezone, self._now)):
                return campaign.id, calls[0].id, seen.account.customer_id
        raise Contradiction(
            'no campaign calls account %(account)s; add a step with channel = "call"', account=debtor.number
        )

    def _log(self, debtor: Debtor, event: str, outcome: str, reason: str, address: str = "") -> None:
        row = {"account_id": debtor.id, "at": self._now, "event": event, "outcome": outcome, "reason": reason}
        contact_log.add(self._connection, [{**row, "address": address, "details": {"by": self._by}}])
