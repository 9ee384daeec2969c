"""Write an entry of a ranking for a sentence."""

import math

from descent.analysis.ranking import Ranking
from descent.analysis.statistics import values
from descent.analysis.wording import number


def endings(ranking: Ranking, entry: str) -> str:
    """Return how the runs ended that failed, as "2 of 10 diverged, 1 of 10 stalled"."""
    row = ranking.table.loc[entry]
    return ", ".join(f"{row[end]:.0f} of {row['n']:.0f} {end}" for end in ("diverged", "stalled") if row[end])


def median(ranking: Ranking, entry: str) -> str:
    """Return a median, and in brackets the range of what did not diverge, and how runs ended that failed."""
    value = ranking.table.loc[entry, "median"]
    found = values(ranking.runs[ranking.runs["entry"] == entry], ranking.quantity)
    there, lost = found[found.abs() < math.inf], endings(ranking, entry)
    if not math.isfinite(value):
        return f"none ({lost or 'not finite'})"
    inside = [f"{number(there.min())} to {number(there.max())}"] if len(there) > 1 else []
    inside += [lost] if lost else []
    return number(value) + (f" ({'; '.join(inside)})" if inside else "")


def rank(ranking: Ranking, entry: str) -> str:
    """Return the best rank that an entry may have, as "1"; as "=1" where it may have others too, and shares them."""
    first, last = (int(ranking.table.loc[entry, end]) for end in ("first", "last"))
    return str(first) if first == last else f"={first}"
