r"""Which trajectory does each optimizer take to a minimum in the plane, and how long does it stay near a saddle point?

Gradient descent follows the steepest descent: it zigzags across a curved valley and moves slowly along it. Near a saddle with
curvature ``-lambda`` in one direction, a distance d in that direction grows by ``1 + lr lambda`` per step: leaving takes about
``log(1/d) / (lr lambda)`` steps, and momentum shortens this. A method that divides each coordinate of the gradient by its own
size moves equally fast along coordinates of small slope, and may never come near the saddle.

Source: Rosenbrock, "An automatic method for finding the greatest or least value of a function", 1960; Dauphin et al.,
"Identifying and attacking the saddle point problem in high-dimensional non-convex optimization", 2014.
"""

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Circle

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import steps_to
from descent.plots.curves import faint
from descent.plots.medians import label, seeds
from descent.plots.style import GREY, RC, WIDEST, look, order, styled
from descent.plots.trajectories import POINT, Trajectory, draw_contours, draw_trajectory, in_plane, write_animation

TOLERANCE = 1e-3  # of the gap at the start: below it the minimum counts as reached
SADDLE, NEAR = (0.0, 0.0), 0.2  # the saddle point, and the distance that counts as near
ACROSS = 2  # panels in a row
TEXT = """
Steps until the training loss above the minimum is below {{ tolerance }} of that at the start (median, n = {{ seeds }}):
{% for surface in surfaces %}{{ surface.name }}: {% for row in surface.optimizers %}{{ row.name }}
{% if row.reached is none %} not in {{ surface.budget }}{% else %} {{ row.reached }}{% endif %}{{ "," if not loop.last }}
{% endfor %}{{ ";" if not loop.last }} {% endfor %}.
{% for row in saddle %}{% if loop.first %} Steps within {{ near }} of the saddle:{% endif %} {{ row.name }} {{ row.near }}
{{ "," if not loop.last else "." }}{% endfor %}
"""


def analyse(study: Study) -> Finding:
    """Compute in how many steps each optimizer reached the minimum of each surface, and how many it spent at the saddle."""
    runs = _runs(study)
    surfaces, saddle = [], []
    for surface, group in runs.groupby("problem"):
        medians = group.groupby("candidate", sort=False)[["reached", "near"]].median().rename_axis("name").reset_index()
        rows = medians.sort_values("reached", kind="stable")[["name", "reached"]].to_dict("records")
        surfaces.append({"name": surface, "budget": group["steps"].max(), "optimizers": rows})
        if surface == "saddle":
            saddle = medians.sort_values("near", ascending=False, kind="stable")[["name", "near"]].to_dict("records")
    return Finding(tolerance=TOLERANCE, seeds=runs["seed"].nunique(), surfaces=surfaces, near=NEAR, saddle=saddle)


@styled
def plot(study: Study) -> Figure:
    """Draw a run of each optimizer on each surface, the other seeds faintly behind."""
    runs = _runs(study)
    figure, trajectories = _scene(runs)
    for drawn, (_, group) in zip(trajectories, runs.groupby(["problem", "candidate"], sort=False), strict=True):
        points = [frame[POINT].to_numpy() for frame in group["trajectory"].iloc[1:]]
        faint(drawn.axes, points, look(group["optimizer"].iloc[0]).colour)
    return figure


def animate(study: Study, path: Path) -> None:
    """Write the same, without the other seeds, as an animated GIF."""
    with mpl.rc_context(RC):
        write_animation(*_scene(_runs(study)), "step", "steps", path)


def _scene(runs: pd.DataFrame) -> tuple[Figure, list[Trajectory]]:
    """Return a figure with a panel for each surface, and the trajectories of the first seed in it."""
    columns = min(ACROSS, runs["problem"].nunique())
    rows = -(-runs["problem"].nunique() // columns)
    figure = Figure(figsize=(WIDEST * columns / ACROSS, 3.1 * rows + 0.4), layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    trajectories = []
    for axes, (surface, group) in zip(panels, runs.groupby("problem"), strict=False):
        widths = np.linspace(3.2, 1.0, group["candidate"].nunique())
        for width, (_, repeats) in zip(widths, group.groupby("candidate", sort=False), strict=True):
            steps, first = repeats["reached"].median(), repeats.iloc[0]
            name = f"{first['optimizer']}, lr {first['lr']:g}: {f'{steps:,.0f}' if np.isfinite(steps) else 'never'}"
            trajectories.append(draw_trajectory(axes, first["optimizer"], first["trajectory"], name, float(width)))
        draw_contours([axes], {"surface": surface}, list(group["trajectory"]))
        title = str(surface)
        if surface == "saddle":
            axes.add_patch(Circle(SADDLE, NEAR, fill=False, ls="--", lw=0.8, color=GREY, zorder=2))
            title = f"saddle; dashed: within {NEAR:g} of it"
        beside = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.02), "alignment": "left"}
        label(axes, "linear linear", "first weight", "second weight", title, "steps to the minimum", **beside)
    for axes in panels[runs["problem"].nunique() :]:
        axes.remove()
    words = f"steps until the loss above the minimum is below {TOLERANCE:g} of that at the start, median of {seeds(runs)}"
    figure.suptitle(f"Full batches, seed {runs['seed'].min()}; {words}", fontsize=8.5, x=0.01, ha="left")
    return figure, trajectories


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs on a surface: ``trajectory``, the records; ``reached``, steps to the minimum; ``near``, those at a saddle.

    Raises:
        NoData: no run is on a surface.
    """
    flat = {run.name: in_plane(frame) for run, frame in study.curves() if "train/gap" in frame}
    flat = {run: frame for run, frame in flat.items() if frame is not None}
    if not flat:
        raise NoData("no run is on a surface")
    runs = study.runs.loc[list(flat)].assign(trajectory=list(flat.values()))
    several = runs.groupby(["problem", "optimizer"])["lr"].transform("nunique") > 1
    names = runs["optimizer"].where(~several, runs["optimizer"] + " lr " + runs["lr"].map("{:g}".format))
    reached = [steps_to(frame, "train/gap", TOLERANCE) for frame in flat.values()]
    runs = runs.assign(candidate=names, reached=reached, near=runs["trajectory"].map(_near))
    return runs.assign(order=runs["optimizer"].map(order)).sort_values(["problem", "order", "lr", "seed"])


def _near(frame: pd.DataFrame) -> float:
    """Return how many steps a run spent near the saddle: all steps between two consecutive records near it."""
    near = np.linalg.norm(frame[POINT].to_numpy() - SADDLE, axis=1) < NEAR
    return float(np.diff(frame["step"])[near[:-1] & near[1:]].sum())
