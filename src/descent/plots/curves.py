"""Draw curves: of each candidate the median over its runs, a band, and every run faintly behind."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from descent.analysis.curves import Measured, band, measured, reached
from descent.analysis.load import Study
from descent.analysis.selection import Candidate
from descent.analysis.wording import number
from descent.metrics import AXES, Metric
from descent.plots import layout
from descent.plots.style import look, styled, text

FAINT = 40  # runs of a candidate that are drawn, at most; more is a blot
BEYOND = 30.0  # times the largest loss at the start: what lies higher leaves the picture
Limits = tuple[float, float]
Curves = list[tuple[pd.Series, pd.DataFrame]]


def training_loss(study: Study) -> str:
    """Return the metric of optimization: the training loss above its minimum, where that is known."""
    return "train/gap" if "train/gap" in study.metric_names else "train/loss"


def leaders(study: Study, name: str | None = None, axis: str = "examples") -> str:
    """Return who has the best median at the end of the runs of each batch mode, and at half where that is another, as a sentence.

    Args:
        name: of the metric; None: the training loss.
        axis: whose half it is.
    """
    metric, column, parts = study.metric(name or training_loss(study)), AXES[axis].column, []
    records_of = measured(study, metric.name)
    for panel in layout.panels(records_of):
        of = {candidate: records for candidate, records in records_of.items() if candidate.panel == panel}
        end = max(float(records[column].max()) for records in of.values())
        best = []
        for budget in (end / 2, end):
            medians = {
                candidate.name: reached(records, candidate.runs, metric, column, budget).median()
                for candidate, records in of.items()
            }
            best.append(max(medians, key=lambda name: metric.sign * medians[name]))
        half = f"; at half of the {axis} {best[0]}" if best[0] != best[1] else ""
        parts.append(f"{layout.mode(panel)}: {best[1]} ({number(medians[best[1]])}{half})")
    return f"{'Highest' if metric.higher_is_better else 'Lowest'} median {metric.label} at the end in {'; '.join(parts)}."


@styled
def draw(study: Study, name: str | None = None, axis: str = "examples") -> Figure:
    """Draw a metric of one problem's runs, by default the training loss, over an axis, a panel a batch mode.

    Raises:
        NoData: no run measured it.
    """
    metric = study.metric(name or training_loss(study))
    label, records_of = text(metric.label), measured(study, metric.name)
    figure, panels = layout.frame(list(records_of))
    known, limits = layout.variants(records_of), _limits(records_of, metric)
    for candidate, records in records_of.items():
        draw_candidate(panels[candidate.panel][0], candidate, records, metric, axis, limits, layout.marker(candidate, known))
    for axes in figure.axes:
        axes.set(xscale="log", ylim=limits, yscale=metric.scale)
    layout.label(figure, AXES[axis].label, [label])
    runs = study.runs.loc[np.unique(np.concatenate([records["run"] for records in records_of.values()]))]
    lost, many = (runs["status"] == "diverged").any(), any(records["run"].nunique() > 1 for records in records_of.values())
    layout.finish(
        figure,
        layout.handles(records_of, [layout.cross(np.nan, np.nan, "#444444")] if lost else []),
        f"{text(study.problem)}: {label} at equal {axis}",
        f"median, {layout.sample(records_of)}" if many else "one run each",
        "band: interquartile range" if many else "",
        "each seed faint" if many else "",
        layout.chosen(records_of),
        "\N{MULTIPLICATION SIGN} where a run diverged, which counts as the worst from there on" if lost else "",
        "seconds of training, without those of measuring" if axis == "seconds" else "",
    )
    return figure


def draw_candidate(
    axes: Axes, candidate: Candidate, records: pd.DataFrame, metric: Metric, axis: str, limits: Limits, marker: str
) -> None:
    """Draw the runs of one candidate, crosses where they diverged, their median and the band."""
    drawn, column = look(candidate.optimizer), AXES[axis].column
    statuses, segments = candidate.runs["status"], []
    for run, frame in records.groupby("run"):
        x, y = frame[column].to_numpy(), frame[metric.name].to_numpy()
        seen = (x > 0) & np.isfinite(y)
        segments.append(np.column_stack([x[seen], y[seen]]))
        if statuses[run] == "diverged":
            axes.add_line(layout.cross(*_end(x, y, limits[1]), drawn.colour))
    summary = band(records, candidate.runs, metric.name, column, metric.worst)
    seen = (summary.x > 0) & np.isfinite(summary.median)
    if len(segments) > 1:
        faint(axes, segments, drawn.colour)
        low, high = (np.clip(edge[seen], limits[0] / 10, limits[1] * 10) for edge in (summary.low, summary.high))
        axes.fill_between(summary.x[seen], low, high, color=drawn.colour, alpha=0.22, linewidth=0, zorder=1.4)
    draw_line(axes, candidate, summary.x[seen], summary.median[seen], marker)


def draw_line(axes: Axes, candidate: Candidate, x: ArrayLike, y: ArrayLike, marker: str, size: float = 3.5) -> None:
    """Draw the line that stands for a candidate."""
    drawn = look(candidate.optimizer)
    axes.plot(x, y, color=drawn.colour, linestyle=drawn.dash, marker=marker, ms=size, markevery=0.12, label=candidate.name)


def faint(axes: Axes, segments: Sequence[np.ndarray], colour: str) -> None:
    """Draw the curves of single runs ``[records, 2]``: one picture, however many there are."""
    axes.add_collection(
        LineCollection(segments[:FAINT], colors=colour, linewidths=0.6, alpha=0.25, rasterized=True, zorder=1.5), autolim=False
    )


def _end(x: np.ndarray, y: np.ndarray, top: float) -> tuple[float, float]:
    """Return the point at which a curve stops being finite, or leaves the picture."""
    x, y = x[x > 0], y[x > 0]
    inside = np.isfinite(y) & (y <= top)
    if inside.all():
        return float(x[-1]), float(y[-1])
    gone = int(np.argmin(inside))
    if gone and not np.isfinite(y[gone]):
        return float(x[gone - 1]), float(y[gone - 1])
    return float(x[gone]), top


def _limits(records_of: Measured, metric: Metric) -> Limits:
    records = pd.concat(records_of.values())
    values = records.loc[records["step"] > 0, metric.name].to_numpy()
    if metric.scale == "log":
        return layout.log_limits(values, BEYOND * records.groupby("run")[metric.name].first().max())
    return layout.linear_limits(values)
