"""Keeps checked rows beside the memory until the whole list was read; for intake.accept only.

A list is applied only after its last row was looked at, and may be longer than the memory is large.
"""

import pickle
from collections.abc import Callable, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

_IN_MEMORY = 8 << 20


T = TypeVar("T", bound=tuple[Any, ...])


class Spool(Generic[T]):
    """Rows in the order they came; use it in a `with`. `length` counts them."""

    def __init__(self, make: Callable[[Iterable[Any]], T], size: int) -> None:
        """Give rows back in chunks of `size`; `make` is the `_make` of their kind, a NamedTuple."""
        self.length = 0
        self._make = make
        self._size = size
        self._waiting: list[tuple[Any, ...]] = []
        # No name in the file system, so nobody but this process reads or writes it.
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, one: tuple[Any, ...]) -> None:
        """Keep one row, or what makes one: to make it twice is dear."""
        self._waiting.append(one)
        self.length += 1
        if len(self._waiting) >= self._size:
            self._put_away()

    def _put_away(self) -> None:
        # As what they are they would cost twice as much, there and back.
        pickle.dump(list(map(tuple, self._waiting)), self._file, protocol=pickle.HIGHEST_PROTOCOL)
        self._waiting.clear()

    def chunks(self) -> Iterator[list[T]]:
        """Give the rows back."""
        if self._waiting:
            self._put_away()
        self._file.seek(0)
        while True:
            try:
                chunk: list[Any] = pickle.load(self._file)  # noqa: S301 - this process wrote it a moment ago
            except EOFError:
                return
            yield list(map(self._make, chunk))
