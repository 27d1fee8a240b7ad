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
    """Take what has been loaded out of the garbage collector's rounds: each would stop all calls to look at it."""
    gc.collect()
    gc.freeze()


def fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Answer uvloop's factory; None on an interpreter it has no build for."""
    try:
        import uvloop
    except ImportError:  # pragma: no cover - pinned on every supported one
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
