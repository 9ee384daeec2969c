"""Draw problems in the plane: contours, trajectories of optimizers, and their animation."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from descent.from_scratch.objectives.functions import SURFACES
from descent.plots.style import count, look

POINT = ["w/0", "w/1"]
MINIMA = {
    "rosenbrock": [(1.0, 1.0)],
    "beale": [(3.0, 0.5)],
    "himmelblau": [(3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127)],
    "rastrigin": [(0.0, 0.0)],
    "saddle": [(0.0, -1.0), (0.0, 1.0)],
}
BASELINE = "#6E6E6E"  # the colour of what others are drawn beside
GRID = 200  # points of the contours a side
LEVELS = 16
COLOURS, GREYS = 256, 40  # of the animation, and how many of them have no hue
FRAMES, SECONDS, HOLD = 60, 5.0, 1.5  # of the animation, and how long its end stays
Box = tuple[tuple[float, float], tuple[float, float]]


class Trajectory(NamedTuple):
    """A trajectory as it is drawn: the line, the dot at its end, and the records it goes through."""

    axes: Axes
    line: Line2D
    end: Line2D
    frame: pd.DataFrame


def in_plane(records: pd.DataFrame) -> pd.DataFrame | None:
    """Return the records at which both weights are finite; None where there are not two weights."""
    if not {*POINT} <= set(records) or "w/2" in records:
        return None
    return records[np.isfinite(records[POINT]).all(axis=1)]


def draw_contours(axes: Iterable[Axes], problem: Mapping[str, Any], frames: Sequence[pd.DataFrame]) -> bool:
    """Draw the contours of a problem and its minima on some axes. Return whether minima are known.

    Args:
        problem: its settings.
        frames: the records of all runs, which decide the part of the plane.
    """
    surface, scale = str(problem.get("surface")), float(problem.get("scale", 1.0))
    minima = np.array(MINIMA.get(surface, np.empty((0, 2))))
    box = _box([frame[POINT].to_numpy() for frame in frames], minima)
    for panel in axes:
        if surface in SURFACES:
            _contours(panel, surface, scale, box)
        panel.add_line(star(*minima.T, zorder=4, label="_minimum"))
        panel.set(xlim=box[0], ylim=box[1])
        panel.grid(visible=False)
    return bool(len(minima))


def star(x: Any = (), y: Any = (), **how: Any) -> Line2D:
    """Return the mark of minima."""
    return Line2D(x, y, color="white", marker="*", mec="black", mew=0.8, ms=11, ls="none", **how)


def draw_trajectory(
    axes: Axes, optimizer: str, frame: pd.DataFrame, label: str, width: float = 1.5, baseline: bool = False
) -> Trajectory:
    """Draw the trajectory of a run, a square at its start and a dot at its end; of a `baseline` thin and grey."""
    drawn, points = look(optimizer), frame[POINT].to_numpy()
    colour, width = (BASELINE, 0.9) if baseline else (drawn.colour, width)
    (line,) = axes.plot(*points.T, color=colour, linestyle=drawn.dash, lw=width, label=label, zorder=2.9 if baseline else 3)
    (end,) = axes.plot(*points[-1:].T, "o", color=colour, mec="white", mew=0.6, ms=5.5, zorder=5)
    axes.plot(*points[:1].T, "s", color="white", mec="black", mew=0.8, ms=4.5, zorder=4.5, label="_start")
    return Trajectory(axes, line, end, frame)


def write_animation(figure: Figure, trajectories: Sequence[Trajectory], axis: str, word: str, path: Path) -> None:
    """Write trajectories of a figure as an animated GIF, with straight lines between the records.

    Args:
        axis: the column of the records that is the clock, which runs logarithmically.
        word: its unit.
    """
    clock = figure.text(0.99, 0.99, "", ha="right", va="top", fontsize=9)
    for artist in [clock, *(artist for trajectory in trajectories for artist in (trajectory.line, trajectory.end))]:
        artist.set_animated(True)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    empty = canvas.copy_from_bbox(figure.bbox)
    last = max(trajectory.frame[axis].iloc[-1] for trajectory in trajectories)
    first = min(trajectory.frame[axis].iloc[1:2].min() for trajectory in trajectories)
    pictures = []
    for now in np.geomspace(first, last, FRAMES):
        canvas.restore_region(empty)
        for trajectory in trajectories:
            points = _until(trajectory.frame, axis, now)
            trajectory.line.set_data(points.T)
            trajectory.end.set_data(points[-1:].T)
            trajectory.axes.draw_artist(trajectory.line)
            trajectory.axes.draw_artist(trajectory.end)
        clock.set_text(f"{count(now)} {word}")
        figure.draw_artist(clock)
        pictures.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3]))
    palette = _palette(sorted({to_rgb(trajectory.line.get_color()) for trajectory in trajectories}))
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [int(1000 * SECONDS / FRAMES)] * (FRAMES - 1) + [int(1000 * HOLD)]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=times, loop=0)


def _box(trajectories: Sequence[np.ndarray], minima: np.ndarray) -> Box:
    """Return the limits of both axes, which hold starts, minima, some room, and the near parts of the trajectories."""
    points = np.concatenate([minima, *(points[:1] for points in trajectories)])
    low, high = points.min(0), points.max(0)
    room = np.maximum(high - low, 0.6 * (high - low).max())
    near = np.concatenate(trajectories)
    near = near[((near > low - room) & (near < high + room)).all(axis=1)]
    low, high = np.minimum(low, near.min(0)) - 0.3 * room, np.maximum(high, near.max(0)) + 0.3 * room
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def _contours(axes: Axes, surface: str, scale: float, box: Box) -> None:
    x, y = (np.linspace(*limits, GRID) for limits in box)
    heights = scale * _heights(surface, box)
    levels = np.geomspace(max(heights.min(), heights.max() * 1e-5), heights.max(), LEVELS)
    axes.contourf(x, y, heights, levels=[0, *levels], colors=_shades(LEVELS)).set_rasterized(True)
    axes.contour(x, y, heights, levels=levels, colors="white", linewidths=0.5).set_rasterized(True)


@lru_cache(maxsize=8)
def _heights(surface: str, box: Box) -> np.ndarray:
    x, y = (np.linspace(*limits, GRID) for limits in box)
    return np.asarray(np.apply_along_axis(SURFACES[surface][0], -1, np.stack(np.meshgrid(x, y), axis=-1)))


def _shades(number: int) -> list[str]:
    """Return colours of the heights, dark at the bottom, all light enough for coloured lines on them."""
    return [to_hex(mpl.colormaps["YlGnBu_r"](place)) for place in np.linspace(0.5, 1.0, number)]


def _palette(hues: Sequence[tuple[float, float, float]]) -> Image.Image:
    """Return colours for all pictures, so that nothing flickers: greys, the heights', and each hue with its shades on these.

    One that is made from a picture merges the hues of thin lines.
    """
    shades = np.linspace(0, 1, (COLOURS - GREYS - LEVELS) // len(hues) + 1)[1:, None]
    heights = np.array([to_rgb(shade) for shade in _shades(LEVELS)])
    light = heights.mean(axis=0)
    colours = [np.repeat(np.linspace(0, 1, GREYS)[:, None], 3, axis=1), heights]
    colours += [light + shades * (np.array(hue) - light) for hue in hues]
    palette = Image.new("P", (1, 1))
    palette.putpalette((255 * np.concatenate(colours)).round().astype(np.uint8).tobytes())
    return palette


def _until(frame: pd.DataFrame, axis: str, now: float) -> np.ndarray:
    """Return a run's points up to a time, the last one between two records."""
    at, points = frame[axis].to_numpy(), frame[POINT].to_numpy()
    end = [np.interp(now, at, points[:, column]) for column in (0, 1)]
    return np.concatenate([points[at <= now], [end]])
