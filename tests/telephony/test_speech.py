"""Texts become sound files a telephone can play, once each."""

import asyncio
import os
import wave
from dataclasses import replace
from pathlib import Path

import pytest

from contactd.cli.running import fast_loop
from contactd.config.providers import Asterisk
from contactd.domain.errors import ChannelMisconfigured
from contactd.telephony.base import Announcement
from contactd.telephony.speech import Speech

HELLO = Announcement("Guten Tag. Hier ist Musterfirma.", "de")
SPEAK = Asterisk().speak


def heard(file: Path) -> wave.Wave_read:
    """Open what was spoken."""
    return wave.Wave_read(str(file.with_suffix(".wav")))


async def test_a_text_is_spoken_as_a_telephone_plays_it(tmp_path: Path) -> None:
    with heard(await Speech(tmp_path / "new" / "sounds", SPEAK).file(HELLO)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (8000, 1, 2)
        assert 1 < sound.getnframes() / 8000 < 10
        assert max(sound.readframes(sound.getnframes())) > 0


async def test_the_folders_group_may_read_what_is_spoken_and_nobody_else(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        file = await Speech(tmp_path, SPEAK).file(HELLO)
    finally:
        os.umask(before)
    assert file.with_suffix(".wav").stat().st_mode & 0o777 == 0o640


async def test_the_same_text_is_spoken_once_even_when_asked_for_at_once(tmp_path: Path) -> None:
    count = tmp_path / "count"
    speech = Speech(tmp_path / "sounds", ["sh", "-c", f'echo >>{count}; espeak-ng -w "$0" --stdin', "{file}"])
    first, second = await asyncio.gather(speech.file(HELLO), speech.file(HELLO))
    assert first == second == await speech.file(HELLO)
    assert count.read_text() == "\n"
    assert os.listdir(tmp_path / "sounds") == [f"{first.name}.wav"]  # noqa: PTH208 -- nothing is left over


async def test_another_text_or_language_is_another_file(tmp_path: Path) -> None:
    speech = Speech(tmp_path, SPEAK)
    files = {await speech.file(Announcement(text, language)) for text in ("Ja", "Nein") for language in ("de", "en")}
    assert len(files) == 4


async def test_what_tells_of_an_account_is_made_for_one_call_and_left_overs_are_removed(tmp_path: Path) -> None:
    speech, private = Speech(tmp_path, SPEAK), replace(HELLO, private=True)
    assert await speech.file(private) != await speech.file(private)
    kept = await speech.file(HELLO)
    (tmp_path / "making-x").mkdir()
    (tmp_path / "making-x" / "spoken.wav").touch()  # of a daemon that was killed in mid-sentence
    Speech(tmp_path, SPEAK).tidy()
    assert os.listdir(tmp_path) == [f"{kept.name}.wav"]  # noqa: PTH208 -- nothing is left over


async def test_a_recording_is_played_instead_and_anew_when_it_changes(tmp_path: Path) -> None:
    recording, speech = tmp_path / "apology.de.wav", Speech(tmp_path / "sounds", ["false"])
    announcement = Announcement("…", "de", str(recording))
    files = []
    for seconds in (1, 2):
        with wave.open(str(recording), "wb") as sound:
            sound.setparams((2, 2, 44100, 0, "NONE", ""))
            sound.writeframes(b"\0\1\0\1" * 44100 * seconds)
        files.append(await speech.file(announcement))
    lengths = []
    for file in files:
        with heard(file) as sound:
            lengths.append(sound.getnframes() / sound.getframerate())
    assert lengths == pytest.approx([1, 2], abs=0.01)


@pytest.mark.parametrize(
    ("speak", "said"),
    [
        (["no-such-voice"], "no-such-voice cannot be run"),
        (["sh", "-c", "echo no voice >&2; exit 3"], "sh failed: no voice"),
        (["true"], "sox failed"),
    ],
)
async def test_what_cannot_be_spoken_says_why_and_leaves_nothing(tmp_path: Path, speak: list[str], said: str) -> None:
    with pytest.raises(ChannelMisconfigured, match=said):
        await Speech(tmp_path, speak).file(HELLO)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 -- nothing is left over


async def test_a_folder_that_cannot_be_made_and_a_recording_that_is_gone_are_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ChannelMisconfigured, match="folder of spoken texts"):
        await Speech(tmp_path / "file", SPEAK).file(HELLO)
    with pytest.raises(ChannelMisconfigured, match="recording"):
        await Speech(tmp_path, SPEAK).file(Announcement("", "de", str(tmp_path / "gone.wav")))


def test_a_program_may_end_before_it_is_told_anything_on_the_loop_of_production_too(tmp_path: Path) -> None:
    async def beep() -> None:
        for folder in map(str, range(12)):
            await Speech(tmp_path / folder, SPEAK).beep()

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        runner.run(beep())
