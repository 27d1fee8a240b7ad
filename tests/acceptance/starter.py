"""Runs the program in forks of a process that has imported it: most of a short run is importing.

A process of its own, started by `program.py` with a socket. That each verb also finds all it needs by itself is shown
by `test_imports.py`.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NoReturn

import contactd
from contactd.cli.main import main

_LONGEST = 1 << 20


def serve(asked: socket.socket) -> None:
    """Run whatever is asked for, each in a process of its own, until nobody can ask any more."""
    for module in pkgutil.walk_packages(contactd.__path__, "contactd."):
        if ".migrations" not in module.name:  # Alembic loads its revisions by path
            importlib.import_module(module.name)
    gc.freeze()  # its runs share what was imported
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those between us and a run
    while True:
        message, files, _, _ = socket.recv_fds(asked, _LONGEST, 3)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            asked.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _watch(message, *files)
        for file in files:
            os.close(file)


def _watch(message: bytes, out: int, err: int, told: int) -> NoReturn:
    """Start the run and tell its process's id, then its exit code."""
    run = os.fork()
    if run == 0:
        os.close(told)
        _become(json.loads(message), out, err)
    os.write(told, f"{run}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
    os.write(told, f"{code}\n".encode())
    os._exit(0)


def _become(asked: dict[str, object], out: int, err: int) -> NoReturn:
    """Be the program, as if it had been started with these words, this environment and these files."""
    arguments, environment = asked["arguments"], asked["environment"]
    if not isinstance(arguments, list) or not isinstance(environment, dict):
        raise TypeError(f"{asked!r} says not what to run")
    for file, number in ((os.open(os.devnull, os.O_RDONLY), 0), (out, 1), (err, 2)):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(str(asked["folder"]))
    sys.argv = ["contactd", *arguments]
    _end(main)


def _end(run: Callable[[], object]) -> NoReturn:
    """Run it, and end like the interpreter does, but for what takes it longest: to take down what was imported."""
    code = 0
    try:
        run()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 -- the interpreter catches it too
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 -- what the interpreter calls first
    atexit._run_exitfuncs()  # noqa: SLF001 -- and this next
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
