r"""What does momentum buy in a narrow valley, and what does too much of it cost?

On a quadratic with curvatures from mu to L, heavy ball with learning rate lr shrinks the error along curvature lambda at each
step by the larger root, in size, of ``z^2 - (1 + beta - lr lambda) z + beta = 0``. That is at best ``sqrt(beta)``, and the
slowest direction gets there from ``beta = (1 - sqrt(lr mu))^2`` on: more momentum only makes all directions oscillate for longer.
Where the gradient hardly changes, steps add up to ``lr (1 + beta + beta^2 + ...) = lr / (1 - beta)``, the effective rate.

Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Goh, "Why momentum really works",
Distill 2017.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.grid import curve, groups, median, require, varied
from descent.analysis.load import Study
from descent.plots.style import BLUE, GREY, VERMILION, shades, styled

ALIKE = 0.1  # relative difference of gaps up to which runs end alike
KEYS = ("optimizer.momentum", "optimizer.nesterov", "problem.condition", "optimizer.lr")


def sentence(study: Study) -> str:
    """Compare the best momentum with none and with the largest, on the same steps."""
    runs, scaled = _runs(study)
    gaps = median(runs[~runs["optimizer.nesterov"]], "final:train/gap", "optimizer.momentum")
    require(gaps, 0)
    best, most = gaps.idxmin(), gaps.index.max()
    steps = f"{runs['steps'].max():.0f} steps"
    condition = f"kappa = {runs['problem.condition'].iloc[0]:g}"
    if best == 0:
        return (
            f"At {condition} no momentum helps: without it the gap after {steps} is {gaps[0]:.2g}, with others at least as large."
            f"{_effective(scaled)}"
        )
    text = (
        f"At {condition}, momentum {best:g} leaves a gap of {gaps[best]:.2g} after {steps}, none {gaps[0]:.2g}: "
        f"{gaps[0] / gaps[best]:.2g} times more. Theory's best is {_theory(runs):.3f}."
    )
    too_much = "" if best == most else f" Too much, {most:g}, leaves {gaps[most]:.2g}."
    return f"{text}{too_much}{_effective(scaled)}"


@styled
def plot(study: Study) -> Figure:
    """Draw the gap over steps for each momentum, the gap at the end over momentum, and momenta of one effective rate."""
    runs, scaled = _runs(study)
    figure = Figure(figsize=(8.4 if scaled.empty else 11.6, 3.4), layout="constrained")
    left, right, *more = figure.subplots(1, 2 if scaled.empty else 3)
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
    for axes in more:
        count = scaled["optimizer.momentum"].nunique()
        for (momentum, own), colour, width in zip(
            groups(scaled, "optimizer.momentum"), shades(count), np.linspace(3.5, 1.0, count), strict=True
        ):
            label = f"{momentum:g}, lr = {own['lr'].iloc[0]:g}"
            axes.plot(*curve(study, own, "train/gap"), color=colour, lw=width, label=label)
        title = f"Heavy ball, lr / (1 - momentum) = {_rate(scaled).iloc[0]:g}"
        axes.set(xscale="log", yscale="log", xlabel="steps", title=title)
        axes.legend(title="momentum")
    return figure


def _runs(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the runs at the largest learning rate, and those of the heavy ball at smaller ones that have one effective rate."""
    runs = varied(study, *KEYS)
    runs = runs[runs["optimizer.momentum"].notna()].astype({"optimizer.nesterov": bool})
    main = runs["lr"] == runs["lr"].max()
    scaled = runs[~main & ~runs["optimizer.nesterov"]]
    alike = len(scaled) and np.allclose(_rate(scaled), _rate(scaled).iloc[0])
    return runs[main], scaled if alike else scaled.iloc[:0]


def _rate(runs: pd.DataFrame) -> "pd.Series[float]":
    return runs["lr"] / (1 - runs["optimizer.momentum"])


def _effective(scaled: pd.DataFrame) -> str:
    """Compare the momenta of one effective rate; nothing where there are no two."""
    if scaled["optimizer.momentum"].nunique() < 2:
        return ""
    gaps = median(scaled, "final:train/gap", "optimizer.momentum")
    apart, rates = gaps.max() / gaps.min() - 1, scaled["lr"].max() / scaled["lr"].min()
    said = f" With lr / (1 - momentum) = {_rate(scaled).iloc[0]:g}, momenta {gaps.index.min():g} to {gaps.index.max():g}"
    if not apart < ALIKE:
        return f"{said} do not end alike (gaps {gaps.min():.2g} to {gaps.max():.2g})."
    return f"{said} end within {100 * apart:.2g} % of one another, though their lr differ {rates:.3g}-fold."


def _theory(runs: pd.DataFrame) -> float:
    first = runs.iloc[0]
    return float((1 - np.sqrt(first["optimizer.lr"] / first["problem.condition"])) ** 2)
