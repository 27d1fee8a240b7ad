"""The GiroCode: a transfer as a QR code that banking apps read; for letters.

EPC069-12, version 002: text lines, UTF-8, at most 331 bytes, error correction M, no larger than QR version 13.
"""

import re

import segno

from contactd.domain.money import Money, exponent

_MOST_BYTES = 331
_NAME, _TEXT = 70, 140
_LARGEST = 99_999_999_999  # cents
_VERSION = 13
_QUIET = 4  # modules of white around it
# Every reader takes every mask. To draw all eight and take the best takes five times as long; of 60 made-up
# transfers this one had the best score on average.
_MASK = 2
_DARK = re.compile(b"\x01+")  # a dark stretch of a row


def transfer_text(*, name: str, iban: str, bic: str, amount: Money, reference: str) -> str:
    """Write a transfer down as EPC069-12 asks; empty when the code cannot carry it: no IBAN, no euros, no reference."""
    if not (iban and name and amount.currency == "EUR" and 0 < amount.minor <= _LARGEST):
        return ""
    structured = reference.startswith("RF") and reference.isalnum()
    cents = f"EUR{amount.minor // 10 ** exponent('EUR')}.{amount.minor % 10 ** exponent('EUR'):02}"
    lines = ["BCD", "002", "1", "SCT", bic, name[:_NAME].strip(), iban, cents, ""]
    lines += [reference] if structured else ["", reference[:_TEXT].strip()]
    text = "\n".join(lines).rstrip("\n")
    return text if len(text.encode()) <= _MOST_BYTES else ""


def girocode(text: str) -> str:
    """Draw a transfer as an SVG whose edges are sharp at every size; nothing of nothing."""
    if not text:
        return ""
    code = segno.make_qr(text, error="m", boost_error=False, encoding="utf-8", mask=_MASK)
    if int(code.version) > _VERSION:
        return ""
    size = code.symbol_size(border=_QUIET)[0]
    path = "".join(
        f"M{dark.start() + _QUIET} {row + _QUIET}h{len(dark[0])}v1h-{len(dark[0])}z"
        for row, modules in enumerate(code.matrix)
        for dark in _DARK.finditer(modules)
    )
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"><path d="{path}"/></svg>'
