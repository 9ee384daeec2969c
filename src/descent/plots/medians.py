"""Medians over seeds on some axes: curves, and values at the end over a setting."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.curves import band
from descent.analysis.load import Study
from descent.analysis.settings import curve, median
from descent.analysis.statistics import values
from descent.plots.curves import faint
from descent.plots.style import WIDEST, shades


def row(count: int, width: float = 4.2, height: float = 3.4, **how: Any) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure with some panels in a row, each at most `width` inches wide; `how` goes to `Figure.subplots`."""
    figure = Figure(figsize=(min(width * count, WIDEST), height), layout="constrained")
    return figure, list(figure.subplots(1, count, squeeze=False, **how)[0])


def seeds(runs: pd.DataFrame) -> str:
    """Return the number of seeds, as ``3 seeds``."""
    count = runs["seed"].nunique()
    return f"{count} seed{'s' * (count != 1)}"


def shaded(runs: pd.DataFrame, key: str) -> Iterator[tuple[Any, pd.DataFrame, Any]]:
    """Yield each choice of a setting with its runs and a colour, from dark to light."""
    for (choice, group), colour in zip(runs.groupby(key), shades(runs[key].nunique()), strict=True):
        yield choice, group, colour


def label(axes: Axes, scales: str, x: str, y: str = "", title: str = "", legend: str | None = None, **how: Any) -> None:
    """Name the axes and set their scales, as ``linear log``; with a `legend` of that title, placed by `how`."""
    xscale, yscale = scales.split()
    if axes.get_xscale() != xscale:  # setting it again would drop the ticks
        axes.set_xscale(xscale)
    if axes.get_yscale() != yscale:
        axes.set_yscale(yscale)
    axes.set(xlabel=x, ylabel=y, title=title)
    if legend is not None:
        axes.legend(title=legend or None, **how)


def draw_parts(parts: Sequence[tuple[Callable[..., None], pd.DataFrame]], *shared: Any, width: float = 4.2) -> Figure:
    """Return a figure with a panel for each part that has runs; each is drawn by ``draw(axes, runs, *shared)``."""
    drawn = [(draw, runs) for draw, runs in parts if len(runs)]
    figure, panels = row(len(drawn), width)
    for axes, (draw, runs) in zip(panels, drawn, strict=True):
        draw(axes, runs, *shared)
    return figure


def draw_curve(
    axes: Axes,
    study: Study,
    runs: pd.DataFrame,
    column: str,
    axis: str = "step",
    *,
    seeds: bool = False,
    quartiles: bool = False,
    **look: Any,
) -> np.ndarray:
    """Draw the median of some runs over an axis, with `seeds` each faintly, with `quartiles` a band; return the median."""
    x, y = curve(study, runs, column, axis)
    (line,) = axes.plot(x, y, **look)
    if seeds:
        faint(axes, [frame[[axis, column]].to_numpy() for _, frame in study.curves(runs)], str(line.get_color()))
    if quartiles:
        spread = band(study.records[study.records["run"].isin(runs.index)], runs, column, axis, np.inf)
        axes.fill_between(spread.x, spread.low, spread.high, color=line.get_color(), alpha=0.22, linewidth=0)
    return y


def draw_seeds(axes: Axes, rows: Sequence[tuple[str, pd.DataFrame, Any]], metric: str) -> None:
    """Draw a metric at the end as a dot for each run and a bar for the median; rows (label, runs, colour) from the top down."""
    for place, (_, runs, colour) in enumerate(rows):
        ends = values(runs, metric)
        axes.plot(ends.where(np.isfinite(ends)), [place] * len(ends), "o", color=colour, ms=4, alpha=0.5, mew=0)
        axes.plot([ends.median()], [place], "|", color=colour, ms=14, mew=2)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.invert_yaxis()


def draw_ends(axes: Axes, runs: pd.DataFrame, metric: str, over: str, *, seeds: bool = False, **look: Any) -> pd.Series:
    """Draw the median at the end over a setting, with crosses at the top where runs diverged; return the medians.

    Args:
        axes: to draw on.
        runs: one line's.
        metric: as ``train/loss``.
        over: the column of the setting.
        seeds: draw each run as a dot, too.
        look: of the line, as ``color`` and ``label``.
    """
    look = {"ms": 4, **look}
    medians = median(runs, metric, over)
    inside = medians[np.isfinite(medians)]
    (line,) = axes.plot(inside.index, inside, "o-", **look)
    if seeds:
        ends = values(runs, metric).replace([-np.inf, np.inf], np.nan)
        axes.plot(runs[over], ends, ".", color=line.get_color(), ms=4, alpha=0.5, mew=0)
    for x in medians.index.difference(inside.index):
        axes.plot(x, 0.96, "x", color=line.get_color(), transform=axes.get_xaxis_transform(), ms=6, mew=1.6)
    return medians
