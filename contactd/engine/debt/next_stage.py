"""What the next stage would cost an account, as `contactd why` and `contactd statement --next-stage` tell it."""

from typing import Any

from contactd.domain.fees import Fees
from contactd.domain.money import Money
from contactd.domain.next_stage import next_stage
from contactd.engine.debt.claims import Owed

_EURO = "EUR"


def next_stage_told(owed: Owed, fees: Fees) -> dict[str, Any] | None:
    """Write the costs of a court payment order as plain data.

    Only over what is due. None where nothing is or the account is not in euros; past the end of a table `unknown` says
    so. Where the invoices are paid and only interest is left by law, which payments settle first, nobody goes to court
    over it.
    """
    today, currency = owed.statement.as_of, owed.books.currency
    principal = sum(balance.principal for claim, balance in owed.claims() if claim.due_on < today)
    if principal <= 0 or currency != _EURO or sum(one.open for one in owed.books.invoices) <= 0:
        return None
    try:
        costs = next_stage(principal, today, fees)
    except ValueError as error:
        return {"unknown": str(error)}
    parts = {"court": costs.court, "lawyer": costs.lawyer, "outlay": costs.outlay, "with_lawyer": costs.with_lawyer}
    return {name: Money(amount, currency).as_json() for name, amount in parts.items()}


def next_stage_words(told: dict[str, Any]) -> str:
    """Say it in a sentence."""
    if "unknown" in told:
        return f"what a court payment order would cost is not known: {told['unknown']}"
    court, whole = told["court"], told["with_lawyer"]
    return (
        f"a court payment order would cost {court['amount']} {court['currency']} more (GKG KV 1100),"
        f" with a lawyer {whole['amount']} {whole['currency']} (RVG VV 3305, 7002)"
    )
