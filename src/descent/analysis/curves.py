"""Curves over runs: which runs measured what, medians and bands at the records that runs share, and values within a budget."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate, candidates
from descent.analysis.statistics import HUGE
from descent.metrics import Metric

QUARTILES = (0.25, 0.75)  # the ends of a band
Measured = dict[Candidate, pd.DataFrame]


@dataclass(frozen=True)
class Summary:
    """A column of the records over runs, ``[records]`` each: the median and a band, and the median position on an axis."""

    x: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray


def measured(study: Study, *columns: str) -> Measured:
    """Return, for each candidate, the records of those of its runs that measured all of the columns.

    Raises:
        NoData: no run did.
    """
    records = having(study.records, *columns)
    parts = {candidate: records[records["run"].isin(candidate.runs.index)] for candidate in candidates(study)}
    if parts := {candidate: part for candidate, part in parts.items() if len(part)}:
        return parts
    raise NoData(f"no run measured {columns[0]}")


def having(records: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the records of those runs that measured all of the columns."""
    for column in columns:
        present = records.loc[records[column].notna(), "run"] if column in records else ()
        records = records[records["run"].isin(present)]
    return records


def band(records: pd.DataFrame, runs: pd.DataFrame, column: str, axis: str, worst: float) -> Summary:
    """Return the median and the quartiles of a column over runs, at the records that those share that did not diverge.

    A run that diverged counts as the worst from there on, so that the median is over all runs, not over the survivors.

    Args:
        records: of the runs, see `Study.records`.
        runs: rows of `Study.runs`, others too.
        column: of the records.
        axis: another axis; ``x`` is then the sum of the medians of what the runs spent from record to record, so that a pause
            of the machine in one run moves no point.
        worst: what a run that diverged counts as.
    """
    keys, row = np.unique(records["run"], return_inverse=True)
    steps, place = np.unique(records["step"], return_inverse=True)
    at, value = np.full((2, len(keys), len(steps)), np.nan)
    at[row, place], value[row, place] = records[axis], records[column]
    diverged, recorded = (runs["status"][keys] == "diverged").to_numpy(), ~np.isnan(at)
    shared = recorded[recorded.sum(axis=1).argmax()] if diverged.all() else recorded[~diverged].all(axis=0)
    last = np.where(recorded, steps, 0).max(axis=1)
    lost = diverged[:, None] & ((steps > last[:, None]) | ((steps > 0) & ~np.isfinite(value)))
    value = np.where(lost, worst, value)
    seen = shared & ~np.isnan(value).any(axis=0)
    quantiles = np.quantile(np.clip(value[:, seen], -HUGE, HUGE), (0.5, *QUARTILES), axis=0)
    edges = (np.where(np.abs(values) > HUGE / 1e9, worst, values) for values in quantiles)
    spent = np.diff(at[:, seen], prepend=0.0)
    return Summary(np.cumsum(np.nanmedian(spent, axis=0)) if seen.any() else steps[seen], *edges)


def reached(records: pd.DataFrame, runs: pd.DataFrame, metric: Metric, axis: str, budget: float) -> "pd.Series[float]":
    """Return a metric per run at its last record within a budget; runs that diverged before count as the worst.

    Args:
        records: of some of the runs.
        runs: rows of `Study.runs`.
        metric: what is returned.
        axis: the column of the records that the budget is of.
        budget: the largest value there.
    """
    within = records[records[axis] <= budget].groupby("run").tail(1).set_index("run")[metric.name]
    ends = records.groupby("run")[axis].max()
    status = runs.loc[ends.index, "status"].where(ends <= budget, "finished")
    pairs = zip(within.reindex(ends.index), status, strict=True)
    return pd.Series([metric.counted(*pair) for pair in pairs], ends.index, dtype=float)
