"""Lay out a figure: a panel for each batch mode, a legend, a title, and small print on what is drawn."""

from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from matplotlib.lines import Line2D

from descent.analysis.load import metric_of
from descent.analysis.selection import Candidate, Panel, panel_order
from descent.plots.style import WIDEST, count, look, order, span, text, wrap

ACROSS = 3  # panels in a row
WIDTHS = {1: 4.4, 2: 3.2}  # inches of a panel, by panels in a row; else:
WIDTH, HEIGHT = 2.05, 2.2  # inches: with its legend a row is as wide as a page, and no letter smaller than 10 pixels there
LEAST = 1.5  # inches of a panel, however long the names beside it are
LEFT, TOP, BOTTOM = 0.72, 0.68, 0.5  # inches of margin; all fixed, as matplotlib's own layouts take most of a figure's time
LINE, LETTER = 0.165, 0.068  # inches that a line and a letter of the legend take
SMALL = 0.135  # inches that a line of the small print takes
Panels = dict[Panel, list[Axes]]  # by batch mode, size and variant
MARKERS = ("", "o", "s", "^", "D", "v", "P", "X")  # of variants: schedules, engines


def panels(candidates: Iterable[Candidate]) -> list[Panel]:
    """Return the batch modes, each with its batch size, in their order."""
    return sorted({candidate.panel: None for candidate in candidates}, key=panel_order)


def mode(panel: Panel) -> str:
    """Return the name of a batch mode, as ``mini (32)``."""
    batch, size, group = panel
    return ", ".join([f"{text(batch)} ({count(size)})" if size else text(batch), *([text(group)] if group else [])])


def panel_title(candidates: Sequence[Candidate]) -> str:
    """Return the title of a panel: the batch mode, and the budget of its runs."""
    batch, size = candidates[0].batch, int(candidates[0].runs["examples_per_step"].iloc[0])
    per_step = "all examples a step" if batch == "full" else f"{count(size)} example{'s' * (size != 1)} a step"
    longest = [candidate.runs.loc[candidate.runs["examples"].idxmax()] for candidate in candidates]
    steps, examples = span(run["steps"] for run in longest), span(run["examples"] for run in longest)
    shared = f", {text(candidates[0].group)}" if candidates[0].group else ""
    return f"{text(batch)}: {per_step}{shared}\n{steps} steps, {examples} examples"


def frame(candidates: Sequence[Candidate], rows: int = 1, sharey: Literal["all", "row", False] = "all") -> tuple[Figure, Panels]:
    """Return a figure and, for each batch mode, its axes: one, or a column of `rows`."""
    keys = panels(candidates)
    columns = len(keys) if rows > 1 else min(len(keys), ACROSS)
    lines = rows if rows > 1 else -(-len(keys) // columns)
    figure = Figure()
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=sharey)
    if rows > 1:
        axes_of = {key: list(grid[:, column]) for column, key in enumerate(keys)}
    else:
        axes_of = {key: [axes] for key, axes in zip(keys, grid.flat, strict=False)}
        for axes in grid.flat[len(keys) :]:
            axes.remove()
    for key, (axes, *_) in axes_of.items():
        axes.set_title(panel_title([candidate for candidate in candidates if candidate.panel == key]))
    return figure, axes_of


def label(figure: Figure, below: str, beside: Sequence[str]) -> None:
    """Name the axes once a column and once a row."""
    lowest = {_place(axes).colspan.start: axes for axes in figure.axes}
    for axes in figure.axes:
        place = _place(axes)
        if place.is_first_col():
            axes.set_ylabel(beside[place.rowspan.start % len(beside)])
        if lowest[place.colspan.start] is axes:
            axes.set_xlabel(below)
            axes.tick_params(labelbottom=True)


def _place(axes: Axes) -> SubplotSpec:
    place = axes.get_subplotspec()
    assert place is not None  # all panels stand in a grid
    return place


def variants(candidates: Iterable[Candidate]) -> list[str]:
    return sorted({candidate.variant for candidate in candidates})


def marker(candidate: Candidate, known: Sequence[str]) -> str:
    """Return the marker of a variant; none if there is only one."""
    return MARKERS[known.index(candidate.variant) % len(MARKERS)]


def handles(candidates: Iterable[Candidate], extra: Iterable[Line2D] = ()) -> dict[str, Line2D]:
    """Return the lines of a legend by label: each candidate once, in the same order in all figures."""
    candidates = sorted(candidates, key=lambda candidate: (order(candidate.optimizer), candidate.variant))
    known = variants(candidates)
    lines = {}
    for candidate in candidates:
        drawn, mark = look(candidate.optimizer), marker(candidate, known)
        lines[text(candidate.name)] = Line2D([], [], color=drawn.colour, linestyle=drawn.dash, marker=mark, ms=3.5)
    return lines | {str(line.get_label()): line for line in extra}


def cross(x: float, y: float, colour: str) -> Line2D:
    """Return the mark of a run that diverged."""
    return Line2D([x], [y], color=colour, marker="x", ms=6, mew=1.6, linestyle="none", label="diverged", zorder=5, clip_on=False)


def finish(
    figure: Figure,
    named: dict[str, Line2D],
    title: str,
    *print_: str,
    height: float = HEIGHT,
    left: float = LEFT,
    gap: float = 0.2,
    between: float = 0.72,
    beside: float = 0.0,
) -> None:
    """Place the title above the panels, the legend beside them, and the small print below.

    Args:
        named: the lines of the legend.
        print_: clauses of the small print; empty ones are left out.
        height: of a panel, inches.
        left: margin for the labels, inches.
        gap: between two panels of a row, inches.
        between: between two rows, inches.
        beside: the panels, before the legend, inches.
    """
    rows, columns = _place(figure.axes[0]).get_gridspec().get_geometry()
    inside = rows * height + (rows - 1) * between
    deep = max(int(inside / LINE), 1)
    right = 0.15 + -(-len(named) // deep) * (0.5 + LETTER * max(map(len, named), default=0)) if named else 0.2
    around = left + (columns - 1) * gap + beside + right
    width = max(min(WIDTHS.get(columns, WIDTH), (WIDEST - around) / columns), LEAST)
    across = left + columns * width + (columns - 1) * gap + beside + right
    words = "; ".join(part for part in print_ if part)
    small = wrap(f"{words[:1].upper()}{words[1:]}.", across)
    heading = wrap(title, across * 0.62)
    bottom, top = BOTTOM + SMALL * (small.count("\n") + 1), TOP + 0.17 * heading.count("\n")
    tall = top + inside + bottom
    figure.set_size_inches(across, tall)
    figure.subplots_adjust(
        left / across, bottom / tall, 1 - (beside + right) / across, 1 - top / tall, wspace=gap / width, hspace=between / height
    )
    for axes in figure.axes:  # placing them by the sizes of all tick labels would be slow
        axes.xaxis.set_label_coords(0.5, -0.24 / height)
        axes.yaxis.set_label_coords((0.3 - left) / width, 0.5)
    figure.text(0.1 / across, 1 - 0.08 / tall, heading, va="top", fontweight="bold", fontsize=10)
    figure.text(0.1 / across, 0.05 / tall, small, va="bottom", fontsize=7.5, color="#444444")
    if named:
        figure.legend(
            list(named.values()),
            list(named),
            loc="upper left",
            bbox_to_anchor=(1 - (right - 0.1) / across, 1 - (top - 0.06) / tall),
            borderaxespad=0,
            ncols=-(-len(named) // deep),
            handlelength=2.4,
        )


def chosen(candidates: Iterable[Candidate]) -> str:
    """Return how the settings that are shown were chosen, as a clause."""
    candidates = list(candidates)
    picked = [candidate for candidate in candidates if candidate.settings > 1]
    tuned = sorted({tuning for candidate in candidates for tuning in candidate.runs["tuning"]})
    if not picked:
        return "untuned" if tuned == ["default"] else f"tuning budget {text(', '.join(tuned))}"
    judged = metric_of(candidates[0].runs, candidates[0].runs["metric"].iloc[0])
    rates = all(candidate.rates == candidate.settings for candidate in picked)
    many = f"{span(candidate.settings for candidate in picked)} {'learning rates' if rates else 'settings'}"
    names = sorted({text(candidate.name) for candidate in picked})
    subject = "each optimizer" if len(picked) == len(candidates) else ", ".join(names)
    return f"{subject} at the best of {many} by final {text(judged.label)}, chosen on these seeds"


def sample(candidates: Iterable[Candidate]) -> str:
    """Return the number of runs behind each line, as ``n = 3 seeds``."""
    candidates = list(candidates)
    seeds = all(candidate.runs["seed"].is_unique for candidate in candidates)
    number = span(len(candidate.runs) for candidate in candidates)
    return f"n = {number} {'runs' if not seeds else 'seed' if number == '1' else 'seeds'}"


def linear_limits(values: np.ndarray) -> tuple[float, float]:
    """Return limits of a linear axis, with room around `values`; those of shares, between 0 and 1, do not go beyond."""
    good = values[np.isfinite(values)]
    if not good.size:
        return 0.0, 1.0
    low, high = float(good.min()), float(good.max())
    if low >= 0 and high <= 1:
        return max(0.0, low - 0.03), min(1.005, high + 0.03)
    pad = 0.05 * (high - low) or 1.0
    return low - pad, high + pad


def log_limits(values: np.ndarray, ceiling: float) -> tuple[float, float]:
    """Return limits of a log axis for positive `values`: no more than `ceiling`, and 16 decades deep."""
    good = values[np.isfinite(values) & (values > 0)]
    top = min(good.max(), ceiling) if good.size else 1.0
    low = max(good.min(), top * 1e-16) if good.size else top / 10
    if low > top:  # all of it lies beyond
        low = top / 10
    pad = max((top / low) ** 0.05, 1.05)
    return low / pad, top * pad
