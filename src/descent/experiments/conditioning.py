r"""How does the number of steps grow with the condition number, for gradient descent and for Adam?

On a quadratic with curvatures from mu to L and kappa = L/mu, gradient descent multiplies the distance to the minimum by ``rho =
max(|1 - lr mu|, |1 - lr L|)`` per step asymptotically: it takes ``-1/ln rho`` steps to shrink it e-fold, whatever the rotation.
The best value, at ``lr = 2/(L + mu)``, is ``rho = (kappa - 1)/(kappa + 1)``, about kappa/2 steps. Adam divides the step of each
coordinate by the size of its gradient, which cancels the curvatures of an axis-aligned quadratic, not of a rotated one.

Source: Nesterov, "Introductory lectures on convex optimization", 2004, theorem 2.1.15; Kingma and Ba, "Adam: a method for
stochastic optimization", 2015, section 2.1 (invariance to the scale of the gradient).
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import steps_to, varied
from descent.analysis.wording import listed
from descent.plots.medians import draw_curve, draw_parts, label, seeds, shaded
from descent.plots.style import BLUE, GREY, VERMILION, styled

NEAR = 0.01  # of the distance at the start
DEEP = 1e-6  # of it: lower end of the axis
WAYS = {False: "axis-aligned", True: "rotated"}
TEXT = """
{% if descent %} Steps in which gradient descent shrinks the distance to the minimum e-fold:
{% for row in descent.folds %}{{ row.steps }} at kappa = {{ row.kappa }}{{ "," if not loop.last }} {% endfor %};
{{ descent.ways | listed }}, all {{ descent.runs }} runs are within {{ descent.error | percent }} of theory's -1/ln rho.
{% endif %}{% if adam %} Steps in which Adam reaches a hundredth of the first distance:
{% for valley in adam %}{{ valley.way }}:
{% for row in valley.rows %}{{ row.steps or "more than " ~ budget | number }} at kappa = {{ row.kappa }}
{{ "," if not loop.last }} {% endfor %}{{ ";" if not loop.last }} {% endfor %}.{% endif %}
"""


def analyse(study: Study) -> Finding:
    """Compare gradient descent with theory by condition number, and Adam on axis-aligned quadratics with Adam on rotated ones."""
    runs = _runs(study)
    descent, adam = _descent(study, runs), runs[runs["optimizer"] == "adam"]
    if descent.empty and adam.empty:
        raise NoData("the study has neither gradient descent nor adam on the full-batch quadratic")
    descent_numbers = {}
    if len(descent):
        folds = descent.groupby("kappa")["measured"].median()
        descent_numbers = {
            "folds": [{"kappa": kappa, "steps": folds[kappa]} for kappa in sorted({folds.index[0], folds.index[-1]})],
            "ways": [WAYS[rotated] for rotated in sorted(descent["rotated"].unique())],
            "runs": len(descent),
            "error": (descent["measured"] / descent["theory"] - 1).abs().max(),
        }
    steps = {run["folder"]: steps_to(frame, "distance", NEAR) for run, frame in study.curves(adam)}
    near = adam["folder"].map(steps).groupby([adam["rotated"], adam["kappa"]]).median()
    valleys = [
        {"way": WAYS[rotated], "rows": [{"kappa": kappa, "steps": steps} for kappa, steps in near[rotated].items()]}
        for rotated in near.index.unique(level=0)
    ]
    return Finding(descent=descent_numbers, adam=valleys, budget=adam["steps"].max())


@styled
def plot(study: Study) -> Figure:
    """Draw gradient descent's steps over the condition number, and Adam's distance to the minimum over steps."""
    runs = _runs(study)
    return draw_parts([(_draw_descent, _descent(study, runs)), (_draw_adam, runs[runs["optimizer"] == "adam"])], study)


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs on the quadratic by exact gradients, with `kappa` and whether it is `rotated`."""
    runs = varied(study, kappa="problem.condition", rotated="problem.rotated")
    runs = runs[(runs["problem"] == "quadratic") & (runs["batch"] == "full") & (runs["schedule"] == "constant")]
    return runs[runs["kappa"].notna() & runs["rotated"].notna()]


def _descent(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """Return gradient descent's runs with the steps to shrink e-fold: `measured` over the last half, and by `theory`."""
    runs = runs[(runs["optimizer"] == "sgd") & (runs["status"] == "finished")]
    measured = {run["folder"]: _fold(frame.set_index("step")["distance"]) for run, frame in study.curves(runs)}
    rho = np.maximum((1 - runs["lr"]).abs(), (1 - runs["lr"] / runs["kappa"].astype(float)).abs())
    runs = runs.assign(measured=runs["folder"].map(measured), theory=-1 / np.log(rho))
    return runs[np.isfinite(runs["measured"]) & np.isfinite(runs["theory"])]


def _fold(distance: "pd.Series[float]") -> float:
    half = distance[(distance.index >= distance.index[-1] / 2) & (distance > 0)]
    if len(half) < 2:
        return float("nan")
    return float((half.index[-1] - half.index[0]) / np.log(half.iloc[0] / half.iloc[-1]))


def _draw_descent(axes: Axes, runs: pd.DataFrame, _: Study) -> None:
    theory = runs.groupby("kappa")["theory"].median()
    axes.plot(theory.index, theory, color=GREY, ls="--", lw=1, label=r"theory, $-1/\ln\rho$")
    for rotated, colour, mark in ((False, BLUE, "o"), (True, VERMILION, "x")):
        if len(group := runs[runs["rotated"] == rotated]):
            folds = group.groupby("kappa")["measured"].median()
            axes.plot(folds.index, folds, mark, color=colour, ms=5, mew=1.4, label=WAYS[rotated])
    x, y = r"condition number $\kappa = L/\mu$", "steps to shrink the distance e-fold"
    label(axes, "log log", x, y, f"Gradient descent, median of {seeds(runs)}", "")


def _draw_adam(axes: Axes, runs: pd.DataFrame, study: Study) -> None:
    top = 0.0
    for place, (kappa, alike, colour) in enumerate(shaded(runs, "kappa")):
        for rotated, group in alike.groupby("rotated"):
            below = {"ls": (0, (2, 2)), "lw": max(1.0, 3.5 - 0.8 * place)}  # so that coinciding lines stay visible
            look: dict[str, Any] = {"ls": "-", "lw": 1.7} if rotated else below
            distance = draw_curve(axes, study, group, "distance", color=colour, label=f"{kappa:g}, {WAYS[rotated]}", **look)
            top = max(top, float(distance.max()))
    axes.set_ylim(DEEP * top, 2 * top)
    title = f"Adam, lr = {listed([f'{lr:g}' for lr in sorted(runs['lr'].unique())])}, median of {seeds(runs)}"
    label(axes, "log log", "steps", "distance to the minimum", title, r"$\kappa$", loc="lower left")
