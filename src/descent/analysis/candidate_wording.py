"""Write a ranked candidate's median, ranks and failures for a sentence."""

import math

from descent.analysis.ranking import Ranking
from descent.analysis.statistics import values
from descent.analysis.wording import number


def endings(ranking: Ranking, candidate: str) -> str:
    """Return how many runs failed and how, as "2 of 10 diverged, 1 of 10 stalled"."""
    row = ranking.table.loc[candidate]
    return ", ".join(f"{row[end]:.0f} of {row['n']:.0f} {end}" for end in ("diverged", "stalled") if row[end])


def median(ranking: Ranking, candidate: str) -> str:
    """Return the median, and in brackets the range of the runs that did not diverge, and the failures."""
    value = ranking.table.loc[candidate, "median"]
    ends = values(ranking.runs_of(candidate), ranking.metric_name)
    finite, lost = ends[ends.abs() < math.inf], endings(ranking, candidate)
    if not math.isfinite(value):
        return f"none ({lost or 'not finite'})"
    inside = [f"{number(finite.min())} to {number(finite.max())}"] if len(finite) > 1 else []
    inside += [lost] if lost else []
    return number(value) + (f" ({'; '.join(inside)})" if inside else "")


def rank(ranking: Ranking, candidate: str) -> str:
    """Return the best rank that a candidate may have, as "1"; as "=1" where it may have others too, and shares them."""
    first, last = (int(ranking.table.loc[candidate, end]) for end in ("first", "last"))
    return str(first) if first == last else f"={first}"
