"""Letters on their way out: nothing is printed twice or lost, whatever a crash, a printer or a program does."""

import asyncio
import csv
import errno
import os
import stat
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from contactd.channels import letter_spool as spooling
from contactd.channels.base import Absent, Found, LookUp, Unknown
from contactd.channels.letter_archive import not_written
from contactd.channels.letter_command import letter_command
from contactd.channels.letter_spool import letter_spool
from contactd.domain.errors import (
    ChannelError,
    ChannelMisconfigured,
    ChannelRejected,
    ChannelUnavailable,
    ChannelUnclear,
)
from tests.channels.letters_in_hand import AT, DAY, Spool, letter, message, spool

PDF = b"%PDF-1.7\n"
QUESTION = LookUp(reference="17-1", to="", since=AT)


@pytest.fixture
async def box() -> AsyncIterator[Spool]:
    async with spool() as made:
        await made.channel.start()
        yield made
        await made.channel.close()


def rows(box: Spool) -> list[dict[str, str]]:
    with (box.folder / "outbox" / DAY / "letters.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


async def test_a_letter_lies_in_the_outbox_and_unchangeable_in_the_archive(box: Spool) -> None:
    receipt = await box.channel.send(message())
    document = {"file": f"{DAY}/17-1.pdf", "sha256": sha256(PDF).hexdigest(), "bytes": len(PDF)}
    assert receipt.details == document | {"street": "Weg 1", "postcode": "00001", "city": "Musterstadt"}
    for place in ("outbox", "archive"):
        assert (box.folder / place / DAY / "17-1.pdf").read_bytes() == PDF
    assert stat.S_IMODE((box.folder / "archive" / DAY / "17-1.pdf").stat().st_mode) & 0o222 == 0


async def test_the_list_of_a_day_is_sorted_by_country_and_postcode_and_holds_what_lies_there(box: Spool) -> None:
    for number, (postcode, name) in enumerate([("00009", 'Wörth, "Zum"'), ("00001", "=Erika"), ("00005", "Çelik")], 1):
        await box.channel.send(message(f"{number}-1", letter(postcode=postcode, name=name)))
    (box.folder / "outbox" / DAY / "3-1.pdf").unlink()
    await box.channel.close()
    listed = rows(box)
    assert [(row["file"], row["postcode"], row["name"]) for row in listed] == [
        ("2-1.pdf", "00001", "=Erika"), ("1-1.pdf", "00009", 'Wörth, "Zum"'),
    ]  # fmt: skip
    assert {row["sha256"] for row in listed} == {sha256(PDF).hexdigest()}


async def test_the_list_is_written_soon_and_again_after_a_crash(box: Spool) -> None:
    await box.channel.send(message("1-1"))
    for _ in range(6_000):
        if (box.folder / "outbox" / DAY / "letters.csv").is_file():
            break
        await asyncio.sleep(0.01)
    await box.channel.send(message("2-1"))
    assert [row["file"] for row in rows(box)] == ["1-1.pdf"]
    another = letter_spool(box.folder)  # the daemon ended without closing
    await another.start()
    assert [row["file"] for row in rows(box)] == ["1-1.pdf", "2-1.pdf"]
    await another.close()


async def test_a_letter_the_journal_forgot_is_listed_all_the_same(box: Spool) -> None:
    await box.channel.send(message("1-1"))
    journal = box.folder / "archive" / DAY / "letters.csv"
    journal.write_text(journal.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    await box.channel.send(message("2-1"))
    await box.channel.close()
    assert [row["file"] for row in rows(box)] == ["1-1.pdf", "2-1.pdf"]


async def test_a_printed_letter_that_was_taken_away_is_still_known(box: Spool) -> None:
    await box.channel.send(message())
    (box.folder / "outbox" / DAY / "17-1.pdf").unlink()
    found = await box.channel.look_up(QUESTION)
    assert isinstance(found, Found)
    assert found.details == {"file": f"{DAY}/17-1.pdf", "sha256": sha256(PDF).hexdigest(), "bytes": len(PDF)}


async def test_what_a_crash_left_unsaid_is_settled_by_where_the_letter_lies(box: Spool) -> None:
    assert isinstance(await box.channel.look_up(QUESTION), Absent)  # not even set
    day = box.folder / "archive" / DAY
    day.mkdir()
    (day / ".17-1.pdf").write_bytes(PDF)
    assert isinstance(await box.channel.look_up(QUESTION), Unknown)  # not put there, or printed already: who knows
    (box.folder / "outbox" / DAY).mkdir()
    os.link(day / ".17-1.pdf", box.folder / "outbox" / DAY / "17-1.pdf")
    assert isinstance(await box.channel.look_up(QUESTION), Found)
    assert (day / "17-1.pdf").is_file()
    assert not (day / ".17-1.pdf").exists()


async def test_a_letter_begun_before_midnight_is_found_after_it(box: Spool) -> None:
    await box.channel.send(message())
    for hours in (-24, 24):
        late = LookUp(reference="17-1", to="", since=AT + timedelta(hours=hours))
        assert isinstance(await box.channel.look_up(late), Found)


async def test_a_folder_that_is_gone_settles_nothing_and_is_not_made_again(box: Spool) -> None:
    await box.channel.send(message())
    (box.folder / "archive").rename(box.folder / "elsewhere")
    assert isinstance(await box.channel.look_up(QUESTION), Unknown)
    with pytest.raises(ChannelMisconfigured, match=r"folder in \[letters\]"):
        await box.channel.send(message("18-1"))
    assert not (box.folder / "archive").exists()


async def test_two_databases_in_one_folder_do_not_overwrite_each_other(box: Spool) -> None:
    await box.channel.send(message())
    with pytest.raises(ChannelMisconfigured, match="another database"):
        await letter_spool(box.folder).send(message("17-1", letter(lambda: b"other")))
    (box.folder / "archive" / DAY / "17-1.pdf").unlink()
    with pytest.raises(ChannelMisconfigured, match="File exists"):
        await letter_spool(box.folder).send(message("17-1", letter(lambda: b"other")))
    assert (box.folder / "outbox" / DAY / "17-1.pdf").read_bytes() == PDF


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EPERM])
async def test_where_there_are_no_links_the_letter_is_copied(
    code: int, box: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(code, os.strerror(code), str(target))

    monkeypatch.setattr(os, "link", refuse)
    await box.channel.send(message())
    assert (box.folder / "outbox" / DAY / "17-1.pdf").read_bytes() == PDF
    assert isinstance(await box.channel.look_up(QUESTION), Found)
    (box.folder / "archive" / DAY / "17-1.pdf").unlink()
    with pytest.raises(ChannelMisconfigured, match="another database"):
        await box.channel.send(message("17-1", letter(lambda: b"other")))


async def test_a_letter_that_is_put_there_and_perhaps_not_for_good_is_unclear(
    box: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patched:
        patched.setattr(spooling, "sync", fail)
        with pytest.raises(ChannelUnclear):
            await box.channel.send(message())
    assert isinstance(await box.channel.look_up(QUESTION), Found)


async def test_what_is_no_letter_is_refused(box: Spool) -> None:
    sms = message()
    object.__setattr__(sms, "letter", None)
    with pytest.raises(ChannelRejected):
        await box.channel.send(sms)


async def test_a_folder_nobody_can_write_is_told_with_the_first_letter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    channel = letter_spool(tmp_path / "file" / "letters")
    await channel.start()
    with pytest.raises(ChannelMisconfigured, match=r"folder in \[letters\]"):
        await channel.send(message())
    await channel.close()


@pytest.mark.parametrize(
    ("code", "kind"),
    [(errno.ENOSPC, ChannelUnavailable), (errno.EMFILE, ChannelUnavailable), (errno.EACCES, ChannelMisconfigured)],
)
def test_a_full_disk_waits_and_a_wrong_folder_is_for_the_operator(code: int, kind: type[ChannelError]) -> None:
    assert type(not_written(OSError(code, os.strerror(code), "letters"))) is kind


def program(code: str) -> list[str]:
    return [sys.executable, "-c", code, "{file}"]


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("import sys; print('queue is full', file=sys.stderr); sys.exit(75)", ChannelUnavailable, "queue is full"),
        ("import sys; sys.exit(69)", ChannelUnavailable, "exit 69"),
        ("import sys; sys.exit(65)", ChannelRejected, "exit 65"),
        ("import sys; sys.exit(68)", ChannelRejected, "exit 68"),
        ("import sys; sys.exit(127)", ChannelMisconfigured, r"command in \[letters\]"),
        ("import sys; sys.exit(2)", ChannelUnclear, "exit 2"),
        ("import os; os.kill(os.getpid(), 9)", ChannelUnclear, "exit -9"),
        ("import time; time.sleep(60)", ChannelUnclear, "no end within 0.5 s"),
    ],
)
async def test_a_programs_exit_code_is_its_answer(
    code: str, kind: type[ChannelError], says: str, tmp_path: Path
) -> None:
    channel = letter_command(tmp_path, program(code), timeout=0.5 if "sleep" in code else 60)
    await channel.start()
    with pytest.raises(kind, match=says):
        await channel.send(message())
    answer = await channel.look_up(QUESTION)
    assert isinstance(answer, Unknown if kind is ChannelUnclear else Absent)
    await channel.close()


async def test_a_program_is_handed_the_letter_and_names_it(tmp_path: Path) -> None:
    code = "import sys; print(len(open(sys.argv[1], 'rb').read()), 'bytes'); print('more')"
    channel = letter_command(tmp_path, program(code), timeout=60)
    await channel.start()
    receipt = await channel.send(message())
    assert receipt.provider_ref == "9 bytes"
    assert isinstance(await channel.look_up(QUESTION), Found)
    await channel.close()


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    channel = letter_command(tmp_path, [str(tmp_path / "lp"), "{file}"], timeout=60)
    await channel.start()
    with pytest.raises(ChannelMisconfigured, match=r"lp: No such file or directory \(command in \[letters\]\)"):
        await channel.send(message())
    await channel.close()
