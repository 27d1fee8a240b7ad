"""The unsubscribe link: one click is enough, none without a click, and nothing told to whoever holds a forged one."""

import base64
import hashlib
import re
from typing import Any

import pytest
import sqlalchemy as sa

from contactd.domain import links
from contactd.domain.account import Channel
from contactd.store import attempts
from contactd.store.schema import attempt, inbox, suppression
from tests.store.seed import add_account, new_attempt
from tests.web.frame import KEY, Frame, Visitor, take_store_away

ONE_CLICK = {"List-Unsubscribe": "One-Click"}
NAME, ADDRESS = "Erika Musterfrau", "Erika.Musterfrau@example.com"


@pytest.fixture
async def sent(frame: Frame) -> str:
    """Make an account in Austria that was sent an e-mail, and answer the link in it."""
    return await send(frame, 7, language="de-AT")


async def send(frame: Frame, number: int, *, channel: Channel = Channel.EMAIL, **columns: Any) -> str:  # noqa: ANN401 - any column
    """Make an account that was sent a message, and answer the link in it."""
    address = ADDRESS if channel is Channel.EMAIL else "+4915228817386"

    def seed(connection: sa.Connection) -> int:
        add_account(connection, number, **({"name": NAME, "email": ADDRESS} | columns))
        attempts.plan(connection, [new_attempt(number, channel=channel)])
        connection.execute(sa.update(attempt).where(attempt.c.account_id == number).values(address=address))
        return int(connection.scalar(sa.select(attempt.c.id).where(attempt.c.account_id == number)) or 0)

    return f"/u/{links.sign(KEY, await frame.commit.run(seed))}"


async def kept(frame: Frame) -> list[Any]:
    """Read the inbox through another connection: what is seen is committed."""
    return await frame.commit.read(lambda connection: list(connection.execute(sa.select(inbox))))


async def suppressed(frame: Frame) -> list[tuple[str, str, str, str]]:
    """List what is suppressed, while nobody has looked into the inbox yet."""
    columns = suppression.c.kind, suppression.c.value, suppression.c.channel, suppression.c.reason
    found = await frame.commit.read(lambda connection: connection.execute(sa.select(*columns)).all())
    return [(row[0], row[1], row[2], row[3]) for row in found]


async def test_opening_the_link_only_asks(frame: Frame, visitor: Visitor, sent: str) -> None:
    page = await visitor.get(sent)
    assert page.status == 200
    assert '<html lang="de">' in page.text
    assert ">Keine E-Mails mehr senden</button>" in page.text
    assert (await kept(frame), frame.woken) == ([], 0)


async def test_neither_page_says_whose_account_it_is(visitor: Visitor, sent: str) -> None:
    for page in (await visitor.get(sent), await visitor.post(sent, ONE_CLICK)):
        assert page.status == 200
        for told in ("Erika", "Musterfrau", "example.com", "K-7", "100", "acme"):
            assert told not in page.text


@pytest.mark.parametrize(("language", "button"), [("en", "Send no more e-mails"), ("fr", "Send no more e-mails")])
async def test_the_page_speaks_the_accounts_language_or_english(
    frame: Frame, visitor: Visitor, language: str, button: str
) -> None:
    page = await visitor.get(await send(frame, 8, language=language), **{"Accept-Language": "de"})
    assert '<html lang="en">' in page.text
    assert button in page.text


async def test_one_click_of_a_mail_program_is_kept_and_obeyed(frame: Frame, visitor: Visitor, sent: str) -> None:
    # RFC 8058 section 3.2: a POST with exactly this body.
    answer = await visitor.post(sent, b"List-Unsubscribe=One-Click", Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 200
    assert "Erledigt" in answer.text
    [row] = await kept(frame)
    assert (row.source, row.payload) == ("unsubscribe", {"channel": "email", "address": ADDRESS, "customer": 7})
    assert row.received_at == row.handled_at == frame.clock.now()
    assert frame.woken == 1
    assert await suppressed(frame) == [("email", ADDRESS.lower(), "email", "opted_out")]


async def test_a_multipart_form_is_taken_as_well(frame: Frame, visitor: Visitor, sent: str) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    assert (await visitor.post(sent, body, Content_Type="multipart/form-data; boundary=x")).status == 200
    assert len(await kept(frame)) == 1


async def test_a_text_messages_link_stops_text_messages(frame: Frame, visitor: Visitor) -> None:
    link = await send(frame, 9, channel=Channel.SMS)
    assert "Keine SMS mehr senden" in (await visitor.get(link)).text
    assert (await visitor.post(link, ONE_CLICK)).status == 200
    assert await suppressed(frame) == [("number", "+4915228817386", "sms", "opted_out")]


async def test_clicking_again_and_again_leaves_one_row(frame: Frame, visitor: Visitor, sent: str) -> None:
    assert [(await visitor.post(sent, ONE_CLICK)).status for _ in range(3)] == [200, 200, 200]
    assert len(await kept(frame)) == 1
    assert frame.woken == 1


async def test_who_was_allowed_again_can_say_no_again(frame: Frame, visitor: Visitor, sent: str) -> None:
    await visitor.post(sent, ONE_CLICK)
    assert len(await suppressed(frame)) == 1
    await frame.commit.run(lambda connection: connection.execute(sa.delete(suppression)))
    frame.clock.advance(86_400)
    await visitor.post(sent, ONE_CLICK)
    assert len(await suppressed(frame)) == 1


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "9" + token,
        lambda token: token + "A",
        lambda token: token.partition(".")[0],
        lambda token: token.partition(".")[0] + ".",
        lambda token: links.sign(b"another key", int(token.partition(".")[0])),
        lambda _: "9" * 6_000 + ".AAAAAAAAAAAAAAAA",
        lambda _: "%D9%A1.AAAAAAAAAAAAAAAA",  # an Arabic one is a digit to Python
        lambda _: "%ff%fe",
        lambda _: "..%2f..%2fetc",
    ],
)
async def test_a_forged_link_is_not_found_and_changes_nothing(
    frame: Frame, visitor: Visitor, sent: str, forge: Any  # noqa: ANN401 - any function of a text
) -> None:  # fmt: skip
    link = "/u/" + forge(sent.removeprefix("/u/"))
    pages = [await visitor.get(link), await visitor.post(link, ONE_CLICK)]
    assert [page.status for page in pages] == [404, 404]
    assert await kept(frame) == []


async def test_a_refused_link_is_explained_in_the_browsers_language(visitor: Visitor) -> None:
    german = await visitor.get("/u/forged", **{"Accept-Language": "fr;q=0.9, de-DE;q=0.8, en;q=0.7"})
    assert "Diese Adresse gibt es nicht" in german.text
    assert "There is no such address" in (await visitor.get("/u/forged")).text


async def test_a_link_whose_attempt_is_gone_is_not_found(frame: Frame, visitor: Visitor) -> None:
    link = f"/u/{links.sign(KEY, 4711)}"
    assert [(await visitor.get(link)).status, (await visitor.post(link, ONE_CLICK)).status] == [404, 404]
    assert await kept(frame) == []


async def test_a_body_no_mail_program_sends_is_refused(frame: Frame, visitor: Visitor, sent: str) -> None:
    assert (await visitor.post(sent, b"x" * 70_000)).status == 413
    assert await kept(frame) == []


async def test_nothing_is_confirmed_that_could_not_be_kept(frame: Frame, visitor: Visitor, sent: str) -> None:
    take_store_away(frame.database)
    answer = await visitor.post(sent, ONE_CLICK, Accept_Language="de")
    assert answer.status == 503
    assert answer.headers["Retry-After"] == "60"
    assert "in einigen Minuten noch einmal" in answer.text
    assert frame.woken == 0


async def test_the_page_loads_nothing_and_runs_nothing(visitor: Visitor, sent: str) -> None:
    page = await visitor.get(sent)
    [style] = re.findall("<style>(.*?)</style>", page.text)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert page.headers["Content-Security-Policy"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert not re.search(r"<script|<img|<link|<iframe|src=|href=|url\(|\son\w+=|\sstyle=|https?:", page.text)
    assert "Set-Cookie" not in page.headers
    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
