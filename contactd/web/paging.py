"""Long lists, page by page: by a cursor that stays right while rows are added; for the HTTP interface."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

from contactd.domain.errors import InputError
from contactd.web.kinds import MOST, Kind, Number, Text

_USUAL, _MOST = 100, 1_000
PAGE: Mapping[str, Kind] = {"cursor": Text(), "limit": Number(_USUAL, least=1, most=_MOST)}


def after(key: str, query: Mapping[str, Any]) -> int:
    """Read behind which row the page of a list begins, 0 for the first page; raises InputError.

    A cursor is of one list with all that narrows it: that of another might skip rows without a word.
    """
    cursor = query["cursor"]
    if not cursor:
        return 0
    try:
        name, last, narrowed = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=="))
        if (name, narrowed) == (key, _narrowed(query)) and type(last) is int and 0 <= last <= MOST:
            return last
    except (ValueError, TypeError, NoBase64, RecursionError):
        pass
    raise InputError("cursor is none of this list; send what its last page gave as next with the same filters, or none")


def ask(query: Mapping[str, Any]) -> int:
    """Say how many rows to read: one more than is shown tells whether there is another page."""
    return int(query["limit"]) + 1


def paged(key: str, query: Mapping[str, Any], ids: Sequence[int], shown: Sequence[object]) -> dict[str, object]:
    """Write a page of what was read with `ask`; `ids` are those of `shown`, in order."""
    limit = int(query["limit"])
    more = len(shown) > limit
    mark = json.dumps([key, ids[limit - 1], _narrowed(query)], separators=(",", ":")).encode() if more else b""
    return {key: list(shown[:limit]), "next": urlsafe_b64encode(mark).decode().rstrip("=") if more else None}


def _narrowed(query: Mapping[str, Any]) -> str:
    """Tell by what a list is narrowed, in few letters; no secret."""
    filters = sorted((name, str(value)) for name, value in query.items() if name not in PAGE)
    return f"{crc32(json.dumps(filters).encode()):x}"
