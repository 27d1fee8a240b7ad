"""Twilio's callbacks: only signed ones are believed, each is durable before it is answered, and none counts twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

import aiohttp
import pytest
import sqlalchemy as sa
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator
from yarl import URL

from contactd.store.database import Database
from contactd.store.group_commit import GroupCommit
from contactd.store.schema import inbox, suppression
from contactd.web.webhooks import Malformed, Signature, parse_form, routes
from tests.clock import HandClock
from tests.fakes.twilio_api import sign

TOKEN = "a-token-of-no-account"
PUBLIC = "https://dunning.example.com"
STATUS = "/hooks/twilio/status?ref=123-2"
MESSAGE = "/hooks/twilio/message"
DELIVERED = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+4915228817386", "From": "+4915228895456"}
INBOUND = {"MessageSid": "SM2", "From": "+4915228817386", "To": "+4915228895456", "Body": "Ärger & Ölpreis 😀"}


@dataclass
class Site:
    """The webhooks served on loopback, as behind a proxy: its address is not the public one."""

    url: str
    commit: GroupCommit
    session: aiohttp.ClientSession
    woken: list[bool]

    async def post(
        self,
        path: str,
        fields: dict[str, str] | list[tuple[str, str]],
        *,
        token: str = TOKEN,
        signed_for: str = "",
        headers: dict[str, str] | None = None,
    ) -> tuple[int, str]:
        """Post a form as Twilio does."""
        pairs = list(fields.items()) if isinstance(fields, dict) else fields
        signature = sign(token, (signed_for or PUBLIC) + path, pairs)
        return await self.raw(
            path, urlencode(pairs).encode(), {"X-Twilio-Signature": signature, **FORM, **(headers or {})}
        )

    async def raw(self, path: str, body: object, headers: dict[str, str]) -> tuple[int, str]:
        """Post anything."""
        async with self.session.post(URL(self.url + path, encoded=True), data=body, headers=headers) as answer:
            return answer.status, await answer.text()

    async def kept(self) -> list[Any]:
        """Read the inbox through another connection: what is seen is committed."""
        return await self.commit.read(lambda connection: list(connection.execute(sa.select(inbox))))


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@asynccontextmanager
async def served(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
async def site(database: Database) -> AsyncIterator[Site]:
    commit = GroupCommit(database)
    woken: list[bool] = []
    app = web.Application()
    app.add_routes(
        routes(
            auth_token=TOKEN,
            public_url=PUBLIC + "/",
            commit=commit,
            clock=HandClock(),
            notify=lambda: woken.append(True),
        )
    )
    async with served(app) as url, aiohttp.ClientSession() as session:
        yield Site(url, commit, session, woken)
    await commit.close()


async def test_a_signed_callback_is_kept_before_it_is_answered(site: Site) -> None:
    assert await site.post(STATUS, DELIVERED) == (204, "")
    (row,) = await site.kept()
    assert row.source == "twilio_status"
    assert row.received_at == HandClock().now()
    assert row.payload == {
        "reference": "123-2",
        "sid": "SM1",
        "status": "delivered",
        "code": "",
        "to": "+4915228817386",
    }
    assert site.woken == [True]


async def test_a_signature_made_by_the_library_is_believed(site: Site) -> None:
    signature = RequestValidator(TOKEN).compute_signature(PUBLIC + STATUS, DELIVERED)
    body = urlencode(DELIVERED).encode()
    status, _ = await site.raw(STATUS, body, {"X-Twilio-Signature": signature, **FORM})
    assert status == 204


async def test_a_forged_callback_is_refused_and_not_kept(site: Site) -> None:
    assert (await site.post(STATUS, DELIVERED, token="guessed"))[0] == 403
    assert (await site.post(STATUS, DELIVERED, signed_for="https://other.example.com"))[0] == 403
    assert (await site.raw(STATUS, urlencode(DELIVERED).encode(), FORM))[0] == 403
    assert (await site.raw(STATUS, urlencode(DELIVERED).encode(), FORM | {"X-Twilio-Signature": "ä"}))[0] == 403
    assert await site.kept() == []
    assert site.woken == []


async def test_a_signature_holds_for_no_other_field_and_no_other_attempt(site: Site) -> None:
    signature = {"X-Twilio-Signature": sign(TOKEN, PUBLIC + STATUS, DELIVERED.items()), **FORM}
    changed = urlencode(DELIVERED | {"MessageStatus": "failed"}).encode()
    assert (await site.raw(STATUS, changed, signature))[0] == 403
    assert (await site.raw(STATUS.replace("123-2", "124-2"), urlencode(DELIVERED).encode(), signature))[0] == 403
    added = urlencode(DELIVERED | {"ErrorCode": "30005"}).encode()
    assert (await site.raw(STATUS, added, signature))[0] == 403
    assert await site.kept() == []


async def test_a_replay_is_answered_like_the_first_and_kept_once(site: Site) -> None:
    for token in ("1", "1", "2"):
        assert (await site.post(STATUS, DELIVERED, headers={"I-Twilio-Idempotency-Token": token}))[0] == 204
        assert (await site.post(MESSAGE, INBOUND, headers={"I-Twilio-Idempotency-Token": token}))[0] == 200
    assert sorted(row.source for row in await site.kept()) == ["twilio_message", "twilio_status"]
    assert site.woken == [True, True]


async def test_replays_at_the_same_moment_are_kept_once(site: Site) -> None:
    answers = await asyncio.gather(*(site.post(STATUS, DELIVERED) for _ in range(20)))
    assert {status for status, _ in answers} == {204}
    assert len(await site.kept()) == 1


async def test_every_state_of_a_message_is_its_own_event(site: Site) -> None:
    for status in ("sent", "delivered", "undelivered"):
        assert (await site.post(STATUS, DELIVERED | {"MessageStatus": status}))[0] == 204
    assert [row.payload["status"] for row in await site.kept()] == ["sent", "delivered", "undelivered"]


async def test_the_port_may_be_in_the_signed_address_or_not(site: Site) -> None:
    assert (await site.post(STATUS, DELIVERED, signed_for=f"{PUBLIC}:443"))[0] == 204
    assert (await site.post(STATUS, DELIVERED, signed_for=f"{PUBLIC}:444"))[0] == 403


async def test_the_path_is_checked_as_it_was_sent(site: Site) -> None:
    assert (await site.post(f"{STATUS}&team=a%2Fb%20c", DELIVERED))[0] == 204


async def test_an_inbound_message_is_kept_and_answered_with_empty_twiml(site: Site) -> None:
    status, text = await site.post(MESSAGE, INBOUND | {"OptOutType": "STOP"})
    assert (status, text) == (200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')
    (row,) = await site.kept()
    assert row.payload == {
        "sid": "SM2",
        "from": "+4915228817386",
        "to": "+4915228895456",
        "body": "Ärger & Ölpreis 😀",
        "opt_out": "STOP",
    }


async def test_a_stop_is_in_force_before_it_is_answered(site: Site) -> None:
    await site.post(MESSAGE, INBOUND | {"Body": "Stop"})
    columns = suppression.c.kind, suppression.c.value, suppression.c.channel, suppression.c.reason
    stands = await site.commit.read(lambda connection: connection.execute(sa.select(*columns)).all())
    assert [tuple(row) for row in stands] == [("number", INBOUND["From"], "sms", "opted_out")]


async def test_empty_and_repeated_fields_belong_to_the_signature(site: Site) -> None:
    twice = [*INBOUND.items(), ("MediaUrl", "b"), ("MediaUrl", "a"), ("AddOns", "")]
    assert (await site.post(MESSAGE, twice))[0] == 200


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (STATUS, DELIVERED | {"MessageSid": ""}),
        (STATUS, DELIVERED | {"MessageStatus": "<b>"}),
        (STATUS, {"MessageSid": "SM1"}),
        (STATUS, DELIVERED | {"ErrorCode": "many"}),
        ("/hooks/twilio/status", DELIVERED),
        ("/hooks/twilio/status?ref=123", DELIVERED),
        ("/hooks/twilio/status?ref=0-1", DELIVERED),
        ("/hooks/twilio/status?ref=99999999999999999999-1", DELIVERED),
        (MESSAGE, INBOUND | {"From": ""}),
        (MESSAGE, {"From": "+4915228817386"}),
        (MESSAGE, INBOUND | {f"x{number}": "" for number in range(300)}),
        (MESSAGE, INBOUND | {"Body": "x" * 70_000}),
    ],
)
async def test_a_malformed_request_is_refused_although_it_is_signed(
    site: Site, path: str, fields: dict[str, str]
) -> None:
    assert (await site.post(path, fields))[0] == 400
    assert await site.kept() == []


async def test_a_body_that_is_no_form_is_refused(site: Site) -> None:
    assert (await site.raw(STATUS, b"{}", {"Content-Type": "application/json"}))[0] == 400
    assert (await site.raw(STATUS, b"MessageSid=%ff", FORM))[0] == 400
    assert (await site.raw(STATUS, "MessageSid=ä".encode("latin-1"), FORM))[0] == 400

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b"MessageSid=SM1&"

    assert (await site.raw(STATUS, endless(), FORM))[0] == 400


async def test_a_store_that_cannot_be_used_is_answered_with_503_so_that_twilio_calls_again(site: Site) -> None:
    await site.commit.close()
    assert (await site.post(STATUS, DELIVERED))[0] == 503
    assert (await site.post(MESSAGE, INBOUND))[0] == 503
    assert site.woken == []


async def test_without_a_token_or_a_public_address_there_are_no_webhooks(site: Site) -> None:
    clock = HandClock()
    assert routes(auth_token="", public_url=PUBLIC, commit=site.commit, clock=clock) == []
    assert routes(auth_token=TOKEN, public_url="", commit=site.commit, clock=clock) == []
    assert len(routes(auth_token=TOKEN, public_url=PUBLIC, commit=site.commit, clock=clock)) == 2


WORDS = st.text(st.characters(codec="utf-8"), max_size=12)
BASES = st.sampled_from([PUBLIC, "http://127.0.0.1:8080", "https://dunning.example.com:8443", "http://x.example.org"])


@given(base=BASES, fields=st.dictionaries(WORDS, WORDS, max_size=6), token=st.text(st.characters(codec="ascii")))
def test_our_check_and_the_library_agree_on_every_form(base: str, fields: dict[str, str], token: str) -> None:
    library = RequestValidator(token)
    signature = library.compute_signature(base + STATUS, fields)
    ours = Signature(token, base)
    assert ours.holds(STATUS, list(fields.items()), signature)
    assert library.validate(base + STATUS, fields, sign(token, base + STATUS, fields.items()))
    assert not ours.holds(STATUS, [*fields.items(), ("more", "")], signature)
    assert not ours.holds(STATUS + "0", list(fields.items()), signature)


@given(st.lists(st.tuples(WORDS, WORDS), max_size=8))
def test_a_form_is_read_back_as_it_was_written(pairs: list[tuple[str, str]]) -> None:
    assert parse_form(urlencode(pairs).encode()) == pairs


@given(st.text("ab=&+%20fF", max_size=30))
def test_odd_forms_are_read_as_the_standard_library_reads_them(text: str) -> None:
    try:
        expected = parse_qsl(text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError:
        with pytest.raises(Malformed):
            parse_form(text.encode())
    else:
        assert parse_form(text.encode()) == expected


@pytest.mark.parametrize("length", [1, 63, 64, 65, 200])
def test_a_token_of_any_length_signs_like_the_library(length: int) -> None:
    token = "t" * length
    signature = RequestValidator(token).compute_signature(PUBLIC + STATUS, DELIVERED)
    assert Signature(token, PUBLIC).holds(STATUS, list(DELIVERED.items()), signature)
