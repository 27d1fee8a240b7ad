"""Words as they are written in TOML: time zones, languages, countries, schedules, windows, addresses, names.

Each check answers the word when it is good and raises a ValueError that tells how to mend it when it is not. The large
tables behind them are imported when the first such key is read.
"""

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import cache
from typing import Annotated
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from contactd.domain import calendar

# PostgreSQL manual, "Parameter Key Words" of libpq: what tells a secret, and what may stand in an address.
SECRET_OPTIONS = frozenset(
    {"password", "passfile", "sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key"}
)
_OPTIONS = frozenset(
    {
        "application_name", "channel_binding", "client_encoding", "connect_timeout", "dbname",
        "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "host", "hostaddr", "keepalives",
        "keepalives_count", "keepalives_idle", "keepalives_interval", "krbsrvname", "load_balance_hosts",
        "options", "port", "require_auth", "requirepeer", "service", "ssl_max_protocol_version",
        "ssl_min_protocol_version", "sslcert", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir", "sslkey",
        "sslmode", "sslnegotiation", "sslrootcert", "sslsni", "target_session_attrs", "tcp_user_timeout",
        "user",
    }
)  # fmt: skip
_WHOLE = frozenset(
    {"connect_timeout", "keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "port",
     "tcp_user_timeout"}
)  # fmt: skip
_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
# Names, IPv4 and IPv6 addresses; other letters are written in punycode.
_HOST = re.compile(r"[A-Za-z0-9_.:-]+")


def suggest(word: str, known: Iterable[str]) -> str:
    """Answer `; did you mean "attempts"?` when a known word is close, else nothing."""
    close = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def listed(words: Iterable[str]) -> str:
    """Write words as `"a", "b"`."""
    return ", ".join(f'"{word}"' for word in words)


def check_window(value: str) -> str:
    """Accept permitted times of a week like `Mo-Fr 09:00-18:00`; raises ValueError."""
    calendar.parse_windows([value])
    return value


def check_quiet(value: str) -> str:
    """Accept hours that may reach into the next day, like `21:00-08:00`; raises ValueError."""
    calendar.parse_windows([value], overnight=True)
    return value


def check_cron(value: str) -> str:
    """Accept a five-field cron expression whose weekdays are names; raises ValueError."""
    if not value:
        return value
    fields = value.split()
    if len(fields) != 5:  # noqa: PLR2004 - minute hour day month weekday
        raise ValueError(
            f'"{value}" has {len(fields)} fields; a schedule has five: minute hour day month weekday, '
            'like "0 7 * * mon-fri"'
        )
    if re.search(r"[0-9]", fields[4].partition("/")[0]):
        # APScheduler counts from Monday, cron from Sunday.
        raise ValueError(
            f'"{value}": name the weekdays ("mon-fri"); their numbers mean different days in different programs'
        )
    from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415 - slow to import

    try:
        CronTrigger.from_crontab(value, timezone="UTC")
    except ValueError as error:
        what = str(error).rpartition("': ")[2]
        raise ValueError(f'"{value}" is no schedule: {what}; write it like "0 7 * * mon-fri"') from error
    return value


def check_timezone(value: str) -> str:
    """Accept an IANA time zone; raises ValueError."""
    zones = available_timezones()
    if value not in zones:
        by_lower = {zone.lower(): zone for zone in zones}
        close = get_close_matches(value.lower(), by_lower, n=1, cutoff=0.6)
        hint = f'; did you mean "{by_lower[close[0]]}"?' if close else '; write it like "Europe/Berlin"'
        raise ValueError(f'"{value}" is no time zone{hint}')
    return value


def check_language(value: str) -> str:
    """Accept a language like `de` or `de-AT`; raises ValueError."""
    from babel import localedata  # noqa: PLC0415 - slow to import

    if not re.fullmatch(r"[a-z]{2,3}(-[A-Z]{2})?", value) or not localedata.exists(value.replace("-", "_")):
        raise ValueError(f'"{value}" is no language; write a code like "de", "en" or "de-AT"')
    return value


@cache
def countries() -> frozenset[str]:
    """List the ISO 3166-1 codes."""
    from babel import Locale  # noqa: PLC0415 - slow to import

    # Territories hold groups (EU, UN, …) and placeholders too.
    not_countries = {"EU", "EZ", "UN", "QO", "ZZ", "XA", "XB"}
    codes = {str(code) for code in Locale("en").territories}
    return frozenset(code for code in codes if re.fullmatch("[A-Z]{2}", code)) - not_countries


def check_country(value: str) -> str:
    """Accept an ISO 3166-1 country code; raises ValueError."""
    if value not in countries():
        hint = (
            f'; did you mean "{value.upper()}"?'
            if value.upper() in countries()
            else '; write its code like "DE" (ISO 3166-1)'
        )
        raise ValueError(f'"{value}" is no country{hint}')
    return value


def check_holidays(value: str) -> str:
    """Accept a country or region whose holidays are known, like `DE` or `DE-BY`; raises ValueError."""
    from contactd.config.holidays import regions  # noqa: PLC0415 - slow to import

    regions([value], ())
    return value


def check_currency(value: str) -> str:
    """Accept an ISO 4217 currency code; raises ValueError."""
    from babel.numbers import list_currencies  # noqa: PLC0415 - slow to import

    if value not in list_currencies():
        raise ValueError(f'"{value}" is no currency; write its three-letter code like "EUR" (ISO 4217)')
    return value


def check_email(value: str) -> str:
    """Accept an e-mail address, `""` for none; raises ValueError."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415 - slow to import

    if not value:
        return value
    try:
        validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f'"{value}" is no e-mail address: {str(error).rstrip(".")}') from error
    return value


def check_database(value: str) -> str:
    """Accept the address of a database, without a pass word; raises ValueError."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is no address of a database: {_port_or_brackets(error)}") from error
    if parts.password is not None:
        raise ValueError("the pass word must not stand in this file; remove it here and set database.password")
    known = value.startswith("postgresql://") or (value.startswith("sqlite:///") and parts.path.strip("/"))
    if not known or port == 0:
        raise ValueError(f'"{value}" is no database; write "sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"')
    _check_options(parts.scheme, parts.query)
    return value


def _check_options(scheme: str, query: str) -> None:
    for name, value in parse_qsl(query, keep_blank_values=True):
        if scheme == "sqlite":
            raise ValueError(f'SQLite takes no options; remove "?{query}"')
        if name == "password":
            raise ValueError(
                "the pass word must not stand in this file; remove password from the url and set database.password"
            )
        if name in SECRET_OPTIONS:
            raise ValueError(
                f"{name} must not stand in the url; remove it and set database.password, or use a key without one"
            )
        if name not in _OPTIONS:
            raise ValueError(f'"{name}" is no option of PostgreSQL{suggest(name, _OPTIONS) or "; remove it"}')
        if name in _WHOLE and not re.fullmatch("[0-9]{1,9}", value):
            raise ValueError(f'option {name} must be a whole number, not "{value}"')
        if name == "sslmode" and value not in _SSL_MODES:
            raise ValueError(f'option sslmode: "{value}" is none; write {", ".join(_SSL_MODES)}')


def _port_or_brackets(error: ValueError) -> str:
    if "IPv6" in str(error):
        return "an IPv6 address stands in brackets, like [::1]"
    return "the port must be a number from 1 to 65535" if "ort" in str(error) else str(error)


def check_url(value: str) -> str:
    """Accept an http address without a final slash, `""` for none; raises ValueError."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(f'"{value}" is no address of a server: {_port_or_brackets(error)}') from error
    good = parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.hostname or "") and port != 0
    if value and (not good or "@" in parts.netloc or parts.query or parts.fragment):
        raise ValueError(f'"{value}" is no address of a server; write it like "https://contact.example.org"')
    if value.endswith("/"):
        raise ValueError(f'"{value}" must not end in "/"; write "{value.rstrip("/")}"')
    return value


def check_iban(value: str) -> str:
    """Accept an IBAN with right check digits (ISO 13616), `""` for none; raises ValueError."""
    if value and not re.fullmatch(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}", value):
        raise ValueError(f'"{value}" is no IBAN; write it without blanks, like "DE02120300000000202051"')
    if value and int("".join(str(int(letter, 36)) for letter in value[4:] + value[:4])) % 97 != 1:
        raise ValueError(f'"{value}" is no IBAN: its check digits are wrong; compare it with the bank\'s')
    return value


def check_bic(value: str) -> str:
    """Accept a BIC (ISO 9362), `""` for none; raises ValueError."""
    if value and not re.fullmatch(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?", value):
        raise ValueError(f'"{value}" is no BIC; it has 8 or 11 letters and digits, like "BYLADEM1001"')
    return value


def check_number(value: str) -> str:
    """Accept a telephone number in international form, `""` for none; raises ValueError."""
    if value and not re.fullmatch(r"\+[1-9][0-9]{6,14}", value):
        raise ValueError(
            f'"{value}" is no telephone number in international form; write it like "+493023125000", without blanks'
        )
    return value


def check_name(value: str) -> str:
    """Accept what may name a campaign, step, agent or creditor; raises ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value):
        raise ValueError(f'"{value}" cannot be a name here; use letters, digits, "-", "_" and ".", at most 64')
    return value


def _or_none(check: Callable[[str], str]) -> Callable[[str], str]:
    return lambda value: check(value) if value else value


Name = Annotated[str, AfterValidator(check_name)]
Cron = Annotated[str, AfterValidator(check_cron), Field(examples=["0 7 * * mon-fri"])]
TimeZone = Annotated[str, AfterValidator(check_timezone), Field(examples=["Europe/Berlin"])]
Language = Annotated[str, AfterValidator(check_language), Field(examples=["de", "en"])]
Country = Annotated[str, AfterValidator(check_country), Field(examples=["DE"])]
Holidays = Annotated[str, AfterValidator(check_holidays), Field(examples=["DE", "DE-BY"])]
Currency = Annotated[str, AfterValidator(check_currency), Field(examples=["EUR"])]
Email = Annotated[str, AfterValidator(check_email)]
Number = Annotated[str, AfterValidator(check_number)]
Window = Annotated[str, AfterValidator(check_window), Field(examples=["Mo-Fr 09:00-18:00"])]
# Where nothing named means something too.
LanguageOrNone = Annotated[str, AfterValidator(_or_none(check_language))]
CountryOrNone = Annotated[str, AfterValidator(_or_none(check_country))]
TimeZoneOrNone = Annotated[str, AfterValidator(_or_none(check_timezone))]
QuietWindow = Annotated[str, AfterValidator(check_quiet), Field(examples=["21:00-08:00"])]
Database = Annotated[str, AfterValidator(check_database), Field(examples=["sqlite:///contactd.db"])]
Url = Annotated[str, AfterValidator(check_url), Field(examples=["https://contact.example.org"])]
Iban = Annotated[str, AfterValidator(check_iban)]
Bic = Annotated[str, AfterValidator(check_bic)]
