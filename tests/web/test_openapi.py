"""The description of the HTTP interface says what is so: by a history that asks for everything, and by schemathesis."""

import asyncio
import json
from functools import partial
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from contactd.config.providers import Smtp
from contactd.config.settings import Sections, Settings
from contactd.domain.account import Channel
from contactd.domain.campaign import Campaign, Step
from contactd.domain.policy import Policy
from contactd.domain.scope import SCOPES
from contactd.store import audit
from contactd.store.schema import attempt
from contactd.web.answers import SCHEMAS
from contactd.web.interface import operations
from contactd.web.openapi import document
from contactd.web.operation import Operation
from tests.fakes.bank import Account, Booking, Payment, camt
from tests.web.frame import CAMPAIGN, Answer, Frame, Visitor
from tests.web.lists import paid, row

CALLING = Campaign(id=CAMPAIGN.id, steps=(*CAMPAIGN.steps, Step("call", Channel.CALL, day=9)))
ALL, SECOND = "token-for-all", "token-of-another"
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
COURT = {"account": "K-1", "to": "court", "reason": "nothing helped", "anyway": "limitation"}
STATEMENT = camt([Account([Booking((Payment(100, ("x",), bank_ref="A"),), bank_ref="A")])])
# A day in which everything is asked for once, and done.
DAY: list[tuple[str, str, object]] = [
    (
        "send_accounts",
        "accounts",
        [row(1, street="Beispielweg 1", postcode="00001", city="Musterstadt"), row(2, phone="+493023125001"), row(3)],
    ),
    ("propose_run", "runs", {"campaign": "standard"}),
    ("get_run", "runs/1", None),
    ("list_runs", "runs", None),
    ("list_run_accounts", "runs/1/accounts", None),
    ("drop_run", "runs/1/drop", {"accounts": ["K-2"], "reason": "visit"}),
    ("approve_run", "runs/1/approve", {}),
    ("propose_run", "runs", {"campaign": "standard"}),
    ("reject_run", "runs/2/reject", {"reason": "not today"}),
    ("send_payments", "payments", [paid(3, "12.80"), paid(9)]),
    ("send_statement", "statements", STATEMENT.encode()),
    ("list_accounts", "accounts", None),
    ("get_account", "accounts/1", None),
    ("list_payments", "payments", None),
    ("make_agreement", "agreements", {"kind": "plan", "account": "K-1", "on": "2026-12-01", "instalments": 4}),
    ("say_of_agreement", "agreements/1/withdraw", {"reason": "changed their mind"}),
    ("note_callback", "agreements/callback", {"account": "K-2", "at": "2026-12-01T10:00", "number": "+493023125001"}),
    ("note_wrong_number", "agreements/wrong-number", {"account": "K-2", "number": "+493023125001"}),
    ("note_represented", "agreements/represented", {"account": "K-3", "by": "RA Beispiel"}),
    ("note_costs", "agreements/costs", {"account": "K-1", "amount": "10.00"}),
    ("list_agreements", "agreements", None),
    ("get_agreement", "agreements/1", None),
    ("post", "postings", {"kind": "cost", "account": "K-1", "amount": "12.50", "reason": "inquiry"}),
    ("reverse_posting", "postings/1/reverse", {"reason": "entered twice"}),
    ("list_postings", "postings", None),
    ("note_circumstance", "circumstances", {"kind": "refusal", "account": "K-1", "reason": "will never pay"}),
    ("note_circumstance", "circumstances", {"kind": "negotiations", "account": "K-1", "reason": "they wrote"}),
    ("end_circumstance", "circumstances/2/end", {}),
    ("withdraw_circumstance", "circumstances/1/withdraw", {"reason": "entered twice"}),
    ("list_circumstances", "circumstances", None),
    ("open_task", "tasks", {"account": "K-1", "kind": "meeting"}),
    ("say_of_task", "tasks/1/done", {"outcome": "met"}),
    ("list_tasks", "tasks", None),
    ("stop", "stops", {"account": "K-2", "channel": "sms"}),
    ("list_stops", "stops", None),
    ("lift_stop", "stops/lift", {"account": "K-2"}),
    ("return_letter", "letters/returned", {"reference": "K-1"}),
    ("list_attempts", "attempts", None),
    ("get_attempt", "attempts/1", None),
    ("list_log", "log", None),
    ("propose_hand_over", "hand-overs", COURT),
    ("approve_hand_over", "hand-overs/approve", {"account": "K-1", "reason": "agreed"}),
    ("list_hand_overs", "hand-overs", None),
    ("withdraw_hand_over", "hand-overs/withdraw", {"account": "K-1", "reason": "paid"}),
    ("list_campaigns", "campaigns", None),
    ("pause_campaign", "campaigns/standard/pause", {"reason": "fair"}),
    ("get_campaign", "campaigns/standard", None),
    ("resume_campaign", "campaigns/standard/resume", {}),
    ("list_agents", "agents", None),
]


@pytest.fixture(autouse=True)
def open_day(frame: Frame) -> None:
    for name, secret in (("all", ALL), ("second", SECOND)):
        frame.admit(name, secret, SCOPES)
    policies = {CAMPAIGN.id: Policy("open", default_timezone="Europe/Berlin")}
    sections = Sections(smtp=Smtp(host="mail.example.com"))
    frame.settings = Settings.of(sections, Path("contactd.toml"), (CALLING,), policies)


async def ask(visitor: Visitor, name: str, path: str, body: object) -> Answer:
    """Ask for one thing of the day; what another has to approve is approved by another."""
    headers = {"Authorization": f"Bearer {SECOND if 'approve' in name else ALL}"}
    if body is None:
        return await visitor.get(f"/api/v1/{path}", **headers)
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await visitor.post(f"/api/v1/{path}", raw, Content_Type="application/json", **headers)


def post_letter(frame: Frame) -> None:
    """Let a letter be on its way to the first account."""
    now = frame.clock.now()
    letter = {
        "account_id": 1, "customer_id": 1, "campaign": "standard", "step": "notice", "channel": "letter", "case_no": 1,
        "try_no": 1, "state": "accepted", "claim_no": 1, "not_before": now, "planned_at": now, "sending_at": now,
    }  # fmt: skip
    with frame.database.transaction() as connection:
        connection.execute(sa.insert(attempt).values(letter))


def faults(operation: Operation, answer: Answer) -> list[str]:
    """Hold an answer against what the table says of it."""
    schema = {**operation.answer, "components": {"schemas": SCHEMAS}}
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    return [str(error) for error in validator.iter_errors(json.loads(answer.body))]


async def test_everything_answers_as_it_is_described(frame: Frame, visitor: Visitor) -> None:
    table = {operation.name: operation for operation in operations()}
    wrong = []
    for name, path, body in DAY:
        if name == "return_letter":
            post_letter(frame)
        answer = await ask(visitor, name, path, body)
        found = faults(table[name], answer) if answer.status == 200 else [answer.text]
        wrong += [(name, answer.status, found)] if found else []
    assert not wrong, "\n".join(map(str, wrong))
    assert {name for name, _, _ in DAY} == set(table), "everything is asked for"


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_whatever_changes_something_stands_in_the_audit_log_and_nothing_else_does(
    frame: Frame, visitor: Visitor
) -> None:
    table, wrong = {operation.name: operation for operation in operations()}, []
    for name, path, body in DAY:
        if name == "return_letter":
            post_letter(frame)
        before = await frame.commit.read(lambda connection: audit.newest(connection, 1))
        assert (await ask(visitor, name, path, body)).status == 200
        rows = await frame.commit.read(partial(audit.read, after=before[0].id if before else 0))
        by = "api:second" if "approve" in name else "api:all"
        if [row.who for row in rows] != ([] if table[name].method == "GET" else [by]):
            wrong.append((name, rows))
    assert wrong == []


@pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)
async def test_the_description_is_served_and_is_one(visitor: Visitor) -> None:
    served = json.loads((await visitor.get("/api/v1/openapi.json")).body)
    assert served == json.loads(json.dumps(document(operations())))
    schemathesis.openapi.from_dict(served).validate()
    for name, operation in {one.name: one for one in operations()}.items():
        described = served["paths"][f"/api/v1{operation.path}"][operation.method.lower()]
        assert described["operationId"] == name
        assert described["security"] == [{"token": [operation.scope]}]
        assert {"200", "401", "403", "422", "503"} <= set(described["responses"])


async def test_whatever_is_sent_breaks_nothing_and_is_answered_as_described(frame: Frame, visitor: Visitor) -> None:
    for name, path, body in DAY[:1]:
        await ask(visitor, name, path, body)
    described = schemathesis.openapi.from_dict(document(operations()))
    for found in described.get_all_operations():
        assert isinstance(found, Ok)
        operation: APIOperation[Any, Any, Any, Any] = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            await asyncio.to_thread(provoke, operation, mode, visitor.port)


def provoke(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, port: int) -> None:
    """Send what fits the description, or what does not, always the same; raises what schemathesis found wrong."""

    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {ALL}"}, checks=CHECKS
        )

    send()
