"""What systemd wants to hear from a Type=notify service (sd_notify(3)); silent when nobody listens."""

import os
import socket


def notify(**words: str) -> None:
    """Tell the service manager, e.g. `READY="1"`, `STATUS="…"`, `WATCHDOG="1"`."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    text = "\n".join(f"{word}={value}" for word, value in words.items())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as wire:
        # A leading @ means the abstract name space (unix(7)).
        wire.sendto(text.encode(), f"\0{address[1:]}" if address.startswith("@") else address)


def watchdog_seconds() -> float | None:
    """Answer how often to say WATCHDOG=1: half of what systemd waits; None when it does not watch us."""
    micros = os.environ.get("WATCHDOG_USEC", "")
    meant_for = os.environ.get("WATCHDOG_PID", "")
    if not micros.isdigit() or (meant_for and meant_for != str(os.getpid())):
        return None
    return int(micros) / 2_000_000
