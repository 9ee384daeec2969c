"""The moving picture of the README: optimizers on a coloured surface beside their loss, one clock.

Nothing is trained for it: `descent.from_scratch.minimize` goes down the function itself.
"""

import numpy as np
from matplotlib import patheffects, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from descent.from_scratch import minimize
from descent.from_scratch.objectives.functions import SURFACES
from descent.from_scratch.optimizers import OPTIMIZERS
from descent.plots.style import RC, look, ticks
from pages.base import FIGURES

PICTURE = FIGURES / "moving.gif"
SURFACE, START, MINIMUM, STEPS = "rosenbrock", (-1.6, 2.2), (1.0, 1.0), 500
NAMES = {"sgd": "SGD", "momentum": "Momentum", "rmsprop": "RMSprop", "adam": "Adam"}  # the class of each, from scratch
RATES = tuple(lead * 10.0**power for power in (-4, -3, -2, -1) for lead in (1, 2, 3, 5))
CLIMB = 3.0  # times the value at the start that a run may reach
LIMITS = ((-2.2, 2.0), (-0.9, 3.2))
FRAMES, SECONDS, HOLD = 72, 7.0, 2.0
HALO = [patheffects.withStroke(linewidth=3.2, foreground="white")]


def draw() -> dict[str, float]:
    """Write the picture; return each optimizer's learning rate: the one that ends lowest, of those that climb little."""
    paths, rates = {}, {}
    for name in NAMES:
        tried = {rate: path for rate in RATES if (path := _path(name, rate))[1].max() <= CLIMB * path[1][0]}
        rates[name] = min(tried, key=lambda rate: tried[rate][1][-1])
        paths[name] = tried[rates[name]]
    with rc_context({**RC, "font.size": 9.5, "xtick.labelsize": 9, "ytick.labelsize": 9}):
        pictures = _pictures(paths, rates)
    palette = pictures[-1].quantize(128, Image.Quantize.MEDIANCUT)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    times = [int(1000 * SECONDS / FRAMES)] * (len(frames) - 1) + [int(1000 * HOLD)]
    frames[0].save(PICTURE, save_all=True, append_images=frames[1:], duration=times, loop=0, optimize=True)
    return rates


def _path(name: str, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the points and the values of an optimizer's way; values that are no numbers count as infinite."""
    value, gradient = SURFACES[SURFACE]
    with np.errstate(all="ignore"):
        path = minimize(value, gradient, list(START), OPTIMIZERS[NAMES[name]](lr=rate), steps=STEPS)
    values = np.asarray(path.values, dtype=float)
    return np.asarray(path.points), np.where(np.isfinite(values), values, np.inf)


def _pictures(paths: dict[str, tuple[np.ndarray, np.ndarray]], rates: dict[str, float]) -> list[Image.Image]:
    figure = Figure(figsize=(8.4, 3.5), dpi=100)
    canvas = FigureCanvasAgg(figure)
    left, right = figure.add_axes((0.055, 0.13, 0.43, 0.76)), figure.add_axes((0.57, 0.13, 0.4, 0.76))
    _surface(left)
    right.set(xlim=(1, STEPS), ylim=(1e-4, 100), yscale="log", xlabel="steps", title="its value: the loss")
    lines = []
    for name, (points, values) in paths.items():
        drawn, label = look(name), f"{name}, lr {rates[name]:g}"
        style = {"color": drawn.colour, "linestyle": drawn.dash, "linewidth": 1.9}
        (way,) = left.plot([], [], **style, path_effects=HALO)
        (end,) = left.plot([], [], "o", color=drawn.colour, ms=6.5, mec="white", mew=1.2, zorder=6)
        (loss,) = right.plot([], [], **style, label=label)
        lines.append((points, values, way, end, loss))
    right.legend(loc="lower left", fontsize=9)
    ticks(figure)
    clock = left.text(0.98, 0.03, "", ha="right", transform=left.transAxes, fontsize=10, fontweight="bold")
    found = []
    for now in np.unique(np.geomspace(1, STEPS, FRAMES).round().astype(int)):
        for points, values, way, end, loss in lines:
            way.set_data(*points[: now + 1].T)
            end.set_data(*points[now : now + 1].T)
            loss.set_data(np.arange(1, now + 1), values[1 : now + 1])
        clock.set_text(f"step {now}")
        canvas.draw()
        found.append(Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy()))
    return found


def _surface(axes: Axes) -> None:
    x, y = (np.linspace(*limits, 220) for limits in LIMITS)
    heights = np.apply_along_axis(SURFACES[SURFACE][0], -1, np.stack(np.meshgrid(x, y), axis=-1))
    levels = np.geomspace(0.05, heights.max(), 14)
    axes.contourf(x, y, heights, levels=[0, *levels], cmap="YlGnBu_r", norm="symlog", alpha=0.75)
    axes.contour(x, y, heights, levels=levels, colors="white", linewidths=0.5)
    axes.plot(*START, "s", color="black", ms=6, mec="white", zorder=5)
    axes.annotate("start", START, (8, 6), textcoords="offset points", fontsize=9)
    axes.plot(*MINIMUM, "*", color="white", mec="black", ms=13, zorder=5)
    axes.set(xlim=LIMITS[0], ylim=LIMITS[1], title=f"{SURFACE.capitalize()}'s valley, and its minimum")
    axes.grid(visible=False)
