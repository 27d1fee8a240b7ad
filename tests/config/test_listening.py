"""A port that cannot be had is told with the key to mend, whoever wanted to listen on it."""

import errno

import pytest

from contactd.config.listening import why_not


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EADDRINUSE, "in use"), "[web] port: 127.0.0.1:25 is taken by another program; end it"),
        (OSError(errno.EACCES, "denied"), "[web] port: this user may not listen on 127.0.0.1:25; choose a port of"),
        (OSError(errno.EADDRNOTAVAIL, "no"), '[web] bind: "127.0.0.1" is no address of this machine; name one'),
        (UnicodeError("label too long"), '[web] bind: "127.0.0.1" is no address of this machine; name one'),
        (OSError(errno.EMFILE, "too many"), "[web] bind, port: cannot listen on 127.0.0.1:25: too many"),
        (OSError("strange"), "[web] bind, port: cannot listen on 127.0.0.1:25: strange"),
    ],
)
def test_each_reason_names_its_key_and_cure(error: OSError | UnicodeError, said: str) -> None:
    assert why_not(error, "web", "127.0.0.1", 25).startswith(said)
