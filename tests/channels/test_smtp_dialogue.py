"""The dialogue itself, against a server that says exactly what the test wants, in the pieces the test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from contactd.channels.smtp_dialogue import Dialogue, Lost, Refused
from contactd.channels.smtp_errors import Stage

CONTENT = b"Subject: x\r\n\r\nGuten Tag\r\n"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def talking(script: Script, *, pipelining: bool = True) -> AsyncIterator[Dialogue]:
    """Open a dialogue with a server that follows a script and then hangs up."""

    async def follow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(follow, "127.0.0.1", 0)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
    dialogue = Dialogue(transport, {"pipelining": ""} if pipelining else {}, timeout=5)
    try:
        yield dialogue
    finally:
        dialogue.drop()
        server.close()
        await server.wait_closed()


async def deliver(dialogue: Dialogue) -> str:
    """Deliver the same message as always."""
    return (await dialogue.deliver("a@example.com", "b@example.org", CONTENT)).text


@pytest.mark.parametrize(
    "pieces",
    [
        [b"250 a\r\n250 b\r\n354 c\r\n"],
        [b"2", b"50 a\r", b"\n250-b\r\n250-b\r\n250 b\r\n35", b"4 c\r\n"],
        [b"250\n250\n354\n"],
    ],
)
async def test_answers_may_come_in_any_pieces(pieces: Sequence[bytes]) -> None:
    received = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"DATA\r\n")
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        received.extend(await reader.readuntil(b"\r\n.\r\n"))
        writer.write(b"250-2.0.0 taken\r\n250 as 4711\r\n")
        await reader.read()

    async with talking(script) as dialogue:
        assert await deliver(dialogue) == "2.0.0 taken as 4711"
    assert bytes(received) == CONTENT + b".\r\n"


@pytest.mark.parametrize(
    ("answer", "stage"),
    [
        (b"550 no\r\n", Stage.MAIL),  # and nothing more: it hangs up
        (b"250 a\r\n550 no\r\n", Stage.RCPT),
        (b"250 a\r\n550 no\r\n354 go ahead all the same\r\n", Stage.RCPT),
        (b"250 a\r\n250 b\r\n250 what\r\n", Stage.DATA),
    ],
)
async def test_after_a_refusal_no_content_goes_out(answer: bytes, stage: Stage) -> None:
    after = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"DATA\r\n")
        writer.write(answer)
        if answer.count(b"\n") == 3:
            after.extend(await reader.read())

    async with talking(script) as dialogue:
        with pytest.raises(Refused) as raised:
            await deliver(dialogue)
        assert raised.value.stage is stage
        if b"354" in answer:
            assert not dialogue.usable
    assert after == b""


@pytest.mark.parametrize(
    "answer",
    [
        b"250 a\r\n250 b\r\n354 c\r\n250 d\r\n",  # an answer to nothing: whose would the next be?
        b"250 a\r\n250 b\r\n",
        b"",
        b"hello\r\n",
        b"250-" + b"x" * 70000 + b"\r\n",
    ],
)
async def test_answers_that_do_not_fit_end_the_connection_before_the_content(answer: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"DATA\r\n")
        writer.write(answer)
        await writer.drain()

    async with talking(script) as dialogue:
        with pytest.raises(Lost) as raised:
            await deliver(dialogue)
        assert not raised.value.taken_perhaps
        assert not dialogue.usable


async def test_nothing_is_written_to_a_connection_that_is_gone() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del reader, writer

    async with talking(script) as dialogue:
        dialogue.drop()
        with pytest.raises(Lost) as raised:
            await deliver(dialogue)
        assert not raised.value.taken_perhaps


@pytest.mark.parametrize("answer", [b"221 bye\r\n", b""])
async def test_quitting_waits_for_an_answer_but_needs_none(answer: bytes) -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"QUIT\r\n"
        writer.write(answer)

    async with talking(script) as dialogue:
        await dialogue.quit()
        assert not dialogue.usable
        await dialogue.quit()


async def test_a_reset_connection_is_lost_with_its_reason() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"DATA\r\n")
        writer.transport.abort()

    async with talking(script) as dialogue:
        with pytest.raises(Lost, match=r"connection lost|closed the connection"):
            await deliver(dialogue)


async def test_a_farewell_nobody_asked_for_is_noticed_before_the_next_message() -> None:
    said = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"421 4.4.2 idle for too long\r\n")
        await writer.drain()
        said.set()
        await reader.read()

    async with talking(script) as dialogue:
        await said.wait()
        while not dialogue._answers:  # noqa: SLF001, ASYNC110 - it tells nobody, and that is the point
            await asyncio.sleep(0)
        with pytest.raises(Lost, match="idle for too long"):
            await deliver(dialogue)
