"""Telephone numbers and e-mail addresses as they stand in lists, brought to one form; for intake, and for who calls us.

100,000 rows must pass in seconds: what the libraries answer is remembered per number range and per domain, and German
numbers, the great mass, are taken apart without them. A test compares the quick way with the library's.

Numbers are taken when their length is possible, not only when their range is in use: ranges open faster than the
library is updated, and the ranges reserved for fiction are in nobody's list.
"""

import re
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from phonenumbers import PhoneNumber, PhoneNumberType, ValidationResult, timezone

_MOST_ADDRESS = 254
_MOST_LOCAL = 64
_PLAIN_LOCAL = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_SEPARATORS = str.maketrans("", "", " -/().\u00a0\u2011\u2013")
# Area and mobile codes; 1 with something else, 0 and the service numbers are left to the library.
_GERMAN = re.compile(r"(?:(?:\+|00)49|0)((?:[2-9]|1[567])\d{5,11})")
# Numbers with the country's code, of countries that only put a 0 (or in +1 nothing) before an area code at home.
_ABROAD = re.compile(r"(?:\+|00)(?:(44|43|41|31|32|33)([1-9]\d{7,9})|(1)([2-9]\d{9}))")
_GERMAN_SERVICE = ("32", "700", "800", "900")
_RANGE = 5  # leading digits that decide on type and zone
_LEAST_DIGITS = 6  # of a number in no known range
_TYPES = {PhoneNumberType.MOBILE: "mobile", PhoneNumberType.FIXED_LINE: "fixed"}
_COSTLY = {PhoneNumberType.PREMIUM_RATE: "a premium-rate number", PhoneNumberType.SHARED_COST: "a shared-cost number"}
_WRONG = {
    ValidationResult.TOO_SHORT: "too short",
    ValidationResult.TOO_LONG: "too long",
    ValidationResult.INVALID_LENGTH: "of a length no number there has",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "without its area code",
    ValidationResult.INVALID_COUNTRY_CODE: "of a country code that nobody has",
}


def read_email(text: str) -> str:
    """Answer the address in lower case, its domain in ASCII; raises ValueError."""
    local, at, domain = text.lower().rpartition("@")
    if len(local) > _MOST_LOCAL:
        raise ValueError(f'"{text}" is no e-mail address: more than {_MOST_LOCAL} characters before the @-sign')
    if not at or len(text) > _MOST_ADDRESS or not _PLAIN_LOCAL.fullmatch(local):
        return _checked(text).lower()
    ascii_domain = _domain(domain)
    return f"{local}@{ascii_domain}" if ascii_domain else _checked(text).lower()


def _checked(text: str) -> str:
    try:
        found = validate_email(text, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError as error:
        raise ValueError(f'"{text}" is no e-mail address: {error}') from None
    return found.ascii_email or found.normalized


@lru_cache(maxsize=65_536)
def _domain(domain: str) -> str:
    """Answer the domain as it goes into an envelope, empty when it cannot."""
    try:
        return _checked(f"a@{domain}").rpartition("@")[2]
    except ValueError:
        return ""


def read_phone(text: str, country: str) -> tuple[str, str, str]:
    """Read a number; one without a country code is of `country`. Raises ValueError.

    Answers E.164, the type (`mobile`, `fixed`, `unknown`) and the IANA zones it may be in, joined by blanks.
    """
    digits = text if text[1:].isdecimal() else text.translate(_SEPARATORS)
    code, national = _taken_apart(digits, country) or _parsed(text, country)
    kind, zones, fault = _range(code, national[:_RANGE], len(national))
    if fault:
        raise ValueError(f'"{text}" is {fault}')
    return f"+{code}{national}", kind, zones


def read_caller(text: str, country: str) -> tuple[str, ...]:
    """List the numbers that a caller's may mean as the network gives it, the likeliest first; none: nobody can tell.

    Networks give them like +493023125000, 03023125000 or 493023125000; the last may be one of `country` too.
    """
    digits = text.translate(_SEPARATORS)
    forms = [digits] if digits.startswith(("+", "0")) else [f"+{digits}", digits]
    found: dict[str, None] = {}
    for form in forms:
        try:
            found[read_phone(form, country)[0]] = None
        except ValueError:
            continue
    return tuple(found)


def _taken_apart(digits: str, country: str) -> tuple[int, str] | None:
    """Answer country code and national number of the plain cases, None for all others."""
    german = _GERMAN.fullmatch(digits) if country == "DE" or digits.startswith("+") else None
    if german:
        return None if german[1].startswith(_GERMAN_SERVICE) else (49, german[1])
    # Elsewhere 00 may be something else than the way abroad.
    abroad = _ABROAD.fullmatch(digits) if country == "DE" or digits.startswith("+") else None
    return (int(abroad[1] or abroad[3]), abroad[2] or abroad[4]) if abroad else None


def _parsed(text: str, country: str) -> tuple[int, str]:
    try:
        parsed = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException as error:
        if error.error_type == phonenumbers.NumberParseException.INVALID_COUNTRY_CODE:
            hint = "has no country code that is known; write it like +493023125000"
        else:
            hint = "is no telephone number"
        raise ValueError(f'"{text}" {hint}') from None
    if parsed.extension:
        raise ValueError(f'"{text}" has an extension nobody can dial; write the direct number')
    return parsed.country_code or 0, phonenumbers.national_significant_number(parsed)


@lru_cache(maxsize=262_144)
def _range(code: int, leading: str, length: int) -> tuple[str, str, str]:
    """Answer type, zones and fault of all numbers of a range."""
    digits = leading.ljust(length, "1")
    number = PhoneNumber(country_code=code, national_number=int(digits))
    number.italian_leading_zero = digits.startswith("0") or None
    possible = phonenumbers.is_possible_number_with_reason(number)
    if possible in _WRONG:
        return "", "", f"no possible telephone number: {_WRONG[possible]}"
    if length < _LEAST_DIGITS and not phonenumbers.is_valid_number(number):
        return "", "", f"no possible telephone number: {_WRONG[ValidationResult.TOO_SHORT]}"
    kind = phonenumbers.number_type(number)
    if kind in _COSTLY:
        return "", "", _COSTLY[kind]
    zones = timezone.time_zones_for_number(number)
    if "Etc/Unknown" in zones:
        zones = timezone._country_level_time_zones_for_number(number)  # noqa: SLF001 - there is no public way
    return _TYPES.get(kind, "unknown"), " ".join(zone for zone in zones if zone != "Etc/Unknown"), ""
