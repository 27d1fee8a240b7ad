"""The sandbox in which templates of the operator are rendered; whoever renders any takes its environment from here.

A slip like `{{ "x" * 2000000000 }}` must end as an error of the template and not take the daemon's memory or time.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MOST_LETTERS = 100_000
_MOST_BITS = 64
_MOST_PIECES = 1_000_000
# What goes wrong in a template besides Jinja2's own errors.
FAULTS = (ArithmeticError, AttributeError, LookupError, MemoryError, OSError, RuntimeError, TypeError, ValueError)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox for immutable values, with bounds to what an expression may make."""

    # Jinja2 works these out when it renders, never when it compiles.
    intercepted_binops = frozenset({"*", "**"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:  # noqa: ANN401 - any values
        """Multiply; raises SecurityError when the result would be out of all proportion."""
        length = max((len(side) for side in (left, right) if hasattr(side, "__len__")), default=0)
        times = max((abs(side) for side in (left, right) if isinstance(side, int)), default=0)
        whole = isinstance(left, int) and isinstance(right, int)
        bits = abs(left).bit_length() * abs(right) if operator == "**" and whole else 0
        if length * times > _MOST_LETTERS or bits > _MOST_BITS:
            raise SecurityError(f"{operator} makes more than fits into a message")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, called: Any, /, *args: Any, **named: Any) -> Any:  # noqa: ANN401 - any values
        """Call what is safe; raises SecurityError when a text would be padded out of all proportion."""
        if isinstance(getattr(called, "__self__", None), str) and any(
            isinstance(value, int) and value > _MOST_LETTERS for value in (*args, *named.values())
        ):
            raise SecurityError(f"{called.__name__} makes more than fits into a message")
        return super().call(context, called, *args, **named)


def join(pieces: Iterable[str]) -> str:
    """Put the pieces of a rendered template together; raises SecurityError when there is no end of them."""
    rest = iter(pieces)
    text = "".join(islice(rest, _MOST_PIECES))
    if next(rest, None) is not None:
        raise SecurityError("the text has no end")
    return text
