"""The dialer's real engine in simulated days, beside other ways of pacing in the model, the same seeds for all.

One figure for each size of the team: how busy contactd keeps its agents beside the best fixed ratio, which an oracle
would have to choose. The notes show everybody: utilisation mean / worst, abandonment mean / worst, the worst hour.
"""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial

from contactd.rehearsal.day import rehearse
from contactd.rehearsal.scenario import Scenario, find, load
from tests.bench.figures import Figure, Watch, main
from tests.bench.pacing import PACERS, SIZES, TARGETS, TOLD, WORLDS, Run, best_ratio, mean, play, row

_SEEDS, _HOURS = 10, 8.0
_FEW = 0.5  # of the full size; below it only two sizes, and fewer hours
_ENGINE = {"contactd, the engine": "reference", "the same, never hangs up": "without-hanging-up"}
# The other conditions, as the model and as the scenarios name them.
_OTHERS = {
    "drifting agents=20": "drifting",
    "p=0.08": "few-answers",
    "p=0.6": "many-answers",
    "heavy-tailed talk": "long-talks",
    "pausing, leaving, joining": "coming-and-going",
    "two campaigns": "two-campaigns",
    "machine detection wrong 5 %": "wrong-detection",
    "carrier failing ten minutes": "carrier-trouble",
}


def run(scale: float) -> list[Figure]:
    """Measure each size at answer probability 0.3, then the other conditions."""
    seeds = list(range(1, max(1, round(_SEEDS * scale)) + 1))
    quick = scale < _FEW
    hours = _HOURS * max(scale, 0.125)
    sizes = (5, 20) if quick else SIZES
    figures = [_size(size, seeds, hours) for size in sizes]
    return figures + ([] if quick else [_condition(name, seeds, hours) for name in _OTHERS])


def _size(size: int, seeds: list[int], hours: float) -> Figure:
    world = replace(WORLDS[f"p=0.3 agents={size}"], hours=hours)
    notes, engine = [], list[Run]()
    for label, scenario in _ENGINE.items():
        runs, note = _engine(label, scenario, seeds, {"agents": size, "hours": hours})
        engine = engine or runs
        notes.append(note)
    for label, make in (PACERS | TOLD).items():
        watch = Watch(partial(play, world, seeds, make))
        notes.append(row(f"model: {label}", watch.answer, watch.cpu))
    ratio, best = best_ratio(world, seeds)
    notes.append(row(f"model: best ratio {ratio:.2f}", best, 0.0))
    with_hanging_up, without = TARGETS[size]
    target = f">= {with_hanging_up} %, {without} % without hanging up"
    return _figure(
        f"dialling, {size} agents, {hours:g} h: busy", engine, f"best ratio {ratio:.2f}", best, target, notes
    )


def _condition(name: str, seeds: list[int], hours: float) -> Figure:
    world = replace(WORLDS[name], hours=hours)
    engine, note = _engine("contactd, the engine", _OTHERS[name], seeds, {"agents": world.agents, "hours": hours})
    others = {label: play(world, seeds, make) for label, make in PACERS.items() if "VICIdial" in label}
    best = max(others, key=lambda label: mean(others[label], "utilisation"))
    notes = [note, *(row(f"model: {label}", runs, 0.0) for label, runs in others.items())]
    return _figure(f"dialling, {name}: busy", engine, best, others[best], "above it, <= 3 % abandoned", notes)


def _figure(what: str, engine: list[Run], reference: str, runs: list[Run], target: str, notes: list[str]) -> Figure:
    used, beside = 100 * mean(engine, "utilisation"), 100 * mean(runs, "utilisation")
    return Figure(what, used, "%", f"{reference}, in the model", beside, target, notes=notes)


def _engine(label: str, scenario: str, seeds: list[int], told: dict[str, float]) -> tuple[list[Run], str]:
    """Run the days, as many at a time as there are processors, and write the line for the notes."""
    with ProcessPoolExecutor() as pool:
        runs = list(pool.map(partial(_day, scenario, told), seeds))
    speed = min(run["speedup"] for run in runs)
    return runs, f"{row(label, runs, 0.0)}   {speed:,.0f} times real time"


def _day(scenario: str, told: dict[str, float], seed: int) -> Run:
    chosen: Scenario = load(find(scenario)).model_copy(update={**told, "seed": seed})
    figures = rehearse(chosen)
    return figures | {"worst_hour_of_few": figures["worst_hour_abandonment"]}


if __name__ == "__main__":
    main(run)
