r"""Which way does each optimizer take to a minimum in the plane, and how long does it linger at a saddle?

Gradient descent goes straight down: across a bent valley it zigzags, along it creeps. Near a saddle with curvature ``-lambda``
in one direction, a distance d in that direction grows by ``1 + lr lambda`` a step: leaving takes about ``log(1/d) / (lr lambda)``
steps, and momentum shortens that. A method that divides each coordinate of the gradient by its own size moves as fast along a
coordinate where the slope is small, and may never come near the saddle.

Source: Rosenbrock, "An automatic method for finding the greatest or least value of a function", 1960; Dauphin et al.,
"Identifying and attacking the saddle point problem in high-dimensional non-convex optimization", 2014.
"""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from descent.analysis.findings import Finding
from descent.analysis.load import Study
from descent.analysis.nothing import Nothing
from descent.analysis.words import size
from descent.plots.lines import Curves, faint
from descent.plots.plane import POINT, Way, film, ground, in_plane, way
from descent.plots.style import GREY, RC, look, order, styled

TOLERANCE = 1e-3  # of the gap at the start: what counts as the minimum
SADDLE, NEAR = (0.0, 0.0), 0.2  # where the surface `saddle` has it, and what is near it
ACROSS = 2  # panels in a row
TEXT = """
Steps until the training loss above the minimum is below {{ tolerance }} of that at the start (median, n = {{ seeds }}):
{% for surface in surfaces %}{{ surface.name }}: {% for row in surface.optimizers %}{{ row.name }}
{% if row.steps is none %} not in {{ surface.budget }}{% else %} {{ row.steps }}{% endif %}{{ "," if not loop.last }} {% endfor %}
{{ ";" if not loop.last }} {% endfor %}.
{% for row in saddle %}{% if loop.first %} Steps spent within {{ near }} of the saddle:{% endif %} {{ row.name }} {{ row.steps }}
{{ "," if not loop.last else "." }}{% endfor %}
"""
Found = dict[str, dict[str, Curves]]  # surface, optimizer and what tells it from others -> its runs with their records, by seed


def analyse(study: Study) -> Finding:
    """Compute in how many steps each optimizer reached the minimum of each surface, and how many it spent at the saddle."""
    found = _found(study)
    saddle = {name: _median(_lingered(frame) for _, frame in curves) for name, curves in found.get("saddle", {}).items()}
    return Finding(
        tolerance=TOLERANCE,
        seeds=len({run["seed"] for curves in _each(found) for run, _ in curves}),
        surfaces=[
            {
                "name": surface,
                "budget": max(frame["step"].iloc[-1] for curves in optimizers.values() for _, frame in curves),
                "optimizers": _rows({name: _median(_reached(frame) for _, frame in each) for name, each in optimizers.items()}),
            }
            for surface, optimizers in found.items()
        ],
        near=NEAR,
        saddle=_rows(saddle)[::-1],
    )


@styled
def plot(study: Study) -> Figure:
    """Draw a run of each optimizer on each surface, the other seeds faintly behind."""
    found = _found(study)
    figure, ways = _scene(found)
    for each, curves in zip(ways, _each(found), strict=True):
        faint(each.axes, [frame[POINT].to_numpy() for _, frame in curves[1:]], look(curves[0][0]["optimizer"]).colour)
    return figure


def animate(study: Study, path: Path) -> None:
    """Write the same, without the other seeds, as an animated GIF."""
    with mpl.rc_context(RC):
        film(*_scene(_found(study)), "step", "steps", path)


def _scene(found: Found) -> tuple[Figure, list[Way]]:
    """Return a figure with a panel for each surface, and the trajectories of the first seed in it."""
    columns = min(ACROSS, len(found))
    rows = -(-len(found) // columns)
    figure = Figure(figsize=(4.9 * columns, 3.1 * rows + 0.4), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    ways = []
    for axes, (surface, optimizers) in zip(grid.flat, found.items(), strict=False):
        for curves, width in zip(optimizers.values(), np.linspace(3.2, 1.0, len(optimizers)), strict=True):
            steps = _median(_reached(frame) for _, frame in curves)
            run, frame = curves[0]
            label = f"{run['optimizer']}, lr {run['lr']:g}: {f'{steps:,.0f}' if np.isfinite(steps) else 'never'}"
            ways.append(way(axes, run["optimizer"], frame, label, float(width)))
        frames = [frame for curves in optimizers.values() for _, frame in curves]
        ground([axes], {"surface": surface}, frames)
        if near := surface == "saddle":
            axes.add_patch(Circle(SADDLE, NEAR, fill=False, ls="--", lw=0.8, color=GREY, zorder=2))
        axes.set(
            title=f"{surface}{f'; dashed: within {NEAR:g} of it' if near else ''}", xlabel="first weight", ylabel="second weight"
        )
        axes.legend(title="steps to the minimum", loc="upper left", bbox_to_anchor=(1.0, 1.02), alignment="left")
    for axes in list(grid.flat)[len(found) :]:
        axes.remove()
    seeds = sorted({run["seed"] for curves in _each(found) for run, _ in curves})
    figure.suptitle(
        f"Full batches, seed {seeds[0]}; steps until the gap is below {TOLERANCE:g} of the start's, median, {size([len(seeds)])}",
        fontsize=8.5,
        x=0.01,
        ha="left",
    )
    return figure, ways


def _found(study: Study) -> Found:
    """Return the runs in the plane.

    Raises:
        Nothing: there is none.
    """
    found: Found = {}
    rates = study.runs.groupby(["problem", "optimizer"])["lr"].nunique()
    runs = study.runs.assign(order=[order(name) for name in study.runs["optimizer"]]).sort_values(
        ["problem", "order", "lr", "seed"]
    )
    for run, frame in study.curves(runs):
        flat = in_plane(frame)
        if flat is not None and "train/gap" in frame:
            name = run["optimizer"] if rates[run["problem"], run["optimizer"]] == 1 else f"{run['optimizer']} lr {run['lr']:g}"
            found.setdefault(run["problem"], {}).setdefault(name, []).append((run, flat))
    if not found:
        raise Nothing("no run is on a surface")
    return found


def _each(found: Found) -> list[Curves]:
    return [curves for optimizers in found.values() for curves in optimizers.values()]


def _reached(frame: pd.DataFrame) -> float:
    """Return the first recorded step at which the gap is below the tolerance; infinite where it never is."""
    below = frame.loc[frame["train/gap"] < TOLERANCE * frame["train/gap"].iloc[0], "step"]
    return float(below.iloc[0]) if len(below) else np.inf


def _lingered(frame: pd.DataFrame) -> float:
    """Return how many steps a run spent near the saddle: between two records there, all of them."""
    near = np.linalg.norm(frame[POINT].to_numpy() - SADDLE, axis=1) < NEAR
    return float(np.diff(frame["step"])[near[:-1] & near[1:]].sum())


def _rows(steps: dict[str, float]) -> list[dict[str, Any]]:
    """Return the optimizers with their steps, the fewest first."""
    return [{"name": name, "steps": steps[name]} for name in sorted(steps, key=steps.__getitem__)]


def _median(values: Any) -> float:
    return float(np.median(list(values)))
