"""The in-process bus: what just happened, for whoever watches (metrics, live views, follow-ups); never for commands."""

from collections.abc import Callable

import structlog

log = structlog.get_logger()


class Bus:
    """Hands each event to every listener, at once and in order; a listener that fails is logged and kept."""

    def __init__(self) -> None:
        """Start with nobody listening."""
        self._listeners: list[Callable[[object], None]] = []

    def listen(self, listener: Callable[[object], None]) -> None:
        """Hear everything from now on; a listener must return at once."""
        self._listeners.append(listener)

    def publish(self, event: object) -> None:
        """Tell everybody."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # a broken window must not stop the work behind it
                log.exception("listener_failed", listener=repr(listener), happened=type(event).__name__)
