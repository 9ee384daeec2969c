"""Problems in the plane: the trajectory of each optimizer over the contours of the function, as a figure and an animation."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.curves import measured
from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate
from descent.plots import layout
from descent.plots.curves import faint
from descent.plots.style import look, span, styled, text
from descent.plots.trajectories import POINT, draw_contours, draw_trajectory, in_plane, star, write_animation

EACH = "problem"


@styled
def plot(study: Study) -> Figure:
    """Draw a run of each candidate, the others faintly behind, and where the minimum lies."""
    own = _own(study)
    figure, panels = _scene(study, own, others=True)
    for candidate, (first, *others) in own.items():
        (axes,) = panels[candidate.panel]
        faint(axes, [points[POINT].to_numpy() for points in others], look(candidate.optimizer).colour)
        draw_trajectory(axes, candidate.optimizer, first, candidate.name)
    return figure


@styled
def animate(study: Study, path: Path) -> None:
    """Write the same as an animated GIF: the records of one run of each candidate, straight lines between them."""
    own = _own(study)
    figure, panels = _scene(study, own, others=False)
    drawn = [draw_trajectory(panels[each.panel][0], each.optimizer, points[0], each.name) for each, points in own.items()]
    write_animation(figure, drawn, "examples", "examples", path)


def _own(study: Study) -> dict[Candidate, list[pd.DataFrame]]:
    """Return the records of each candidate's runs in the plane, by seed."""
    seeds = study.runs["seed"]
    own = {}
    for candidate, records in measured(study, *POINT).items():
        if (flat := in_plane(records.dropna(axis=1, how="all"))) is not None:
            own[candidate] = [points for _, points in sorted(flat.groupby("run"), key=lambda pair: seeds[pair[0]])]
    if not own:
        raise NoData("the problem has more than two weights")
    return own


def _scene(study: Study, own: dict[Candidate, list[pd.DataFrame]], others: bool) -> tuple[Figure, layout.Panels]:
    """Return a figure with all but the trajectories."""
    figure, panels = layout.frame(list(own))
    frames = [points for each in own.values() for points in each]
    firsts = study.runs.loc[[each[0]["run"].iloc[0] for each in own.values()]]
    problem = study.config(firsts.iloc[0]).get("problem") or {}
    minima = draw_contours([axes for axes, *_ in panels.values()], problem, frames)
    layout.label(figure, "first weight", ["second weight"])
    others = others and any(len(each) > 1 for each in own.values())
    layout.finish(
        figure,
        layout.handles(own) | ({"minimum": star()} if minima else {}),
        f"{text(study.problem)}: trajectories",
        f"seed {span(firsts['seed'])} of each optimizer, its end a dot{'; the other seeds faint' if others else ''}",
        "straight lines between records; contours log-spaced in the function's value",
        layout.chosen(own),
    )
    return figure, panels
