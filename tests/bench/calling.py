"""Real calls: a whole daemon on two real Asterisks, beside a bare client of the same interface that does no more.

Four scenes, each on servers of its own: how soon answers are joined, how soon the customer hears the agent, fifty
set-ups a second held against the network's books, and many conversations at a time. `--only` names one of them.
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from os import getpid
from typing import Any

from contactd import logs
from contactd.cli.running import fast_loop, settle
from contactd.config.load import load
from contactd.store.database import open_database
from tests.bench.calling_bare import Bare
from tests.bench.calling_crowd import crowd
from tests.bench.calling_lab import (
    ANSWERS,
    BUSY,
    HANGS_UP,
    INVALID,
    LISTENS,
    TONE,
    Busy,
    Joins,
    Town,
    numbers,
    phones,
    quantile,
    servers,
    spread,
)
from tests.bench.calling_witness import Count, Ear
from tests.bench.figures import Figure, folder, main, peak_mb
from tests.calls.asterisk import Asterisk, AsteriskMissingError
from tests.calls.office import Office, at_work, owe, write

_ANSWERED, _ENDS = frozenset({"answered", "abandoned"}), frozenset({"delivered", "failed"})
_OUTCOMES = {
    ANSWERS: _ANSWERED, HANGS_UP: _ANSWERED, LISTENS: _ANSWERED, BUSY: frozenset({"busy"}),
    INVALID: frozenset({"invalid"}),
}  # fmt: skip
_PATIENCE = 120.0

# What else goes on while calls are made: it is cancelled when they are over.
Beside = Callable[[Asterisk, Any], Coroutine[Any, Any, None]]


@dataclass
class Scene:
    """Whom to call with how many agents, how fast, and for how long they talk."""

    numbers: list[str]
    agents: int
    rate: float
    talk: float
    step: str = 'mode = "progressive"'
    trunk: str = ""
    servers: Callable[[int, int], AbstractContextManager[tuple[Asterisk, Any]]] = servers
    beside: list[Beside] = field(default_factory=list)


@dataclass
class Seen:
    """What came of a scene: times, processors, and by number what the contact log and the network say."""

    joins: Joins
    busy: Busy
    books: list[Any]
    log: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    lost: int = 0  # by the bare client

    def wrong(self, wanted: list[str]) -> dict[str, int]:
        """Count what the contact log lost or says otherwise than the network."""
        called = Counter(f"+{call.number}" for call in self.books if not call.number.startswith("agent"))
        answered = {f"+{call.number}" for call in self.books if call.answer is not None}
        outcomes = {number: [how for event, how in rows if event in _ENDS] for number, rows in self.log.items()}
        return {
            "not called": sum(not called[number] for number in wanted),
            "called twice": sum(count > 1 for count in called.values()),
            "without one end": sum(len(outcomes.get(number, ())) != 1 for number in wanted),
            "with a wrong outcome": sum(
                not set(outcomes.get(number, ())) <= _OUTCOMES[number[1:-3]]
                or (number in answered) != (_OUTCOMES[number[1:-3]] is _ANSWERED)
                for number in wanted
            ),
        }


def run(scale: float, *only: str) -> list[Figure]:
    """Play the scenes, or only these."""
    logs.set_up("error", "json", stream=sys.stderr)
    try:
        return [figure for name in only or _SCENES for figure in _SCENES[name](scale)]
    except AsteriskMissingError as missing:
        sys.stderr.write(f"{missing}\n")
        return []


def _play(scene: Scene) -> tuple[Seen, Seen]:
    """Play a scene by contactd, then by the bare client, each with new servers."""
    return _play_once(scene, _by_contactd), _play_once(scene, _by_bare_client)


def _play_once(scene: Scene, player: Callable[..., Coroutine[Any, Any, Seen]]) -> Seen:
    with (
        scene.servers(scene.agents, min(len(scene.numbers), 4 * scene.agents)) as (pbx, town),
        asyncio.Runner(loop_factory=fast_loop()) as runner,
    ):
        settle()
        return runner.run(player(scene, pbx, town))


async def _by_contactd(scene: Scene, pbx: Asterisk, town: Town) -> Seen:
    joins, busy = Joins(), Busy({"contactd": getpid(), "PBX": pbx.pid, "telephones": town.pid})
    with folder() as directory, joins.watched():
        config = write(directory, pbx, agents=0, ring=10, step=scene.step, asterisk=scene.trunk)
        staff = "".join(f'[agents.{phone}]\nphone = "PJSIP/{phone}"\n' for phone in phones(scene.agents))
        config.write_text(config.read_text() + staff)
        database = open_database(load(config).database_url)
        owe(database, scene.numbers)
        async with at_work(config, talk=scene.talk, sign_in=False) as office, _beside(scene, pbx, town):
            await busy.during(_work(office, scene))
            log = office.log()
            await asyncio.sleep(0.5)  # the last agents go back
        database.close()
    return Seen(joins, busy, town.calls(), log)


async def _work(office: Office, scene: Scene) -> None:
    await office.workers.sign_in(1 / scene.rate)
    await office.finish(_PATIENCE + len(scene.numbers) / scene.rate)


async def _by_bare_client(scene: Scene, pbx: Asterisk, town: Town) -> Seen:
    joins, busy = Joins(), Busy({"client": getpid(), "PBX": pbx.pid, "telephones": town.pid})
    async with Bare(pbx, joins, scene.talk) as client, _beside(scene, pbx, town):
        await client.seat(phones(scene.agents))
        await busy.during(client.call(scene.numbers, scene.rate))
        await asyncio.sleep(0.5)
    return Seen(joins, busy, town.calls(), lost=client.lost)


@asynccontextmanager
async def _beside(scene: Scene, pbx: Asterisk, town: Town) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(work(pbx, town)) for work in scene.beside]
    await asyncio.sleep(0.1 * bool(tasks))
    yield
    for task in tasks:
        if task.done():
            task.result()  # it broke
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


# -- the scenes --------------------------------------------------------------------------------------------------


def _joining(scale: float) -> list[Figure]:
    """Let people answer, twenty a second, with an agent free for each."""
    scene = Scene(numbers(ANSWERS, round(1000 * max(scale, 0.12))), agents=40, rate=20, talk=1.5)
    ours, bare = _play(scene)
    answers = ours.joins.answers
    rate = (len(answers) - 1) / (answers[-1] - answers[0])
    what = f"real calls, {rate:.0f} answers/s: to both joined"
    notes = [
        f"contactd, inside: {spread(ours.joins.ours)}",
        f"contactd, by Asterisk's clock: {spread(ours.joins.theirs)}",
        f"the bare client: {spread(bare.joins.ours)}; by Asterisk's clock: {spread(bare.joins.theirs)}",
        f"of contactd's: until the request goes out {spread(ours.joins.waits)}",
        f"of contactd's: from there to both joined {spread(ours.joins.orders)}",
        f"{ours.busy}, loop late {spread(ours.busy.lags)}",
        f"bare: {bare.busy}",
        f"lost: {_told(ours.wrong(scene.numbers))}",
        f"events: {dict(sorted(ours.joins.types.items(), key=lambda item: -item[1]))}",
    ]
    return [
        _against(f"{what}, inside, p99", ours.joins.ours, bare.joins.ours, "<= 50 ms", notes),
        _against(f"{what}, Asterisk's clock, p99", ours.joins.theirs, bare.joins.theirs, "<= 50 ms", []),
    ]


def _hearing(scale: float) -> list[Figure]:
    """Let agents sound a tone all the time, and see when whoever answers hears it."""
    ears = [Ear(), Ear()]
    scene = Scene(numbers(LISTENS, round(400 * max(scale, 0.12))), agents=30, rate=8, talk=3.0)
    heard = list[list[float]]()
    for ear, player in zip(ears, (_by_contactd, _by_bare_client), strict=True):
        scene.beside = [ear.listen]
        heard.append(ear.times(_play_once(scene, player).books))
    missing = len(scene.numbers) - len(heard[0])
    notes = [
        f"contactd: {spread(heard[0])}, {missing} heard nothing",
        f"the bare client: {spread(heard[1])}, {len(scene.numbers) - len(heard[1])} heard nothing",
        f"{ears[0].sure} of {ears[0].recorded} who were recorded heard the agent's tone of {TONE} Hz",
    ]
    return [_against("real calls: answer to the agent's first sound, p99", heard[0], heard[1], "<= 150 ms", notes)]


def _placing(scale: float) -> list[Figure]:
    """Place fifty calls a second of which few are answered, and hold the contact log against the network's books."""
    share = max(scale, 0.1)
    mix = {INVALID: 1000, BUSY: 1000, HANGS_UP: 300, ANSWERS: 100}
    lists = {city: numbers(city, round(count * share)) for city, count in mix.items()}
    more = numbers(LISTENS, round(600 * share))
    called = _mixed([*lists.values(), more])
    scene = Scene(called, agents=60, rate=50, talk=1.0, step='mode = "power"\nratio = 1.5')
    scene.trunk = "[telephony.asterisk.trunks.trunk]\nper_second = 52\n"
    ours, bare = _play(scene)
    return _reconciled(scene, ours, bare)


def _reconciled(scene: Scene, ours: Seen, bare: Seen) -> list[Figure]:
    wrong, calls = ours.wrong(scene.numbers), len(scene.numbers)
    starts = sorted(call.start for call in ours.books if not call.number.startswith("agent"))
    steady = starts[len(starts) // 10 : -len(starts) // 10]
    rate = (len(steady) - 1) / (steady[-1] - steady[0]).total_seconds()
    again = sum(event == "not_taken" for rows in ours.log.values() for event, _ in rows)
    what = f"real calls, {rate:.0f} set-ups/s"
    notes = [
        f"of {calls:,} calls: {_told(wrong)}; the bare client lost {bare.lost}",
        f"{again} were not dialled at first, for the trunk was full or Asterisk refused, and had their turn later",
        f"outcomes: {dict(Counter(rows[-1][1] for rows in ours.log.values()))}",
        f"{ours.busy}, loop late {spread(ours.busy.lags)}",
        f"bare: {bare.busy}, loop late {spread(bare.busy.lags)}",
        f"answer to both joined, some after a wait for an agent: {spread(ours.joins.ours)}",
        f"peak {peak_mb():.0f} MB",
    ]
    mine, its = (100 * seen.busy.shares[name] for seen, name in ((ours, "contactd"), (bare, "client")))
    return [
        Figure(f"{what}: lost or wrong", sum(wrong.values()), "calls", "calls placed", calls, "0", notes=notes),
        Figure(f"{what}: the daemon's processor", mine, "%", "a bare client's", its, "< 100 %"),
        _against(f"{what}: the loop is late, p99", ours.busy.lags, bare.busy.lags, "<= 50 ms", []),
    ]


def _talking(scale: float) -> list[Figure]:
    """Let two hundred talk at a time, count them by Asterisk's own bridges and their packets, and end them all."""
    agents, rate = max(20, round(200 * scale)), 20.0
    called = numbers(ANSWERS, agents)
    counts = [Count(agents), Count(agents)]
    scene = Scene(called, agents=agents, rate=rate, talk=agents / rate + 20 * max(scale, 0.3), servers=crowd)
    seen = list[Seen]()
    for count, player in zip(counts, (_by_contactd, _by_bare_client), strict=True):
        scene.beside = [count.look]
        seen.append(_play_once(scene, player))
    ours, bare = seen
    wrong = ours.wrong(called)
    notes = [
        f"request to both joined: {spread(ours.joins.orders)}; bare: {spread(bare.joins.orders)}",
        f"answer to both joined: {spread(ours.joins.ours)}; bare: {spread(bare.joins.ours)}",
        f"while all talk: {counts[0]}; bare: {counts[1]}",
        f"in all: {ours.busy}, loop late {spread(ours.busy.lags)}; bare: {bare.busy}",
        f"of {agents} calls: {_told(wrong)}; the bare client lost {bare.lost}",
    ]
    what = f"real calls, {agents} conversations"
    slowest = [count.slowest for count in counts]
    return [
        Figure(f"{what}: at a time", counts[0].most, "", "wanted", agents, f">= {agents}", notes=notes),
        Figure(f"{what}: speech, slowest way", slowest[0], "packets/s", "a bare client", slowest[1], "50"),
        Figure(f"{what}: lost or wrong", sum(wrong.values()), "calls", "calls placed", agents, "0"),
        _against(f"{what}: request to joined, p99", ours.joins.orders, bare.joins.orders, "<= 50 ms", []),
    ]


def _mixed(lists: list[list[str]]) -> list[str]:
    """Spread lists over each other evenly."""
    placed = [((place + 0.5) / len(one), number) for one in lists for place, number in enumerate(one)]
    return [number for _, number in sorted(placed)]


def _told(wrong: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in wrong.items())


def _against(what: str, ours: list[float], bare: list[float], target: str, notes: list[str]) -> Figure:
    return Figure(what, quantile(ours, 0.99), "ms", "a bare client", quantile(bare, 0.99), target, notes=notes)


_SCENES: Mapping[str, Callable[[float], list[Figure]]] = {
    "joining": _joining, "hearing": _hearing, "placing": _placing, "talking": _talking,
}  # fmt: skip


if __name__ == "__main__":
    main(run, _SCENES)
