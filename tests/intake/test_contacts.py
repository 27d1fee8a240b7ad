"""Numbers and addresses get one form, by a quick way that answers what the libraries answer."""

import phonenumbers
import pytest
from email_validator import validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from contactd.intake.contacts import read_caller, read_email, read_phone

BERLIN = "Europe/Berlin"
BRITAIN = "Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London"

NUMBERS = {
    "030 23125000": ("+493023125000", "fixed", BERLIN),
    "(0221) 4710-001": ("+492214710001", "fixed", BERLIN),
    "+49 (0)69 / 90009001": ("+496990009001", "fixed", BERLIN),
    "0049 40 66969 001": ("+494066969001", "fixed", BERLIN),
    "0152 28817386": ("+4915228817386", "mobile", BERLIN),
    "+49 176 040690 00": ("+4917604069000", "mobile", BERLIN),
    "0800 1234567": ("+498001234567", "unknown", BERLIN),
    # Ofcom's range for drama is in nobody's list of numbers in use.
    "+44 7700 900123": ("+447700900123", "unknown", BRITAIN),
    "+44 20 7946 0001": ("+442079460001", "fixed", "Europe/London"),
    "+1 202 555 0123": ("+12025550123", "unknown", "America/New_York"),
    "+39 06 1234 5678": ("+390612345678", "fixed", "Europe/Rome"),
}


@pytest.mark.parametrize(("text", "phone"), NUMBERS.items())
def test_a_number_gets_its_international_form_type_and_zones(text: str, phone: tuple[str, str, str]) -> None:
    assert read_phone(text, "DE") == phone


def test_a_number_without_a_country_code_is_of_the_row_s_country() -> None:
    assert read_phone("020 7946 0001", "GB")[0] == "+442079460001"
    assert read_phone("0800 1111", "GB")[0] == "+448001111"
    assert read_phone("01 7890123", "AT")[0] == "+4317890123"


DIGITS = st.text("0123456789", min_size=4, max_size=12)


@settings(deadline=None)
@given(start=st.sampled_from(["0", "+49", "0049", "+44", "+43", "+41", "+1", "+33", "0044"]), digits=DIGITS)
def test_the_quick_way_answers_what_the_library_answers(start: str, digits: str) -> None:
    text = start + digits
    try:
        known = phonenumbers.parse(text, "DE")
    except phonenumbers.NumberParseException:
        known = None
    if known is None or not phonenumbers.is_valid_number(known):
        return  # ranges that are not in use yet are taken as well
    if phonenumbers.is_possible_number_with_reason(known) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return  # some short numbers work at home only
    kind = phonenumbers.number_type(known)
    if kind in {phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST}:
        with pytest.raises(ValueError, match=r"premium-rate|shared-cost"):
            read_phone(text, "DE")
        return
    assert read_phone(text, "DE")[0] == phonenumbers.format_number(known, phonenumbers.PhoneNumberFormat.E164)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Anna.Moosbach@Example.ORG", "anna.moosbach@example.org"),
        ("a+b_c-d@mail.example", "a+b_c-d@mail.example"),
        ("a@müller.example", "a@xn--mller-kva.example"),
        ("a@firma.test", "a@firma.test"),
    ],
)
def test_an_address_gets_one_form(text: str, address: str) -> None:
    assert read_email(text) == address


PARTS = st.text("abcXYZ019.-_+", min_size=1, max_size=12)


@settings(deadline=None)
@given(local=PARTS, domain=PARTS)
def test_an_address_is_refused_where_the_library_refuses_it(local: str, domain: str) -> None:
    text = f"{local}@{domain}.example"
    try:
        known = validate_email(text, check_deliverability=False, allow_smtputf8=False).normalized.lower()
    except ValueError:
        with pytest.raises(ValueError, match="is no e-mail address"):
            read_email(text)
    else:
        assert read_email(text) == known


@pytest.mark.parametrize(
    ("text", "country", "numbers"),
    [
        ("+493023125000", "DE", ("+493023125000",)),
        ("030 23125000", "DE", ("+493023125000",)),
        ("00493023125000", "DE", ("+493023125000",)),
        # Without a sign or a zero before it: most likely the international form.
        ("493023125000", "DE", ("+493023125000",)),
        ("2025550123", "US", ("+12025550123", "+2025550123")),
        ("12025550123", "US", ("+12025550123",)),
        ("100", "DE", ()),
        ("anonymous", "DE", ()),
        ("", "DE", ()),
    ],
)
def test_a_callers_number_is_understood_in_whatever_form_the_network_gives_it(
    text: str, country: str, numbers: tuple[str, ...]
) -> None:
    assert read_caller(text, country) == numbers
