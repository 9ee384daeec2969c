"""Curves: of each optimizer the median over its runs, a band, and every run faintly behind."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from descent.analysis.load import Study
from descent.analysis.nothing import Nothing
from descent.analysis.units import Unit, summarise, units
from descent.metrics import AXES, Metric
from descent.plots import panels
from descent.plots.style import look, text

QUARTILES = (0.25, 0.75)
FAINT = 40  # runs of a unit that are drawn, at most; more is a blot
BEYOND = 30.0  # times the largest loss at the start: what lies higher leaves the picture
Curves = list[tuple[pd.Series, pd.DataFrame]]


def training_loss(study: Study) -> str:
    """Return what tells optimization: the training loss above its minimum, where that is known."""
    return "train/gap" if "train/gap" in study.quantities else "train/loss"


def draw(study: Study, quantity: str, axis: str) -> Figure:
    """Draw a quantity of one problem's runs over an axis, a panel a batch mode.

    Raises:
        Nothing: no run measured it.
    """
    column, metric = AXES[axis].column, study.metric(quantity)
    found = {}
    for unit in units(study):
        curves = [(run, frame) for run, frame in study.curves(unit.runs) if {quantity, column} <= set(frame)]
        if curves:
            found[unit] = curves
    if not found:
        raise Nothing(f"no run measured {quantity}")
    figure, grid = panels.frame(list(found))
    known = panels.variants(found)
    limits = _limits(found, metric)
    lost = False
    for unit, curves in found.items():
        (axes,) = grid[unit.panel]
        lost |= draw_unit(axes, unit, curves, metric, column, limits, panels.marker(unit, known))
    for axes in figure.axes:
        axes.set(xscale="log", ylim=limits, yscale=metric.scale)
    label = text(metric.label)
    panels.label(figure, AXES[axis].label, [label])
    many = any(len(curves) > 1 for curves in found.values())
    panels.finish(
        figure,
        panels.handles(found, [panels.cross(np.nan, np.nan, "#444444")] if lost else []),
        f"{text(study.problem)}: {label} at equal {axis}",
        f"median, {panels.sample(found)}" if many else "one run each",
        "band: interquartile range" if many else "",
        "each seed faint" if many else "",
        panels.chosen(found),
        "\N{MULTIPLICATION SIGN} where a run diverged, which counts as the worst from there on" if lost else "",
        "seconds of training, without those of measuring" if axis == "seconds" else "",
    )
    return figure


def draw_unit(
    axes: Axes, unit: Unit, curves: Curves, metric: Metric, column: str, limits: tuple[float, float], marker: str
) -> bool:
    """Draw one unit; say whether a run of it diverged."""
    drawn, lost, segments = look(unit.optimizer), False, []
    for run, frame in curves:
        x, y = frame[column].to_numpy(), frame[metric.name].to_numpy()
        seen = (x > 0) & np.isfinite(y)
        segments.append(np.column_stack([x[seen], y[seen]]))
        if run["status"] == "diverged":
            lost = True
            axes.add_line(panels.cross(*_end(frame[column].to_numpy(), y, limits[1]), drawn.colour))
    if len(curves) > 1:
        faint(axes, segments, drawn.colour)
    summary = summarise(curves, metric.name, column, metric.worst, QUARTILES)
    seen = (summary.x > 0) & np.isfinite(summary.median)
    x = summary.x[seen]
    if len(curves) > 1:
        low, high = (np.clip(edge[seen], limits[0] / 10, limits[1] * 10) for edge in (summary.low, summary.high))
        axes.fill_between(x, low, high, color=drawn.colour, alpha=0.13, linewidth=0, zorder=1.4)
    axes.plot(
        x, summary.median[seen], color=drawn.colour, linestyle=drawn.dash, marker=marker, ms=3.5, markevery=0.12, label=unit.name
    )
    return lost


def faint(axes: Axes, segments: Sequence[np.ndarray], colour: str) -> None:
    """Draw the curves of single runs ``[records, 2]``: one picture, however many there are."""
    axes.add_collection(
        LineCollection(segments[:FAINT], colors=colour, linewidths=0.6, alpha=0.25, rasterized=True, zorder=1.5), autolim=False
    )


def _end(x: np.ndarray, y: np.ndarray, top: float) -> tuple[float, float]:
    """Return where a curve stops being finite, or leaves the picture."""
    x, y = x[x > 0], y[x > 0]
    inside = np.isfinite(y) & (y <= top)
    if inside.all():
        return float(x[-1]), float(y[-1])
    gone = int(np.argmin(inside))
    if gone and not np.isfinite(y[gone]):
        return float(x[gone - 1]), float(y[gone - 1])
    return float(x[gone]), top


def _limits(found: dict[Unit, Curves], metric: Metric) -> tuple[float, float]:
    frames = [frame for curves in found.values() for _, frame in curves]
    values = np.concatenate([frame[metric.name].to_numpy()[frame["step"].to_numpy() > 0] for frame in frames])
    if metric.scale == "log":
        return panels.log_limits(values, BEYOND * max(frame[metric.name].iloc[0] for frame in frames))
    return panels.linear_limits(values)
