"""Why an address of contactd.toml cannot be listened on, with the key to mend; for whoever opens a port."""

import errno
import socket


def why_not(error: OSError | UnicodeError, table: str, host: str, port: int) -> str:
    """Say in which key of the table the fault is, and how to mend it."""
    # A name that is no name fails before the system is asked.
    number = error.errno if isinstance(error, OSError) else errno.EADDRNOTAVAIL
    if number == errno.EADDRINUSE:
        return (
            f"[{table}] port: {host}:{port} is taken by another program; end it (find it with: ss -ltnp), "
            "or choose another port (0: any free one)"
        )
    if number in (errno.EACCES, errno.EPERM):
        return (
            f"[{table}] port: this user may not listen on {host}:{port}; choose a port of 1024 or more, "
            "a proxy or the mail server brings the traffic there"
        )
    if number == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f'[{table}] bind: "{host}" is no address of this machine; name one of its own, or 127.0.0.1 or ::1'
    return f"[{table}] bind, port: cannot listen on {host}:{port}: {getattr(error, 'strerror', None) or error}"
