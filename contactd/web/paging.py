"""Long lists, page by page: by a cursor that stays right while rows are added; for the HTTP interface."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from collections.abc import Mapping, Sequence
from typing import Any

from contactd.domain.errors import InputError
from contactd.web.kinds import Kind, Number, Text

_USUAL, _MOST = 100, 1_000
PAGE: Mapping[str, Kind] = {"cursor": Text(), "limit": Number(_USUAL, least=1, most=_MOST)}


def after(key: str, query: Mapping[str, Any]) -> int:
    """Read behind which row the page of a list begins, 0 for the first page; raises InputError."""
    cursor = query["cursor"]
    if not cursor:
        return 0
    try:
        name, last = json.loads(urlsafe_b64decode(cursor.encode("ascii") + b"=="))
        if name == key and type(last) is int and 0 <= last < 10**15:
            return last
    except (ValueError, TypeError, NoBase64, RecursionError):
        pass
    raise InputError("cursor is none of this list; send what its last page gave as next, or none")


def ask(query: Mapping[str, Any]) -> int:
    """Say how many rows to read: one more than is shown tells whether there is another page."""
    return int(query["limit"]) + 1


def paged(key: str, query: Mapping[str, Any], ids: Sequence[int], shown: Sequence[object]) -> dict[str, object]:
    """Write a page of what was read with `ask`; `ids` are those of `shown`, in order."""
    limit = int(query["limit"])
    more = len(shown) > limit
    mark = json.dumps([key, ids[limit - 1]], separators=(",", ":")).encode() if more else b""
    return {key: list(shown[:limit]), "next": urlsafe_b64encode(mark).decode().rstrip("=") if more else None}
