"""What a person typed and we cannot use."""

from collections.abc import Iterable


class InputError(ValueError):
    """A setting that cannot work, told in one line.

    The line names the key, the value it had, what is allowed and, where that is not obvious, what to do:
    ``optimizer.lr=-1: must be > 0. Try optimizer.lr=0.1.``

    Args:
        key: the setting, as it is typed on the command line (``optimizer.lr``).
        value: the value it had.
        problem: what is wrong or what is allowed, without the final full stop.
        remedy: what to do, as a sentence.
    """

    def __init__(self, key: str, value: object, problem: str, remedy: str = "") -> None:
        shown = "null" if value is None else str(value).lower() if isinstance(value, bool) else value
        super().__init__(f"{key}={shown}: {problem}.{' ' + remedy if remedy else ''}")


def one_of(key: str, value: object, allowed: Iterable[object]) -> InputError:
    """The error for a name that is not among the `allowed` ones."""
    names = ", ".join(str(name) for name in allowed)
    return InputError(key, value, f"must be one of {names}")
