"""Call the class or function of a ``_target_``; an error about its arguments becomes one line."""

import warnings
from collections.abc import Callable
from typing import Any

from descent.config.values import Arguments
from descent.errors import InputError, first_line

REFUSALS = (TypeError, ValueError, IndexError, KeyError, RuntimeError, MemoryError, ArithmeticError)  # of a class


def call(group: str, made: Callable[..., Any], arguments: Arguments, **passed: Any) -> Any:
    """Call a class or function with its arguments and return the result; a value that it refuses becomes one line.

    Args:
        group: as it is typed, ``optimizer``.
        made: the class or function.
        arguments: from yaml and command line.
        passed: arguments that descent passes.

    Raises:
        InputError: its error, with the argument without which it would work.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # an overflow ends in the line below
            return made(**arguments, **passed)
    except InputError:
        raise
    except Exception as error:
        if made.__module__.startswith("descent.") and not isinstance(error, REFUSALS):
            raise  # a fault of ours
        text = first_line(error)
        name = _largest(arguments) if isinstance(error, (MemoryError, OverflowError)) or "alloc" in text else None
        if name is None and group in ("optimizer", "optimizer.args", "wrapper"):
            name = blamed(arguments, lambda others: _makes(made, others, passed))
        if name is not None:
            raise InputError(f"{group}.{name}", arguments[name], text) from error
        raise InputError(group, made.__name__, text) from error


def _largest(arguments: Arguments) -> str | None:
    """Return the argument with the largest number, the likeliest cause of a lack of memory."""
    numbers = {name: value for name, value in arguments.items() if isinstance(value, (int, float))}
    return max(numbers, key=lambda name: numbers[name]) if numbers else None


def blamed(arguments: Arguments, works: Callable[[Arguments], bool]) -> str | None:
    """Return the argument without which it works, or None; `fused`, which is not typed, comes last."""
    for name in sorted(arguments, key=lambda name: name == "fused"):
        if works({key: value for key, value in arguments.items() if key != name}):
            return name
    return None


def _makes(made: Callable[..., Any], arguments: Arguments, passed: dict[str, Any]) -> bool:
    try:
        made(**arguments, **passed)
    except Exception:  # whatever it says, it still does
        return False
    return True
