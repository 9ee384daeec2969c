"""Curves over runs: medians and bands of a metric at the records that runs share, and what was reached within a budget."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from descent.analysis.statistics import HUGE
from descent.metrics import Metric


@dataclass(frozen=True)
class Summary:
    """A quantity over the runs of a unit, at the records that they share: ``[records]`` each."""

    x: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


def summarise(
    curves: Sequence[tuple[pd.Series, pd.DataFrame]], quantity: str, axis: str, worst: float, spread: tuple[float, float]
) -> Summary:
    """Summarise a quantity over runs of one unit, record by record.

    A run that diverged counts as the worst from there on, so that the median is of all runs, not of the survivors.

    Args:
        curves: runs and their records.
        quantity: a column of the records.
        axis: another, which is the median over those that got so far.
        worst: what a run that diverged counts as.
        spread: the quantiles of the band.
    """
    alive = [frame for run, frame in curves if run["status"] != "diverged"]
    steps = _common([frame["step"].to_numpy() for frame in alive or [max((frame for _, frame in curves), key=len)]])
    matrix = np.full((len(curves), len(steps)), math.nan)
    at = np.full_like(matrix, math.nan)
    for row, (run, frame) in enumerate(curves):
        own, y = frame["step"].to_numpy(), frame[quantity].to_numpy()
        here: slice | np.ndarray = slice(None)
        there = here
        if not np.array_equal(steps, own):
            _, here, there = np.intersect1d(steps, own, assume_unique=True, return_indices=True)
        matrix[row, here], at[row, here] = y[there], frame[axis].to_numpy()[there]
        if run["status"] == "diverged":
            lost = (steps > own[-1]) | ((steps > 0) & ~np.isfinite(matrix[row]))
            matrix[row, lost] = worst
    seen = ~np.isnan(matrix).any(0)
    matrix = np.clip(matrix[:, seen], -HUGE, HUGE)
    low, median, high = (np.where(np.abs(q) > HUGE / 1e9, worst, q) for q in np.quantile(matrix, (spread[0], 0.5, spread[1]), 0))
    return Summary(np.nanmedian(at[:, seen], 0) if seen.any() else steps[seen], median, low, high)


def reached(run: pd.Series, frame: pd.DataFrame, metric: Metric, axis: str, budget: float) -> float:
    """Return a quantity at the last record within a budget; the worst where the run diverged before."""
    within = int(np.searchsorted(frame[axis].to_numpy(), budget, side="right"))
    if run["status"] == "diverged" and within == len(frame):
        return metric.worst
    value = float(frame[metric.name].to_numpy()[within - 1]) if within else math.nan
    return value if math.isfinite(value) else metric.worst


def _common(steps: Sequence[np.ndarray]) -> np.ndarray:
    """Return the steps that all runs recorded."""
    found = steps[0]
    for other in steps[1:]:
        if not np.array_equal(found, other):
            found = np.intersect1d(found, other, assume_unique=True)
    return found
