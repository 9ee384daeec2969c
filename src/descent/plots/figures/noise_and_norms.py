"""The last step at each record: norms of its gradient, its update and the weights; and the noise in that gradient."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from descent.analysis.curves import band, measured
from descent.analysis.load import Study
from descent.analysis.selection import Candidate
from descent.analysis.wording import number
from descent.metrics import AXES
from descent.plots import layout
from descent.plots.curves import draw_line, faint
from descent.plots.style import look, styled, text

EACH = "problem"
NORMS = ("gradient_norm", "update_norm", "weight_norm")
LABELS = ("gradient norm", "update norm", "weight norm", "spread of\ngradient norm")


@styled
def plot(study: Study) -> Figure:
    """Draw the Euclidean norms over examples, and the spread of the gradient's over seeds, a column a batch mode."""
    records_of = measured(study, *NORMS)
    spread = any(records["run"].nunique() > 1 for records in records_of.values())
    rows = len(NORMS) + spread
    figure, grid = layout.frame(list(records_of), rows=rows, sharey="row")
    known = layout.variants(records_of)
    for candidate, records in records_of.items():
        column = grid[candidate.panel]
        for axes, norm in zip(column, NORMS, strict=False):
            _draw(axes, candidate, records, norm, layout.marker(candidate, known))
        if records["run"].nunique() > 1:
            _spread(column[-1], candidate, records)
    for axes in figure.axes:
        drawn = [line.get_ydata() for line in axes.lines] or [np.ones(1)]
        limits = layout.log_limits(np.concatenate(drawn).astype(float), math.inf)
        others = axes.get_ylim() if axes.get_yscale() == "log" else limits
        axes.set(xscale="log", yscale="log", ylim=(min(limits[0], others[0]), max(limits[1], others[1])))
    layout.label(figure, AXES["examples"].label, LABELS[:rows])
    layout.finish(
        figure,
        layout.handles(records_of),
        f"{text(study.problem)}: gradient noise and norms",
        f"median, {layout.sample(records_of)}; each seed faint" if spread else "one run each",
        "norms are of the last step before a record: its batch's gradient, its update, and the weights",
        "spread: interquartile range over seeds / median; in full batches it is of starts and splits, beyond that noise"
        if spread
        else "",
        layout.chosen(records_of),
        height=1.35,
        between=0.2,
    )
    return figure


def sentence(study: Study) -> str:
    """Return how the gradient's norm changes from the first record to the last, and whose weights grow most."""
    records_of, parts = measured(study, *NORMS), []
    for panel in layout.panels(records_of):
        of = {candidate: records[records["step"] > 0] for candidate, records in records_of.items() if candidate.panel == panel}
        change = {candidate.name: _change(records, "gradient_norm") for candidate, records in of.items()}
        grown = {candidate.name: _change(records, "weight_norm") for candidate, records in of.items()}
        low, high = min(change, key=change.__getitem__), max(change, key=change.__getitem__)
        most = max(grown, key=grown.__getitem__)
        times = f"{number(change[low])} ({low})" + (f" to {number(change[high])} ({high})" if high != low else "")
        parts.append(f"{layout.mode(panel)}: gradients {times}, weights at most {number(grown[most])} ({most})")
    return f"Median norms at the last record, in units of those at the first: {'; '.join(parts)}."


def _change(records: pd.DataFrame, norm: str) -> float:
    """Return a norm at the last record over that at the first, the median over runs."""
    ends = records.groupby("run")[norm].agg(["first", "last"])
    return float((ends["last"] / ends["first"]).median())


def _draw(axes: Axes, candidate: Candidate, records: pd.DataFrame, norm: str, marker: str) -> None:
    if records["run"].nunique() > 1:
        shown = records[_positive(records["examples"], records[norm])]
        faint(axes, [frame[["examples", norm]].to_numpy() for _, frame in shown.groupby("run")], look(candidate.optimizer).colour)
    summary = band(records, candidate.runs, norm, "examples", math.inf)
    seen = _positive(summary.x, summary.median)
    draw_line(axes, candidate, summary.x[seen], summary.median[seen], marker, size=3)


def _spread(axes: Axes, candidate: Candidate, records: pd.DataFrame) -> None:
    drawn, summary = look(candidate.optimizer), band(records, candidate.runs, "gradient_norm", "examples", math.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (summary.high - summary.low) / summary.median
    seen = _positive(summary.x, spread)
    axes.plot(summary.x[seen], spread[seen], color=drawn.colour, linestyle=drawn.dash, lw=1.3)


def _positive(x: ArrayLike, y: ArrayLike) -> np.ndarray:
    x, y = np.asarray(x), np.asarray(y)
    return (x > 0) & np.isfinite(y) & (y > 0)
