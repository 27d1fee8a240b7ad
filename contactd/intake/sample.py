"""Made-up accounts, invoices and payments, the same for the same seed; for the demo, tests and benchmarks.

Nobody in them exists: numbers are of the ranges reserved for drama (Bundesnetzagentur, Ofcom), addresses end in
example.org and the like, towns and streets are invented. The reserved mobile numbers are few: beyond some hundred
accounts of a country they come again.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

from contactd.intake.columns import ACCOUNTS, PAYMENTS

# A mail server of the demo refuses every address there.
DEAD_DOMAIN = "gone.example"

_FIRST = {
    "de": ("Anna", "Bernd", "Clara", "Deniz", "Elif", "Frank", "Gerda", "Heiko", "Ines", "Jörg", "Karin", "Lukas",
           "Mira", "Nils", "Olga", "Paul", "Renate", "Sören", "Tanja", "Uwe", "Vera", "Yusuf"),
    "en": ("Alice", "Brian", "Chloe", "David", "Emma", "Fergus", "Grace", "Harry", "Isla", "Jack", "Kate", "Liam"),
}  # fmt: skip
_LAST = {
    "de": ("Ackerblom", "Birkentau", "Dachsberg", "Eulenfels", "Funkelstein", "Grünspecht", "Heidewind", "Igelmann",
           "Kranichfeld", "Lindwurm", "Moosbach", "Nebelhorn", "Ottersand", "Quellmeer", "Rübenthal", "Sternwald",
           "Tannhügel", "Unkenruf", "Wiesenkamp", "Zaunkönig"),
    "en": ("Ashbrook", "Bramblewick", "Copperfen", "Dovemoor", "Fernhollow", "Gullsworth", "Hazelmere", "Larkwell",
           "Marrowdale", "Otterby", "Pebblecombe", "Thistleham"),
}  # fmt: skip
_STREETS = {
    "de": ("Musterweg", "Beispielstraße", "Probegasse", "Am Erfundenen Tor", "Fabelallee"),
    "en": ("Sample Street", "Example Road", "Fiction Lane", "Story Close"),
}
# No letter is delivered to these post codes: 00… is not in use in Germany, ZZ99 is not in Britain.
_TOWNS = {
    "de": (("00101", "Musterstadt", "DE-BY"), ("00202", "Beispielhausen", "DE-NW"), ("00303", "Probefurt", "DE-BE")),
    "en": (("ZZ99 1AA", "Sampleton", "GB-ENG"), ("ZZ99 2BB", "Exampleby", "GB-SCT")),
}
_NAMED = {
    "commercial": {
        "de": ("Bäckerei", "Autohaus", "Gärtnerei", "Tischlerei"),
        "en": ("Bakery", "Garage", "Nursery", "Joinery"),
    },
    "strategic": {
        "de": ("Großwerke", "Handelshof", "Kliniken", "Spedition"),
        "en": ("Industries", "Stores", "Clinics", "Logistics"),
    },
    "government": {
        "de": ("Gemeinde", "Landratsamt", "Schulamt", "Stadt"),
        "en": ("Parish of", "County of", "Schools of", "Town of"),
    },
}  # fmt: skip
_GOODS = {"de": ("Strom", "Gas", "Fernwärme", "Wasser"), "en": ("Electricity", "Gas", "District heating", "Water")}
_TERMS = {"de": "14 Tage netto", "en": "14 days net"}
_MAIL = ("example.org", "example.com", "example.net")
_ASCII = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})

_FIXED = {
    "de": tuple(
        f"{start}{end:03d}"
        for end in range(1000)
        for start in ("+493023125", "+496990009", "+494066969", "+492214710", "+498999998")
    ),
    "en": tuple(f"+44207946{end:04d}" for end in range(1000)),
}
_MOBILE = {
    "de": (
        "+4915228817386", "+4915228895456", "+4915254599371", "+491729925904", "+491729968532", "+491729973185",
        "+491729973186", "+491729980752", "+491749091317", "+491749464308",
        *(f"+49176040690{end:02d}" for end in range(100)),
    ),
    "en": tuple(f"+447700900{end:03d}" for end in range(1000)),
}  # fmt: skip
_WITH_MOBILE = {"de": 0.12, "en": 0.8}

_ENGLISH, _BUSINESS, _WITH_EMAIL, _DEAD, _WITH_FIXED = 0.25, 0.15, 0.85, 0.03, 0.8
_INVOICES = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)  # 1.5 on average
_DAYS_TO_PAY = 14
_SMALL = 8  # each fourth invoice is of so many times less: too little for an agent
_MOST_OVERDUE, _NOT_YET_DUE = 60, 10


def sample_rows(seed: int, accounts: int, today: date, creditor: str = "musterwerke") -> Iterator[dict[str, str]]:
    """Make up rows of an accounts list, one an open invoice."""
    luck = Random(seed)  # noqa: S311 - it must be the same again, and guards nothing
    given = {"de": 0, "en": 0}
    mobiles = {"de": 0, "en": 0}
    number = 0
    for place in range(accounts):
        person = _debtor(luck, place, given, mobiles)
        person["creditor"] = creditor
        for _ in range(luck.choice(_INVOICES)):
            number += 1
            yield person | _invoice(luck, number, person["language"], today)


def _debtor(luck: Random, place: int, given: dict[str, int], mobiles: dict[str, int]) -> dict[str, str]:
    tongue = "en" if luck.random() < _ENGLISH else "de"
    first, last = luck.choice(_FIRST[tongue]), luck.choice(_LAST[tongue])
    business = luck.random() < _BUSINESS
    segment = _segment(place) if business else "private"
    postcode, city, region = luck.choice(_TOWNS[tongue])
    given[tongue] += 1
    mobile = ""
    if luck.random() < _WITH_MOBILE[tongue]:
        mobile = _MOBILE[tongue][mobiles[tongue] % len(_MOBILE[tongue])]
        mobiles[tongue] += 1
    return {
        "account_no": str(100_001 + place),
        "creditor": "",
        "name": f"{luck.choice(_NAMED[segment][tongue])} {last}" if business else f"{first} {last}",
        "kind": "business" if business else "consumer",
        "language": tongue,
        "timezone": "Europe/Berlin" if tongue == "de" else "Europe/London",
        "country": "DE" if tongue == "de" else "GB",
        "region": region,
        "email": _email(luck, f"{first}.{last}", place),
        "phone": _FIXED[tongue][given[tongue] % len(_FIXED[tongue])] if luck.random() < _WITH_FIXED else "",
        "mobile": mobile,
        "street": f"{luck.choice(_STREETS[tongue])} {luck.randint(1, 199)}",
        "postcode": postcode,
        "city": city,
        "birth_date": "" if business else str(date(1940, 1, 1) + timedelta(days=luck.randrange(24_000))),
        "segment": segment,
    }


def _segment(place: int) -> str:
    """Let a fifth of the businesses be such as one rather meets."""
    return {0: "strategic", 5: "government"}.get(place % 10, "commercial")


def _email(luck: Random, name: str, place: int) -> str:
    if luck.random() >= _WITH_EMAIL:
        return ""
    domain = DEAD_DOMAIN if luck.random() < _DEAD else luck.choice(_MAIL)
    return f"{name.lower().translate(_ASCII)}.{place}@{domain}"


def _invoice(luck: Random, number: int, tongue: str, today: date) -> dict[str, str]:
    due = today - timedelta(days=luck.randint(-_NOT_YET_DUE, _MOST_OVERDUE))
    amount = luck.randint(1_500, 60_000) // (1 if number % 4 else _SMALL)
    rest = amount // 2 if luck.random() < 0.1 else amount  # noqa: PLR2004 - a tenth has paid half
    return {
        "invoice_no": f"RE-{number:06d}",
        "invoice_date": str(due - timedelta(days=_DAYS_TO_PAY)),
        "due_date": str(due),
        "amount": f"{amount // 100}.{amount % 100:02d}",
        "open": f"{rest // 100}.{rest % 100:02d}",
        "currency": "EUR",
        "terms": _TERMS[tongue],
        "goods": luck.choice(_GOODS[tongue]),
    }


def sample_payments(
    seed: int, rows: Iterable[Mapping[str, str]], today: date, share: float = 0.1
) -> Iterator[dict[str, str]]:
    """Make up payments for a share of the rows of `sample_rows`; one in ten pays part, one in twenty too much.

    They are valued the day after: a list drawn up today knows of none of them.
    """
    luck = Random(seed)  # noqa: S311 - it must be the same again, and guards nothing
    for row in rows:
        if luck.random() >= share:
            continue
        rest = int(row["open"].replace(".", ""))
        kind = luck.random()
        amount = rest // 2 if kind < 0.1 else rest + 500 if kind < 0.15 else rest  # noqa: PLR2004 - see above
        yield {
            "creditor": row["creditor"],
            "account_no": row["account_no"],
            "invoice_no": row["invoice_no"],
            "amount": f"{amount // 100}.{amount % 100:02d}",
            "currency": row["currency"],
            "value_date": str(today + timedelta(days=1)),
            "reference": row["invoice_no"],
        }


def write_csv(path: Path, rows: Iterable[Mapping[str, str]], columns: Sequence[str] = ACCOUNTS.names) -> int:
    """Write rows as contactd's own CSV; answers how many. For payments pass `PAYMENT_COLUMNS`."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


PAYMENT_COLUMNS = PAYMENTS.names
