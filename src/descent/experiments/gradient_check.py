r"""Are the hand-written gradients and those of autograd the gradients of the loss? Check by one step of gradient descent.

A step of gradient descent with learning rate h along g, the gradient that an engine computes, must lower the loss by

    f(w) - f(w - h g) = h |g|^2 (1 + O(h L) + O(eps f / (h |g|^2)))

so that the relative error over h is V-shaped: the curvature L dominates on the right, the rounding of f, in floating-point
numbers of relative spacing eps, on the left. Its minimum is of order sqrt(eps) for a correct gradient and of order 1 for a wrong
one, except for errors orthogonal to g; a smaller h does not reduce the error of a wrong gradient. The engines' norms |g| are
compared, too.

Source: Nocedal and Wright, "Numerical optimization", 2006, section 8.1 (how far finite differences are to be trusted).
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import varied
from descent.analysis.wording import listed
from descent.plots.medians import label, row, seeds
from descent.plots.style import BLUE, GREY, VERMILION, styled

EPS = {32: float(np.finfo(np.float32).eps), 64: float(np.finfo(np.float64).eps)}
SLACK = 100.0  # times sqrt(eps): upper limit of the least error of a correct gradient
COLOURS = {32: VERMILION, 64: BLUE}
MARKS = {"numpy": ("o", "hand-written"), "torch": ("x", "autograd")}
TEXT = """
{% if not decided %} Not decided: smaller h would show less error.
{% elif right %} The loss falls by h |g|^2, as the gradients predict.
{% else %} The loss does not fall by h |g|^2, as a gradient predicts.{% endif %} Lowest relative error:
{% for precision in precisions %}{{ precision.bits }} bits (sqrt(eps) = {{ precision.sqrt_eps }}):
{% for row in precision.engines %}{{ row.error }} at h = {{ row.h }} ({{ row.engine }}){{ "," if not loop.last }} {% endfor %}
{{ ";" if not loop.last }} {% endfor %}.
{% for row in norms %}{% if loop.first %} Largest relative difference of the engines' gradient norms:{% endif %}
{{ row.difference }} in {{ row.bits }} bits{{ "," if not loop.last else "." }} {% endfor %}
"""


def analyse(study: Study) -> Finding:
    """Compute the least relative error with which each engine's gradient predicts the loss, and how the engines differ.

    It is `right` where each of these errors is below `SLACK` times sqrt(eps), and `decided` unless one that is not has its
    least error at the smallest h.
    """
    runs, precisions, right, decided = _runs(study), [], True, True
    for bits, group in runs.groupby("precision"):
        engines = []
        for engine, of_engine in group.groupby("engine"):
            best = of_engine.loc[of_engine["error"].idxmin()]
            small = bool(best["error"] <= SLACK * np.sqrt(EPS[bits]))
            right, decided = right and small, decided and (small or best["lr"] > of_engine["lr"].min())
            engines.append({"engine": engine, "error": best["error"], "h": best["lr"]})
        precisions.append({"bits": bits, "sqrt_eps": np.sqrt(EPS[bits]), "engines": engines})
    return Finding(right=right, decided=decided, precisions=precisions, norms=_norms(runs))


@styled
def plot(study: Study) -> Figure:
    """Draw the relative error over h for each engine and precision, with the rounding and the curvature that bound it."""
    runs = _runs(study)
    figure, (axes,) = row(1, 7.4, 3.6)
    for (bits, engine), group in runs.groupby(["precision", "engine"]):
        errors, (mark, name) = group.groupby("lr")["error"].median(), MARKS[engine]
        axes.plot(errors.index, errors, mark, color=COLOURS[bits], ms=5, mew=1.3, mfc="none", label=f"{name}, {bits} bits")
    for _, group in runs.groupby("precision"):
        rounding = group.groupby("lr")["rounding"].median()
        axes.plot(rounding.index, rounding, color=GREY, lw=1, ls="--", label="rounding, eps f / (h |g|²)", zorder=1)
    exact = runs[runs["precision"] == runs["precision"].max()]
    curved = (exact["error"] / exact["lr"])[exact["lr"] >= exact["lr"].max() / 1000].median()
    rates = np.sort(runs["lr"].unique())
    axes.plot(rates, curved * rates, color=GREY, lw=1, ls=":", label="curvature, proportional to h", zorder=1)
    low, high = runs.loc[runs["error"] > 0, "error"].min(), runs["error"].max()
    axes.set_ylim(low / 10, 10 * high)
    title = f"One step on {listed(study.problems)}, {seeds(runs)}"
    label(axes, "log log", "learning rate h", "relative error of h |g|²", title)
    drawn = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    figure.legend(drawn.values(), drawn.keys(), loc="outside right upper")
    return figure


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs of one step on all examples: `norm` of the gradient, relative `error`, and the `rounding` to expect."""
    runs = varied(study, precision="precision")
    plain = (runs["optimizer"] == "sgd") & (runs["schedule"] == "constant") & (runs["batch"] == "full") & (runs["steps"] == 1)
    runs = runs[plain & runs["precision"].isin(EPS) & runs["engine"].isin(MARKS)]
    measured = {}
    for run, frame in study.curves(runs):
        (before, after), norm = frame["train/loss"], frame["gradient_norm"].iloc[1]
        fall = run["lr"] * norm**2
        measured[run.name] = (norm, abs((before - after) / fall - 1), EPS[run["precision"]] * abs(before) / fall)
    if not measured:
        raise NoData("the runs hold no single step of gradient descent on all examples in 32 or 64 bits")
    table = pd.DataFrame.from_dict(measured, orient="index", columns=["norm", "error", "rounding"])
    return runs.join(table, how="inner").dropna(subset=["error"])


def _norms(runs: pd.DataFrame) -> list[dict[str, float]]:
    """Return by precision the largest relative difference of the two engines' gradient norms; nothing where one did not run."""
    rows = []
    for bits, group in runs.groupby("precision"):
        norms = group.groupby(["problem", "seed", "lr", "engine"])["norm"].first().unstack()
        if set(MARKS) <= set(norms) and len(both := norms.dropna()):
            rows.append({"bits": bits, "difference": (both["numpy"] / both["torch"] - 1).abs().max()})
    return rows
