"""Time as it is handed to the engine; only daemon.py makes a real one."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Now, a monotonic count of seconds, and a pause; a demo's runs faster, a test's is moved by hand."""

    def now(self) -> datetime:
        """Tell the time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Count seconds that never go back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that many of this clock's seconds."""
        ...
