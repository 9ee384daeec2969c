"""Problems in the plane: the way of each optimizer over the contours of the function, as a figure and as an animation."""

from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate, Panel, candidates
from descent.plots import layout
from descent.plots.curves import Curves, faint
from descent.plots.style import RC, look, span, styled, text
from descent.plots.trajectories import POINT, draw_contours, in_plane, star, way, write_animation

EACH = "problem"


@styled
def plot(study: Study) -> Figure:
    """Draw a run of each optimizer, the others faintly behind, and where the minimum lies."""
    found = _found(study)
    figure, grid = _scene(study, found, others=True)
    for unit, ((_, first), *others) in found.items():
        (axes,) = grid[unit.panel]
        faint(axes, [frame[POINT].to_numpy() for _, frame in others], look(unit.optimizer).colour)
        way(axes, unit.optimizer, first, unit.name)
    return figure


def animate(study: Study, path: Path) -> None:
    """Write the same as an animated GIF: the records of one run of each optimizer, straight lines between them."""
    with mpl.rc_context(RC):
        found = _found(study)
        figure, grid = _scene(study, found, others=False)
        ways = [way(grid[unit.panel][0], unit.optimizer, curves[0][1], unit.name) for unit, curves in found.items()]
        write_animation(figure, ways, "examples", "examples", path)


def _found(study: Study) -> dict[Candidate, Curves]:
    found = {}
    for unit in candidates(study):
        curves = [(run, flat) for run, frame in study.curves(unit.runs) if (flat := in_plane(frame)) is not None]
        if curves:
            found[unit] = sorted(curves, key=lambda curve: curve[0]["seed"])
    if not found:
        raise NoData("draws problems in the plane")
    return found


def _scene(study: Study, found: dict[Candidate, Curves], others: bool) -> tuple[Figure, dict[Panel, list[Axes]]]:
    """Return a figure with all but the trajectories."""
    figure, grid = layout.frame(list(found))
    run = next(iter(found.values()))[0][0]
    frames = [frame for curves in found.values() for _, frame in curves]
    minima = draw_contours([axes for axes, *_ in grid.values()], study.config(run).get("problem") or {}, frames)
    layout.label(figure, "first weight", ["second weight"])
    seeds = span(curves[0][0]["seed"] for curves in found.values())
    others = others and any(len(curves) > 1 for curves in found.values())
    layout.finish(
        figure,
        layout.handles(found) | ({"minimum": star()} if minima else {}),
        f"{text(study.problem)}: trajectories",
        f"seed {seeds} of each optimizer, its end a dot{'; the other seeds faint' if others else ''}",
        "straight lines between records; contours log-spaced in the function's value",
        layout.chosen(found),
    )
    return figure, grid
