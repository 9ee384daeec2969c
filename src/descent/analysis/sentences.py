"""Write a ranking as sentences: which candidate beats which and by how much, or why there is no answer."""

import math

import pandas as pd

from descent.analysis.caveats import edges, notes
from descent.analysis.pairs import SEEDS, Family, Untested, order, seeds_for
from descent.analysis.ranking import Ranking
from descent.analysis.selection import Rule
from descent.analysis.wording import LISTED, are, difference, endings, judged, listed, median, rank, searches, size

RULES = {
    Rule.NAMED: "as it was named",
    Rule.TUNING: "as it was the best in tuning",
    Rule.SGD: "by rule, as there are no runs of tuning to choose it by",
    Rule.FIRST: "as the first in the alphabet: there are neither runs of tuning to choose it by nor sgd",
}


def sentences(ranking: Ranking) -> list[str]:
    """Return the verdict on a ranking, then its caveats."""
    if ranking.refused:
        return [f"No ranking: {ranking.refused}. Only equal budgets are ranked."]
    if (ranking.table["failed"] == ranking.table["n"]).all():
        lost = listed([f"{entry} ({endings(ranking, entry)})" for entry in ranking.entries])
        return [f"Every run failed: {lost}. There is nothing to compare.", *edges(ranking)]
    say = {Family.ALL: _every_pair, Family.REFERENCE: _with_reference, Family.NONE: _described}
    return [*say[ranking.family](ranking), *notes(ranking)]


def _described(ranking: Ranking) -> list[str]:
    """Describe medians over seeds, where nothing is tested."""
    table, entries, what = ranking.table, ranking.entries, ranking.metric.label
    n, best = size(table["n"]), table["median"].iloc[0]
    if len(entries) == 1:
        said = f"Its median {what}, with the range over seeds, is {median(ranking, entries[0])}"
        return [f"Only {entries[0]} was run ({n}): there is nothing to compare it with.", f"{said}."]
    n += {
        Untested.MANY: f"; {seeds_for(len(table) - 1)} seeds can tell one setting from {len(table) - 1} others",
        Untested.APART: f"; no two have {SEEDS} seeds in common",
    }.get(ranking.untested, "")
    if not math.isfinite(best):
        lost = listed([f"{entry} {median(ranking, entry)}" for entry in entries])
        return [f"Descriptive only ({n}): runs diverged too often for a median {what}: {lost}."]
    leaders = [entry for entry in entries if table.loc[entry, "median"] == best]
    lead = f"{listed(leaders)} {'has' if len(leaders) == 1 else 'share'} the {_extreme(ranking)} median {what}, "
    rest = [f"{entry} {median(ranking, entry)}" for entry in entries if entry not in leaders]
    more = [f"{len(rest) - LISTED} more {are(rest[LISTED:])} in the table"] if len(rest) > LISTED else []
    said = "; ".join([lead + median(ranking, leaders[0]), *rest[:LISTED], *more])
    return [f"Descriptive only ({n}): {said}.", *(["In brackets the range over seeds."] if table["n"].max() > 1 else [])]


def _extreme(ranking: Ranking) -> str:
    return "highest" if ranking.metric.higher_is_better else "lowest"


def _every_pair(ranking: Ranking) -> list[str]:
    """Name the unbeaten candidates, and whom they beat."""
    names, what = judged(ranking), ranking.metric.label
    beats = pd.DataFrame(order(ranking.pairs, ranking.entries), ranking.entries, ranking.entries).loc[names, names]
    top = [name for name in names if not beats[name].any()]
    losers = [name for name in names if name not in top]
    if not losers and len(names) == 2:
        return [f"{listed(names)} are indistinguishable in {what} ({difference(ranking, names[0], names[1])})."]
    if not losers:
        n = size(ranking.pairs.loc[ranking.pairs["seeds"] >= SEEDS, "seeds"])
        return [f"No difference: {listed(names)} are indistinguishable in {what} ({n}{searches(ranking)})."]
    by_all = [name for name in losers if beats.loc[top, name].all()]
    shown = listed([f"{name} ({difference(ranking, top[0], name, len(top) > 1)})" for name in by_all]) if by_all else ""
    if len(losers) == 1 == len(top):
        clauses = [f"{top[0]} beats {losers[0]} in {what} ({difference(ranking, top[0], losers[0])})"]
    elif len(top) == 1:  # then it beats all others, as what follows from claims is claimed
        clauses = [f"{top[0]} beats {shown} in {what}"]
    else:
        clauses = [f"{listed(top)} are indistinguishable in {what}"]
        clauses += [f"{'both beat' if len(top) == 2 else 'each of them beats'} {shown}"] if by_all else []
    for name in (name for name in losers if name not in by_all):
        winners = [winner for winner in names if beats.loc[winner, name]]
        ties = [tie for tie in top if tie not in winners]
        verb = "beats" if len(winners) == 1 else "beat"
        shown = difference(ranking, winners[0], name, len(winners) > 1)
        clauses.append(f"{listed(winners)} {verb} {name} ({shown}), which is indistinguishable from {listed(ties)}")
    ranks = [f"Ranks: {listed([f'{name} {rank(ranking, name)}' for name in names])}."] if len(names) > 2 else []
    return [f"{'; '.join(clauses)}.", *ranks]


def _with_reference(ranking: Ranking) -> list[str]:
    """Name the candidates better and worse than the reference, where seeds do not suffice for all pairs."""
    names, against, pairs = judged(ranking), ranking.reference, ranking.pairs
    pairs = pairs[pairs["seeds"] >= SEEDS]
    winner = dict(zip(pairs["one"].where(pairs["one"] != against, pairs["other"]), pairs["winner"], strict=True))
    others = [name for name in names if name in winner]
    better = [name for name in others if winner[name] == name]
    worse = [name for name in others if winner[name] == against]
    tied = [name for name in others if not winner[name]]
    clauses = []
    if better:
        shown = listed([f"{name} ({difference(ranking, name, against)})" for name in better])
        clauses.append(f"{shown} {are(better)} better")
    if worse:
        clauses.append(f"{listed([f'{name} ({difference(ranking, against, name)})' for name in worse])} {are(worse)} worse")
    if tied:
        clauses.append(f"{listed(tied)} {are(tied)} indistinguishable from it")
    count = len(names) * (len(names) - 1) // 2
    return [
        f"Compared with {against} in {ranking.metric.label}: {'; '.join(clauses)}.",
        f"{against} is the reference, {RULES[ranking.rule]}.",
        f"The {count} pairs of {len(names)} settings cannot all be tested with fewer than {seeds_for(count)} seeds.",
    ]
