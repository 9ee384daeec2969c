r"""Which schedule of the learning rate is best, each at its own best rate?

A schedule multiplies the learning rate of step t of T by a factor: a large rate crosses the valley and a small one settles below
the floor that gradient noise leaves, which is in proportion to the rate. How much a schedule seems to gain depends on the rate
that its rivals are given, so each is given its own: chosen on the first seeds of the study, judged on the others. The others are
compared with the best on the seeds of tuning, paired by seed, in one family of tests of all pairs.

Source: Robbins and Monro, "A stochastic approximation method", 1951; Loshchilov and Hutter, "SGDR: stochastic gradient descent
with warm restarts", 2017; Goyal et al., "Accurate, large minibatch SGD", 2017; Smith and Topin, "Super-convergence", 2019; that
rivals must be tuned alike, Schmidt, Schneider and Hennig, "Descending through a crowded valley", 2021.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.grid import curve, median
from descent.analysis.load import NoData, Study
from descent.analysis.paired_tests import SEEDS, judge
from descent.analysis.ranking import better, group_of, terms
from descent.analysis.statistics import values
from descent.analysis.wording import listed
from descent.plots.layout import ticks
from descent.plots.style import (
    BLACK,
    BLUE,
    DASHED,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    SOLID,
    VERMILION,
    Dash,
    count,
    styled,
    text,
)

LOSS = "train/loss"
TUNING = 2  # seeds of the study, the first ones, that choose
COLOURS = (VERMILION, BLUE, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)


def sentence(study: Study) -> str:
    """Name the best schedule in tuning, and which others are better, worse, or cannot be told from it, on other seeds."""
    rates, judged = _tuned(study.runs)
    best, n = rates.index[0], judged["seed"].nunique()
    losses = median(judged, f"final:{LOSS}", "entry")
    said = f"The best schedule in tuning is {best} (lr = {rates[best]:g})"
    parts = [f"{said}; on {n} other seed{'s' * (n > 1)} its median training loss is {losses[best]:.3g}"]
    group = group_of(judged, LOSS, list(rates.index), terms(judged, study.metric(LOSS)))
    won = better(judge([group])[0])
    found = {name: best if (best, name) in won else name if (name, best) in won else "" for name in rates.index[1:]}
    if n < SEEDS:
        rest = listed([f"{name} {losses[name]:.3g}" for name in rates.index[1:]])
        return f"{parts[0]}, beside {rest}; it takes {SEEDS} seeds to tell them apart.{_edges(study.runs, rates)}"
    groups = {
        "is better": [name for name, winner in found.items() if winner == name],
        "cannot be told from it": [name for name, winner in found.items() if not winner],
        "is worse": [name for name, winner in found.items() if winner == best],
    }
    for verb, names in groups.items():
        if names:
            shown = listed([f"{name} ({losses[name]:.3g})" for name in sorted(names, key=lambda name: losses[name])])
            parts.append(f"{shown} {verb if len(names) == 1 else verb.replace('is ', 'are ')}")
    return f"{'; '.join(parts)}.{_edges(study.runs, rates)}"


@styled
def plot(study: Study) -> Figure:
    """Draw each schedule's learning rate and training loss over steps, and the loss at the end of each seed."""
    rates, judged = _tuned(study.runs)
    looks: dict[str, tuple[str, Dash]] = {
        name: (COLOURS[i % len(COLOURS)], (SOLID, DASHED)[i // len(COLOURS) % 2]) for i, name in enumerate(rates.index)
    }
    figure = Figure(figsize=(10.2, 3.7), layout="constrained")
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.1])
    for name, (colour, dash) in looks.items():
        own = judged[judged["entry"] == name]
        steps, lr = curve(study, own, "lr")
        left.plot(steps, lr, color=colour, ls=dash, lw=1.4)
        steps, loss = curve(study, own, LOSS)
        middle.plot(steps, loss, color=colour, ls=dash, lw=1.4)
    left.set(xlabel="steps", ylabel="learning rate", title="Each at its best learning rate")
    middle.set(xlabel="steps", ylabel="training loss", yscale="log", title=f"Median of {judged['seed'].nunique()} seeds")
    ticks(middle)
    _draw_ends(right, rates, judged, looks)
    return figure


def _tuned(runs: pd.DataFrame) -> "tuple[pd.Series[float], pd.DataFrame]":
    """Return the best learning rate of each schedule on the first seeds, best schedule first, and its runs on the others."""
    seeds = sorted(runs["seed"].unique())
    if len(seeds) <= TUNING or runs["schedule"].nunique() < 2:
        raise NoData(f"it takes two schedules, {TUNING} seeds that choose their learning rates, and others that judge")
    tuning, fresh = runs["seed"].isin(seeds[:TUNING]), runs["seed"].isin(seeds[TUNING:])
    losses = median(runs[tuning], f"final:{LOSS}", "schedule", "lr").unstack()
    rates = losses.idxmin(axis=1).loc[losses.min(axis=1).sort_values(kind="stable").index]
    judged = runs[fresh & (runs["lr"] == runs["schedule"].map(rates))]
    if set(judged["schedule"]) != set(rates.index):
        raise NoData("a schedule has no run at its best learning rate on the seeds that judge")
    if not np.isfinite(values(judged, LOSS)).any():
        raise NoData("every run of the seeds that judge diverged")
    return rates, judged.assign(entry=judged["schedule"])


def _edges(runs: pd.DataFrame, rates: "pd.Series[float]") -> str:
    tried = sorted(runs["lr"].unique())
    at_edge = [name for name in rates.index if rates[name] in (tried[0], tried[-1])]
    if not at_edge or len(tried) < 2:
        return ""
    return f" At an edge of the rates tried, {tried[0]:g} to {tried[-1]:g}: {listed(at_edge)}."


def _draw_ends(axes: Axes, rates: "pd.Series[float]", judged: pd.DataFrame, looks: dict[str, tuple[str, Dash]]) -> None:
    names = list(median(judged, f"final:{LOSS}", "entry").sort_values(ascending=False).index)
    for row, name in enumerate(names):
        colour, _ = looks[name]
        ends = values(judged[judged["entry"] == name], LOSS)
        axes.plot(ends, [row] * len(ends), "o", color=colour, ms=3.5, alpha=0.5, mew=0)
        axes.plot(ends.median(), row, "|", color=colour, ms=13, mew=2.2)
    dashed = {name: " (dashed)" if dash is DASHED else "" for name, (_, dash) in looks.items()}
    axes.set_yticks(range(len(names)), [f"{text(name)}, lr = {rates[name]:g}{dashed[name]}" for name in names])
    for label, name in zip(axes.get_yticklabels(), names, strict=True):
        label.set(color=looks[name][0], fontweight="bold")
    budget = f"{count(judged['steps'].max())} steps"
    axes.set(xscale="log", xlabel="training loss", title=f"After {budget}: {judged['seed'].nunique()} seeds")
    ticks(axes)
