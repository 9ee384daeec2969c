r"""Are the gradients, written by hand and by autograd, those of the loss? One step of gradient descent tells.

A step of gradient descent with learning rate h along g, the gradient that an engine computes, must lower the loss by

    f(w) - f(w - h g) = h |g|^2 (1 + O(h L) + O(eps f / (h |g|^2)))

so that its relative error over h is a V: on the right the curvature L, on the left the rounding of f in floating-point numbers of
relative spacing eps. Its least is of the order of sqrt(eps) where the gradient is right, and of the order of 1 where it is wrong,
but for errors at right angles to g; a wrong gradient does not show in a smaller h. The two engines' norms |g| are compared, too.

Source: Nocedal and Wright, "Numerical optimization", 2006, section 8.1 (how far finite differences are to be trusted).
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.grid import groups, varied
from descent.analysis.load import NoData, Study
from descent.analysis.wording import listed
from descent.plots.style import BLUE, GREY, VERMILION, styled

EPS = {32: float(np.finfo(np.float32).eps), 64: float(np.finfo(np.float64).eps)}
SLACK = 100.0  # times sqrt(eps): what the least error of a right gradient stays below
COLOURS = {32: VERMILION, 64: BLUE}
MARKS = {"numpy": ("o", "hand-written"), "torch": ("x", "autograd")}


def sentence(study: Study) -> str:
    """Say to which relative error each engine's gradient predicts the loss, and to which the engines agree."""
    runs, agreed, turned, least = _runs(study), True, True, []
    for bits, own in groups(runs, "precision"):
        shown = []
        for engine, each in groups(own, "engine"):
            best = each.loc[each["error"].idxmin()]
            right = bool(best["error"] <= SLACK * np.sqrt(EPS[bits]))
            agreed, turned = agreed and right, turned and (right or best["lr"] > each["lr"].min())
            shown.append(f"{best['error']:.1e} at h = {best['lr']:g} ({engine})")
        least.append(f"{listed(shown)} in {bits} bits, where sqrt(eps) is {np.sqrt(EPS[bits]):.1e}")
    does = "falls by h |g|^2, as the gradients say" if agreed else "does not fall by h |g|^2, as a gradient says that it would"
    does = does if turned else "cannot tell here, as smaller h would show less error"
    return f"The loss {does}: the least relative error is {'; '.join(least)}.{_say_engines(runs)}"


@styled
def plot(study: Study) -> Figure:
    """Draw the relative error over h for each engine and precision, with the rounding and the curvature that bound it."""
    runs = _runs(study)
    figure = Figure(figsize=(7.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for (bits, engine), own in runs.groupby(["precision", "engine"]):
        errors, (mark, name) = own.groupby("lr")["error"].median(), MARKS[engine]
        axes.plot(errors.index, errors, mark, color=COLOURS[bits], ms=5, mew=1.3, mfc="none", label=f"{name}, {bits} bits")
    for _, own in groups(runs, "precision"):
        rounding = own.groupby("lr")["rounding"].median()
        axes.plot(rounding.index, rounding, color=GREY, lw=1, ls="--", label="rounding, eps f / (h |g|²)", zorder=1)
    exact = runs[runs["precision"] == runs["precision"].max()]
    curved = (exact["error"] / exact["lr"])[exact["lr"] >= exact["lr"].max() / 1000].median()
    rates = np.sort(runs["lr"].unique())
    axes.plot(rates, curved * rates, color=GREY, lw=1, ls=":", label="curvature, proportional to h", zorder=1)
    low, high = runs.loc[runs["error"] > 0, "error"].min(), runs["error"].max()
    axes.set(xscale="log", yscale="log", xlabel="learning rate h", ylim=(low / 10, 10 * high))
    axes.set(ylabel="relative error of h |g|²", title=f"One step on {listed(study.problems)}, n = {runs['seed'].nunique()}")
    drawn = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(drawn.values(), drawn.keys(), loc="outside right upper")
    return figure


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs of one step on all examples: `norm` of the gradient, relative `error`, and the `rounding` to expect."""
    runs = varied(study, "precision")
    plain = (runs["optimizer"] == "sgd") & (runs["schedule"] == "constant") & (runs["batch"] == "full") & (runs["steps"] == 1)
    runs = runs[plain & runs["precision"].isin(EPS) & runs["engine"].isin(MARKS)]
    found = {}
    for run, frame in study.curves(runs):
        (before, after), norm = frame["train/loss"], frame["gradient_norm"].iloc[1]
        said = run["lr"] * norm**2
        found[run["folder"]] = (norm, abs((before - after) / said - 1), EPS[run["precision"]] * abs(before) / said)
    runs = runs[runs["folder"].isin(found)]
    if runs.empty:
        raise NoData("the runs hold no single step of gradient descent on all examples in 32 or 64 bits")
    measured = pd.DataFrame([found[folder] for folder in runs["folder"]], runs.index, ["norm", "error", "rounding"])
    return runs.join(measured).dropna(subset=["error"])


def _say_engines(runs: pd.DataFrame) -> str:
    """Say to which relative difference the two engines' gradient norms agree; nothing where one of them did not run."""
    found = []
    for bits, own in groups(runs, "precision"):
        norms = own.groupby(["problem", "seed", "lr", "engine"])["norm"].first().unstack()
        if set(MARKS) <= set(norms) and len(both := norms.dropna()):
            off = (both["numpy"] / both["torch"] - 1).abs().max()
            found.append(f"to {off:.1e} in {bits} bits" if off else f"to the last digit in {bits} bits")
    return f" The hand-written gradient's norm is autograd's {listed(found)}." if found else ""
