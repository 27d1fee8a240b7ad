"""The arms that fell to customers in the comparisons of campaigns, and what came in from each since; drawn once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from contactd.domain.account import Drawn, Facts
from contactd.domain.campaign import Campaign
from contactd.store import contact_log
from contactd.store.among import among
from contactd.store.conflict import insert_into
from contactd.store.schema import invoice, payment
from contactd.store.schema_arms import arm_draw

_TOGETHER = 1_000  # rows a statement; SQLite takes up to 32,766 values


class NewDraw(NamedTuple):
    """An arm that falls to the customer of an account that owes so much, in minor units; `reason` is for the log."""

    campaign: str
    seed: str
    customer_id: int
    account_id: int
    arm: str
    drawn_at: datetime
    owed: int
    currency: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money of an account, below zero: it went back; `known_at` None: only a list of open items told it."""

    account_id: int
    on: date
    amount: int
    known_at: datetime | None


def add(connection: Connection, new: Sequence[NewDraw]) -> dict[int, str]:
    """Keep what was drawn, unless the customer has an arm already; answers the arms that hold."""
    for start in range(0, len(new), _TOGETHER):
        some = new[start : start + _TOGETHER]
        rows = [{name: value for name, value in one._asdict().items() if name != "reason"} for one in some]
        made = insert_into(connection, arm_draw).values(rows).on_conflict_do_nothing()
        fresh = set(connection.scalars(made.returning(arm_draw.c.customer_id)))
        contact_log.add(connection, [_log_row(one) for one in some if one.customer_id in fresh])
    hold: dict[int, str] = {}
    for key in {(one.campaign, one.seed) for one in new}:
        hold |= {customer: drawn.arm for customer, drawn in _read(connection, *key, _customers(new)).items()}
    return hold


def known(connection: Connection, campaign: Campaign | None, seen: Mapping[int, Facts]) -> dict[int, Facts]:
    """Add to facts, by account, which arm of the campaign fell to the customer."""
    if campaign is None or not campaign.arms or not seen:
        return dict(seen)
    customers = sorted({one.account.customer_id for one in seen.values()})
    drawn = _read(connection, campaign.id, campaign.arm_seed, customers)
    return {number: replace(one, drawn=drawn.get(one.account.customer_id)) for number, one in seen.items()}


def everyone(connection: Connection, campaign: str, seed: str) -> list[NewDraw]:
    """List all that was drawn in a comparison, by customer."""
    columns = [arm_draw.c[name] for name in NewDraw._fields if name != "reason"]
    chosen = sa.select(*columns).where(arm_draw.c.campaign == campaign, arm_draw.c.seed == seed)
    return [NewDraw(*row) for row in connection.execute(chosen.order_by(arm_draw.c.customer_id))]


def receipts(connection: Connection, campaign: str, seed: str) -> Iterable[Receipt]:
    """List the money of the accounts of a comparison: payments and returns, and what only lists took off."""
    mine = sa.select(arm_draw.c.account_id).where(arm_draw.c.campaign == campaign, arm_draw.c.seed == seed)
    paid = sa.select(payment.c.account_id, payment.c.value_date, payment.c.amount, payment.c.received_at)
    for number, on, amount, known_at in connection.execute(paid.where(payment.c.account_id.in_(mine))):
        yield Receipt(number, on, amount, known_at)
    listed = sa.select(invoice.c.account_id, invoice.c.taken_off_on, invoice.c.taken_off)
    listed = listed.where(invoice.c.account_id.in_(mine), invoice.c.taken_off > 0, invoice.c.taken_off_on.is_not(None))
    for number, on, amount in connection.execute(listed):
        yield Receipt(number, on, amount, None)


def _customers(new: Sequence[NewDraw]) -> list[int]:
    return sorted({one.customer_id for one in new})


def _read(connection: Connection, campaign: str, seed: str, customers: Sequence[int]) -> dict[int, Drawn]:
    chosen = sa.select(arm_draw.c.customer_id, arm_draw.c.arm, arm_draw.c.drawn_at).where(
        arm_draw.c.campaign == campaign,
        arm_draw.c.seed == seed,
        among(connection, arm_draw.c.customer_id, customers),
    )
    return {row.customer_id: Drawn(row.arm, row.drawn_at) for row in connection.execute(chosen)}


def _log_row(new: NewDraw) -> dict[str, object]:
    return {
        "account_id": new.account_id,
        "at": new.drawn_at,
        "campaign": new.campaign,
        "event": "arm_drawn",
        "outcome": new.arm,
        "reason": new.reason,
    }
