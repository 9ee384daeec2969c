"""English lists and numbers of sentences."""

from collections.abc import Iterable, Sequence

LISTED = 6  # what a sentence lists; the rest is in the table


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"; of very many "a, b and 3 more"."""
    names = [*names[:LISTED], f"{len(names) - LISTED} more"] if len(names) > LISTED + 1 else names
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def are(names: Sequence[str]) -> str:
    """Return the verb for so many names."""
    return "is" if len(names) == 1 else "are"


def number(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:.3g}"


def size(counts: Iterable[float]) -> str:
    """Return "n = 10", or "n = 3 to 10"."""
    found = sorted({int(count) for count in counts})
    return f"n = {found[0]}" if len(found) == 1 else f"n = {found[0]} to {found[-1]}"
