"""Write the names and numbers of a ranking for a sentence."""

import html
import math
import re
from collections.abc import Iterable, Sequence

from descent.analysis.pairs import enough
from descent.analysis.ranking import Ranking
from descent.analysis.statistics import values
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
    found = sorted({int(count) for count in counts})
    return f"n = {found[0]}" if len(found) == 1 else f"n = {found[0]} to {found[-1]}"


def searches(ranking: Ranking) -> str:
    """Return ", 3 searches"; empty if there were none."""
    return f", {ranking.searches} search{'es' * (ranking.searches > 1)}" if ranking.searches else ""


def judged(ranking: Ranking) -> list[str]:
    """Return the candidates with enough seeds for a verdict, the best first."""
    there = enough(ranking.runs)
    return [entry for entry in ranking.entries if entry in there]


def endings(ranking: Ranking, entry: str) -> str:
    """Return the numbers of failed runs, as "2 of 10 diverged, 1 of 10 stalled"."""
    row = ranking.table.loc[entry]
    return ", ".join(f"{row[end]:.0f} of {row['n']:.0f} {end}" for end in ("diverged", "stalled") if row[end])


def median(ranking: Ranking, entry: str) -> str:
    """Return a median, and in brackets the range of the finite values and the numbers of failed runs."""
    value = ranking.table.loc[entry, "median"]
    found = values(ranking.runs[ranking.runs["entry"] == entry], ranking.quantity)
    there, lost = found[found.abs() < math.inf], endings(ranking, entry)
    if not math.isfinite(value):
        return f"none ({lost or 'not finite'})"
    inside = [f"{number(there.min())} to {number(there.max())}"] if len(there) > 1 else []
    inside += [lost] if lost else []
    return number(value) + (f" ({'; '.join(inside)})" if inside else "")


def rank(ranking: Ranking, entry: str) -> str:
    """Return the ranks that a candidate may have, as "1" or "1 to 3"."""
    first, last = (int(ranking.table.loc[entry, end]) for end in ("first", "last"))
    return str(first) if first == last else f"{first} to {last}"


def difference(ranking: Ranking, winner: str, loser: str, whose: bool = False) -> str:
    """Return by how much one candidate is better than another, or how much less often it fails.

    Args:
        whose: name the winner.
    """
    between = ranking.pairs["one"].isin([winner, loser]) & ranking.pairs["other"].isin([winner, loser])
    pair = ranking.pairs[between].iloc[0]
    forward = pair["one"] == winner
    name = f"{winner}'s " if whose else ""
    if pair["by"] == "failures":
        few, many = (pair["one_failed"], pair["other_failed"])[:: 1 if forward else -1]
        return f"{name}{few} failed runs against {many}, {size([pair['seeds']])}{searches(ranking)}"
    mean, low, high = (pair[["difference", "low", "high"]] if forward else -pair[["difference", "high", "low"]]).astype(float)
    n = f"{size([pair['seeds'] if ranking.searches else pair['n']])}{searches(ranking)}"
    if math.isnan(low):
        return f"both finished in fewer than two, {n}"
    ahead = pair["ahead"] if forward else pair["n"] - pair["ahead"]
    skewed = f", ahead in {ahead} of {pair['n']} pairs" if pair["winner"] == winner and low <= 0 else ""
    return f"{name}difference {number(mean)}, 95 % interval {number(low)} to {number(high)}, {n}{skewed}"
