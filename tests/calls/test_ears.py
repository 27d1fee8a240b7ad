"""Who hears what: beeps, music on hold, mute, recording and supervision, by the requests a backend would send."""

import asyncio
from dataclasses import dataclass

import pytest

from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.hearing import read_sound
from tests.calls.network import Network
from tests.calls.scenes import Line, hear, join, play, reach_puppet, seat
from tests.calls.sounds import AGENT, BEEP, CUSTOMER, MUSIC, SUPERVISOR


@dataclass(frozen=True, slots=True)
class Talk:
    """A customer and an agent who are joined, and the PBX's folder of sounds."""

    customer: Line
    desk: Line
    sounds: str

    async def both_speak(self) -> None:
        """Let both say a second's worth, at the same time."""
        await asyncio.gather(self.customer.say("customer"), self.desk.say("agent"))


@pytest.fixture
async def talk(ari: Ari, town: Ari, network: Network, pbx: Asterisk) -> Talk:
    """Join a customer with agent1."""
    desk = await seat(ari, town, network, "agent1")
    customer = await reach_puppet(ari, town, network, people.PUPPET.number(1))
    await join(ari, "agent1", customer.call)
    return Talk(customer, desk, f"{pbx.folder}/sounds")


async def test_joined_parties_hear_each_other_and_not_themselves(talk: Talk) -> None:
    customer, agent = await hear([talk.customer, talk.desk], talk.both_speak())
    assert (customer.seconds_of(AGENT) > 0.8, customer.seconds_of(CUSTOMER)) == (True, 0)
    assert (agent.seconds_of(CUSTOMER) > 0.8, agent.seconds_of(AGENT)) == (True, 0)


async def test_a_sound_for_the_agent_is_heard_by_the_agent_alone_and_interrupts(ari: Ari, talk: Talk) -> None:
    beep = play(ari, talk.desk.call, f"{talk.sounds}/beep")
    customer, agent = await hear([talk.customer, talk.desk], talk.both_speak(), beep)
    assert (agent.seconds_of(BEEP) > 0.2, customer.seconds_of(BEEP)) == (True, 0)
    assert agent.seconds_of(CUSTOMER) < 0.9


@pytest.mark.parametrize("_serial", range(4))
async def test_they_still_hear_each_other_after_a_sound_for_one_of_them(ari: Ari, talk: Talk, _serial: int) -> None:
    await play(ari, talk.desk.call, f"{talk.sounds}/beep")
    await play(ari, talk.customer.call, f"{talk.sounds}/beep")
    customer, agent = await hear([talk.customer, talk.desk], talk.both_speak())
    assert (customer.seconds_of(AGENT) > 0.8, agent.seconds_of(CUSTOMER) > 0.8) == (True, True)


async def test_a_whispered_beep_interrupts_nobody(ari: Ari, talk: Talk) -> None:
    async def whisper_while_they_speak() -> None:
        speaking = asyncio.create_task(talk.both_speak())
        await ari.ask(
            "POST", f"channels/{talk.desk.call}/snoop/whisper", spy="none", whisper="out", app="contactd", appArgs="w"
        )
        await ari.wait("StasisStart", "whisper")
        await play(ari, "whisper", f"{talk.sounds}/beep")
        await ari.ask("DELETE", "channels/whisper")
        await speaking

    customer, agent = await hear([talk.customer, talk.desk], whisper_while_they_speak())
    assert (agent.seconds_of(BEEP) > 0.2, customer.seconds_of(BEEP)) == (True, 0)
    assert (agent.seconds_of(CUSTOMER) > 0.8, customer.seconds_of(AGENT) > 0.8) == (True, True)


async def test_a_held_customer_hears_music_and_then_the_agent_again(ari: Ari, talk: Talk) -> None:
    await ari.ask("POST", "bridges", type="holding", bridgeId="hold")
    await ari.ask("POST", "bridges/hold/moh")
    await ari.ask("POST", "bridges/hold/addChannel", channel=talk.customer.call)
    await ari.wait("ChannelEnteredBridge", talk.customer.call, where=lambda event: event["bridge"]["id"] == "hold")
    customer, agent = await hear([talk.customer, talk.desk], talk.both_speak())
    assert (customer.seconds_of(MUSIC) > 0.8, customer.seconds_of(AGENT)) == (True, 0)
    assert agent.loud_seconds() == 0
    await ari.ask("POST", "bridges/mix-agent1/addChannel", channel=talk.customer.call)
    customer, agent = await hear([talk.customer, talk.desk], talk.both_speak())
    assert (customer.seconds_of(AGENT) > 0.8, agent.seconds_of(CUSTOMER) > 0.8) == (True, True)


async def test_music_may_also_be_played_to_one_call_in_its_place(ari: Ari, talk: Talk) -> None:
    await ari.ask("POST", f"channels/{talk.customer.call}/moh")
    customer, agent = await hear([talk.customer, talk.desk], talk.both_speak())
    assert (customer.seconds_of(MUSIC) > 0.8, customer.seconds_of(AGENT)) == (True, 0)
    assert agent.seconds_of(CUSTOMER) > 0.8


@pytest.mark.parametrize(("direction", "customer_hears", "agent_hears"), [("in", False, True), ("out", True, False)])
async def test_a_muted_agent_is_not_heard_or_does_not_hear(
    ari: Ari, talk: Talk, direction: str, *, customer_hears: bool, agent_hears: bool
) -> None:
    await ari.ask("POST", f"channels/{talk.desk.call}/mute", direction=direction)
    customer, agent = await hear([talk.customer, talk.desk], talk.both_speak())
    assert (customer.seconds_of(AGENT) > 0.8, agent.seconds_of(CUSTOMER) > 0.8) == (customer_hears, agent_hears)


async def test_a_recording_of_the_conversation_holds_both(ari: Ari, talk: Talk, pbx: Asterisk) -> None:
    await ari.ask("POST", "bridges/mix-agent1/record", name="conversation", format="wav", ifExists="overwrite")
    await ari.wait("RecordingStarted", "conversation")
    await talk.both_speak()
    await ari.ask("POST", "recordings/live/conversation/stop")
    await ari.wait("RecordingFinished", "conversation")
    sound = read_sound(pbx.folder / "spool" / "recording" / "conversation.wav")
    assert (sound.seconds_of(CUSTOMER) > 0.8, sound.seconds_of(AGENT) > 0.8) == (True, True)


@pytest.mark.parametrize(("whisper", "agent_hears"), [("none", False), ("out", True)])
async def test_a_supervisor_hears_both_and_whispers_to_the_agent_only(
    ari: Ari, town: Ari, network: Network, talk: Talk, whisper: str, *, agent_hears: bool
) -> None:
    supervisor = await seat(ari, town, network, "agent2")
    await ari.ask(
        "POST", f"channels/{talk.desk.call}/snoop/watch", spy="both", whisper=whisper, app="contactd", appArgs="watch"
    )
    await ari.wait("StasisStart", "watch")
    await join(ari, "agent2", "watch")
    customer, agent, watching = await hear(
        [talk.customer, talk.desk, supervisor], talk.both_speak(), supervisor.say("supervisor")
    )
    assert (watching.seconds_of(CUSTOMER) > 0.8, watching.seconds_of(AGENT) > 0.8) == (True, True)
    assert (customer.seconds_of(SUPERVISOR), agent.seconds_of(SUPERVISOR) > 0.8) == (0, agent_hears)
