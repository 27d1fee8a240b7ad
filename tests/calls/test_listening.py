"""Person or machine: what AMD says with the shipped parameters, on the call itself and beside a conversation."""

import pytest

from tests.calls import town as people
from tests.calls.ari import Ari
from tests.calls.asterisk import Asterisk
from tests.calls.network import Network
from tests.calls.scenes import hear, join, reach, seat
from tests.calls.sounds import VOICE

# After two seconds of listening AMD gives up.
VERDICTS = [
    (people.HUMAN, ("HUMAN", "HUMAN")),
    (people.MACHINE, ("MACHINE", "LONGGREETING")),
    (people.SILENT, ("NOTSURE", "TOOLONG")),
    (people.TALKER, ("NOTSURE", "TOOLONG")),
]


async def listen(ari: Ari, channel: str) -> None:
    """Send a channel through the shipped dialplan's AMD."""
    await ari.ask("POST", f"channels/{channel}/continue", context="contactd-amd", extension="run", priority=1)


async def verdict(ari: Ari, channel: str) -> tuple[str, str]:
    """Wait for what AMD says, and return it with its reason; the milliseconds behind that vary by a packet or two."""
    back = await ari.wait("StasisStart", channel, where=lambda event: event["args"][:1] == ["amd"])
    _, status, cause = back["args"]
    return status, cause.split("-")[0]


@pytest.mark.parametrize(("behaviour", "expected"), VERDICTS)
async def test_an_answered_call_is_told_to_be_a_person_or_a_machine(
    ari: Ari, network: Network, behaviour: people.Behaviour, expected: tuple[str, str]
) -> None:
    call = await reach(ari, next(behaviour.numbers(0)))
    await listen(ari, call)
    assert await verdict(ari, call) == expected


@pytest.mark.parametrize(("behaviour", "expected"), VERDICTS)
async def test_a_call_is_judged_while_an_agent_already_hears_it(
    ari: Ari, town: Ari, network: Network, behaviour: people.Behaviour, expected: tuple[str, str]
) -> None:
    desk = await seat(ari, town, network, "agent1")
    call = await reach(ari, next(behaviour.numbers(0)))
    await join(ari, "agent1", call)
    await ari.ask("POST", f"channels/{call}/snoop/ear-{call}", spy="in", app="contactd", appArgs="ear")
    await ari.wait("StasisStart", f"ear-{call}")
    await listen(ari, f"ear-{call}")
    (heard,) = await hear([desk], ari.wait("StasisStart", f"ear-{call}", where=lambda e: e["args"][0] == "amd"))
    assert await verdict(ari, f"ear-{call}") == expected
    assert (heard.seconds_of(VOICE) > 0.3) == (behaviour is not people.SILENT)
    assert set((await ari.ask("GET", "bridges/mix-agent1"))["channels"]) == {desk.call, call}


async def test_judging_beside_a_conversation_ends_with_the_call(ari: Ari, network: Network) -> None:
    call = await reach(ari, people.PROMPT.number(20))
    await ari.ask("POST", f"channels/{call}/snoop/ear-{call}", spy="in", app="contactd", appArgs="ear")
    await ari.wait("StasisStart", f"ear-{call}")
    await listen(ari, f"ear-{call}")
    await ari.ask("DELETE", f"channels/{call}")

    async def gone() -> bool:
        return f"ear-{call}" not in await ari.ids("channels")

    await ari.eventually(gone)
    assert ari.about(f"ear-{call}") == ["StasisStart", "StasisEnd"]


async def test_a_shorter_limit_may_be_set_for_one_call(ari: Ari, network: Network) -> None:
    call = await reach(ari, next(people.HUMAN.numbers(0)))
    await ari.ask("POST", f"channels/{call}/variable", variable="CONTACTD_AMD_MS", value="1000")
    await listen(ari, call)
    assert await verdict(ari, call) == ("NOTSURE", "TOOLONG")


async def test_a_verdict_waits_for_a_contactd_that_is_reconnecting(pbx: Asterisk, network: Network) -> None:
    async with Ari(pbx.ari, pbx.password, "contactd") as ari:
        call = await reach(ari, next(people.HUMAN.numbers(0)))
        await listen(ari, call)
    await _until_judged(pbx)
    async with Ari(pbx.ari, pbx.password, "contactd") as ari:
        assert await verdict(ari, call) == ("HUMAN", "HUMAN")


async def _until_judged(pbx: Asterisk) -> None:
    """Wait until the dialplan has found contactd away once."""
    async with Ari(pbx.ari, pbx.password, "watch") as watch:

        async def waits() -> bool:
            return "Wait" in pbx.cli("core show channels concise").split("!")

        await watch.eventually(waits)
