"""Begins with the tests that take longest: begun last, one of them would leave the other processes idle at the end.

A pytest plugin, loaded by conftest.py. `make test` tells xdist to keep this order; by itself it would begin with the
modules of the most tests, which are the quickest.
"""

from pathlib import Path

import pytest

# Those that start programs, the longest first; of the others none takes longer than a minute.
_LONG = ("rehearsal", "acceptance", "faults", "calls", "browser")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order the tests by their folders; within a folder they stay as they are."""
    items.sort(key=lambda item: _rank(item.path))


def _rank(path: Path) -> int:
    return next((rank for rank, folder in enumerate(_LONG) if folder in path.parts), len(_LONG))
