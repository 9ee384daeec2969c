"""How long each optimizer takes to the problem's target; those that never get there are counted."""

import math
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate, Panel, candidates
from descent.analysis.target_distance import SHARES, times
from descent.analysis.wording import listed
from descent.metrics import AXES
from descent.plots import layout
from descent.plots.style import count, look, order, styled, text

EACH = "problem"
Shares = dict[tuple[Candidate, float], "pd.Series[float]"]  # the median times to the target at other distances
VIEWS = ("examples", "steps", "gradient_evaluations", "seconds")
ROW = 0.2  # inches
HOLLOW: dict[str, Any] = {"marker": "D", "ms": 4, "mfc": "none", "mew": 0.8, "ls": "none"}


@styled
def plot(study: Study) -> Figure:
    """Draw when each run reached the target, a row of panels a batch mode, a column an axis."""
    drawn = _having(study)
    views = [view for view in VIEWS if view != "gradient_evaluations" or _closures(drawn)]
    modes = layout.panels(drawn)
    figure = Figure()
    grid = figure.subplots(len(modes), len(views), squeeze=False, sharex="col")
    rows = max(len([candidate for candidate in drawn if candidate.panel == mode]) for mode in modes)
    limits = {view: _limits(drawn, view) for view in views}
    nearer = {(candidate, share): times(study, candidate.runs, share).median() for candidate in drawn for share in SHARES}
    for mode, line in zip(modes, grid, strict=True):
        in_mode = sorted(
            (candidate for candidate in drawn if candidate.panel == mode),
            key=lambda candidate: (order(candidate.optimizer), candidate.name),
        )
        for axes, view in zip(line, views, strict=True):
            _draw(axes, in_mode, view, limits[view], rows, first=axes is line[0], last=axes is line[-1])
            _draw_shares(axes, in_mode, view, nearer)
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
            "median, moved": Line2D([], [], color="#444444", **HOLLOW),
            "median: never": Line2D([], [], color="#444444", marker=">", ms=6, ls="none"),
        },
        f"{text(study.problem)}: time to {text(metric.label)} {metric.bound} {target['value']:g}",
        f"the first of two consecutive records that met it, {layout.sample(drawn)}",
        "right: how many runs got there; one that never did counts as infinitely slow",
        f"moved: at {_percent(SHARES[0])} and {_percent(SHARES[1])} of the target's distance; {_order(drawn, nearer)}",
        layout.chosen(drawn),
        height=max((rows + 0.4) * ROW, 0.7),
        left=0.35 + layout.LETTER * max(map(len, names)),
        gap=0.35,
        beside=0.35,
        between=0.62,
    )
    return figure


def sentence(study: Study) -> str:
    """Return after how many examples the median run of each candidate reached the target, by batch mode, the first one first."""
    drawn, parts = _having(study), []
    for mode in layout.panels(drawn):
        medians = {
            candidate.name: float(candidate.runs["time:examples"].median()) for candidate in drawn if candidate.panel == mode
        }
        met = {name: time for name, time in medians.items() if math.isfinite(time)}
        shown = [f"{name} after {count(met[name])}" for name in sorted(met, key=met.__getitem__)]
        never = [name for name in medians if name not in met]
        shown += [f"{listed(never)} never"] if never else []
        parts.append(f"{layout.mode(mode)}: {listed(shown)}")
    target = drawn[0].runs["target"].iloc[0]
    metric = study.metric(target["metric"])
    return f"Examples until the median run has a {metric.label} of {metric.bound} {target['value']:g}: {'; '.join(parts)}."


def _having(study: Study) -> list[Candidate]:
    """Return the candidates whose problem has a target.

    Raises:
        NoData: none has.
    """
    if drawn := [candidate for candidate in candidates(study) if candidate.runs["time:steps"].notna().any()]:
        return drawn
    raise NoData("needs a target, which the problem has none of")


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
            axes.annotate(share, (1, place), (8, 0), where, "offset points", va="center", fontsize=7.5, color="#444444")
    axes.set_yticks(range(len(drawn)), [text(candidate.name) for candidate in drawn] if first else [])
    axes.set_ylim(rows - 0.3, -0.7)
    axes.tick_params(axis="y", length=0)


def _draw_shares(axes: Axes, drawn: list[Candidate], view: str, nearer: Shares) -> None:
    """Mark the median time to targets that are nearer and further than the problem's."""
    for place, candidate in enumerate(drawn):
        at = [nearer[candidate, share][f"time:{view}"] for share in SHARES]
        axes.plot(at, [place, place], color=look(candidate.optimizer).colour, **HOLLOW)


def _order(drawn: list[Candidate], nearer: Shares) -> str:
    """Return in how many batch modes the order of the medians changes with the distance of the target, as a line."""
    modes = list(dict.fromkeys(candidate.panel for candidate in drawn))

    def order(mode: Panel, share: float | None) -> list[str]:
        shown = [candidate for candidate in drawn if candidate.panel == mode]
        name = "time:examples"
        medians = {
            candidate.name: (nearer[candidate, share] if share else candidate.runs[[name]].median())[name] for candidate in shown
        }
        return sorted(medians, key=lambda name: medians[name])

    parts = []
    for share in SHARES:
        changed = sum(order(mode, share) != order(mode, None) for mode in modes)
        parts.append(f"at {_percent(share)} of the target's distance {'it changes' if changed else 'it is the same'}")
        parts[-1] += f" in {changed} of {len(modes)} batch modes" if changed and len(modes) > 1 else ""
    return f"order of the medians: {' and '.join(parts)}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _closures(drawn: list[Candidate]) -> bool:
    """Return whether some candidate computes more gradients than it processes examples; else the two axes are one."""
    runs = pd.concat([candidate.runs for candidate in drawn])
    return bool((runs["gradient_evaluations"] != runs["examples"]).any())
