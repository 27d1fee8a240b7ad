"""How busy agents are and how many calls are abandoned, by way of pacing: the same seeds side by side.

Run it by `python -m tests.bench.pacing`; `--hours`, `--seeds`, `--only`, `--ways` and `--agents` make it shorter,
`--json` prints every run's figures instead of the table. All runs start cold. A figure in the table is the mean and,
after the stroke, the worst seed.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from tests.bench.dialling_model import Model, Pacer, World
from tests.bench.dialling_pacers import Contactd, KnowsEnds, Ratio, Vicidial
from tests.bench.dialling_told import Told

SIZES = (5, 10, 20, 50, 100)
# Utilisation to be reached at answer probability 0.3, in per cent: with hanging up, and without.
TARGETS = {5: (83.5, 81.3), 10: (87.0, 84.8), 20: (91.0, 89.0), 50: (95.0, 93.5), 100: (97.0, 95.8)}
_LIMIT = 0.03
_SEARCH = 7  # halvings of the interval for the best ratio

Run = dict[str, float]
Make = Callable[[World], Pacer]


def drifting(now: float) -> float:
    """Swing between 0.15 and 0.45 within three hours."""
    return 0.3 - 0.15 * math.cos(2 * math.pi * now / 10_800)


WORLDS: dict[str, World] = {
    **{f"p=0.3 agents={size}": World(agents=size) for size in SIZES},
    **{f"drifting agents={size}": World(agents=size, rates=(drifting,)) for size in (5, 20, 100)},
    "p=0.08": World(rates=(lambda _: 0.08,)),
    "p=0.6": World(rates=(lambda _: 0.6,)),
    "heavy-tailed talk": World(talk_tail=1.6),
    "pausing, leaving, joining": World(breaks=1.0, shifts=True),
    "two campaigns": World(rates=(lambda _: 0.3, lambda _: 0.15)),
    "machine detection wrong 5 %": World(machines=0.3, machine_error=0.05),
    "carrier failing ten minutes": World(failing=(3 * 3600.0, 3 * 3600.0 + 600, 0.2)),
    "ringing begins late": World(ring_delay=(1.0, 4.0)),
}

PACERS: dict[str, Make] = {
    "contactd": lambda world: Contactd(campaigns=len(world.rates)),
    "contactd, never hangs up": lambda world: Contactd(cancel=False, campaigns=len(world.rates)),
    "progressive": lambda _: Ratio(1.0),
    "VICIdial default": lambda _: Vicidial(available_only=False),
    "VICIdial available-only": lambda _: Vicidial(available_only=True),
    "knows every end time": lambda world: KnowsEnds(campaigns=len(world.rates)),
}
# For worlds with one campaign.
TOLD: dict[str, Make] = {
    "told all but the rate": lambda _: Told(cancel=True),
    "told it, never hangs up": lambda _: Told(cancel=False),
}


def play(world: World, seeds: Iterable[int], make: Make) -> list[Run]:
    """Run every seed."""
    runs = []
    for seed in seeds:
        pacer = make(world)
        run = Model(world, seed, pacer).run()
        if isinstance(pacer, Contactd):
            costs = sorted(pacer.costs)
            run["decision_ms_p99"] = 1e3 * costs[int(0.99 * len(costs))]
        runs.append(run)
    return runs


def best_ratio(world: World, seeds: list[int]) -> tuple[float, list[Run]]:
    """Find the highest ratio on free agents that stays within 3 % on average: an oracle's choice."""
    low, high = 1.0, 8.0
    for _ in range(_SEARCH):
        middle = (low + high) / 2
        tried = play(world, seeds[:3], lambda _, ratio=middle: Ratio(ratio))  # type: ignore[misc] # bound at once
        low, high = (middle, high) if mean(tried, "abandonment") <= _LIMIT else (low, middle)
    return low, play(world, seeds, lambda _: Ratio(low))


def mean(runs: list[Run], name: str) -> float:
    """Give the mean of a figure."""
    return sum(run[name] for run in runs) / len(runs)


def row(name: str, runs: list[Run], seconds: float) -> str:
    """Write a line of the table."""
    used, lost = ([100 * run[figure] for run in runs] for figure in ("utilisation", "abandonment"))
    hour, few = (100 * max(run[figure] for run in runs) for figure in ("worst_hour_abandonment", "worst_hour_of_few"))
    return (
        f"  {name:<26} {sum(used) / len(used):5.1f} / {min(used):4.1f}"
        f"   {sum(lost) / len(lost):4.2f} / {max(lost):4.2f}   {hour:4.1f} ({few:4.1f})"
        f"   {mean(runs, 'dials_per_connect'):5.2f}"
        f"   {mean(runs, 'talk_minutes_per_agent_hour'):4.1f}   {seconds:5.0f} s"
    )


def verdict(size: int, place: int, runs: list[Run]) -> str:
    """Say whether the target is met, on the mean; the limits are for every seed."""
    reached, wanted = 100 * mean(runs, "utilisation"), TARGETS[size][place]
    lost = max(run["abandonment"] for run in runs)
    hour = max(run["worst_hour_abandonment"] for run in runs)
    met = reached >= wanted and lost <= _LIMIT and hour <= 0.05
    return f"    target {wanted}: {'met' if met else 'NOT met'}"


def compare(name: str, world: World, seeds: list[int], ways: str, say: Callable[[str], None]) -> dict[str, list[Run]]:
    """Run the ways of pacing whose names have that in them, in one world."""
    say(f"{name}: utilisation mean / worst   abandonment   worst hour (of few)   dials/connect   talk min/h")
    found = {}
    chosen = {**PACERS, **TOLD, "best ratio": None} if len(world.rates) == 1 else PACERS
    for pacer, make in chosen.items():
        if ways not in pacer:
            continue
        begun = time.thread_time()
        label = pacer
        if make is None:
            ratio, runs = best_ratio(world, seeds)
            label = f"best ratio ({ratio:.2f})"
        else:
            runs = play(world, seeds, make)
        found[pacer] = runs
        say(row(label, runs, time.thread_time() - begun))
        if name.startswith("p=0.3") and pacer.startswith("contactd"):
            say(verdict(world.agents, int("never" in pacer), runs))
    return found


def main(arguments: list[str] | None = None) -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--hours", type=float, default=8.0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--only", default="", help="a scenario, or a part of the names of several")
    parser.add_argument("--ways", default="", help="a part of the names of ways of pacing")
    parser.add_argument("--agents", type=int, help="size of the team in all scenarios")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)

    def say(text: str) -> None:
        print(text, file=sys.stderr if asked.json else sys.stdout, flush=True)

    found = {}
    for name, world in WORLDS.items():
        if asked.only in WORLDS and asked.only != name:
            continue
        if asked.only in name:
            told = replace(world, hours=asked.hours, agents=asked.agents or world.agents)
            found[name] = compare(name, told, list(range(1, asked.seeds + 1)), asked.ways, say)
    if asked.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
