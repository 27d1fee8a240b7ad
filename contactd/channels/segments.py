"""How long an SMS is on the wire: its alphabet and the number of segments that are paid for (3GPP TS 23.038)."""

from dataclasses import dataclass

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_ESCAPED = frozenset("\f^{}\\[~]|€")  # these take two places


@dataclass(frozen=True, slots=True)
class Segments:
    """`units` are septets of the GSM alphabet, or 16-bit units of UCS-2."""

    alphabet: str
    units: int
    count: int


def segments(text: str) -> Segments:
    """Measure a text; one letter outside the GSM alphabet more than halves what fits."""
    letters = set(text)
    if letters <= _BASIC | _ESCAPED:
        widths = [2 if letter in _ESCAPED else 1 for letter in text]
        return Segments("gsm-7", sum(widths), _count(widths, single=160, each=153))
    widths = [2 if ord(letter) > 0xFFFF else 1 for letter in text]  # noqa: PLR2004 - beyond it: a surrogate pair
    return Segments("ucs-2", sum(widths), _count(widths, single=70, each=67))


def foreign_letters(text: str) -> str:
    """List the letters that are outside the GSM alphabet."""
    return "".join(sorted(set(text) - _BASIC - _ESCAPED))


def _count(widths: list[int], *, single: int, each: int) -> int:
    if sum(widths) <= single:
        return 1
    count, used = 1, 0
    for width in widths:
        # Neither an escaped letter nor a surrogate pair is cut in two.
        if used + width > each:
            count, used = count + 1, 0
        used += width
    return count
