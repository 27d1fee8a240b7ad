"""The verb `report arms`: what came of the arms of a campaign, in numbers and in plain words."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from contactd.cli.options import as_json, config_option, day_of, open_store
from contactd.cli.output import console, emit_json, say
from contactd.domain.money import Money

if TYPE_CHECKING:
    from contactd.domain.campaign import Campaign
    from contactd.engine.reports.comparing import Compared, Report, Result

_SURE = 0.05
_POINTS = 100


@click.command()
@click.argument("campaign")
@click.option("--window", default=30, show_default=True, type=click.IntRange(1, 3650), help="Days in which one pays.")
@click.option("--effect", default=5.0, show_default=True, type=click.FloatRange(0, 100, min_open=True),
              help="Difference looked for, in percentage points.")  # fmt: skip
@click.option("--as-of", "as_of", help="As if it were this day, like 2026-12-01.")
@config_option
@as_json
def arms(campaign: str, window: int, effect: float, as_of: str | None, config: Path | None, json: bool) -> None:
    """Compare the arms of CAMPAIGN: who paid within so many days, and whether that is more than chance.

    Whoever's days are not over is provisional and left out. Look once, when they are: the chances hold for one look.
    """
    from contactd.engine.reports.comparing import report

    with open_store(config) as (database, settings), database.snapshot() as connection:
        chosen = next((one for one in settings.campaigns if one.id == campaign), None)
        if chosen is None or not chosen.arms:
            known = ", ".join(one.id for one in settings.campaigns if one.arms) or "none; write [[arm]] into a campaign"
            wrong = f"{campaign!r} has no arms; campaigns with arms: {known}"
            raise click.BadParameter(wrong, param_hint="CAMPAIGN")
        today = day_of(as_of, chosen.timezone, "--as-of")
        found = report(connection, chosen, window, today)
    if json:
        emit_json(
            {
                "campaign": chosen.id,
                "seed": chosen.arm_seed,
                "window_days": window,
                "as_of": today,
                "effect": effect / _POINTS,
                "control": found.control.arm,
                "arms": [_row(found.control), *(_compared(one, found, effect) for one in found.others)],
            }
        )
        return
    _print(found, chosen, window, effect)


def _row(result: "Result") -> dict[str, Any]:
    share = result.share
    return {
        "arm": result.arm,
        "hold_out": result.hold_out,
        "customers": result.customers,
        "provisional": result.provisional,
        "paid_fully": result.fully,
        "paid_partly": result.partly,
        "rate": share.rate if share else None,
        "amounts": [
            {
                "owed": Money(owed, currency),
                "recovered": Money(result.recovered[currency], currency),
                "rate": result.recovered[currency] / owed if owed else None,
            }
            for currency, owed in sorted(result.owed.items())
        ],
    }


def _compared(one: "Compared", found: "Report", effect: float) -> dict[str, Any]:
    comparison = one.comparison
    told = {
        "difference": comparison.difference,
        "low": comparison.low,
        "high": comparison.high,
        "p": comparison.p,
        "test": comparison.test,
        "p_holm": one.p,
        "detectable": one.detectable,
        "too_few": _too_few(one, effect),
    } if comparison else None  # fmt: skip
    words = {language: _words(one, found.control, effect, language) for language in _WORDS}
    return {**_row(one.result), "comparison": told, "words": words}


def _too_few(one: "Compared", effect: float) -> bool:
    return one.detectable is not None and one.detectable * _POINTS > effect


def _print(found: "Report", campaign: "Campaign", window: int, effect: float) -> None:
    import rich.table
    import rich.text

    table = rich.table.Table(box=None, pad_edge=False)
    for name in ("arm", "customers", "provisional", "paid fully", "partly", "rate", "owed", "recovered", "rate"):
        table.add_column(name, justify="left" if name == "arm" else "right", no_wrap=True)
    for result in (found.control, *(one.result for one in found.others)):
        share, row = result.share, _row(result)
        counts = (result.customers, result.provisional, result.fully, result.partly)
        amounts: list[tuple[str, str, str]] = [
            (str(one["owed"]), str(one["recovered"]), "" if one["rate"] is None else f"{one['rate']:.1%}")
            for one in row["amounts"]
        ]
        name = f"{result.arm} (control)" if result is found.control else result.arm
        rate = f"{share.rate:.1%}" if share else "-"
        table.add_row(
            name, *map(str, counts), rate, *(rich.text.Text("\n".join(one)) for one in zip(*amounts, strict=True))
        )
    say(f"{campaign.id}: paid within {window} days after the lot, against {found.control.arm}")
    console(soft_wrap=True).print(table)
    for one in found.others:
        if one.comparison and one.p is not None:
            words = f"p = {one.comparison.p:.4f} ({one.comparison.test}), for all comparisons together {one.p:.4f}"
            say(f"{one.result.arm}: {words}")
        for language in _WORDS:
            say(f"  {_words(one, found.control, effect, language)}")


_WORDS = {
    "en": {
        "open": "{arm}: nothing can be said yet; the days of too few customers are over.",
        "none": "{arm}: no difference to {control} shown ({rate} against {other} of the customers paid; the true"
        " difference lies between {low} and {high} points with a certainty of 95 %).",
        "shown": "{arm}: {more} customers paid than with {control}, {rate} against {other}; the true difference lies"
        " between {low} and {high} points with a certainty of 95 %.",
        "few": " Too few customers for a difference of {effect} points: only one of {least} points or more would show.",
        "more": "more", "fewer": "fewer",
    },
    "de": {
        "open": "{arm}: Es lässt sich noch nichts sagen; erst bei zu wenigen Kunden ist die Frist vorbei.",
        "none": "{arm}: kein Unterschied zu {control} nachgewiesen ({rate} gegen {other} der Kunden haben gezahlt; der"
        " wahre Unterschied liegt mit 95 % Sicherheit zwischen {low} und {high} Prozentpunkten).",
        "shown": "{arm}: {more} Kunden haben gezahlt als bei {control}, {rate} gegen {other}; der wahre Unterschied"
        " liegt mit 95 % Sicherheit zwischen {low} und {high} Prozentpunkten.",
        "few": " Zu wenige Kunden für einen Unterschied von {effect} Prozentpunkten: Erst einer ab {least} fiele auf.",
        "more": "mehr", "fewer": "weniger",
    },
}  # fmt: skip


def _words(one: "Compared", control: "Result", effect: float, language: str) -> str:
    texts = _WORDS[language]

    def number(value: float) -> str:
        text = f"{value:.1f}".replace("-", "−")
        return text.replace(".", ",") if language == "de" else text

    mine, other, comparison = one.result.share, control.share, one.comparison
    if mine is None or other is None or comparison is None or one.p is None:
        return texts["open"].format(arm=one.result.arm)
    text = texts["shown" if one.p < _SURE else "none"].format(
        arm=one.result.arm,
        control=control.arm,
        more=texts["more" if comparison.difference > 0 else "fewer"],
        rate=f"{number(mine.rate * _POINTS)} %",
        other=f"{number(other.rate * _POINTS)} %",
        low=number(comparison.low * _POINTS),
        high=number(comparison.high * _POINTS),
    )
    if _too_few(one, effect) and one.detectable is not None:
        text += texts["few"].format(effect=number(effect), least=number(one.detectable * _POINTS))
    return text
