"""Write the caveats of a verdict, as sentences."""

from descent.analysis.candidate_wording import endings
from descent.analysis.family import SEARCHES
from descent.analysis.ranking import Ranking
from descent.analysis.selection import TUNED
from descent.analysis.sensitivity import FACTOR
from descent.analysis.wording import LISTED, listed


def notes(ranking: Ranking) -> list[str]:
    """Return the caveats of a verdict: failures, missing seeds, selection bias, searches, unequal work, edges of the grid."""
    parts = (_failures, _missing, _picked, _searches, _engines, _floor, _gradients, _cuts, edges, _tolerance)
    return [sentence for part in parts for sentence in part(ranking)]


def _failures(ranking: Ranking) -> list[str]:
    """Count failed runs; where nothing is tested, the medians list them."""
    lost = ranking.table[ranking.table["failed"] > 0]
    if lost.empty or not ranking.tested:
        return []
    shares = zip(lost.index, lost["failed_low"], lost["failed_high"], strict=True)
    shown = [f"{name} ({endings(ranking, name)}; 95 % interval {low:.2f} to {high:.2f})" for name, low, high in shares]
    return [f"Some runs failed: {listed(shown)}. A failure counts as the pair's largest difference."]


def _missing(ranking: Ranking) -> list[str]:
    """Name the seeds that some candidates lack."""
    runs = ranking.runs
    have = {str(name): set(zip(group["search"], group["seed"], strict=True)) for name, group in runs.groupby("candidate")}
    expected, parts = set().union(*have.values()), []
    for candidate in ranking.candidates:
        lacking = sorted({seed for _, seed in expected - have[candidate]})
        if len(lacking) > LISTED:
            parts.append(f"{len(lacking)} for {candidate}")
        elif lacking:
            parts.append(f"{listed([str(seed) for seed in lacking])} for {candidate}")
    return [f"Seeds are missing: {'; '.join(parts)}. Differences are over the seeds that both have."] if parts else []


def _picked(ranking: Ranking) -> list[str]:
    """Name settings that were selected on the evaluation seeds."""
    names = list(ranking.picked.values())
    if not names:
        return []
    return [
        f"{listed(names)} {'was' if len(names) == 1 else 'were each'} selected among several settings on the evaluation seeds "
        "(selection bias): tune on separate seeds to get a test."
    ]


def _searches(ranking: Ranking) -> list[str]:
    """State the number of searches that the settings come from, and what claims and intervals hold for."""
    count = ranking.searches
    if len(ranking.candidates) < 2 or ranking.picked:
        return []
    if count >= SEARCHES:
        return [f"{count} searches: claims hold over searches and over seeds; an interval is over searches, for its pair alone."]
    if count == 0 and (ranking.runs["tuning"] == "default").all():
        return ["No search: this is about these settings, and only descriptive of what tuning would make of them."]
    opening = (
        "One search: this is about the settings that it"
        if count < 2
        else f"{count} searches: this is about the settings that they"
    )
    return [f"{opening} found, and only descriptive of what another would find; {SEARCHES} would tell."]


def _engines(ranking: Ranking) -> list[str]:
    """Count the repeated runs of other engines, and warn where seconds are of different engines."""
    lines = []
    if ranking.repeated:
        lines.append(f"{ranking.repeated} runs of other engines are not counted: those of torch stand for the same candidates.")
    if len(engines := sorted(ranking.runs["engine"].unique())) > 1:
        lines.append(f"Runs are of the engines {listed(engines)}: their seconds are not comparable.")
    return lines


def _floor(ranking: Ranking) -> list[str]:
    """Count the values that are 0 but for rounding."""
    if not ranking.floored or not ranking.tested:
        return []
    floor = ranking.runs["floor"].max()
    return [f"{ranking.floored} values below {floor:.2g} are compared as {floor:.2g}: they are 0 but for rounding."]


def _gradients(ranking: Ranking) -> list[str]:
    """Name candidates that computed more gradients on as many examples."""
    runs = ranking.runs[ranking.runs["examples"] > 0]
    per_example = (runs["gradient_evaluations"] / runs["examples"]).groupby(runs["candidate"]).median()
    more = (per_example / per_example.min()).loc[lambda times: times > 1.05]
    shown = [f"{candidate} computed {times:.1f} times as many" for candidate, times in more.items()]
    return [f"Gradients were not equal: on the same examples, {listed(shown)}."] if shown else []


def _cuts(ranking: Ranking) -> list[str]:
    """State the budget that each batch mode was tuned for, where the modes are compared before its end."""
    if not ranking.modes_of or not ranking.runs["tuning"].isin(TUNED).all():
        return []
    budgets = ranking.runs.groupby("candidate")["examples"].max()
    if budgets.nunique() == 1:
        return []
    shown = [f"{mode} for {examples:,.0f} examples" for mode, examples in budgets.items()]
    return [f"Each mode was tuned for its own budget: {listed(shown)}. Compared are cuts of these runs."]


def edges(ranking: Ranking) -> list[str]:
    """Name optimizers whose best learning rate may lie beyond the grid."""
    return [
        f"The best learning rate of {optimizer}, {best:g}, is at the {'upper' if side == 'high' else 'lower'} edge of those "
        f"tried ({low:g} to {high:g}): widen the range."
        for optimizer, (best, side, low, high) in ranking.edges.items()
    ]


def _tolerance(ranking: Ranking) -> list[str]:
    """State the range of tolerated learning rates, where they were swept."""
    ranges = []
    for sweep in ranking.tolerance.dropna(subset="best").itertuples():
        among = sum(ranking.tolerance["optimizer"] == sweep.optimizer)
        width = f"{'at least ' * sweep.open}{sweep.decades:.2g} decade{'s' * (f'{sweep.decades:.2g}' != '1')}"
        reach = f"{sweep.low:g} to {sweep.high:g} ({width})" if sweep.low < sweep.high else f"{sweep.low:g} alone"
        ranges.append(f"{sweep.optimizer if among == 1 else sweep.sweep} {reach}")
    what = "error" if ranking.metric.higher_is_better else ranking.metric.label
    return [f"Learning rates that end within {FACTOR:g} times the optimizer's lowest {what}: {listed(ranges)}."] if ranges else []
