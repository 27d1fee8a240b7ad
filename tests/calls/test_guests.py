"""Who hears whom when a call is handed over, a third person comes in, a supervisor listens or an agent is mute."""

import asyncio

from contactd.telephony.base import Announcement, Kind, Supervision
from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.hearing import read_sound
from tests.calls.lines import AGENT_TONE, CUSTOMER_TONE, Line, is_gone
from tests.calls.sounds import MUSIC

SUPERVISOR_TONE = 1900


async def test_the_next_agent_and_the_customer_hear_each_other_and_the_first_is_out(line: Line) -> None:
    await line.call()
    await line.join()
    await line.carrier.seat("bernd")
    second = await line.puppet("agent2")
    await line.until_agent("bernd", Kind.AGENT_UP)
    await line.carrier.bridge("1-1", "bernd")
    await line.until_agent("bernd", Kind.BRIDGED)
    async with line.singing(line.person, CUSTOMER_TONE):
        assert (await line.hear(second)).seconds_of(CUSTOMER_TONE) > 0.5
        assert (await line.hear(line.desk, 0.5)).loud_seconds() == 0
    async with line.singing(second, AGENT_TONE):
        assert (await line.hear(line.person)).seconds_of(AGENT_TONE) > 0.5


async def test_three_people_hear_each_other_and_then_two_of_them(line: Line) -> None:
    await line.call()
    await line.join()
    await line.carrier.invite("1-1", people.PUPPET.number(1), "+493023125000")
    third = await line.puppet(people.PUPPET.number(1)[1:])
    await line.until(Kind.THIRD_JOINED)
    async with line.singing(third, 1300):
        assert (await line.hear(line.desk)).seconds_of(1300) > 0.5
        assert (await line.hear(line.person)).seconds_of(1300) > 0.5
        await line.carrier.leave("1-1")
        assert (await line.hear(line.person)).seconds_of(1300) > 0.5
        assert (await line.hear(line.desk, 0.5)).loud_seconds() == 0


async def test_a_supervisor_hears_both_and_is_heard_by_whom_they_mean_to_speak_to(line: Line) -> None:
    await line.call()
    await line.join()
    await line.carrier.supervise("anna", "carla", "listen")
    ear = await line.puppet("agent3")
    async with line.singing(line.person, CUSTOMER_TONE):
        assert (await line.hear(ear)).seconds_of(CUSTOMER_TONE) > 0.5
    async with line.singing(line.desk, AGENT_TONE):
        assert (await line.hear(ear)).seconds_of(AGENT_TONE) > 0.5
    heard: dict[Supervision, tuple[bool, bool]] = {}
    hows: tuple[Supervision, ...] = ("listen", "whisper", "barge")
    for how in hows:
        await line.carrier.supervise("anna", "carla", how)
        async with line.singing(ear, SUPERVISOR_TONE):
            desk, person = await asyncio.gather(line.hear(line.desk), line.hear(line.person))
        heard[how] = (desk.seconds_of(SUPERVISOR_TONE) > 0.5, person.seconds_of(SUPERVISOR_TONE) > 0.5)
    assert heard == {"listen": (False, False), "whisper": (True, False), "barge": (True, True)}
    await line.carrier.unsupervise("carla")
    async with line.singing(line.person, CUSTOMER_TONE):
        assert (await line.hear(line.desk)).seconds_of(CUSTOMER_TONE) > 0.5


async def test_a_mute_agent_hears_and_is_not_heard(line: Line) -> None:
    await line.call()
    await line.join()
    await line.carrier.mute("anna", muted=True)
    async with line.singing(line.desk, AGENT_TONE):
        assert (await line.hear(line.person)).loud_seconds() == 0
        await line.carrier.mute("anna", muted=False)
        assert (await line.hear(line.person)).seconds_of(AGENT_TONE) > 0.5


async def test_a_recording_holds_both_voices_after_the_announcement_and_no_music(line: Line, witness: Ari) -> None:
    await line.call()
    await line.join()

    async def announce() -> None:
        await line.carrier.record("1-1", "2026-11-28-9-1-1", Announcement("Dieses Gespräch wird aufgezeichnet.", "de"))
        await line.until(Kind.RECORDED)

    assert [sound.loud_seconds() > 1 for sound in await line.while_(announce(), line.desk, line.person)] == [True, True]
    for singer, tone, listener in ((line.person, CUSTOMER_TONE, line.desk), (line.desk, AGENT_TONE, line.person)):
        async with line.singing(singer, tone):
            assert (await line.hear(listener)).seconds_of(tone) > 0.5
    await line.carrier.hold("1-1")
    await line.until(Kind.HELD)
    await asyncio.sleep(1)
    await line.carrier.hang_up("1-1")
    await line.until(Kind.HUNG_UP)
    await witness.eventually(lambda: is_gone(witness, "2026-11-28-9-1-1"))
    sound = read_sound(line.pbx.folder / "spool" / "recording" / "2026-11-28-9-1-1.wav")
    assert (sound.seconds_of(CUSTOMER_TONE) > 0.5, sound.seconds_of(AGENT_TONE) > 0.5) == (True, True)
    assert sound.seconds_of(MUSIC) < 0.3
    await line.carrier.forget("2026-11-28-9-1-1")


async def test_without_a_1_nothing_is_recorded(line: Line) -> None:
    await line.call()
    await line.join()
    question = Announcement("Ja?", "de")
    for key, recorded in (("2", False), ("1", True)):
        await line.carrier.record("1-1", f"2026-11-28-8-1-{key}", question, ask=True)
        await asyncio.sleep(1.5)
        await line.town.ask("POST", f"channels/{line.person}/dtmf", dtmf=key)
        await (line.until(Kind.RECORDED) if recorded else asyncio.sleep(1))
        assert (Kind.RECORDED in [event.kind for event in line.events]) == recorded
