"""Compare the batch modes of one optimizer, at the most examples that all of their runs reach."""

import math
from collections.abc import Iterator

import pandas as pd

from descent.analysis.groups import GROUP, one_engine
from descent.analysis.load import Study, metric_of
from descent.analysis.paired_tests import GroupFinding
from descent.analysis.ranking import Ranking, terms
from descent.analysis.selection import choose, panel_order
from descent.analysis.sensitivity import tolerance
from descent.analysis.statistics import summary


def across_modes(study: Study, quantity: str | None = None) -> list[Ranking]:
    """Return a ranking of the batch modes of each optimizer that has several, by its problem's metric; none is tested yet.

    A value is that of the last record at or before the most examples that all finished runs reach. Runs that saw other data are
    left out: they are not compared.

    Args:
        quantity: rank by this metric instead.
    """
    final, tuning = study.runs[study.runs["stage"] == "final"], study.runs[study.runs["stage"] != "final"]
    return [
        ranking
        for (problem, _), own in final.groupby(["problem", "apart"])
        for ranking in _of_problem(study, str(problem), one_engine(own), tuning, quantity or str(own["metric"].iloc[0]))
    ]


def _of_problem(study: Study, problem: str, runs: pd.DataFrame, tuning: pd.DataFrame, quantity: str) -> Iterator[Ranking]:
    if f"final:{quantity}" not in runs or runs.groupby(GROUP, dropna=False).ngroups < 2:
        return
    chosen: list[pd.DataFrame] = []
    picked: dict[tuple[str, str], str] = {}
    for _, group in runs.groupby(GROUP, dropna=False):
        own, selected = choose(group, quantity, tuning)
        chosen.append(own.assign(mode=_mode(own)))
        picked |= {(entry, chosen[-1]["mode"].iloc[0]): name for entry, name in selected.items()}
    for entry, own in pd.concat(chosen).groupby("entry"):
        examples = own.loc[own["status"] == "finished", "examples"].min()
        if own["mode"].nunique() > 1 and math.isfinite(examples) and _same_data(own):
            here = {mode: name for (name_of, mode), name in picked.items() if name_of == entry}
            yield _ranking(problem, str(entry), _at(study, own, quantity, examples), quantity, examples, here)


def _mode(runs: pd.DataFrame) -> str:
    """Return the name of a batch mode, with the size of mini-batches and the settings in which it differs from its like."""
    first = runs.iloc[0]
    size = f" ({first['batch_size']:.0f})" if pd.notna(first["batch_size"]) else ""
    parts = [f"{first['batch']}{size}", *filter(None, f"{first['variant']}, {first['budget']}".split(", "))]
    return ", ".join(dict.fromkeys(parts))


def _same_data(runs: pd.DataFrame) -> bool:
    """Return whether the runs of each seed saw the same data."""
    return bool(runs[runs["data"] != ""].groupby("seed")["data"].nunique().le(1).all())


def _at(study: Study, runs: pd.DataFrame, quantity: str, examples: float) -> pd.DataFrame:
    """Return runs with the values that they had at a number of examples in place of those at their ends."""
    name = f"final:{quantity}"
    beyond = runs[(runs["examples"] > examples) & (runs["status"] == "finished")]
    if beyond.empty:
        return runs
    values = {run.name: frame.loc[frame["examples"] <= examples, quantity].iloc[-1] for run, frame in study.curves(beyond)}
    lost = beyond.index.difference(list(values))  # their curves are damaged
    return runs.assign(**{name: pd.Series(values).reindex(runs.index).fillna(runs[name])}).drop(lost)


def _ranking(problem: str, optimizer: str, runs: pd.DataFrame, quantity: str, examples: float, picked: dict[str, str]) -> Ranking:
    metric = metric_of(runs, quantity)
    runs = runs.assign(entry=runs["mode"])
    order = {mode: panel_order((own["batch"].iloc[0], 0.0, mode)) for mode, own in runs.groupby("mode")}
    table = summary(runs, quantity, "entry").loc[sorted(order, key=order.__getitem__)]
    table = table.sort_values("median", ascending=not metric.higher_is_better, kind="stable").assign(first=1, last=len(table))
    return Ranking(
        problem,
        f"batch modes of {optimizer} at {examples:,.0f} examples",
        quantity,
        runs,
        table,
        terms(runs, metric),
        GroupFinding(tuple(str(entry) for entry in table.index), (), ""),
        "picked" if picked else "",
        "" if runs["tuning"].nunique() < 2 else "tuning budgets differ",
        int(runs.loc[runs["scramble"] > 0, "scramble"].nunique()),
        picked,
        tolerance=tolerance(runs.iloc[:0], quantity),
        modes_of=optimizer,
    )
