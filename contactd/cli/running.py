"""Runs a daemon as this process: event loop, log, signals."""

import asyncio
import gc
import signal
from collections.abc import Callable
from pathlib import Path

from contactd import logs
from contactd.clock import SystemClock
from contactd.config.settings import Settings
from contactd.daemon import Daemon, refuse_unavailable


def run_forever(settings: Settings, path: Path) -> None:
    """Run until SIGTERM or SIGINT; raises ConfigError or StoreError when it cannot even start."""
    refuse_unavailable(settings)
    logs.set_up(settings.logging.level, settings.logging.format)

    async def main() -> None:
        daemon = Daemon(settings, path=path, clock=SystemClock())
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, daemon.stop)
        loop.add_signal_handler(signal.SIGHUP, daemon.reload_soon)
        await daemon.run()

    with asyncio.Runner(loop_factory=fast_loop()) as runner:
        settle()
        runner.run(main())


def settle() -> None:
    """Make the garbage collector's full rounds short and rare, for each stops all calls.

    What has been loaded is left out of them, and there is one a thousand rounds of the youngest, not a hundred.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], 100)


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Answer uvloop's factory; None on an interpreter it has no build for."""
    try:
        import uvloop
    except ImportError:  # pragma: no cover - pinned on every supported one
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
