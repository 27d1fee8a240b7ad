"""Public holidays of countries and regions, from the `holidays` package; the one place that uses it.

For whoever builds a policy: `regions` for names somebody wrote down, `every_region` for whatever accounts turn up.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from functools import lru_cache

import holidays

_OFTEN_MEANT = {"UK": "GB", "EN": "GB-ENG", "BAVARIA": "DE-BY", "BAYERN": "DE-BY", "GERMANY": "DE", "USA": "US"}


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """List every name that is known: `DE`, `DE-BY`, `GB-ENG`."""
    countries = holidays.list_supported_countries(include_aliases=False)
    return frozenset(countries) | {f"{country}-{part}" for country, parts in countries.items() for part in parts}


def regions(wanted: Iterable[str], years: Iterable[int]) -> Mapping[str, frozenset[date]]:
    """Give the public holidays of each name in these years; raises ValueError with a suggestion for unknown names."""
    span = tuple(years)
    found = {}
    for name in wanted:
        if name not in names():
            raise ValueError(f"{name!r} is no country or region with known holidays{_suggestion(name)}")
        found[name] = _holidays(name, span)
    return found


def every_region(years: Iterable[int]) -> Mapping[str, frozenset[date]]:
    """Give the public holidays of any known name, each worked out when it is first asked for."""
    return _EveryRegion(tuple(years))


class _EveryRegion(Mapping[str, frozenset[date]]):
    def __init__(self, years: tuple[int, ...]) -> None:
        self._years = years

    def __getitem__(self, name: str) -> frozenset[date]:
        if name not in names():
            raise KeyError(name)
        return _holidays(name, self._years)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(names()))

    def __len__(self) -> int:
        return len(names())


@lru_cache(maxsize=512)
def _holidays(name: str, years: tuple[int, ...]) -> frozenset[date]:
    country, _, part = name.partition("-")
    # Without expand=False the calendar would grow by the year of whatever date it is asked about.
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=years, expand=False))


def _suggestion(name: str) -> str:
    upper = name.upper().replace("_", "-")
    meant = upper if upper in names() else _OFTEN_MEANT.get(upper)
    if meant is None:
        # A wrong region of a real country is more likely than a wrong country with that region.
        country = upper.partition("-")[0]
        parts = [known for known in names() if known.startswith(f"{country}-")]
        meant = next(iter(get_close_matches(upper, sorted(parts or names()), n=1, cutoff=0.6)), None)
    return f"; did you mean {meant!r}?" if meant else "; write it like 'DE', 'DE-BY' or 'US'"
