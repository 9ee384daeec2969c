"""The last step at each record: norms of its gradient, its update and the weights; and the noise in that gradient."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.load import Study
from descent.analysis.nothing import Nothing
from descent.analysis.units import Unit, summarise, units
from descent.metrics import AXES
from descent.plots import panels
from descent.plots.lines import QUARTILES, Curves, faint
from descent.plots.style import look, styled, text

EACH = "problem"
NORMS = ("gradient_norm", "update_norm", "weight_norm")
LABELS = ("gradient norm", "update norm", "weight norm", "spread of\ngradient norm")


@styled
def plot(study: Study) -> Figure:
    """Draw the Euclidean norms over examples, and the spread of the gradient's over seeds, a column a batch mode."""
    found: dict[Unit, Curves] = {}
    for unit in units(study):
        if curves := [(run, frame) for run, frame in study.curves(unit.runs) if {*NORMS} <= set(frame)]:
            found[unit] = curves
    if not found:
        raise Nothing("no run recorded norms")
    spread = any(len(curves) > 1 for curves in found.values())
    rows = len(NORMS) + spread
    figure, grid = panels.frame(list(found), rows=rows, sharey="row")
    known = panels.variants(found)
    for unit, curves in found.items():
        column = grid[unit.panel]
        for axes, norm in zip(column, NORMS, strict=False):
            _draw(axes, unit, curves, norm, panels.marker(unit, known))
        if len(curves) > 1:
            _spread(column[-1], unit, curves)
    for axes in figure.axes:
        drawn = [line.get_ydata() for line in axes.lines] or [np.ones(1)]
        limits = panels.log_limits(np.concatenate(drawn).astype(float), math.inf)
        others = axes.get_ylim() if axes.get_yscale() == "log" else limits
        axes.set(xscale="log", yscale="log", ylim=(min(limits[0], others[0]), max(limits[1], others[1])))
    panels.label(figure, AXES["examples"].label, LABELS[:rows])
    panels.finish(
        figure,
        panels.handles(found),
        f"{text(study.problem)}: gradient noise and norms",
        f"median, {panels.sample(found)}; each seed faint" if spread else "one run each",
        "norms are of the last step before a record: its batch's gradient, its update, and the weights",
        "spread: interquartile range over seeds / median; in full batches it is of starts and splits, beyond that noise"
        if spread
        else "",
        panels.chosen(found),
        height=1.35,
        between=0.2,
    )
    return figure


def _draw(axes: Axes, unit: Unit, curves: Curves, norm: str, marker: str) -> None:
    drawn = look(unit.optimizer)
    if len(curves) > 1:
        own = [np.column_stack(_positive(frame["examples"].to_numpy(), frame[norm].to_numpy())) for _, frame in curves]
        faint(axes, own, drawn.colour)
    summary = summarise(curves, norm, "examples", math.inf, QUARTILES)
    x, y = _positive(summary.x, summary.median)
    axes.plot(x, y, color=drawn.colour, linestyle=drawn.dash, marker=marker, ms=3, markevery=0.12, label=unit.name)


def _spread(axes: Axes, unit: Unit, curves: Curves) -> None:
    drawn, summary = look(unit.optimizer), summarise(curves, "gradient_norm", "examples", math.inf, QUARTILES)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = _positive(summary.x, (summary.high - summary.low) / summary.median)
    axes.plot(x, y, color=drawn.colour, linestyle=drawn.dash, lw=1.3)


def _positive(x: np.ndarray, y: np.ndarray) -> Sequence[np.ndarray]:
    seen = (x > 0) & np.isfinite(y) & (y > 0)
    return x[seen], y[seen]
