"""Who is joined hears each other: tones of a telephone on the one side, listened to on the other."""

import asyncio

from contactd.telephony.base import Announcement, Kind
from tests.calls.lines import AGENT_TONE, CUSTOMER_TONE, Line
from tests.calls.sounds import MUSIC


async def test_customer_and_agent_hear_each_other_and_before_that_nothing(line: Line) -> None:
    await line.call()
    async with line.singing(line.desk, AGENT_TONE):
        assert (await line.hear(line.person, "before", 0.5)).seconds_of(AGENT_TONE) == 0
        await line.join()
        assert (await line.hear(line.person, "customer")).seconds_of(AGENT_TONE) > 0.5
    async with line.singing(line.person, CUSTOMER_TONE):
        assert (await line.hear(line.desk, "agent")).seconds_of(CUSTOMER_TONE) > 0.5


async def test_a_beep_in_the_agents_ear_says_that_somebody_is_there_and_the_customer_does_not_hear_it(
    line: Line,
) -> None:
    await line.call()
    ears = [asyncio.create_task(line.hear(channel, name)) for channel, name in ((line.desk, "d"), (line.person, "p"))]
    await asyncio.sleep(0.3)
    await line.join()
    desk, person = [await ear for ear in ears]
    assert 0.1 <= desk.seconds_of(1400) <= 0.3
    assert person.loud_seconds() == 0


async def test_on_hold_the_customer_hears_music_and_the_agent_nothing(line: Line) -> None:
    await line.call()
    await line.join()
    await line.carrier.hold("1-1")
    await line.until(Kind.HELD)
    assert (await line.hear(line.person, "music")).seconds_of(MUSIC) > 0.5
    async with line.singing(line.person, CUSTOMER_TONE):
        assert (await line.hear(line.desk, "silence", 0.5)).loud_seconds() == 0
        await line.carrier.retrieve("1-1")
        await line.until(Kind.RETRIEVED)
        assert (await line.hear(line.desk, "again")).seconds_of(CUSTOMER_TONE) > 0.5


async def test_an_apology_is_spoken_to_the_customer(line: Line) -> None:
    await line.call()
    listening = asyncio.create_task(line.hear(line.person, "apology", 2.5))
    await asyncio.sleep(0.2)
    await line.carrier.play("1-1", Announcement("Guten Tag. Hier ist Musterfirma.", "de"))
    assert (await listening).loud_seconds() > 1
    await line.until(Kind.PLAYED)


async def test_whoever_lost_their_agent_hears_music_and_then_the_apology(line: Line) -> None:
    await line.call()
    await line.join()
    await line.town.ask("DELETE", f"channels/{line.desk}")
    await line.until(Kind.AGENT_DOWN)
    assert (await line.hear(line.person, "music")).seconds_of(MUSIC) > 0.5
    hearing = asyncio.create_task(line.hear(line.person, "apology", 2.5))
    await asyncio.sleep(0.2)
    await line.carrier.play("1-1", Announcement("Guten Tag. Hier ist Musterfirma.", "de"))
    sound = await hearing
    assert sound.loud_seconds() > 1
    assert sound.seconds_of(MUSIC) < 1


async def test_each_telephone_is_invited_once(line: Line) -> None:
    line.pbx.cli("module load res_pjsip_history.so")
    line.pbx.cli("pjsip set history on")
    await line.call()
    await line.join()
    await line.hear(line.person, "settled")
    history = line.pbx.cli("pjsip show history")
    line.pbx.cli("pjsip set history off")
    line.pbx.cli("pjsip set history clear")
    assert history.count("INVITE sip:") == 2
