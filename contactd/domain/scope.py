"""What a token of the HTTP interface may be allowed: to read or to write one family of things; for web and cli."""

READ, WRITE = "read", "write"
_READ_ONLY = ("agents", "attempts", "log")
_BOTH = (
    "accounts", "agreements", "campaigns", "circumstances", "hand-overs", "payments", "postings", "runs", "stops",
    "tasks",
)  # fmt: skip
SCOPES: tuple[str, ...] = tuple(
    sorted([*(f"{one}:{READ}" for one in (*_READ_ONLY, *_BOTH)), *(f"{one}:{WRITE}" for one in _BOTH)])
)
