"""How long each optimizer takes to the problem's target; those that never get there are counted."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate, candidates
from descent.metrics import AXES
from descent.plots import layout
from descent.plots.style import look, order, styled, text

EACH = "problem"
VIEWS = ("examples", "steps", "gradient_evaluations", "seconds")
ROW = 0.2  # inches


@styled
def plot(study: Study) -> Figure:
    """Draw when each run reached the target, a row of panels a batch mode, a column an axis."""
    drawn = [candidate for candidate in candidates(study) if candidate.runs["time:steps"].notna().any()]
    if not drawn:
        raise NoData("needs a target, which the problem has none of")
    views = [view for view in VIEWS if view != "gradient_evaluations" or _closures(drawn)]
    modes = layout.panels(drawn)
    figure = Figure()
    grid = figure.subplots(len(modes), len(views), squeeze=False, sharex="col")
    rows = max(len([candidate for candidate in drawn if candidate.panel == mode]) for mode in modes)
    limits = {view: _limits(drawn, view) for view in views}
    for mode, line in zip(modes, grid, strict=True):
        in_mode = sorted((each for each in drawn if each.panel == mode), key=lambda each: (order(each.optimizer), each.name))
        for axes, view in zip(line, views, strict=True):
            _draw(axes, in_mode, view, limits[view], rows, first=axes is line[0], last=axes is line[-1])
            layout.ticks(axes)
        line[0].set_title(layout.panel_title(in_mode))
    for axes, view in zip(grid[-1], views, strict=True):
        axes.set_xlabel(AXES[view].label)
    target = drawn[0].runs["target"].iloc[0]
    metric = study.metric(target["metric"])
    names = [text(candidate.name) for candidate in drawn]
    layout.finish(
        figure,
        {
            "median": Line2D([], [], color="#444444", marker="o", ms=6, ls="none"),
            "a run": Line2D([], [], color="#444444", marker="|", ms=7, ls="none", alpha=0.6),
            "median: never": Line2D([], [], color="#444444", marker=">", ms=6, ls="none"),
        },
        f"{text(study.problem)}: time to {text(metric.label)} {metric.bound} {target['value']:g}",
        f"the first of two consecutive records that met it, {layout.sample(drawn)}",
        "right: how many runs got there; one that never did counts as infinitely slow",
        layout.chosen(drawn),
        height=max((rows + 0.4) * ROW, 0.7),
        left=0.35 + layout.LETTER * max(map(len, names)),
        gap=0.35,
        beside=0.35,
        between=0.62,
    )
    return figure


def _limits(drawn: list[Candidate], view: str) -> tuple[float, float]:
    """Return the ends of an axis: the longest budget, beyond which lies never, and a tenth of the shortest or the first time."""
    runs = pd.concat([candidate.runs for candidate in drawn])
    return layout.log_limits(np.concatenate([runs[f"time:{view}"], runs[view], runs[view] / 10]), math.inf)


def _draw(axes: Axes, drawn: list[Candidate], view: str, limits: tuple[float, float], rows: int, first: bool, last: bool) -> None:
    axes.set(xscale="log", xlim=limits)
    for place, candidate in enumerate(drawn):
        times = candidate.runs[f"time:{view}"].to_numpy(float).clip(limits[0])  # a run that starts there takes no time
        colour = look(candidate.optimizer).colour
        finite, median = times[np.isfinite(times)], np.median(times)
        axes.plot(finite, np.full(len(finite), place), "|", color=colour, ms=7, alpha=0.6)
        if math.isfinite(median):
            axes.plot([median], [place], "o", color=colour, ms=6, mec="white", mew=0.5, label=candidate.name)
        else:
            axes.plot([1], [place], ">", color=colour, ms=6, transform=axes.get_yaxis_transform(), clip_on=False)
        if last:
            share, where = f"{len(finite)}/{len(times)}", axes.get_yaxis_transform()
            axes.annotate(share, (1, place), (8, 0), where, "offset points", va="center", fontsize=7, color="#444444")
    axes.set_yticks(range(len(drawn)), [text(candidate.name) for candidate in drawn] if first else [])
    axes.set_ylim(rows - 0.3, -0.7)
    axes.tick_params(axis="y", length=0)


def _closures(drawn: list[Candidate]) -> bool:
    """Return whether some candidate computes more gradients than it processes examples; else the two axes are one."""
    runs = pd.concat([candidate.runs for candidate in drawn])
    return bool((runs["gradient_evaluations"] != runs["examples"]).any())
