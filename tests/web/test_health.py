"""Health, readiness and figures as a monitoring system asks for them, and what holds for every answer."""

import json

import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families

from contactd.web.app import public_app
from tests.web.frame import Frame, Visitor, settings, visiting

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"], indirect=True)


async def test_the_daemon_lives_as_long_as_its_loop_turns(visitor: Visitor) -> None:
    answer = await visitor.get("/healthz")
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("parts", "status"),
    [({}, 503), ({"store": True, "daemon": False}, 503), ({"store": True, "daemon": True}, 200)],
)
async def test_it_is_ready_only_when_every_part_is_up(
    frame: Frame, visitor: Visitor, parts: dict[str, bool], status: int
) -> None:
    frame.ready = parts
    answer = await visitor.get("/readyz")
    assert (answer.status, json.loads(answer.body)) == (status, {"ready": status == 200, "parts": parts})


async def test_the_figures_are_in_prometheus_format(frame: Frame, visitor: Visitor) -> None:
    frame.metrics.waited({"email": 12.5})
    answer = await visitor.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    [sample] = families["contactd_queue_oldest_seconds"].samples
    assert (sample.labels, sample.value) == ({"channel": "email"}, 12.5)


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nowhere", "/u/forged", "/api/v1/accounts"])
async def test_no_answer_tells_what_we_run_on_or_may_be_kept(visitor: Visitor, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.headers["Server"] == "contactd"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]


async def test_what_nobody_foresaw_ends_one_request_and_is_not_shown(frame: Frame, visitor: Visitor) -> None:
    frame.broken = RuntimeError("debtor1@example.com is odd")
    with structlog.testing.capture_logs() as logged:
        answer = await visitor.get("/readyz")
    assert answer.status == 500
    assert "odd" not in answer.text
    assert [entry["event"] for entry in logged if entry.get("exc_info")] == ["request_broke"]
    frame.broken = None
    assert (await visitor.get("/healthz")).status == 200


@pytest.mark.parametrize(("callbacks", "status"), [(True, 403), (False, 404)])
async def test_callbacks_are_taken_only_where_a_provider_could_reach_us(
    frame: Frame,
    callbacks: bool,  # noqa: FBT001 - a parameter of the test
    status: int,
) -> None:
    frame.settings = settings(callbacks=callbacks)
    async with visiting(public_app(frame.window)) as visitor:
        answer = await visitor.post("/hooks/twilio/status?ref=1-1", {"MessageSid": "SM1", "MessageStatus": "sent"})
    assert answer.status == status
