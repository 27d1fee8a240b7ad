"""What an account owes as plain data: the JSON of `contactd statement`, which the dossier holds as well."""

from functools import partial
from typing import Any

from contactd.domain.appropriation import parts_in_order
from contactd.domain.ledger import Claim, Payment
from contactd.domain.money import Money
from contactd.domain.statement import Balance
from contactd.engine.debt.claims import Owed
from contactd.engine.debt.limits import limit_of, limit_told

_PARTS = ("costs", "interest", "principal", "open")


def statement_told(owed: Owed) -> dict[str, Any]:
    """Write a statement as the command line and the dossier do."""
    derived, money = owed.statement, partial(Money, currency=owed.books.currency)
    return {
        "account": owed.books.number,
        "creditor": owed.books.creditor,
        "as_of": derived.as_of,
        "provisional": derived.provisional,
        **{part: money(getattr(derived, part)) for part in _PARTS},
        "credit": money(derived.credit),
        "payoff": money(derived.payoff),
        "claims": [_claim(owed, claim, balance) for claim, balance in owed.claims()],
        "charged": [
            {
                "on": cost.on,
                "claim": cost.claim,
                "why": cost.reason,
                "note": cost.note,
                "amount": money(cost.amount),
                "set_off": money(cost.set_off),
            }
            for cost in owed.ledger.costs_until(derived.as_of)
        ],
        "payments": [_payment(owed, payment) for payment in owed.ledger.payments_until(derived.as_of)],
        "written_off": [
            {"on": one.on, "claim": one.claim, "part": one.part, "amount": money(one.amount)}
            for one in derived.write_offs
        ],
        "circumstances": [
            {"id": one.id, "kind": one.kind, "on": one.on, "until": one.until, "claim": one.claim, "reason": one.reason}
            for one in owed.circumstances()
        ],
        "taken_back": [{"payment": one.payment, "on": one.on} for one in owed.reversals()],
        "uncovered": uncovered_told(owed),
    }


def uncovered_told(owed: Owed) -> list[dict[str, Any]]:
    """Tell what of returns nobody saw come in, which is no claim until it is clarified."""
    return [
        {"payment": one.id, "on": one.value_on, "amount": Money(-one.credited, owed.books.currency)}
        for one in owed.uncovered()
    ]


def uncovered_words(told: dict[str, Any]) -> str:
    """Say one of them on a terminal."""
    return f"{told['on']}  return {told['payment']}: {told['amount']} of it not covered by receipts, to be clarified"


def _claim(owed: Owed, claim: Claim, balance: Balance) -> dict[str, Any]:
    money, default = partial(Money, currency=owed.books.currency), owed.defaults.get(claim.id)
    return {
        "claim": claim.id,
        "due_on": claim.due_on,
        "default_on": default.on if default else None,
        "default_basis": default.basis if default else None,
        "rate": {"points": f"{claim.rate.points:f}", "over_base": claim.rate.over_base},
        "rate_basis": owed.bearings[claim.id].basis,
        "payments_settle": parts_in_order(consumer_loan=claim.consumer_loan),
        "amount": money(claim.principal),
        **{part: money(getattr(balance, part)) for part in _PARTS},
        "limitation": limit_told(limit_of(owed, claim)) if balance.open else None,
        "segments": [
            {
                "from": line.first,
                "to": line.last,
                "days": line.days,
                "principal": money(line.principal),
                "percent": str(line.percent),
                "year": line.denominator,
                "interest": money(line.amount),
                "provisional": line.provisional,
            }
            for line in balance.segments
        ],
    }


def _payment(owed: Owed, payment: Payment) -> dict[str, Any]:
    money = partial(Money, currency=owed.books.currency)
    return {
        "payment": payment.id,
        "on": payment.on,
        "amount": money(payment.amount),
        "went_to": [
            {"claim": one.claim, "part": one.part, "on": one.on, "amount": money(one.amount)}
            for one in owed.statement.allocations
            if one.payment == payment.id
        ],
    }
