"""Who is joined hears each other: tones of a telephone on the one side, listened to on the other."""

import asyncio
import time

from contactd.telephony.base import Announcement, Kind
from tests.calls.lines import AGENT_TONE, CUSTOMER_TONE, Line
from tests.calls.sounds import MUSIC

APOLOGY = Announcement("Guten Tag. Hier ist Musterfirma.", "de")


async def test_customer_and_agent_hear_each_other_and_before_that_nothing(line: Line) -> None:
    await line.call()
    async with line.singing(line.desk, AGENT_TONE):
        assert (await line.hear(line.person, 0.5)).seconds_of(AGENT_TONE) == 0
        await line.join()
        assert (await line.hear(line.person)).seconds_of(AGENT_TONE) > 0.5
    async with line.singing(line.person, CUSTOMER_TONE):
        assert (await line.hear(line.desk)).seconds_of(CUSTOMER_TONE) > 0.5


async def test_a_beep_in_the_agents_ear_says_that_somebody_is_there_and_the_customer_does_not_hear_it(
    line: Line,
) -> None:
    await line.call()

    async def join() -> None:
        await line.join()
        await asyncio.sleep(1)

    desk, person = await line.while_(join(), line.desk, line.person)
    assert 0.1 <= desk.seconds_of(1400) <= 0.3
    assert person.loud_seconds() == 0


async def test_on_hold_the_customer_hears_music_and_the_agent_nothing(line: Line) -> None:
    await line.call()
    await line.join()
    await line.carrier.hold("1-1")
    await line.until(Kind.HELD)
    assert (await line.hear(line.person)).seconds_of(MUSIC) > 0.5
    async with line.singing(line.person, CUSTOMER_TONE):
        assert (await line.hear(line.desk, 0.5)).loud_seconds() == 0
        await line.carrier.retrieve("1-1")
        await line.until(Kind.RETRIEVED)
        assert (await line.hear(line.desk)).seconds_of(CUSTOMER_TONE) > 0.5


async def test_an_apology_is_spoken_to_the_customer(line: Line) -> None:
    await line.call()

    async def apologise() -> None:
        await line.carrier.play("1-1", APOLOGY)
        await line.until(Kind.PLAYED)

    [sound] = await line.while_(apologise(), line.person)
    assert sound.loud_seconds() > 1


async def test_whoever_lost_their_agent_hears_music_and_then_the_apology(line: Line) -> None:
    await line.call()
    await line.join()
    await line.town.ask("DELETE", f"channels/{line.desk}")
    await line.until(Kind.AGENT_DOWN)
    assert (await line.hear(line.person)).seconds_of(MUSIC) > 0.5
    began = time.monotonic()

    async def apologise() -> float:
        await line.carrier.play("1-1", APOLOGY)
        took = time.monotonic() - began
        await asyncio.sleep(2)
        return took

    apologising = asyncio.ensure_future(apologise())
    [sound] = await line.while_(apologising, line.person)
    assert sound.loud_seconds() - sound.seconds_of(MUSIC) > 1
    assert sound.seconds_of(MUSIC) < 1 + apologising.result()


async def test_each_telephone_is_invited_once(line: Line) -> None:
    line.pbx.cli("module load res_pjsip_history.so")
    line.pbx.cli("pjsip set history on")
    await line.call()
    await line.join()
    await line.hear(line.person)
    history = line.pbx.cli("pjsip show history")
    line.pbx.cli("pjsip set history off")
    line.pbx.cli("pjsip set history clear")
    assert history.count("INVITE sip:") == 2
