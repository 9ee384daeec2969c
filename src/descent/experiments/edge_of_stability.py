r"""How does sharpness, the largest eigenvalue of the Hessian, follow the learning rate of full-batch gradient descent?

On a quadratic gradient descent is stable where the sharpness is below ``2/lr``. On a network the sharpness is no constant: it
rises while it can, up to ``2/lr``, and then stays there, while the loss goes on falling, no longer at every step.

Source: Cohen, Kaur, Li, Kolter and Talwalkar, "Gradient descent on neural networks typically occurs at the edge of stability",
2021, section 3.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.grid import groups
from descent.analysis.load import NoData, Study
from descent.analysis.wording import listed, number, size
from descent.plots import layout
from descent.plots.curves import Curves, faint
from descent.plots.style import shades, styled

LATE = 0.6  # of the steps: what comes after is the end
NEAR = 0.05  # how far from 2/lr the mean sharpness at the end may be to be there


@styled
def plot(study: Study) -> Figure:
    """Draw sharpness and training loss over steps for each learning rate: one seed, the others faint, and 2/lr dashed."""
    found = _found(study)
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (lr, ((_, first), *others)), colour in zip(found.items(), shades(len(found)), strict=True):
        for axes, quantity in ((left, "sharpness"), (right, "train/loss")):
            axes.plot(first["step"], first[quantity], color=colour, label=f"{lr:g}")
            faint(axes, [frame[["step", quantity]].to_numpy() for _, frame in others], colour)
        left.axhline(2 / lr, color=colour, ls="--", lw=1)
    left.set(xlabel="steps", ylabel="sharpness", yscale="log", title="Largest eigenvalue of the Hessian; dashed: 2/lr")
    right.set(xlabel="steps", ylabel="training loss", yscale="log")
    layout.ticks(left)
    layout.ticks(right)
    runs = [run for curves in found.values() for run, _ in curves]
    seeds = sorted({run["seed"] for run in runs})
    right.set_title(f"Seed {seeds[0]}{f', {len(seeds) - 1} more faint' if len(seeds) > 1 else ''}")
    right.legend(title="learning rate")
    return figure


def sentence(study: Study) -> str:
    """Say where the sharpness is over the end of the steps, in units of 2/lr, and whether the loss still falls there."""
    found = _found(study)
    there, below, away = [], [], []
    for lr, curves in found.items():
        mean, low, high, top = _edge(lr, [frame for _, frame in curves])
        at = f"{mean:.2f} at lr {lr:g}"
        if abs(mean - 1) <= NEAR:
            there.append(f"{at} ({low:.2f} to {high:.2f})")
        elif top < 1:
            below.append(at)
        else:
            away.append(at)
    said = [f"stays at {listed(there)} times 2/lr"] if there else []
    said += [f"has not yet risen to it, and is {listed(below)} times 2/lr"] if below else []
    said += [f"does not stay there, and is {listed(away)} times 2/lr"] if away else []
    n = size(len(curves) for curves in found.values())
    span = f"Over the last {100 * (1 - LATE):.0f} % of the steps"
    text = f"{span} sharpness {'; it '.join(said)} ({n}; mean, and range of the records)."
    falls = {lr: _falling([frame for _, frame in curves]) for lr, curves in found.items()}
    ratios = f"{number(min(falls.values()))} to {number(max(falls.values()))}" if len(falls) > 1 else number(*falls.values())
    return f"{text} The loss at the end is {ratios} times that at the beginning of these."


def _found(study: Study) -> dict[float, Curves]:
    """Return the runs that measured sharpness, by learning rate.

    Raises:
        NoData: there is none.
    """
    found = {}
    for lr, own in groups(study.runs[study.runs["status"] != "diverged"].sort_values("seed"), "lr"):
        curves = [(run, frame) for run, frame in study.curves(own) if "sharpness" in frame and frame["sharpness"].notna().any()]
        if curves:
            found[float(lr)] = curves
    if not found:
        raise NoData("no run that did not diverge measured sharpness")
    return found


def _late(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["step"] >= LATE * frame["step"].iloc[-1]]


def _edge(lr: float, frames: list[pd.DataFrame]) -> tuple[float, float, float, float]:
    """Return the mean, least and largest sharpness at the end, and the largest ever, in units of 2/lr."""
    late = np.concatenate([_late(frame)["sharpness"] for frame in frames]) * lr / 2
    ever = max(frame["sharpness"].max() for frame in frames) * lr / 2
    return float(np.nanmean(late)), float(np.nanmin(late)), float(np.nanmax(late)), float(ever)


def _falling(frames: list[pd.DataFrame]) -> float:
    """Return the last loss over the first of the end, median over runs."""
    return float(np.median([_late(frame)["train/loss"].iloc[-1] / _late(frame)["train/loss"].iloc[0] for frame in frames]))
