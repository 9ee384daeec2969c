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
    """Draw a run of each candidate, the others faintly behind, and the minimum."""
    flat_runs = _flat_runs(study)
    figure, panels = _scene(study, flat_runs, others=True)
    for candidate, (first, *others) in flat_runs.items():
        (axes,) = panels[candidate.panel]
        faint(axes, [points[POINT].to_numpy() for points in others], look(candidate.optimizer).colour)
        draw_trajectory(axes, candidate.optimizer, first, candidate.name)
    return figure


@styled
def animate(study: Study, path: Path) -> None:
    """Write the same as an animated GIF: the records of one run of each candidate, straight lines between them."""
    flat_runs = _flat_runs(study)
    figure, panels = _scene(study, flat_runs, others=False)
    drawn = [draw_trajectory(panels[each.panel][0], each.optimizer, points[0], each.name) for each, points in flat_runs.items()]
    write_animation(figure, drawn, "examples", "examples", path)


def _flat_runs(study: Study) -> dict[Candidate, list[pd.DataFrame]]:
    """Return the records of each candidate's runs in the plane, by seed."""
    seeds = study.runs["seed"]
    flat_runs = {}
    for candidate, records in measured(study, *POINT).items():
        if (flat := in_plane(records.dropna(axis=1, how="all"))) is not None:
            flat_runs[candidate] = [points for _, points in sorted(flat.groupby("run"), key=lambda pair: seeds[pair[0]])]
    if not flat_runs:
        raise NoData("the problem has more than two weights")
    return flat_runs


def _scene(study: Study, flat_runs: dict[Candidate, list[pd.DataFrame]], others: bool) -> tuple[Figure, layout.Panels]:
    """Return a figure with contours, legend and texts, without trajectories."""
    figure, panels = layout.frame(list(flat_runs))
    frames = [points for each in flat_runs.values() for points in each]
    firsts = study.runs.loc[[each[0]["run"].iloc[0] for each in flat_runs.values()]]
    problem = study.config(firsts.iloc[0]).get("problem") or {}
    minima = draw_contours([axes for axes, *_ in panels.values()], problem, frames)
    layout.label(figure, "first weight", ["second weight"])
    others = others and any(len(each) > 1 for each in flat_runs.values())
    layout.finish(
        figure,
        layout.handles(flat_runs) | ({"minimum": star()} if minima else {}),
        f"{text(study.problem)}: trajectories",
        f"seed {span(firsts['seed'])} of each optimizer, its end a dot{'; the other seeds faint' if others else ''}",
        "straight lines between records; contours log-spaced in the function's value",
        layout.chosen(flat_runs),
    )
    return figure, panels
