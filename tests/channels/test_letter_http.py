"""Letters to a service: what goes over the wire, what each answer means, and what a look-up settles."""

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from contactd.channels.base import Absent, Found, LookUp, Unknown
from contactd.channels.letter_http import Service, letter_http
from contactd.channels.letter_post import LetterChannel
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)
from tests.channels.letters_in_hand import AT, DAY, letter, message
from tests.fakes.printing_house import TOKEN, Answer, LetterService, printing_house

QUESTION = LookUp(reference="17-1", to="", since=AT)
PDF = b"%PDF-1.7\n"


@pytest.fixture
async def service() -> AsyncIterator[LetterService]:
    async with printing_house() as made:
        yield made


def channel(folder: Path, service: LetterService, *, look_up: bool = True, timeout: float = 30.0) -> LetterChannel:
    asked = f"{service.url}/{{reference}}" if look_up else ""
    return letter_http(folder, Service(service.url, TOKEN, asked, timeout))


async def test_a_letter_goes_out_with_what_is_known_of_it(service: LetterService, tmp_path: Path) -> None:
    post = channel(tmp_path, service)
    await post.start()
    receipt = await post.send(message("17-1", letter(name='Wörth, "Zum"', postcode="00009")))
    [taken] = service.ledger
    assert receipt.provider_ref == "job-17-1"
    assert (taken.reference, taken.pdf) == ("17-1", PDF)
    assert receipt.details is not None
    assert taken.metadata == {
        "reference": "17-1", "name": 'Wörth, "Zum"', "postcode": "00009", "city": "Musterstadt", "country": "DE",
        "bytes": len(PDF), "sha256": receipt.details["sha256"],
    }  # fmt: skip
    assert (tmp_path / "archive" / DAY / "17-1.pdf").read_bytes() == PDF
    await post.close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(503, headers={"Retry-After": "7"}), ChannelUnavailable),
        (Answer(429, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}), ChannelUnavailable),
        (Answer(400, "no JSON at all"), ChannelRejected),
        (Answer(422, '["a list"]'), ChannelRejected),
        (Answer(404), ChannelMisconfigured),
        (Answer(302, headers={"Location": "/elsewhere"}), ChannelMisconfigured),
        (Answer(500), ChannelUnclear),
        (Answer(409), ChannelUnclear),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else "",
)
async def test_each_answer_has_its_meaning(
    service: LetterService, tmp_path: Path, answer: Answer, error: type[ChannelError]
) -> None:
    post = channel(tmp_path, service)
    await post.start()
    service.answers.append(answer)
    with pytest.raises(error, match=str(answer.status)) as raised:
        await post.send(message())
    if isinstance(raised.value, ChannelUnavailable):
        assert raised.value.retry_after == (7 if answer.status == 503 else 60)
    await post.close()


@pytest.mark.parametrize("body", ["taken", "[]", '{"id": null}', '{"reference": 4}'])
async def test_a_service_needs_no_name_for_a_letter(service: LetterService, tmp_path: Path, body: str) -> None:
    post = channel(tmp_path, service)
    await post.start()
    service.answers.append(Answer(200, body))
    assert (await post.send(message())).provider_ref == ("4" if "4" in body else "17-1")
    await post.close()


async def test_a_service_that_is_not_there_has_taken_nothing(service: LetterService, tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        post = letter_http(tmp_path, Service(f"http://127.0.0.1:{held.getsockname()[1]}/", TOKEN))
        await post.start()
        with pytest.raises(ChannelUnavailable, match="cannot be reached"):
            await post.send(message())
        assert list((tmp_path / "archive" / DAY).iterdir()) == []
        await post.close()
    del service


async def test_a_service_without_the_tls_it_should_have_is_wrongly_set_up(
    service: LetterService, tmp_path: Path
) -> None:
    post = letter_http(tmp_path, Service(service.url.replace("http:", "https:"), TOKEN))
    await post.start()
    with pytest.raises(ChannelMisconfigured, match=r"url in \[letters\]"):
        await post.send(message())
    await post.close()


async def test_silence_is_unclear_and_a_look_up_settles_it(service: LetterService, tmp_path: Path) -> None:
    post = channel(tmp_path, service, timeout=2)
    await post.start()
    service.answers.append(Answer(silent=True))
    with pytest.raises(ChannelUnclear, match=r"no answer within 2 s"):
        await post.send(message())
    assert isinstance(await post.look_up(QUESTION), Found)
    assert (tmp_path / "archive" / DAY / "17-1.pdf").is_file()
    assert service.asked == 1
    await post.close()


async def test_a_look_up_says_that_a_letter_was_not_taken(service: LetterService, tmp_path: Path) -> None:
    post = channel(tmp_path, service)
    await post.start()
    service.answers.append(Answer(500))
    with pytest.raises(ChannelUnclear):
        await post.send(message())
    service.look_ups.append(502)
    with pytest.raises(ChannelUnavailable, match="502"):
        await post.look_up(QUESTION)
    assert isinstance(await post.look_up(QUESTION), Absent)
    await post.close()


async def test_without_a_look_up_a_person_settles_it(service: LetterService, tmp_path: Path) -> None:
    post = channel(tmp_path, service, look_up=False)
    await post.start()
    service.answers.append(Answer(dropped=True))
    with pytest.raises(ChannelUnclear, match="connection broke"):
        await post.send(message())
    assert isinstance(await post.look_up(QUESTION), Unknown)
    await post.close()
