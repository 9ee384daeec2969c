"""Rankings in which ties are ties: of each group by its problem's metric, tested, and by others, described."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from descent.analysis.claims import WON, Terms
from descent.analysis.differences import Group, scores
from descent.analysis.groups import GROUP, mode_name, one_engine
from descent.analysis.load import metric_of
from descent.analysis.paired_tests import Answer, GroupFinding, judge
from descent.analysis.selection import TUNED, budgets, choose, ranked_metrics
from descent.analysis.sensitivity import edges, tolerance
from descent.analysis.statistics import summary, values
from descent.metrics import Metric

RATIO, POINTS = 1.1, 0.5  # margins where a problem gives none: of losses and gaps; of accuracies, in percent


@dataclass(frozen=True)
class Ranking:
    """One metric, on one group: a problem and batch mode, and what else its candidates share.

    Attributes:
        batch: the batch mode, with the size of mini-batches, and the settings in which the group differs from others.
        runs: those that are compared; ``candidate`` is the optimizer, and the schedule where these differ.
        table: one row a candidate, the best first: `summary`, and ``first``, ``last``, the ranks that it may have.
        terms: how the metric reads, and the margin.
        finding: the answers for all pairs; without pairs where none is tested.
        untested: why none is: ``alone``; ``secondary``, another metric is; ``picked``; ``seeds``, too few; ``repeated``.
        refused: why there is no ranking at all; empty where there is one.
        searches: how many searches the settings come from; 0: from none.
        picked: the names of settings that were chosen, out of several, on these same runs, by candidate.
        edges: optimizers whose best learning rate lies at the edge of those tried: `sensitivity.edges`.
        tolerance: how much a learning rate may be off, where it was swept: `sensitivity.tolerance`.
        repeated: how many runs of other engines were left out, as runs of torch stand for the same candidates.
        floored: how many values are compared as if they were the floor.
        modes_of: the optimizer whose batch modes are compared; empty where optimizers are.
    """

    problem: str
    batch: str
    metric_name: str
    runs: pd.DataFrame
    table: pd.DataFrame
    terms: Terms
    finding: GroupFinding
    untested: str = ""
    refused: str = ""
    searches: int = 0
    picked: dict[str, str] = field(default_factory=dict)
    edges: dict[str, tuple[float, str, float, float]] = field(default_factory=dict)
    tolerance: pd.DataFrame = field(default_factory=pd.DataFrame)
    repeated: int = 0
    floored: int = 0
    modes_of: str = ""

    @property
    def metric(self) -> Metric:
        """The metric that is ranked."""
        return metric_of(self.runs, self.metric_name)

    @property
    def candidates(self) -> list[str]:
        """The names of the candidates, the best first."""
        return [str(candidate) for candidate in self.table.index]

    def runs_of(self, candidate: object) -> pd.DataFrame:
        """Return the runs of a candidate."""
        return self.runs[self.runs["candidate"] == candidate]

    def settings_of(self, candidate: object) -> list[str]:
        """Return the names of a candidate's settings."""
        return [str(name) for name in self.runs_of(candidate)["name"].unique()]

    @property
    def tested(self) -> bool:
        """Whether any pair is tested."""
        return not self.untested and not self.refused

    @property
    def beats(self) -> pd.DataFrame:
        """Whether the candidate of the row is better than that of the column."""
        won, names = better(self.finding), self.candidates
        return pd.DataFrame([[(name, other) in won for other in names] for name in names], names, names)


def rankings(runs: pd.DataFrame, metric: str | None = None, more: Sequence[Ranking] = ()) -> list[Ranking]:
    """Rank the candidates of each group by its problem's metric, tested all at once, and by the other metrics, described.

    A candidate's ranks go from 1 + the number of those that are better to the number of all - those that it is better than. As
    long as no claim is false, which holds for all of a report in 95 %, these hold for all candidates at once.

    Source: D. Al Mohamad, J. J. Goeman and E. W. van Zwet, Simultaneous confidence intervals for ranks with application to
    ranking institutions, Biometrics 78 (2022).

    Args:
        runs: of a study, those of tuning among them (``stage``).
        metric: test this metric instead, where it was measured.
        more: other rankings, not tested yet, that the same tests are to judge.
    """
    ranked = [*_described(runs, metric), *more]
    places = [place for place, ranking in enumerate(ranked) if ranking.tested]
    groups = [
        group_of(ranking.runs, ranking.metric_name, ranking.candidates, ranking.terms) for ranking in ranked if ranking.tested
    ]
    for place, finding in zip(places, judge(groups), strict=True):
        ranked[place] = _judged(ranked[place], finding)
    return ranked


def _described(runs: pd.DataFrame, metric: str | None) -> Iterator[Ranking]:
    for _, group in runs.groupby(GROUP, dropna=False):
        final, tuning = group[group["stage"] == "final"], group[group["stage"] != "final"]
        if len(final):
            asked = [metric] if metric and final[f"final:{metric}"].notna().any() else []
            names = asked if metric else ranked_metrics(final)
            default = metric or str(final["metric"].iloc[0])
            tested = default if default in names else next(iter(names), "")
            yield from (describe(final, name, tuning, name == tested) for name in names)


def describe(runs: pd.DataFrame, metric_name: str, tuning: pd.DataFrame | None = None, tested: bool = True) -> Ranking:
    """Rank the settings of a group by their medians; nothing is tested yet."""
    counted = one_engine(runs)
    first, refused = counted.iloc[0], budgets(counted, tuning)
    chosen, picked = choose(counted, metric_name, tuning)
    swept = counted if tuning is None or tuning.empty else tuning[~tuning["stage"].isin(["selection", "default"])]
    title = ", ".join(filter(None, (mode_name(first), first["variant"])))
    ranking = by_median(title, metric_name, chosen, summary(chosen, metric_name, "candidate"), picked, refused)
    return replace(
        ranking,
        untested="alone" if len(ranking.table) < 2 else ranking.untested if tested else "secondary",
        edges=edges(swept[~swept["tuning"].isin(TUNED)], metric_name),  # those of tuned ones are of their space
        tolerance=tolerance(swept, metric_name),
        repeated=len(runs) - len(counted),
    )


def by_median(
    title: str, metric_name: str, runs: pd.DataFrame, table: pd.DataFrame, picked: dict[str, str], refused: str
) -> Ranking:
    """Return the ranking of candidates by their medians; nothing is tested yet."""
    metric = metric_of(runs, metric_name)
    table = table.sort_values("median", ascending=not metric.higher_is_better, kind="stable").assign(first=1, last=len(table))
    return Ranking(
        problem=str(runs["problem"].iloc[0]),
        batch=title,
        metric_name=metric_name,
        runs=runs,
        table=table,
        terms=terms(runs, metric),
        finding=GroupFinding(tuple(str(candidate) for candidate in table.index), (), ""),
        untested="picked" if picked else "",
        refused=refused,
        searches=int(runs.loc[runs["search"] > 0, "search"].nunique()),
        picked=picked,
    )


def terms(runs: pd.DataFrame, metric: Metric) -> Terms:
    """Return how a metric is compared, with the problem's margin where that is of this metric."""
    ratio = metric.scale == "log"
    margin = float(runs["margin"].iloc[0]) if metric.name == runs["metric"].iloc[0] else math.nan
    margin = (RATIO if ratio else POINTS) if math.isnan(margin) else margin
    margin = math.log(margin) if ratio else margin / 100
    return Terms(metric.label, ratio, metric.higher_is_better, margin)


def group_of(runs: pd.DataFrame, metric: str, candidates: Sequence[str], terms: Terms) -> Group:
    """Return the final values of runs, by their ``candidate``, as the tests take them."""
    once = runs.drop_duplicates(["candidate", "search", "seed"])
    value = values(once, metric)
    failed = (once["status"] != "finished") | ~np.isfinite(value)
    compared = scores(value.to_numpy(), terms.ratio, terms.higher_is_better, float(once["floor"].max()))
    once = once.assign(score=np.where(failed, math.nan, compared), failed=failed.astype(float))
    wide = once.set_index(["search", "seed", "candidate"])[["score", "failed"]].unstack("candidate")
    return Group(
        tuple(candidates),
        wide["score"].reindex(columns=candidates).to_numpy(dtype=float).T,
        wide["failed"].reindex(columns=candidates).to_numpy(dtype=float).T == 1,
        wide.index.get_level_values("seed").to_numpy(dtype=np.int64),
        terms.margin,
        wide.index.get_level_values("search").to_numpy(dtype=np.int64),
    )


def _judged(ranking: Ranking, finding: GroupFinding) -> Ranking:
    """Return a ranking with the finding of its pairs, and the ranks that follow from it."""
    tested = any(not math.isnan(pair.p) for pair in finding.pairs)
    why = "seeds" if any(pair.answer is Answer.FEW for pair in finding.pairs) else "repeated"
    ranking = replace(ranking, finding=finding, untested="" if tested else why, floored=_floored(ranking))
    beats = ranking.beats
    table = ranking.table.assign(first=1 + beats.sum(axis=0), last=len(beats) - beats.sum(axis=1))
    return replace(ranking, table=table.sort_values(["first", "last"], kind="stable"))


def better(finding: GroupFinding) -> set[tuple[str, str]]:
    """Return the pairs (better, worse) of candidates."""
    return {(pair.one, pair.other) for pair in finding.pairs if pair.answer in WON}


def _floored(ranking: Ranking) -> int:
    """Return how many values that finished lie below the floor."""
    low = values(ranking.runs, ranking.metric_name) < ranking.runs["floor"]
    return int((low & (ranking.runs["status"] == "finished")).sum()) if ranking.terms.ratio else 0


def judged(ranking: Ranking) -> Sequence[str]:
    """Return the candidates with enough seeds for a test, the best first."""
    names = {name for pair in ranking.finding.pairs if not math.isnan(pair.p) for name in (pair.one, pair.other)}
    return [candidate for candidate in ranking.candidates if candidate in names]
