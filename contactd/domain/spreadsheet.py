"""Words of others in files that people open in a spreadsheet: reports, proposals, dossiers."""

import re

_FORMULA, _NUMBER = re.compile(r"[=+\-@\t\r]."), re.compile(r"-?[0-9.]+(e-?[0-9]+)?")


def harmless(text: str) -> str:
    """Keep a spreadsheet from taking imported words for a formula; numbers stay as they are."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text
