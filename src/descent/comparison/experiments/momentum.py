r"""What does momentum buy in a narrow valley, and what does too much of it cost?

On a quadratic with curvatures from mu to L, heavy ball with learning rate lr shrinks the error along curvature lambda at each
step by the larger root, in size, of ``z^2 - (1 + beta - lr lambda) z + beta = 0``. That is at best ``sqrt(beta)``, and the
slowest direction gets there from ``beta = (1 - sqrt(lr mu))^2`` on: more momentum only makes all directions oscillate for longer.

Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Goh, "Why momentum really works",
Distill 2017.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.comparison.grid import curve, groups, median, require, varied
from descent.comparison.load import Study
from descent.comparison.style import BLUE, GREY, VERMILION, shades, styled

KEYS = ("optimizer.momentum", "optimizer.nesterov", "problem.condition", "optimizer.lr")


def sentence(study: Study) -> str:
    """Compare the best momentum with none and with the largest, on the same steps."""
    runs = _runs(study)
    gaps = median(runs[~runs["optimizer.nesterov"]], "final:train/gap", "optimizer.momentum")
    require(gaps, 0)
    best, most = gaps.idxmin(), gaps.index.max()
    steps = f"{runs['steps'].max():.0f} steps"
    condition = f"kappa = {runs['problem.condition'].iloc[0]:g}"
    if best == 0:
        return (
            f"At {condition} no momentum helps: without it the gap after {steps} is {gaps[0]:.2g}, with others at least as large."
        )
    text = (
        f"At {condition}, momentum {best:g} leaves a gap of {gaps[best]:.2g} after {steps}, none {gaps[0]:.2g}: "
        f"{gaps[0] / gaps[best]:.2g} times more. Theory's best is {_theory(runs):.3f}."
    )
    return text if best == most else f"{text} Too much, {most:g}, leaves {gaps[most]:.2g}."


@styled
def plot(study: Study) -> Figure:
    """Draw the gap over steps for each momentum of the heavy ball, and the gap at the end over momentum, of Nesterov's too."""
    runs = _runs(study)
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    ball = runs[~runs["optimizer.nesterov"]]
    for (momentum, own), colour in zip(
        groups(ball, "optimizer.momentum"), shades(ball["optimizer.momentum"].nunique()), strict=True
    ):
        left.plot(*curve(study, own, "train/gap"), color=colour, label=f"{momentum:g}")
    left.set(yscale="log", xlabel="steps", ylabel="training loss above its minimum", title="Heavy ball")
    left.legend(title="momentum")
    for nesterov, name, colour in ((False, "heavy ball", BLUE), (True, "Nesterov", VERMILION)):
        own = runs[runs["optimizer.nesterov"] == nesterov]
        if len(own):
            gaps = median(own, "final:train/gap", "optimizer.momentum")
            right.plot(1 - gaps.index.to_numpy(dtype=float), gaps, "o-", color=colour, label=name, ms=4)
    right.axvline(1 - _theory(runs), color=GREY, ls="--", lw=1, label=r"$1 - (1 - \sqrt{\mathrm{lr}\,\mu})^2$, heavy ball")
    right.set(xscale="log", yscale="log", xlabel="1 - momentum", title=f"At the end, median of {runs['seed'].nunique()} seeds")
    right.invert_xaxis()
    right.legend()
    return figure


def _runs(study: Study) -> pd.DataFrame:
    runs = varied(study, *KEYS)
    return runs[runs["optimizer.momentum"].notna()].astype({"optimizer.nesterov": bool})


def _theory(runs: pd.DataFrame) -> float:
    first = runs.iloc[0]
    return float((1 - np.sqrt(first["optimizer.lr"] / first["problem.condition"])) ** 2)
