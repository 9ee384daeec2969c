"""Problems in the plane: the way of each optimizer over the contours of the function, as a figure and as an animation."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from descent.comparison import panels
from descent.comparison.lines import Curves, faint
from descent.comparison.load import Study
from descent.comparison.nothing import Nothing
from descent.comparison.style import RC, count, look, span, styled, text
from descent.comparison.units import Unit, units
from descent.from_scratch.objectives.functions import SURFACES

EACH = "problem"
POINT = ["w/0", "w/1"]
MINIMA = {
    "rosenbrock": [(1.0, 1.0)],
    "beale": [(3.0, 0.5)],
    "himmelblau": [(3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)],
    "rastrigin": [(0.0, 0.0)],
}
GRID = 200  # points of the contours a side
LEVELS = 16
COLOURS, GREYS = 256, 40  # of the animation, and how many of them have no hue
FRAMES, SECONDS, HOLD = 60, 5.0, 1.5  # of the animation, and how long its end stays


@styled
def plot(study: Study) -> Figure:
    """Draw a run of each optimizer, the others faintly behind, and where the minimum lies."""
    found = _found(study)
    figure, grid = _scene(study, found, others=True)
    for unit, curves in found.items():
        (axes,) = grid[unit.panel]
        ways = [frame[POINT].to_numpy() for _, frame in curves]
        faint(axes, ways[1:], look(unit.optimizer).colour)
        _line(axes, unit, ways[0])
    return figure


def animate(study: Study, path: Path) -> None:
    """Write the same as an animated GIF: the records of one run of each optimizer, straight lines between them."""
    with mpl.rc_context(RC):
        found = _found(study)
        figure, grid = _scene(study, found, others=False)
        lines = {unit: (grid[unit.panel][0], *_line(grid[unit.panel][0], unit, np.empty((0, 2)))) for unit in found}
        clock = figure.text(0.99, 0.99, "", ha="right", va="top", fontsize=9)
        for artist in [clock, *(line for _, *own in lines.values() for line in own)]:
            artist.set_animated(True)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        empty = canvas.copy_from_bbox(figure.bbox)
        last = max(curves[0][1]["examples"].iloc[-1] for curves in found.values())
        first = min(curves[0][1]["examples"].iloc[1:2].min() for curves in found.values())
        pictures = []
        for examples in np.geomspace(first, last, FRAMES):
            canvas.restore_region(empty)
            for unit, (axes, line, end) in lines.items():
                way = _until(found[unit], examples)
                line.set_data(way.T)
                end.set_data(way[-1:].T)
                axes.draw_artist(line)
                axes.draw_artist(end)
            clock.set_text(f"{count(examples)} examples")
            figure.draw_artist(clock)
            pictures.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    palette = _palette(sorted({look(unit.optimizer).colour for unit in found}))
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [int(1000 * SECONDS / FRAMES)] * (FRAMES - 1) + [int(1000 * HOLD)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=times, loop=0)


def _found(study: Study) -> dict[Unit, Curves]:
    found = {}
    for unit in units(study):
        curves = [(run, frame) for run, frame in study.curves(unit.runs) if {*POINT} <= set(frame) and "w/2" not in frame]
        if curves := [(run, frame[np.isfinite(frame[POINT]).all(axis=1)]) for run, frame in curves]:
            found[unit] = sorted(curves, key=lambda curve: curve[0]["seed"])
    if not found:
        raise Nothing("draws problems in the plane")
    return found


def _scene(study: Study, found: dict[Unit, Curves], others: bool) -> tuple[Figure, dict[tuple[str, float], list[Axes]]]:
    """Return a figure with all but the trajectories."""
    figure, grid = panels.frame(list(found))
    run = next(iter(found.values()))[0][0]
    problem = study.config(run).get("problem") or {}
    surface, scale = str(problem.get("surface")), problem.get("scale", 1.0)
    minima = np.array(MINIMA.get(surface, np.empty((0, 2))))
    starts = np.concatenate([frame[POINT].to_numpy()[:1] for curves in found.values() for _, frame in curves])
    box = _box(found, np.concatenate([minima, starts]))
    for axes, *_ in grid.values():
        if surface in SURFACES:
            _contours(axes, surface, float(scale), box)
        axes.plot(*minima.T, "*", color="white", mec="black", mew=0.8, ms=11, zorder=4, ls="none")
        axes.set(xlim=box[0], ylim=box[1])
        axes.grid(visible=False)
    panels.label(figure, "first weight", ["second weight"])
    seeds = span(curves[0][0]["seed"] for curves in found.values())
    others = others and any(len(curves) > 1 for curves in found.values())
    stars = {"minimum": Line2D([], [], color="white", marker="*", mec="black", mew=0.8, ms=10, ls="none")} if len(minima) else {}
    panels.finish(
        figure,
        panels.handles(found) | stars,
        f"{text(study.problem)}: trajectories",
        f"seed {seeds} of each optimizer, its end a dot{'; the other seeds faint' if others else ''}",
        "straight lines between records; contours log-spaced in the function's value",
        panels.chosen(found),
    )
    return figure, grid


def _box(found: dict[Unit, Curves], points: np.ndarray) -> list[tuple[float, float]]:
    """Return the limits of both axes: starts and minima with room around, and what of the trajectories stays near."""
    low, high = points.min(0), points.max(0)
    room = np.maximum(high - low, 0.6 * (high - low).max())
    near = np.concatenate([frame[POINT].to_numpy() for curves in found.values() for _, frame in curves])
    near = near[((near > low - room) & (near < high + room)).all(axis=1)]
    low, high = np.minimum(low, near.min(0)) - 0.3 * room, np.maximum(high, near.max(0)) + 0.3 * room
    return [(float(low[axis]), float(high[axis])) for axis in (0, 1)]


def _contours(axes: Axes, surface: str, scale: float, box: list[tuple[float, float]]) -> None:
    x, y = (np.linspace(*limits, GRID) for limits in box)
    heights = scale * _heights(surface, *box)
    levels = np.geomspace(max(heights.min(), heights.max() * 1e-5), heights.max(), LEVELS)
    axes.contourf(x, y, heights, levels=[0, *levels], colors=_greys(LEVELS)).set_rasterized(True)
    axes.contour(x, y, heights, levels=levels, colors="#888888", linewidths=0.35).set_rasterized(True)


@lru_cache(maxsize=8)
def _heights(surface: str, *box: tuple[float, float]) -> np.ndarray:
    x, y = (np.linspace(*limits, GRID) for limits in box)
    return np.asarray(np.apply_along_axis(SURFACES[surface][0], -1, np.stack(np.meshgrid(x, y), axis=-1)))


def _greys(number: int) -> list[str]:
    """Return shades from light, at the bottom, to darker: white paper stays readable under coloured lines."""
    return [f"{shade:.3f}" for shade in np.linspace(1.0, 0.86, number)]


def _line(axes: Axes, unit: Unit, way: np.ndarray) -> tuple[Line2D, Line2D]:
    """Draw a trajectory; return it and its end."""
    drawn = look(unit.optimizer)
    (line,) = axes.plot(*way.T, color=drawn.colour, linestyle=drawn.dash, lw=1.5, label=unit.name, zorder=3)
    (end,) = axes.plot(*way[-1:].T, "o", color=drawn.colour, mec="white", mew=0.6, ms=5.5, zorder=5)
    return line, end


def _palette(hues: Sequence[str]) -> Image.Image:
    """Return colours for all pictures, so that nothing flickers: greys, and each hue with its shades on light grey.

    One that is made from a picture merges the hues of thin lines.
    """
    shades = np.linspace(0, 1, (COLOURS - GREYS) // len(hues) + 1)[1:, None]
    light = np.full(3, 0.93)
    found = [np.repeat(np.linspace(0, 1, GREYS)[:, None], 3, axis=1)]
    found += [light + shades * (np.array(to_rgb(hue)) - light) for hue in hues]
    palette = Image.new("P", (1, 1))
    palette.putpalette((255 * np.concatenate(found)).round().astype(np.uint8).tobytes())
    return palette


def _until(curves: Curves, examples: float) -> np.ndarray:
    """Return a run's points up to a number of examples, the last one between two records."""
    frame = curves[0][1]
    at, points = frame["examples"].to_numpy(), frame[POINT].to_numpy()
    now = [np.interp(examples, at, points[:, axis]) for axis in (0, 1)]
    return np.concatenate([points[at <= examples], [now]])
