"""What the HTTP interface answers, as JSON Schema: one table of names; openapi.py shows it, tests obey."""

from contactd.web.kinds import Schema

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
YES: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
TEXTS: Schema = {"type": "array", "items": TEXT}


def thing(**keys: Schema) -> Schema:
    """Describe an object that has exactly these keys, always."""
    return {"type": "object", "properties": keys, "required": list(keys), "additionalProperties": False}


def maybe(schema: Schema) -> Schema:
    """Let it be null."""
    return {"anyOf": [schema, {"type": "null"}]}


def many(schema: Schema) -> Schema:
    """Describe a list."""
    return {"type": "array", "items": schema}


def by_word(schema: Schema) -> Schema:
    """Describe an object whose keys are words of the configuration, or reasons."""
    return {"type": "object", "additionalProperties": schema}


def ref(name: str) -> Schema:
    """Name one of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def page(key: str, schema: str) -> Schema:
    """Describe a page of a list; `next` is the cursor of the one behind it, null at the end."""
    return thing(**{key: many(ref(schema)), "next": maybe(TEXT)})


_MONEY, _WHEN = ref("Money"), maybe(INSTANT)
_WHOSE = {"account": TEXT, "creditor": TEXT}
_DONE = {"done": TEXT}
_ACCOUNT = {
    "id": WHOLE, **_WHOSE, "name": TEXT, "kind": TEXT, "language": TEXT, "country": TEXT, "segment": TEXT,
    "open": _MONEY, "credit": _MONEY, "oldest_due": maybe(DAY), "disputed": YES, "case": WHOLE, "hold": TEXT,
    "hold_until": maybe(DAY), "last_payment_at": _WHEN, "created_at": INSTANT, "updated_at": INSTANT,
}  # fmt: skip
_TALLY = thing(count=WHOLE, amounts=many(_MONEY))
_RUN = {
    "run": WHOLE, "campaign": TEXT, "state": TEXT, "planned_at": INSTANT, "planned_by": TEXT, "expires_at": _WHEN,
    "decided_at": _WHEN, "decided_by": TEXT, "reason": TEXT, "payments_as_of": _WHEN, "accounts": WHOLE,
    "dropped": by_word(WHOLE), "released": WHOLE, "steps": by_word(_TALLY), "held": by_word(by_word(_TALLY)),
}  # fmt: skip
_ABOUT_STEP = {"campaign": TEXT, "step": TEXT, "channel": TEXT}
_EVENT = {
    "event": TEXT, "attempt": maybe(WHOLE), **_ABOUT_STEP, "outcome": TEXT, "disposition": TEXT,
    "agreement": maybe(WHOLE), "kind": TEXT, "state": TEXT,
}  # fmt: skip

SCHEMAS: dict[str, Schema] = {
    "Money": thing(amount={"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}, currency={"type": "string"}),
    "Error": {
        "type": "object",
        "properties": {"error": TEXT, "cure": TEXT, "line": WHOLE, "column": WHOLE},
        "required": ["error"],
        "additionalProperties": False,
    },
    "Account": thing(**_ACCOUNT),
    "Invoice": thing(
        invoice=TEXT, invoice_date=DAY, due_date=DAY, amount=_MONEY, open=_MONEY, disputed=YES, cleared_at=_WHEN,
        claim_kind=TEXT, contract_rate=TEXT, contract_date=maybe(DAY),
    ),
    "AccountInFull": thing(
        **_ACCOUNT, email=TEXT, phone=TEXT, mobile=TEXT, street=TEXT, postcode=TEXT, city=TEXT,
        invoices=many(ref("Invoice")),
    ),
    "Payment": thing(
        id=WHOLE, **_WHOSE, matched=YES, amount=_MONEY, value_date=DAY, invoice=TEXT, reference=TEXT,
        received_at=INSTANT,
    ),
    "Attempt": thing(
        id=WHOLE, **_WHOSE, **_ABOUT_STEP, state=TEXT, outcome=TEXT, reason=TEXT, disposition=TEXT, case=WHOLE,
        try_number=WHOLE, address=TEXT, planned_at=INSTANT, not_before=INSTANT, sending_at=_WHEN, ended_at=_WHEN,
    ),
    "LogEntry": thing(
        id=WHOLE, at=INSTANT, **_WHOSE, attempt=maybe(WHOLE), **_ABOUT_STEP, event=TEXT, outcome=TEXT, reason=TEXT,
        disposition=TEXT, address=TEXT,
    ),
    "Stop": thing(
        id=WHOLE, kind={"type": "string", "enum": ["account", "email", "number"]}, value=TEXT, channel=TEXT,
        reason=TEXT, source=TEXT, until=_WHEN, created_at=INSTANT,
    ),
    "Campaign": thing(
        id=TEXT, state={"type": "string", "enum": ["running", "paused"]}, paused_since=_WHEN, paused_by=TEXT,
        pause_reason=TEXT, language=TEXT, timezone=TEXT, team=TEXT, steps=many(thing(id=TEXT, channel=TEXT)),
        awaits_approval=maybe(WHOLE),
    ),
    "Agent": thing(agent=TEXT, name=TEXT, team=TEXT, state=TEXT, since=_WHEN, reason=TEXT),
    "Team": thing(team=TEXT, agents=WHOLE, states=by_word(WHOLE)),
    "Agreement": thing(
        id=WHOLE, kind=TEXT, state=TEXT, **_WHOSE, amount=maybe(_MONEY), received=maybe(_MONEY),
        missing=maybe(_MONEY), went_back=maybe(thing(on=DAY, amount=_MONEY)),
        credited=many(thing(on=maybe(DAY), by=TEXT, amount=_MONEY, posting=maybe(WHOLE))),
        instalments=many(thing(number=WHOLE, due_on=DAY, last_day=DAY, amount=_MONEY)),
        until=maybe(DAY), rests_until=maybe(DAY), invoice=TEXT, reason=TEXT, owner=TEXT, interest=TEXT,
        cost_notice_sent=maybe(DAY), made_at=INSTANT, made_by=TEXT,
        history=many(thing(at=INSTANT, event=TEXT, state=TEXT, by=TEXT, reason=TEXT)),
    ),
    "Posting": thing(
        id=WHOLE, kind=TEXT, **_WHOSE, on=DAY, amount=_MONEY, invoice=TEXT, part=TEXT, purpose=TEXT, reason=TEXT,
        reverses=maybe(WHOLE), reversed_by=maybe(WHOLE), at=INSTANT, by=TEXT,
    ),
    "Circumstance": thing(
        id=WHOLE, kind=TEXT, **_WHOSE, invoice=TEXT, on=DAY, until=maybe(DAY), reason=TEXT, at=INSTANT, by=TEXT,
        withdrawn_at=_WHEN, withdrawn_by=TEXT, withdrawal=TEXT,
    ),
    "Task": thing(
        id=WHOLE, kind=TEXT, state=TEXT, owner=TEXT, due_on=DAY, overdue=YES, note=TEXT, **_WHOSE, name=TEXT,
        open=_MONEY, campaign=TEXT, step=TEXT, outcome=TEXT, opened_at=INSTANT, opened_by=TEXT, ended_at=_WHEN,
    ),
    "HandOver": thing(
        id=WHOLE, **_WHOSE, to=TEXT, state=TEXT, reason=TEXT, against=TEXTS, anyway=TEXT, proposed_at=INSTANT,
        proposed_by=TEXT, decided_at=_WHEN, decided_by=TEXT, decision=TEXT,
    ),
    "Run": thing(**_RUN),
    "RunInFull": thing(**_RUN, falls_out=many(thing(**_WHOSE, reason=TEXT))),
    "RunLine": thing(
        **_WHOSE, name=TEXT, step=TEXT, channel=TEXT, level=WHOLE, amount=_MONEY, due_since=maybe(DAY),
        not_before=INSTANT, next_step=TEXT, dropped=TEXT, dropped_by=TEXT, **{"try": WHOLE},
    ),
    "Taken": {
        "type": "object",
        "properties": {
            "accepted": WHOLE,
            "rejected": WHOLE,
            "rejected_rows": many(thing(row=WHOLE, column=TEXT, reason=TEXT)),
        },
        "required": ["accepted", "rejected", "rejected_rows"],
    },
    "StatementTaken": {
        "type": "object",
        "properties": {"statements": WHOLE, "entries": WHOLE, "new": WHOLE, "refused": TEXTS, "undivided_sums": TEXTS},
        "required": ["statements", "entries", "new", "refused", "undivided_sums"],
    },
    "Returned": thing(attempt=WHOLE, **_WHOSE, reason=TEXT, noted=YES, address=TEXT, task=maybe(WHOLE)),
    "Event": thing(
        id=TEXT, type={"type": "string", "enum": ["outcome", "agreement"]}, at=INSTANT,
        account=maybe(thing(id=WHOLE, **_WHOSE)),
        data={
            "type": "object",
            "properties": {**_EVENT, "reason": TEXT, "address": TEXT},
            "required": list(_EVENT),
            "additionalProperties": False,
        },
    ),
    "Done": thing(**_DONE),
}  # fmt: skip
