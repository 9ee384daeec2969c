"""Problems in the plane: the trajectory of each optimizer over the contours of the function, as a figure and an animation."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from descent.analysis.curves import measured
from descent.analysis.load import NoData, Study
from descent.analysis.selection import Candidate
from descent.analysis.statistics import values
from descent.analysis.wording import listed, number
from descent.plots import layout
from descent.plots.curves import faint, training_loss
from descent.plots.style import look, span, styled, text
from descent.plots.trajectories import BASELINE, POINT, draw_contours, draw_trajectory, in_plane, star, write_animation

EACH = "problem"


@styled
def plot(study: Study, baseline: str | None = None) -> Figure:
    """Draw a run of each candidate, the others faintly behind, and the minimum; the optimizer `baseline` thin and grey."""
    flat_runs = _flat_runs(study)
    figure, panels = _scene(study, flat_runs, True, baseline)
    for candidate, (first, *others) in flat_runs.items():
        (axes,) = panels[candidate.panel]
        plain = candidate.optimizer == baseline
        colour = BASELINE if plain else look(candidate.optimizer).colour
        faint(axes, [points[POINT].to_numpy() for points in others], colour)
        draw_trajectory(axes, candidate.optimizer, first, candidate.name, baseline=plain)
    return figure


@styled
def animate(study: Study, path: Path) -> None:
    """Write the same as an animated GIF: the records of one run of each candidate, straight lines between them."""
    flat_runs = _flat_runs(study)
    figure, panels = _scene(study, flat_runs, False)
    drawn = [
        draw_trajectory(panels[candidate.panel][0], candidate.optimizer, points[0], candidate.name)
        for candidate, points in flat_runs.items()
    ]
    write_animation(figure, drawn, "step", "steps", path)


def sentence(study: Study) -> str:
    """Return the median training loss of each candidate at the end, the lowest first, with its learning rate."""
    flat_runs, metric = _flat_runs(study), study.metric(training_loss(study))
    ends = {candidate: float(values(candidate.runs, metric.name).median()) for candidate in flat_runs}
    parts = []
    for panel in layout.panels(ends):
        of = sorted((candidate for candidate in ends if candidate.panel == panel), key=ends.__getitem__)
        shown = [f"{candidate.name} {number(ends[candidate])} (lr {candidate.runs['lr'].median():g})" for candidate in of]
        parts.append(f"{layout.mode(panel)}: {listed(shown)}")
    return f"Median {metric.label} at the end: {'; '.join(parts)}."


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


def _scene(
    study: Study, flat_runs: dict[Candidate, list[pd.DataFrame]], others: bool, baseline: str | None = None
) -> tuple[Figure, layout.Panels]:
    """Return a figure with contours, legend and texts, without trajectories."""
    figure, panels = layout.frame(list(flat_runs))
    for panel, (axes, *_) in panels.items():
        steps = span(candidate.runs["steps"].max() for candidate in flat_runs if candidate.panel == panel)
        axes.set_title(f"{text(', '.join(filter(None, (panel[0], panel[2]))))}: {steps} steps")
    frames = [points for runs in flat_runs.values() for points in runs]
    firsts = study.runs.loc[[first["run"].iloc[0] for first, *_ in flat_runs.values()]]
    problem = study.config(firsts.iloc[0]).get("problem") or {}
    minima = draw_contours([axes for axes, *_ in panels.values()], problem, frames)
    layout.label(figure, "first weight", ["second weight"])
    others = others and any(len(runs) > 1 for runs in flat_runs.values())
    layout.finish(
        figure,
        _legend(flat_runs, baseline) | ({"minimum": star()} if minima else {}),
        f"{text(study.problem)}: trajectories",
        f"seed {span(firsts['seed'])} of each optimizer, from the square to the dot{'; the other seeds faint' if others else ''}",
        "straight lines between records; contours log-spaced in the function's value",
        layout.chosen(flat_runs),
    )
    return figure, panels


def _legend(flat_runs: dict[Candidate, list[pd.DataFrame]], baseline: str | None) -> dict[str, Line2D]:
    """Return the lines of the legend, with the learning rate of each candidate where it has one in all panels."""
    lines = {}
    for name, line in layout.handles(flat_runs).items():
        alike = [candidate for candidate in flat_runs if text(candidate.name) == name]
        rates = {float(rate) for candidate in alike for rate in candidate.runs["lr"].dropna()}
        if alike[0].optimizer == baseline:
            line.set(color=BASELINE, linewidth=0.9)
        lines[f"{name}, lr {rates.pop():g}" if len(rates) == 1 else name] = line
    return lines
