"""Write a ranking as sentences: which candidate is better and by how much, or why there is no answer."""

import math

from descent.analysis import claims
from descent.analysis.candidate_wording import endings, median, rank
from descent.analysis.caveats import edges, notes
from descent.analysis.paired_tests import SEEDS
from descent.analysis.ranking import Ranking, judged
from descent.analysis.wording import LISTED, are, listed, size


def sentences(ranking: Ranking) -> list[str]:
    """Return the verdict on a ranking, then its caveats."""
    if ranking.refused:
        return [f"No ranking: {ranking.refused}. Only equal budgets are ranked."]
    if (ranking.table["failed"] == ranking.table["n"]).all():
        lost = listed([f"{candidate} ({endings(ranking, candidate)})" for candidate in ranking.candidates])
        return [f"Every run failed: {lost}. There is nothing to compare.", *edges(ranking)]
    return [*(_tested if ranking.tested else _described)(ranking), *notes(ranking)]


def _tested(ranking: Ranking) -> list[str]:
    """Write the result of the tests, and the ranks that follow from it."""
    names = judged(ranking)
    ranks = [f"Ranks: {listed([f'{name} {rank(ranking, name)}' for name in names])}."] if len(names) > 2 else []
    finding, terms = ranking.finding, ranking.terms
    n = size(pair.n for pair in finding.pairs if not math.isnan(pair.p))
    return [f"{claims.verdict(finding, terms)[:-1]}, {n}.", *ranks, *claims.notes(finding, terms)]


def _described(ranking: Ranking) -> list[str]:
    """Describe medians over seeds, where nothing is tested."""
    table, candidates, what = ranking.table, ranking.candidates, ranking.metric.label
    n, best = size(table["n"]), table["median"].iloc[0]
    if len(candidates) == 1:
        median_text = f"Its median {what}, with the range over seeds, is {median(ranking, candidates[0])}"
        return [f"Only {candidates[0]} was run ({n}): there is nothing to compare it with.", f"{median_text}."]
    n += {
        "seeds": f"; no two have {SEEDS} seeds in common" if table["n"].max() >= SEEDS else f"; a test takes {SEEDS} seeds",
        "secondary": "; another metric is tested",
        "repeated": "; values repeat over seeds",
    }.get(ranking.untested, "")
    if not math.isfinite(best):
        lost = listed([f"{candidate} {median(ranking, candidate)}" for candidate in candidates])
        return [f"Descriptive only ({n}): runs diverged too often for a median {what}: {lost}."]
    leaders = [candidate for candidate in candidates if table.loc[candidate, "median"] == best]
    lead = f"{listed(leaders)} {'has' if len(leaders) == 1 else 'share'} the {_extreme(ranking)} median {what}, "
    rest = [f"{candidate} {median(ranking, candidate)}" for candidate in candidates if candidate not in leaders]
    more = [f"{len(rest) - LISTED} more {are(rest[LISTED:])} in the table"] if len(rest) > LISTED else []
    medians = "; ".join([lead + median(ranking, leaders[0]), *rest[:LISTED], *more])
    lines = [f"Descriptive only ({n}): {medians}.", *(["In brackets the range over seeds."] if table["n"].max() > 1 else [])]
    return lines + [text for text in claims.notes(ranking.finding, ranking.terms) if text.startswith(claims.REPEATED)]


def _extreme(ranking: Ranking) -> str:
    return "highest" if ranking.metric.higher_is_better else "lowest"


def overall(rankings: list[Ranking]) -> list[str]:
    """Return how many groups each optimizer is best in, where several are tested, and the error rates of the tests."""
    tested = [ranking for ranking in rankings if ranking.tested]
    if not tested:
        return []
    lines = []
    groups = [ranking for ranking in tested if not ranking.modes_of]
    if len(groups) > 1:
        best = [ranking.finding.best for ranking in groups if ranking.finding.best]
        counts = {name: best.count(name) for name in dict.fromkeys(sorted(best, key=best.count, reverse=True))}
        shown = listed([f"{name} in {count}" for name, count in counts.items()]) or "none in any"
        lines.append(f"Best of their groups: {shown} of {len(groups)}.")
    lines.append(
        "All pairs of all groups are tested together: at most 5 % of reports hold a false better, 5 % a false equal, and "
        "5 % an interval that misses; docs/accuracy.md has the rates that were measured."
    )
    return lines
