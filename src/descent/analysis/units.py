"""What is compared: an optimizer under a schedule in a batch mode, drawn by one of its settings and summarised over its runs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from descent.analysis.contenders import CONTENDER, choose
from descent.analysis.load import Study
from descent.analysis.statistics import HUGE
from descent.metrics import Metric

MODES = ("full", "mini", "stochastic")


@dataclass(frozen=True, eq=False)
class Unit:
    """The runs that stand for an optimizer in a batch mode, as in the rankings.

    Attributes:
        batch_size: examples a step; 0 where the batch mode says it.
        name: the optimizer, and in brackets what else the study varies.
        runs: rows of `Study.runs`: repetitions of one setting; of a tuned optimizer, of one for each search.
        settings: how many it was chosen from, on these same runs.
        rates: how many learning rates they had.
    """

    problem: str
    batch: str
    batch_size: float
    optimizer: str
    name: str
    runs: pd.DataFrame
    settings: int
    rates: int

    @property
    def variant(self) -> str:
        return self.name.removeprefix(self.optimizer).strip()

    @property
    def panel(self) -> tuple[str, float]:
        return self.batch, self.batch_size


@dataclass(frozen=True)
class Summary:
    """A quantity over the runs of a unit, at the records that they share: ``[records]`` each."""

    x: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


def final(study: Study) -> pd.DataFrame:
    """Return the runs that results are about: not those of the search that tuned them, unless there are no others."""
    runs = study.runs[study.runs["stage"] == "final"]
    return study.runs if runs.empty else runs


@lru_cache(maxsize=1)  # asked for by each figure of a problem
def units(study: Study) -> list[Unit]:
    """Return what to draw: for each optimizer the setting with the best median of the problem's metric."""
    drawn, found = final(study), []
    tuning = study.runs[study.runs["stage"] != "final"]
    for (problem, batch, size), group in drawn.groupby(["problem", "batch", "batch_size"], dropna=False):
        runs, picked = choose(group, group["metric"].iloc[0], tuning)
        for name, own in runs.groupby("entry"):
            alike = group[(group[CONTENDER] == own[CONTENDER].iloc[0]).all(axis=1)] if name in picked else own
            found.append(
                Unit(
                    problem=problem,
                    batch=batch,
                    batch_size=float(np.nan_to_num(size)),
                    optimizer=own["optimizer"].iloc[0],
                    name=str(name),
                    runs=own,
                    settings=alike["setting"].nunique() if name in picked else 1,
                    rates=alike["lr"].nunique() if name in picked else 1,
                )
            )
    return sorted(found, key=lambda unit: (unit.problem, panel_order(unit.panel), unit.name))


def panel_order(panel: tuple[str, float]) -> tuple[int, str, float]:
    """Return what batch modes are sorted by."""
    batch, size = panel
    return (MODES.index(batch) if batch in MODES else len(MODES), batch, size)


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
