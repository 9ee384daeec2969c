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
    names = sorted({(each.optimizer, each.name) for each in records_of}, key=lambda name: (order(name[0]), name[1]))
    figure = Figure()
    grid = figure.subplots(1, len(VIEWS), squeeze=False, sharey=True, sharex=True)[0]
    lost = False
    for axes, view in zip(grid, VIEWS, strict=True):
        lost |= _view(axes, records_of, view, study.metric(metric_name), [name for _, name in names], modes)
    _axes(grid, names)
    figure.axes[0].set_xscale("log")
    for axes in grid:
        layout.ticks(axes)
        axes.set_xlabel(text(study.metric(metric_name).label))
    marks = {_mode(mode): Line2D([], [], color="#444444", ls="none", marker=mark) for mode, mark in _marks(modes).items()}
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


def _view(axes: Axes, records_of: Measured, view: str, metric: Metric, names: list[str], modes: list[Panel]) -> bool:
    """Draw one budget. Return whether a run diverged within it."""
    column = AXES[view].column
    budget = _shortest(records_of, column) * (1 + 1e-9)
    lost = False
    for candidate, records in records_of.items():
        place = names.index(candidate.name) + (modes.index(candidate.panel) - (len(modes) - 1) / 2) / (len(modes) + 1.2)
        values = reached(records, candidate.runs, metric, column, budget).to_numpy()
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
    shown = count(budget) if view != "seconds" else f"{budget:.3g}"
    axes.set_title(f"equal {view}: {shown}")
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


def _mode(mode: Panel) -> str:
    return ", ".join([text(mode[0]), *([count(mode[1])] if mode[1] else []), *([text(mode[2])] if mode[2] else [])])


def _budgets(candidates: Iterable[Candidate], modes: list[Panel]) -> str:
    """Return the budgets that the runs were made for, as a clause."""
    ends = {mode: span(candidate.runs["examples"].max() for candidate in candidates if candidate.panel == mode) for mode in modes}
    if len(set(ends.values())) == 1:
        return f"all were run for {ends[modes[0]]} examples"
    return f"run for {', '.join(f'{end} examples ({_mode(mode)})' for mode, end in ends.items())}"
