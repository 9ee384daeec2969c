"""Compare the batch modes of one optimizer, at the most examples that all of their runs reach."""

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from descent.analysis.groups import GROUP, mode_name, one_engine
from descent.analysis.load import Study
from descent.analysis.ranking import Ranking, by_median
from descent.analysis.selection import choose, panel_order
from descent.analysis.sensitivity import tolerance
from descent.analysis.statistics import summary


def across_modes(study: Study, metric: str | None = None) -> list[Ranking]:
    """Return a ranking of the batch modes of each optimizer that has several, by its problem's metric; none is tested yet.

    A value is that of the last record at or before the most examples that all finished runs reach. Runs that saw other data are
    left out: they are not compared.

    Args:
        metric: rank by this metric instead.
    """
    final, tuning = study.runs[study.runs["stage"] == "final"], study.runs[study.runs["stage"] != "final"]
    return [
        ranking
        for _, runs in final.groupby(["problem", "apart"])
        for ranking in _of_problem(study, one_engine(runs), tuning, metric or str(runs["metric"].iloc[0]))
    ]


def _of_problem(study: Study, runs: pd.DataFrame, tuning: pd.DataFrame, metric: str) -> Iterator[Ranking]:
    if f"final:{metric}" not in runs or runs.groupby(GROUP, dropna=False).ngroups < 2:
        return
    chosen: list[pd.DataFrame] = []
    picked: dict[tuple[str, str], str] = {}
    for _, group in runs.groupby(GROUP, dropna=False):
        selected, names = choose(group, metric, tuning)
        chosen.append(selected.assign(mode=_mode(selected)))
        picked |= {(candidate, chosen[-1]["mode"].iloc[0]): name for candidate, name in names.items()}
    for candidate, group in pd.concat(chosen).groupby("candidate"):
        examples = group.loc[group["status"] == "finished", "examples"].min()
        if group["mode"].nunique() > 1 and math.isfinite(examples) and _same_data(group):
            names = {mode: name for (of, mode), name in picked.items() if of == candidate}
            yield _ranking(str(candidate), _at(study, group, metric, examples), metric, examples, names)


def _mode(runs: pd.DataFrame) -> str:
    """Return the name of a batch mode, with the size of mini-batches and the settings in which it differs from others."""
    first = runs.iloc[0]
    parts = [mode_name(first), *filter(None, f"{first['variant']}, {first['budget']}".split(", "))]
    return ", ".join(dict.fromkeys(parts))


def _same_data(runs: pd.DataFrame) -> bool:
    """Return whether the runs of each seed saw the same data."""
    return bool(runs[runs["data"] != ""].groupby("seed")["data"].nunique().le(1).all())


def _at(study: Study, runs: pd.DataFrame, metric: str, examples: float) -> pd.DataFrame:
    """Return runs with the values at a number of examples in place of the final ones."""
    name = f"final:{metric}"
    beyond = runs[(runs["examples"] > examples) & (runs["status"] == "finished")]
    if beyond.empty:
        return runs
    values = {run.name: frame.loc[frame["examples"] <= examples, metric].iloc[-1] for run, frame in study.curves(beyond)}
    lost = beyond.index.difference(list(values))  # their curves are damaged
    return runs.assign(**{name: pd.Series(values).reindex(runs.index).fillna(runs[name])}).drop(lost)


def _ranking(optimizer: str, runs: pd.DataFrame, metric: str, examples: float, picked: dict[str, str]) -> Ranking:
    order = {mode: panel_order((group["batch"].iloc[0], 0.0, mode)) for mode, group in runs.groupby("mode")}
    runs = runs.assign(candidate=runs["mode"])
    table = summary(runs, metric, "candidate").loc[sorted(order, key=order.__getitem__)]
    title = f"batch modes of {optimizer} at {examples:,.0f} examples"
    refused = "" if runs["tuning"].nunique() < 2 else "tuning budgets differ"
    ranking = by_median(title, metric, runs, table, picked, refused)
    return replace(ranking, tolerance=tolerance(runs.iloc[:0], metric), modes_of=optimizer)
