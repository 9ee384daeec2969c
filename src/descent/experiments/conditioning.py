r"""What does the condition number cost gradient descent, and when does it cost Adam nothing?

On a quadratic with curvatures from mu to L, kappa = L/mu, gradient descent multiplies the distance to the minimum at each step,
in the long run, by ``rho = max(|1 - lr mu|, |1 - lr L|)``: it takes ``-1/ln rho`` steps to shrink e-fold, however the valley
lies. The best, with ``lr = 2/(L + mu)``, is ``rho = (kappa - 1)/(kappa + 1)``, about kappa/2 steps. Adam divides the step of each
coordinate by the size of its gradient. Where the valley lies along them, that takes all curvatures out; where rotated, not.

Source: Nesterov, "Introductory lectures on convex optimization", 2004, theorem 2.1.15; Kingma and Ba, "Adam: a method for
stochastic optimization", 2015, section 2.1 (invariance to the scale of the gradient).
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.grid import curve, groups, varied
from descent.analysis.load import NoData, Study
from descent.analysis.wording import listed
from descent.plots.style import BLUE, GREY, VERMILION, count, shades, styled

NEAR = 0.01  # of the distance at the start
DEEP = 1e-6  # of it: what lies below leaves the picture
WAYS = {False: "along the axes", True: "rotated"}


def sentence(study: Study) -> str:
    """Compare gradient descent with theory at each condition number, and Adam along the axes with Adam in rotated valleys."""
    runs = _runs(study)
    said = [text for text in (_say_descent(study, runs), _say_adam(study, runs)) if text]
    if not said:
        raise NoData("the runs hold neither gradient descent nor adam on the full quadratic")
    return " ".join(said)


@styled
def plot(study: Study) -> Figure:
    """Draw gradient descent's steps over the condition number, and Adam's way along the axes and rotated."""
    runs = _runs(study)
    drawn = [draw for draw, own in ((_draw_descent, _descent(study, runs)), (_draw_adam, _adam(runs))) if len(own)]
    figure = Figure(figsize=(4.2 * len(drawn), 3.4), layout="constrained")
    for axes, draw in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn, strict=True):
        draw(axes, study, runs)
    return figure


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs on the quadratic by exact gradients, with `kappa` and whether it is `rotated`."""
    runs = varied(study, "problem.condition", "problem.rotated")
    runs = runs[(runs["problem"] == "quadratic") & (runs["batch"] == "full") & (runs["schedule"] == "constant")]
    runs = runs[runs["problem.condition"].notna() & runs["problem.rotated"].notna()]
    return runs.rename(columns={"problem.condition": "kappa", "problem.rotated": "rotated"})


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


def _adam(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[runs["optimizer"] == "adam"]


def _near(study: Study, runs: pd.DataFrame) -> pd.Series:
    """Return, by (rotated, kappa), the median steps to a hundredth of the first distance; infinite where it is not reached."""
    steps = {}
    for run, frame in study.curves(runs):
        there = frame["step"][frame["distance"] <= NEAR * frame["distance"].iloc[0]]
        steps[run["folder"]] = there.iloc[0] if len(there) else np.inf
    return runs["folder"].map(steps).groupby([runs["rotated"], runs["kappa"]]).median()


def _say_descent(study: Study, runs: pd.DataFrame) -> str:
    runs = _descent(study, runs)
    if runs.empty:
        return ""
    folds = runs.groupby("kappa")["measured"].median()
    off = (runs["measured"] / runs["theory"] - 1).abs().max()
    shown = [f"{folds[kappa]:.3g} at kappa = {kappa:g}" for kappa in dict.fromkeys((folds.index[0], folds.index[-1]))]
    ways = " and ".join(WAYS[rotated] for rotated in sorted(runs["rotated"].unique()))
    return (
        f"Steps in which gradient descent shrinks the distance e-fold: {' and '.join(shown)}; {ways}, "
        f"all {len(runs)} runs are within {100 * off:.2g} % of theory's -1/ln rho."
    )


def _say_adam(study: Study, runs: pd.DataFrame) -> str:
    runs = _adam(runs)
    if runs.empty:
        return ""
    near, parts = _near(study, runs), []
    for rotated, steps in near.groupby(level="rotated"):
        kappas = listed([f"{kappa:g}" for kappa in steps.index.get_level_values("kappa")])
        within = f"more than the {count(runs['steps'].max())} that it had"
        shown = [count(value) if np.isfinite(value) else within for value in steps]
        same = len(set(shown)) == 1
        every = f"the same {shown[0]} steps" if same and len(steps) > 1 and np.isfinite(steps.iloc[0]) else shown[0]
        parts.append(f"{WAYS[rotated]} {every if same else listed(shown)} at kappa = {kappas}")
    return f"Steps in which Adam comes to a hundredth of the distance: {'; '.join(parts)}."


def _draw_descent(axes: Axes, study: Study, runs: pd.DataFrame) -> None:
    runs = _descent(study, runs)
    theory = runs.groupby("kappa")["theory"].median()
    axes.plot(theory.index, theory, color=GREY, ls="--", lw=1, label=r"theory, $-1/\ln\rho$")
    for rotated, colour, mark in ((False, BLUE, "o"), (True, VERMILION, "x")):
        if len(own := runs[runs["rotated"] == rotated]):
            folds = own.groupby("kappa")["measured"].median()
            axes.plot(folds.index, folds, mark, color=colour, ms=5, mew=1.4, label=WAYS[rotated])
    axes.set(
        xscale="log", yscale="log", xlabel=r"condition number $\kappa = L/\mu$", ylabel="steps to shrink the distance e-fold"
    )
    axes.set_title(f"Gradient descent, median of {runs['seed'].nunique()} seeds")
    axes.legend()


def _draw_adam(axes: Axes, study: Study, runs: pd.DataFrame) -> None:
    runs, colours = _adam(runs), shades(_adam(runs)["kappa"].nunique())
    top = 0.0
    for (kappa, alike), colour in zip(groups(runs, "kappa"), colours, strict=True):
        for rotated, own in groups(alike, "rotated"):
            steps, distance = curve(study, own, "distance")
            dash, width = (
                ("-", 1.7) if rotated else ((0, (2, 2)), max(1.0, 3.5 - 0.8 * colours.index(colour)))
            )  # others show beneath
            axes.plot(steps, distance, color=colour, label=f"{kappa:g}, {WAYS[rotated]}", ls=dash, lw=width)
            top = max(top, float(distance.max()))
    axes.set(xscale="log", yscale="log", xlabel="steps", ylabel="distance to the minimum", ylim=(DEEP * top, 2 * top))
    axes.set_title(
        f"Adam, lr = {listed([f'{lr:g}' for lr in sorted(runs['lr'].unique())])}, median of {runs['seed'].nunique()} seeds"
    )
    axes.legend(title=r"$\kappa$", loc="lower left")
