"""Lay out a forest plot: the candidates of all batch modes of a problem, each with its median and interval on one axis."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from descent.analysis.verdicts import Verdict, Verdicts, interval, ranks, setting, shown
from descent.metrics import Metric

EDGE = 0.03  # of the axis, before the lowest end and after the highest
Ends = tuple[float, float]


@dataclass(frozen=True)
class Estimate:
    """A candidate in a batch mode: a row.

    Attributes:
        mode: the batch mode, with the size of mini-batches, and the settings in which the group differs from others.
        candidate: the candidate, `optimizer` its optimizer, `setting` how the table of settings names it.
        rank, n, failed, median, interval: as text.
        low, middle, high: places of the interval's ends and the median on the axis, from 0 to 1; 1 where there is none.
    """

    mode: str
    batch: str
    candidate: str
    optimizer: str
    setting: str
    rank: str
    n: str
    failed: str
    median: str
    interval: str
    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Forest:
    """The rows of a problem, by batch mode, the best first, and the ticks of their axis: place and label."""

    problem: str
    metric: Metric
    ticks: list[tuple[float, str]]
    rows: list[Estimate]

    @property
    def sentence(self) -> str:
        """The ends of the plot in words."""
        ends = sorted(self.rows, key=lambda row: (row.median == "none", row.middle))
        low, high = (f"{row.candidate}, {row.mode}, {row.median}" for row in (ends[0], ends[-1]))
        failed = sum(int(row.failed or 0) for row in self.rows)
        return (
            f"Lowest median: {low}; highest: {high}. {failed} of {sum(int(row.n) for row in self.rows)} runs failed. "
            "A rank with = is shared: the tests do not tell these apart."
        )


def forests(outcome: Verdicts) -> list[Forest]:
    """Return a forest plot of each problem and of each metric that is tested there."""
    parts: dict[tuple[str, str], list[Verdict]] = {}
    for verdict in outcome.leading:
        parts.setdefault((verdict.ranking.problem, verdict.ranking.metric_name), []).append(verdict)
    return [_forest(problem, verdicts) for (problem, _), verdicts in parts.items()]


def _forest(problem: str, verdicts: Sequence[Verdict]) -> Forest:
    metric = verdicts[0].ranking.metric
    numbers = np.concatenate([_ends(verdict.ranking.table).to_numpy().ravel() for verdict in verdicts])
    good = numbers[np.isfinite(numbers) & ((numbers > 0) | (metric.scale != "log"))]
    limits = (float(good.min()), float(good.max())) if good.size else (1.0, 10.0)
    log = metric.scale == "log"
    rows = [row for verdict in verdicts for row in _rows(verdict, limits, log)]
    return Forest(problem, metric, [(_place(tick, limits, log), f"{tick:.4g}") for tick in _ticks(limits, log)], rows)


def _rows(verdict: Verdict, limits: Ends, log: bool) -> list[Estimate]:
    ranking = verdict.ranking
    ends, rows = _ends(ranking.table), []
    for candidate, row in ranking.table.iterrows():
        first = ranking.runs_of(candidate).iloc[0]
        rows.append(
            Estimate(
                ranking.batch,
                str(first["batch"]),
                str(candidate),
                str(first["optimizer"]),
                setting(ranking, str(candidate)),
                ranks(ranking, str(candidate)),
                f"{row['n']:.0f}",
                f"{row['failed']:.0f}" if row["failed"] else "",
                shown(row["median"]),
                interval(row),
                *(_place(value, limits, log) for value in ends.loc[candidate]),
            )
        )
    return rows


def _ends(table: pd.DataFrame) -> pd.DataFrame:
    """Return low end, median and high end of each row; of few values those of their range, of one the value."""
    ends = table[["low", "median", "high"]].astype(float)
    return ends.T.fillna(ends["median"]).T


def _place(value: float, limits: Ends, log: bool) -> float:
    """Return the place of a value on the axis; 1 of those that are not finite, 0 of those that a logarithmic one lacks."""
    if not math.isfinite(value):
        return 1.0
    low, high = limits
    if log:
        value, low, high = (math.log(max(number, low)) for number in (value, low, high))
    return EDGE + (1 - 2 * EDGE) * min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def _ticks(limits: Ends, log: bool) -> list[float]:
    """Return round numbers between the limits, two or more where there are as many."""
    low, high = limits
    if log and low > 0:
        first, last = math.floor(math.log10(low)), math.floor(math.log10(high))
        leads = (1,) if high / low > 100 else (1, 2, 5)
        powers = range(first, last + 1, max(1, math.ceil((last - first) / 4)))
        ticks = [lead * 10.0**power for power in powers for lead in leads if low <= lead * 10.0**power <= high]
        if len(ticks) > 1:
            return ticks
    step = 10 ** math.floor(math.log10(max((high - low) / 3, 1e-300)))
    step *= next(lead for lead in (1, 2, 5, 10) if (high - low) / (step * lead) <= 4)
    round_numbers = [count * step for count in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return round_numbers or [low]
