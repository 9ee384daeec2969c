"""The batch modes at equal examples, equal steps and equal seconds: what each has reached when the shortest one ends."""

import itertools
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from descent.analysis.curves import Measured, measured, reached
from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate, Panel
from descent.analysis.wording import listed
from descent.metrics import AXES, Metric
from descent.plots import layout
from descent.plots.curves import training_loss
from descent.plots.style import count, look, order, span, styled, text

EACH = "problem"
VIEWS = ("examples", "steps", "seconds")
MARKS = {"full": "s", "mini": "o", "stochastic": "^"}
OTHERS = ("D", "v", "P", "X", "*", "<", ">", "p")  # of further batch sizes
ROW = 0.13  # inches for a batch mode of an optimizer


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss of each optimizer and batch mode at each of the three budgets."""
    metric_name = training_loss(study)
    records_of = measured(study, metric_name)
    modes = layout.panels(records_of)
    if len(modes) < 2:
        raise NoData("compares batch modes, and the study has one")
    names = sorted(
        {(candidate.optimizer, candidate.name) for candidate in records_of}, key=lambda name: (order(name[0]), name[1])
    )
    figure = Figure()
    grid = figure.subplots(1, len(VIEWS), squeeze=False, sharey=True, sharex=True)[0]
    lost = False
    for axes, view in zip(grid, VIEWS, strict=True):
        budget, ends = _ends(records_of, study.metric(metric_name), view)
        axes.set_title(f"equal {view}: {_shown(budget, view)}")
        lost |= _draw(axes, ends, [name for _, name in names], modes)
    _axes(grid, names)
    figure.axes[0].set_xscale("log")
    for axes in grid:
        axes.set_xlabel(text(study.metric(metric_name).label))
    marks = {layout.mode(mode): Line2D([], [], color="#444444", ls="none", marker=mark) for mode, mark in _marks(modes).items()}
    if lost:
        marks["diverged"] = layout.cross(math.nan, math.nan, "#444444")
    decays = {schedule for candidate in records_of for schedule in candidate.runs["schedule"]} - {"constant"}
    layout.finish(
        figure,
        marks,
        f"{text(study.problem)}: batch modes at equal budgets",
        f"median, {layout.sample(records_of)}; line: from the best to the worst",
        layout.chosen(records_of),
        f"{_budgets(records_of, modes)}, and cut where the shortest mode ends",
        "schedules were made for the whole runs" if decays else "",
        height=max(len(names) * (len(modes) + 1.2) * ROW, 0.9),
        left=0.35 + layout.LETTER * max(len(text(name)) for _, name in names),
    )
    return figure


def sentence(study: Study) -> str:
    """Return which batch mode has the lowest median for which optimizers, at each of the three budgets."""
    metric = study.metric(training_loss(study))
    records_of, parts = measured(study, metric.name), []
    for view in VIEWS:
        budget, ends = _ends(records_of, metric, view)
        best: dict[str, list[str]] = {}
        for name in sorted({candidate.name for candidate in ends}):
            medians = {
                layout.mode(candidate.panel): float(np.median(ends[candidate])) for candidate in ends if candidate.name == name
            }
            best.setdefault(min(medians, key=medians.__getitem__), []).append(name)
        leading = listed([f"{mode} for {listed(names)}" for mode, names in best.items()])
        parts.append(f"at {_shown(budget, view)} {view} {leading}")
    return f"Lowest median {metric.label}: {'; '.join(parts)}."


def _ends(records_of: Measured, metric: Metric, view: str) -> tuple[float, dict[Candidate, np.ndarray]]:
    """Return the budget at which the shortest batch mode ends, and what the runs of each candidate have reached there."""
    column = AXES[view].column
    budget = _shortest(records_of, column) * (1 + 1e-9)
    ends = {
        candidate: reached(records, candidate.runs, metric, column, budget).to_numpy()
        for candidate, records in records_of.items()
    }
    return budget, ends


def _shown(budget: float, view: str) -> str:
    return count(budget) if view != "seconds" else f"{budget:.3g}"


def _draw(axes: Axes, ends: dict[Candidate, np.ndarray], names: list[str], modes: list[Panel]) -> bool:
    """Draw one budget. Return whether a run diverged within it."""
    lost = False
    for candidate, values in ends.items():
        place = names.index(candidate.name) + (modes.index(candidate.panel) - (len(modes) - 1) / 2) / (len(modes) + 1.2)
        colour, mark = look(candidate.optimizer).colour, _marks(modes)[candidate.panel]
        finite = values[np.isfinite(values)]
        if len(finite):
            axes.plot([finite.min(), finite.max()], [place, place], color=colour, lw=1.1, alpha=0.6)
        median = np.median(values)
        if math.isfinite(median):
            axes.plot([median], [place], color=colour, marker=mark, ms=5, mec="white", mew=0.4, ls="none", label=candidate.name)
        if len(finite) < len(values):
            lost = True
            axes.plot([1], [place], color=colour, marker="x", ms=5, mew=1.3, transform=axes.get_yaxis_transform(), clip_on=False)
    return lost


def _shortest(records_of: Measured, column: str) -> float:
    """Return the end of the shortest batch mode, by medians. Runs that diverged ended early: they count only where all did."""
    ends = pd.concat(
        records.groupby("run")[column]
        .max()
        .rename(candidate.panel)
        .to_frame("end")
        .assign(panel=str(candidate.panel), diverged=candidate.runs["status"] == "diverged")
        for candidate, records in records_of.items()
    )
    by_mode = ends.groupby(["diverged", "panel"])["end"].median()
    return float(by_mode[by_mode.index.get_level_values("diverged").min()].min())


def _axes(grid: np.ndarray, names: list[tuple[str, str]]) -> None:
    grid[0].set_yticks(range(len(names)), [text(name) for _, name in names])
    grid[0].set_ylim(len(names) - 0.5, -0.5)
    for axes in grid:
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for edge in range(1, len(names)):
            axes.axhline(edge - 0.5, color="#DDDDDD", lw=0.6, zorder=0)


def _marks(modes: list[Panel]) -> dict[Panel, str]:
    """Return the mark of each batch mode: its own, or that of a further batch size."""
    spare = itertools.cycle(OTHERS)
    marks: dict[Panel, str] = {}
    for mode in modes:
        mark = MARKS.get(mode[0])
        marks[mode] = mark if mark and mark not in marks.values() else next(spare)
    return marks


def _budgets(candidates: Iterable[Candidate], modes: list[Panel]) -> str:
    """Return the budgets that the runs were made for, as a clause."""
    ends = {mode: span(candidate.runs["examples"].max() for candidate in candidates if candidate.panel == mode) for mode in modes}
    if len(set(ends.values())) == 1:
        return f"all were run for {ends[modes[0]]} examples"
    return f"run for {', '.join(f'{end} examples ({layout.mode(mode)})' for mode, end in ends.items())}"
