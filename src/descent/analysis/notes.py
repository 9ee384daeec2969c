"""What a verdict rests on, and what it does not cover, in sentences."""

from descent.analysis.measures import FACTOR
from descent.analysis.pairs import SEEDS
from descent.analysis.ranking import Ranking
from descent.analysis.statistics import SEARCHES
from descent.analysis.words import LISTED, endings, judged, listed


def notes(ranking: Ranking) -> list[str]:
    """Return what a person should know of a verdict: failures, missing seeds, how settings were chosen, unequal work."""
    parts = (_failures, _missing, _apart, _picked, _searches, _gradients, edges, _tolerance)
    return [sentence for part in parts for sentence in part(ranking)]


def _failures(ranking: Ranking) -> list[str]:
    """Which runs failed; where nothing is tested, the medians say so."""
    lost = ranking.table[ranking.table["failed"] > 0]
    if lost.empty or not ranking.family:
        return []
    shares = zip(lost.index, lost["failed_low"], lost["failed_high"], strict=True)
    shown = [f"{entry} ({endings(ranking, entry)}; 95 % interval {low:.2f} to {high:.2f})" for entry, low, high in shares]
    return [f"Some runs failed: {listed(shown)}. Differences are over the pairs in which both finished."]


def _missing(ranking: Ranking) -> list[str]:
    """Which seeds some have and others lack."""
    runs = ranking.runs
    have = {str(entry): set(zip(group["scramble"], group["seed"], strict=True)) for entry, group in runs.groupby("entry")}
    every, found = set().union(*have.values()), []
    for entry in ranking.entries:
        lacking = sorted({seed for _, seed in every - have[entry]})
        if len(lacking) > LISTED:
            found.append(f"{len(lacking)} for {entry}")
        elif lacking:
            found.append(f"{listed([str(seed) for seed in lacking])} for {entry}")
    return [f"Seeds are missing: {'; '.join(found)}. Differences are over the seeds that both have."] if found else []


def _apart(ranking: Ranking) -> list[str]:
    """Who was left out of the tests, for want of seeds."""
    if not ranking.family:
        return []
    names, pairs = judged(ranking), ranking.pairs[ranking.pairs["seeds"] < SEEDS]
    few = [entry for entry in ranking.entries if entry not in names]
    pairs = pairs[pairs["one"].isin(names) & pairs["other"].isin(names)]
    apart = [f"{one} with {other}" for one, other in zip(pairs["one"], pairs["other"], strict=True)]
    left = [f"{listed(few)} {'has' if len(few) == 1 else 'have'} fewer than {SEEDS} seeds, and no verdict yet."] if few else []
    return left + ([f"Not compared, with fewer than {SEEDS} seeds in common: {listed(apart)}."] if apart else [])


def _picked(ranking: Ranking) -> list[str]:
    """Which settings were chosen by the runs that they are described by."""
    names = list(ranking.picked.values())
    if not names:
        return []
    verb, them = ("was", "it") if len(names) == 1 else ("were each", "them")
    return [
        f"{listed(names)} {verb} picked among several settings on these same seeds, which flatters {them}: "
        "for a verdict, choose on other seeds."
    ]


def _searches(ranking: Ranking) -> list[str]:
    """What another search might change."""
    count = ranking.searches
    if len(ranking.entries) < 2 or ranking.picked or count >= SEARCHES:
        return []
    if count == 0 and (ranking.runs["tuning"] == "default").all():
        return ["No search: this is about these settings, and only descriptive of what tuning would make of them."]
    said = (
        "One search: this is about the settings that it"
        if count < 2
        else f"{count} searches: this is about the settings that they"
    )
    return [f"{said} found, and only descriptive of what another would find; {SEARCHES} would tell."]


def _gradients(ranking: Ranking) -> list[str]:
    """Who computed more gradients than others on as many examples."""
    runs = ranking.runs[ranking.runs["examples"] > 0]
    per_example = (runs["gradient_evaluations"] / runs["examples"]).groupby(runs["entry"]).median()
    more = (per_example / per_example.min()).loc[lambda times: times > 1.05]
    shown = [f"{entry} computed {times:.1f} times as many" for entry, times in more.items()]
    return [f"Gradients were not equal: on the same examples, {listed(shown)}."] if shown else []


def edges(ranking: Ranking) -> list[str]:
    """Return whose best learning rate may lie beyond those that were tried."""
    return [
        f"The best learning rate of {optimizer}, {best:g}, is at the {'upper' if side == 'high' else 'lower'} edge of those "
        f"tried ({low:g} to {high:g}): widen the range."
        for optimizer, (best, side, low, high) in ranking.edges.items()
    ]


def _tolerance(ranking: Ranking) -> list[str]:
    """How far from the best a learning rate may be, where it was swept."""
    found = []
    for sweep in ranking.tolerance.dropna(subset="best").itertuples():
        among = sum(ranking.tolerance["optimizer"] == sweep.optimizer)
        width = f"{'at least ' * sweep.open}{sweep.decades:.2g} decade{'s' * (f'{sweep.decades:.2g}' != '1')}"
        reach = f"{sweep.low:g} to {sweep.high:g} ({width})" if sweep.low < sweep.high else f"{sweep.low:g} alone"
        found.append(f"{sweep.optimizer if among == 1 else sweep.sweep} {reach}")
    what = "error" if ranking.metric.higher_is_better else ranking.metric.label
    return [f"Learning rates that end within {FACTOR:g} times the optimizer's lowest {what}: {listed(found)}."] if found else []
