"""Draw curves: of each candidate the median over its runs, a band, and every run faintly behind."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from descent.analysis.curves import Measured, band, measured, reached
from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate
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


def leaders(study: Study) -> str:
    """Return the candidate with the best median at half and at the end of the runs of each batch mode, as a sentence."""
    metric, parts = study.metric(str(study.runs["metric"].iloc[0])), []
    try:
        own = measured(study, metric.name)
    except NoData:
        return ""
    for panel in layout.panels(own):
        places: dict[float, dict[str, float]] = {0.5: {}, 1.0: {}}
        for candidate, records in own.items():
            if candidate.panel == panel:
                for share, medians in places.items():
                    budget = share * candidate.runs["examples"].max()
                    values = reached(records, candidate.runs, metric, "examples", budget)
                    medians[candidate.name] = metric.sign * float(np.median(values))
        half, end = (max(medians, key=medians.__getitem__) for medians in places.values())
        parts.append(f"{panel[0]} {half}" + (f", then {end}" if end != half else ""))
    best = "Highest" if metric.higher_is_better else "Lowest"
    return f"{best} median {metric.label} at half and at the end of the runs: {'; '.join(parts)}."


@styled
def draw(study: Study, name: str, axis: str) -> Figure:
    """Draw a metric of one problem's runs over an axis, a panel a batch mode.

    Raises:
        NoData: no run measured it.
    """
    metric, label = study.metric(name), text(study.metric(name).label)
    records_of = measured(study, name)
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
        axes.fill_between(summary.x[seen], low, high, color=drawn.colour, alpha=0.13, linewidth=0, zorder=1.4)
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
