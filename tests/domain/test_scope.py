"""What a token may be allowed."""

from contactd.domain.scope import SCOPES


def test_reading_and_writing_are_two_scopes_and_what_only_shows_has_no_second() -> None:
    assert {"accounts:read", "accounts:write", "hand-overs:write", "log:read"} <= set(SCOPES)
    assert {"log:write", "attempts:write", "agents:write", "accounts"}.isdisjoint(SCOPES)
    assert list(SCOPES) == sorted(set(SCOPES))
