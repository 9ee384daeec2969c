"""Write a ranking as sentences: which candidate is better and by how much, or why there is no answer."""

import math
from collections.abc import Mapping, Sequence

from descent.analysis import claims
from descent.analysis.candidate_wording import endings, median, rank
from descent.analysis.caveats import edges, notes
from descent.analysis.family import SEARCHES
from descent.analysis.paired_tests import SEEDS
from descent.analysis.ranking import Ranking, judged
from descent.analysis.wording import LISTED, are, listed, size

NAMED = 4  # groups that a line names; of more it counts them


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


def headline(rankings: Sequence[Ranking]) -> list[str]:
    """Return the verdict on all groups of a report in a line, and that on the batch modes of all optimizers, where there is one.

    Args:
        rankings: one a group, and one for each optimizer whose batch modes are compared.
    """
    groups, modes = ([ranking for ranking in rankings if bool(ranking.modes_of) is of_modes] for of_modes in (False, True))
    if not groups:
        return ["No final run has ended yet: there is nothing to compare."]
    several = len({ranking.problem for ranking in groups}) > 1
    lines = [
        _counted(groups, "groups", {f"{f'{ranking.problem}, ' * several}{ranking.batch}": ranking for ranking in groups}, "in")
    ]
    if any(ranking.tested for ranking in modes):
        named = {f"{ranking.modes_of}{f' on {ranking.problem}' * several}": ranking for ranking in modes}
        lines.append(f"Of batch modes {_counted(modes, 'optimizers', named, 'for')}")
    if few := [ranking.searches for ranking in groups if ranking.tested and 0 < ranking.searches < SEARCHES]:
        by = "one search" if max(few) == 1 else f"{max(few)} searches"
        lines.append(
            f"Tuned by {by}: this is about the settings found, not about the optimizers; {SEARCHES} searches would tell."
        )
    return lines


def _counted(rankings: Sequence[Ranking], what: str, named: Mapping[str, Ranking], where: str) -> str:
    """Return who is best in which rankings, and by how much against the next one; of a single one its verdict."""
    if len(rankings) == 1:
        return sentences(rankings[0])[0]
    tested = {name: ranking for name, ranking in named.items() if ranking.tested}
    if not tested:
        return f"No verdict: none of {len(rankings)} {what} is tested. {sentences(rankings[0])[0]}"
    best: dict[str, list[str]] = {}
    for name, ranking in tested.items():
        best.setdefault(ranking.finding.best, []).append(name)
    none = best.pop("", [])
    few = len(tested) <= NAMED
    if not best:
        found: dict[str, list[str]] = {}
        for name, ranking in tested.items():
            found.setdefault(claims.best_over_seeds(ranking.finding), []).append(name)
        found.pop("", [])
        winners = [f"{one} is {where} {listed(groups) if few else len(groups)}" for one, groups in found.items()]
        over_seeds = f"; {claims.OVER_SEEDS}, {listed(winners)}" if winners else ""
        return f"None is best {where} any of {len(tested)} {what}{over_seeds}."
    order = sorted(best, key=lambda name: -len(best[name]))
    winners = [
        f"{name}{' is best' * (name == order[0])} {where} {listed(best[name]) if few else len(best[name])}" for name in order
    ]
    rest = f" (none {where} {listed(none)})" if none and few else "" if few else f" of {len(tested)} {what}"
    n = size(pair.n for ranking in tested.values() for pair in ranking.finding.pairs if not math.isnan(pair.p))
    ahead = claims.ahead([(ranking.finding, ranking.terms) for ranking in tested.values()])
    return f"{listed(winners)}{rest}: {ahead}, {n}."


def overall(rankings: Sequence[Ranking]) -> list[str]:
    """Return what the tests of a report hold to, where there are any."""
    if not any(ranking.tested for ranking in rankings):
        return []
    return [
        "All pairs of all groups are tested together: at most 5 % of reports hold a false better, 5 % a false equal, and "
        "5 % an interval that misses; docs/accuracy.md has the rates that were measured."
    ]
