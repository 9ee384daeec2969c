"""What each learning rate ends with: how high the best is, and how wide the range of good ones."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate, candidates
from descent.analysis.statistics import values
from descent.analysis.wording import number
from descent.metrics import Metric
from descent.plots import layout
from descent.plots.style import look, order, span, styled, text

EACH = "problem"
ROW = 0.045  # of the height: what an optimizer's diverged runs take at the edge
NEARLY, POINTS = 2.0, 0.02  # times the best of losses, and parts of a share, up to which a learning rate ends nearly as well
BEYOND = 1e3  # times the median of all: what lies higher leaves the picture


@styled
def plot(study: Study) -> Figure:
    """Draw the problem's metric at the end over the learning rate: every run, and the median of the better setting at each."""
    metric, runs_of = study.metric(str(study.runs["metric"].iloc[0])), _several(study)
    figure, grid = layout.frame(list(runs_of))
    variants = layout.variants(runs_of)
    finite = np.concatenate([(v := values(group, metric.name).to_numpy())[np.isfinite(v)] for group in runs_of.values()])
    start = BEYOND * np.median(finite) if len(finite) else 1.0
    limits = layout.log_limits(finite, max(start, finite.min(initial=1.0))) if metric.scale == "log" else _linear_limits(finite)
    lost = several = False
    rows = sorted({(order(candidate.optimizer), candidate.name) for candidate in runs_of})
    for candidate, group in runs_of.items():
        (axes,) = grid[candidate.panel]
        row = rows.index((order(candidate.optimizer), candidate.name)) * min(ROW, 0.5 / len(rows))
        lost |= _draw(axes, candidate, group, metric, limits, layout.marker(candidate, variants), row)
        several |= bool((group.groupby("lr")["setting"].nunique() > 1).any())
    for axes in figure.axes:
        axes.set(xscale="log", ylim=limits, yscale=metric.scale)
    layout.label(figure, "learning rate", [f"final {text(metric.label)}"])
    layout.finish(
        figure,
        layout.handles(runs_of, [layout.cross(math.nan, math.nan, "#444444")] if lost else []),
        f"{text(study.problem)}: final {text(metric.label)} by learning rate",
        f"line: median, {_seeds(runs_of)}, a run that diverged counting as the worst; dots: each run",
        "of several settings with one learning rate the line takes the best" if several else "",
        "\N{MULTIPLICATION SIGN} at the edge: a run that diverged or ended beyond it" if lost else "",
    )
    return figure


def sentence(study: Study) -> str:
    """Return the best learning rate of the best candidate in each batch mode, and how many rates end nearly as well."""
    metric, runs_of = study.metric(str(study.runs["metric"].iloc[0])), _several(study)
    nearly = f"within {NEARLY:g} times that" if metric.scale == "log" else f"within {POINTS:g} of that"
    parts = []
    for panel in layout.panels(runs_of):
        medians = {candidate: _medians(runs, metric) for candidate, runs in runs_of.items() if candidate.panel == panel}
        best = max(medians, key=lambda candidate: float((metric.sign * medians[candidate]).max()))
        ends = medians[best]
        lr = (metric.sign * ends).idxmax()
        near = (ends <= NEARLY * ends[lr]) if metric.scale == "log" else ((ends - ends[lr]).abs() <= POINTS)
        words = f"{best.name} at {lr:g} ({number(ends[lr])}; {nearly}: {near.sum()} of its {len(ends)} learning rates)"
        parts.append(f"{layout.mode(panel)}: {words}")
    best_of = "Highest" if metric.higher_is_better else "Lowest"
    return f"{best_of} median over all learning rates: {'; '.join(parts)}."


def _several(study: Study) -> dict[Candidate, pd.DataFrame]:
    """Return the runs of each candidate that has several learning rates.

    Raises:
        NoData: none has.
    """
    runs = study.runs[study.runs["lr"] > 0]
    if several := {candidate: group for candidate in candidates(study) if (group := _runs(runs, candidate))["lr"].nunique() > 1}:
        return several
    raise NoData("compares learning rates, and each optimizer has one")


def _medians(runs: pd.DataFrame, metric: Metric) -> "pd.Series[float]":
    """Return by learning rate the median at the end, of several settings with one rate that of the best."""
    value = values(runs, metric.name)
    return runs.assign(value=value).groupby(["lr", "setting"])["value"].median().groupby("lr").agg(metric.best)


def _linear_limits(finite: np.ndarray) -> tuple[float, float]:
    """Return 0 to 1 with room around for shares, else what `layout.linear_limits` does."""
    return (-0.02, 1.02) if ((finite >= 0) & (finite <= 1)).all() else layout.linear_limits(finite)


def _runs(runs: pd.DataFrame, candidate: Candidate) -> pd.DataFrame:
    """Return all runs, of tuning too, of a candidate's optimizer, batch mode and schedule."""
    same = {"batch": candidate.batch, "optimizer": candidate.optimizer}
    same |= {name: candidate.runs[name].iloc[0] for name in ("schedule", "tuning", "variant")}
    size = runs["batch_size"].fillna(0.0) == candidate.batch_size
    return runs[size & (runs[list(same)] == pd.Series(same)).all(axis=1)]


def _draw(
    axes: Axes, candidate: Candidate, runs: pd.DataFrame, metric: Metric, limits: tuple[float, float], marker: str, row: float
) -> bool:
    """Draw one candidate, with runs that left the picture in a row at the edge. Return whether one did."""
    drawn, high = look(candidate.optimizer), metric.higher_is_better
    value = values(runs, metric.name)
    inside = np.isfinite(value) & (value >= limits[0] if high else value <= limits[1])
    axes.plot(runs["lr"][inside], value[inside], ".", color=drawn.colour, ms=5, alpha=0.5, mew=0, rasterized=len(runs) > 500)
    gone = runs["lr"][~inside].to_numpy()
    edge = np.full(len(gone), row if high else 1 - row)
    axes.plot(gone, edge, "x", color=drawn.colour, ms=5, mew=1.3, zorder=5, clip_on=False, transform=axes.get_xaxis_transform())
    if (runs["tuning"] != "default").any():  # other settings differ too: these points are no line
        return len(gone) > 0
    medians = _medians(runs, metric)
    medians = medians.where(np.isfinite(medians), -1e300 if high else 1e300).clip(upper=limits[1] * 1e3)
    marker, name = marker or "o", candidate.name
    axes.plot(medians.index, medians, color=drawn.colour, linestyle=drawn.dash, marker=marker, ms=3.5, label=name)
    return len(gone) > 0


def _seeds(runs_of: dict[Candidate, pd.DataFrame]) -> str:
    return f"n = {span(n for group in runs_of.values() for n in group.groupby('setting').size())} seeds"
