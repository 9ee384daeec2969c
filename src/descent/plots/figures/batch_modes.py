"""The batch modes at equal examples, equal steps and equal seconds: what each has reached when the shortest one ends."""

import itertools
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from descent.analysis.load import Study
from descent.analysis.nothing import Nothing
from descent.analysis.units import Unit, reached, units
from descent.metrics import AXES, Metric
from descent.plots import panels
from descent.plots.lines import training_loss
from descent.plots.style import count, look, order, span, styled, text

EACH = "problem"
VIEWS = ("examples", "steps", "seconds")
MARKS = {"full": "s", "mini": "o", "stochastic": "^"}
OTHERS = ("D", "v", "P", "X", "*", "<", ">", "p")  # of further batch sizes
ROW = 0.13  # inches for a batch mode of an optimizer
Curves = list[tuple[pd.Series, pd.DataFrame]]


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss of each optimizer and batch mode at each of the three budgets."""
    quantity = training_loss(study)
    found: dict[Unit, Curves] = {}
    for unit in units(study):
        if curves := [(run, frame) for run, frame in study.curves(unit.runs) if quantity in frame]:
            found[unit] = curves
    modes = panels.panels(found)
    if len(modes) < 2:
        raise Nothing("compares batch modes, of which there is one")
    names = sorted({(unit.optimizer, unit.name) for unit in found}, key=lambda name: (order(name[0]), name[1]))
    figure = Figure()
    grid = figure.subplots(1, len(VIEWS), squeeze=False, sharey=True, sharex=True)[0]
    lost = False
    for axes, view in zip(grid, VIEWS, strict=True):
        lost |= _view(axes, found, view, study.metric(quantity), [name for _, name in names], modes)
    _axes(grid, names)
    figure.axes[0].set_xscale("log")
    for axes in grid:
        panels.ticks(axes)
        axes.set_xlabel(text(study.metric(quantity).label))
    marks = {_mode(mode): Line2D([], [], color="#444444", ls="none", marker=mark) for mode, mark in _marks(modes).items()}
    if lost:
        marks["diverged"] = panels.cross(math.nan, math.nan, "#444444")
    decays = {schedule for unit in found for schedule in unit.runs["schedule"]} - {"constant"}
    panels.finish(
        figure,
        marks,
        f"{text(study.problem)}: batch modes at equal budgets",
        f"median, {panels.sample(found)}; line: from the best to the worst",
        panels.chosen(found),
        f"{_budgets(found, modes)}, and cut where the shortest mode ends",
        "schedules were made for the whole runs" if decays else "",
        height=max(len(names) * (len(modes) + 1.2) * ROW, 0.9),
        left=0.35 + panels.LETTER * max(len(text(name)) for _, name in names),
    )
    return figure


def _view(
    axes: Axes, found: dict[Unit, Curves], view: str, metric: Metric, names: list[str], modes: list[tuple[str, float]]
) -> bool:
    """Draw one budget; say whether a run diverged within it."""
    column = AXES[view].column
    budget = _shortest(found, column, modes) * (1 + 1e-9)
    lost = False
    for unit, curves in found.items():
        place = names.index(unit.name) + (modes.index(unit.panel) - (len(modes) - 1) / 2) / (len(modes) + 1.2)
        values = np.array([reached(run, frame, metric, column, budget) for run, frame in curves])
        colour, mark = look(unit.optimizer).colour, _marks(modes)[unit.panel]
        finite = values[np.isfinite(values)]
        if len(finite):
            axes.plot([finite.min(), finite.max()], [place, place], color=colour, lw=1.1, alpha=0.6)
        median = np.median(values)
        if math.isfinite(median):
            axes.plot([median], [place], color=colour, marker=mark, ms=5, mec="white", mew=0.4, ls="none", label=unit.name)
        if len(finite) < len(values):
            lost = True
            axes.plot([1], [place], color=colour, marker="x", ms=5, mew=1.3, transform=axes.get_yaxis_transform(), clip_on=False)
    shown = count(budget) if view != "seconds" else f"{budget:.3g}"
    axes.set_title(f"equal {view}: {shown}")
    return lost


def _shortest(found: dict[Unit, Curves], column: str, modes: list[tuple[str, float]]) -> float:
    """Return where the shortest batch mode ends. Runs that diverged ended early, and tell only where there are no others."""
    ends: dict[bool, list[float]] = {False: [], True: []}
    for mode in modes:
        of = [(run, frame) for unit, curves in found.items() if unit.panel == mode for run, frame in curves]
        alive = [frame for run, frame in of if run["status"] != "diverged"]
        lasts = [frame[column].iloc[-1] for frame in alive or [frame for _, frame in of]]
        ends[bool(alive)].append(float(np.median(lasts)))
    return min(ends[True] or ends[False])


def _axes(grid: np.ndarray, names: list[tuple[str, str]]) -> None:
    grid[0].set_yticks(range(len(names)), [text(name) for _, name in names])
    grid[0].set_ylim(len(names) - 0.5, -0.5)
    for axes in grid:
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
        for edge in range(1, len(names)):
            axes.axhline(edge - 0.5, color="#DDDDDD", lw=0.6, zorder=0)


def _marks(modes: list[tuple[str, float]]) -> dict[tuple[str, float], str]:
    """Return the mark of each batch mode: its own, or that of a further batch size."""
    spare = itertools.cycle(OTHERS)
    found: dict[tuple[str, float], str] = {}
    for mode in modes:
        own = MARKS.get(mode[0])
        found[mode] = own if own and own not in found.values() else next(spare)
    return found


def _mode(mode: tuple[str, float]) -> str:
    return f"{text(mode[0])}, {count(mode[1])}" if mode[1] else text(mode[0])


def _budgets(found: Iterable[Unit], modes: list[tuple[str, float]]) -> str:
    """Say what the runs were made for: a view at another budget is no verdict on it."""
    ends = {mode: span(unit.runs["examples"].max() for unit in found if unit.panel == mode) for mode in modes}
    if len(set(ends.values())) == 1:
        return f"all were run for {ends[modes[0]]} examples"
    return f"run for {', '.join(f'{end} examples ({_mode(mode)})' for mode, end in ends.items())}"
