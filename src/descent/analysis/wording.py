"""Write lists and numbers for a sentence."""

import html
import re
from collections.abc import Iterable, Sequence

from descent.errors import printable

LISTED = 6  # what a sentence lists; the rest is in the table


def listed(names: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"; of very many "a, b and 3 more"."""
    names = [*names[:LISTED], f"{len(names) - LISTED} more"] if len(names) > LISTED + 1 else names
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def markdown_text(text: str) -> str:
    """Escape a text so that Markdown shows it letter by letter, at the start of a line and in a table too."""
    line = " ".join(printable(text).split())
    return re.sub(r"([\\`*_\[\]{}|#]|^[-+](?= )|(?<=^\d)[.)](?= ))", r"\\\1", html.escape(line, quote=False))


def are(names: Sequence[str]) -> str:
    """Return "is" or "are", by the number of names."""
    return "is" if len(names) == 1 else "are"


def number(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:.3g}"


def size(counts: Iterable[float]) -> str:
    """Return "n = 10", or "n = 3 to 10"."""
    distinct = sorted({int(count) for count in counts})
    return f"n = {distinct[0]}" if len(distinct) == 1 else f"n = {distinct[0]} to {distinct[-1]}"
