"""What each learning rate ends with: how high the best is, and how wide the range of good ones."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.load import Study
from descent.analysis.nothing import Nothing
from descent.analysis.statistics import high_is_better, values
from descent.analysis.units import Unit, units
from descent.plots import panels
from descent.plots.style import look, order, span, styled, text

EACH = "problem"
ROW = 0.045  # of the height: what an optimizer's diverged runs take at the edge
BEYOND = 1e3  # times the median of all: what lies higher leaves the picture


@styled
def plot(study: Study) -> Figure:
    """Draw the problem's metric at the end over the learning rate: every run, and the median of the better setting at each."""
    runs = study.runs[study.runs["lr"] > 0]
    quantity = str(study.runs["metric"].iloc[0])
    known = units(study)
    found = {unit: own for unit in known if (own := _runs(runs, unit))["lr"].nunique() > 1}
    if not found:
        raise Nothing("compares learning rates, of which each optimizer has one")
    figure, grid = panels.frame(list(found))
    variants = panels.variants(found)
    finite = np.concatenate([(v := values(own, quantity).to_numpy())[np.isfinite(v)] for own in found.values()])
    start = BEYOND * np.median(finite) if len(finite) else 1.0
    limits = (-0.02, 1.02) if high_is_better(quantity) else panels.log_limits(finite, max(start, finite.min(initial=1.0)))
    lost = several = False
    rows = sorted({(order(unit.optimizer), unit.name) for unit in found})
    for unit, own in found.items():
        (axes,) = grid[unit.panel]
        row = rows.index((order(unit.optimizer), unit.name)) * min(ROW, 0.5 / len(rows))
        lost |= _draw(axes, unit, own, quantity, limits, panels.marker(unit, variants), row)
        several |= bool((own.groupby("lr")["setting"].nunique() > 1).any())
    for axes in figure.axes:
        axes.set(xscale="log", ylim=limits, yscale="linear" if high_is_better(quantity) else "log")
    panels.label(figure, "learning rate", [f"final {panels.quantity_name(quantity)}"])
    panels.finish(
        figure,
        panels.handles(found, [panels.cross(math.nan, math.nan, "#444444")] if lost else []),
        f"{text(study.problem)}: final {panels.quantity_name(quantity)} by learning rate",
        f"line: median, {_seeds(found)}, a run that diverged counting as the worst; dots: each run",
        "of several settings with one learning rate the line takes the best" if several else "",
        "\N{MULTIPLICATION SIGN} at the edge: a run that diverged or ended beyond it" if lost else "",
    )
    return figure


def _runs(runs: pd.DataFrame, unit: Unit) -> pd.DataFrame:
    """Return all runs, of tuning too, of the optimizer, batch mode and schedule that a unit stands for."""
    same = {"batch": unit.batch, "optimizer": unit.optimizer}
    same |= {name: unit.runs[name].iloc[0] for name in ("schedule", "engine", "tuning")}
    size = runs["batch_size"].fillna(0.0) == unit.batch_size
    return runs[size & (runs[list(same)] == pd.Series(same)).all(axis=1)]


def _draw(
    axes: Axes, unit: Unit, runs: pd.DataFrame, quantity: str, limits: tuple[float, float], marker: str, row: float
) -> bool:
    """Draw one unit, what left the picture in a row of its own at the edge; say whether a run did."""
    drawn, high = look(unit.optimizer), high_is_better(quantity)
    value = values(runs, quantity)
    inside = np.isfinite(value) & (value >= limits[0] if high else value <= limits[1])
    axes.plot(runs["lr"][inside], value[inside], ".", color=drawn.colour, ms=5, alpha=0.5, mew=0, rasterized=len(runs) > 500)
    gone = runs["lr"][~inside].to_numpy()
    edge = np.full(len(gone), row if high else 1 - row)
    axes.plot(gone, edge, "x", color=drawn.colour, ms=5, mew=1.3, zorder=5, clip_on=False, transform=axes.get_xaxis_transform())
    if (runs["tuning"] != "default").any():  # other settings differ too: these points are no line
        return len(gone) > 0
    medians = runs.assign(value=value).groupby(["lr", "setting"])["value"].median().groupby("lr").agg("max" if high else "min")
    medians = medians.where(np.isfinite(medians), -1e300 if high else 1e300).clip(upper=limits[1] * 1e3)
    axes.plot(medians.index, medians, color=drawn.colour, linestyle=drawn.dash, marker=marker or "o", ms=3.5, label=unit.name)
    return len(gone) > 0


def _seeds(found: dict[Unit, pd.DataFrame]) -> str:
    return f"n = {span(n for own in found.values() for n in own.groupby('setting').size())} seeds"
