r"""How much does momentum accelerate gradient descent in a narrow valley, and what happens with too much of it?

On a quadratic with curvatures from mu to L, heavy ball with learning rate lr multiplies the error along curvature lambda per step
by the larger root, in size, of ``z^2 - (1 + beta - lr lambda) z + beta = 0``. This is at best ``sqrt(beta)``, which the slowest
direction reaches at ``beta = (1 - sqrt(lr mu))^2``: more momentum only makes all directions oscillate for longer. Where the
gradient is nearly constant, steps add up to ``lr (1 + beta + beta^2 + ...) = lr / (1 - beta)``, the effective rate.

Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Goh, "Why momentum really works",
Distill 2017.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import Study
from descent.analysis.settings import median, require, varied
from descent.plots.medians import draw_curve, draw_ends, label, row, seeds, shaded
from descent.plots.style import BLUE, GREY, VERMILION, styled

ALIKE = 0.1  # relative difference of gaps up to which runs count as equal
GAP = "train/gap"
TEXT = """
At kappa = {{ kappa }}, training loss above the minimum after {{ steps }} steps: {{ without }} without momentum,
{% if best.momentum %}{{ best.gap }} with momentum {{ best.momentum }}, the best, {{ without / best.gap }} times less (theory's
best: {{ theory }}){% else %} which no momentum lowers{% endif %}
{%- if largest.momentum != best.momentum %}, {{ largest.gap }} with {{ largest.momentum }}{% endif %}.
{% if effective %} At the effective rate lr / (1 - momentum) = {{ effective.rate }}, momenta {{ effective.momenta | span }} end at
{{ effective.gaps | span }}: {{ "within" if effective.alike else "not alike," }} {{ effective.spread | percent }} of one another,
for learning rates that differ {{ effective.fold }}-fold.{% endif %}
"""


def analyse(study: Study) -> Finding:
    """Compare the best momentum with none and with the largest, on the same steps, and momenta of one effective rate."""
    runs, scaled = _runs(study)
    gaps = median(runs[~runs["nesterov"]], GAP, "momentum")
    require(gaps, 0)
    return Finding(
        kappa=runs["kappa"].iloc[0],
        steps=runs["steps"].max(),
        without=gaps[0],
        best={"momentum": gaps.idxmin(), "gap": gaps.min()},
        largest={"momentum": gaps.index.max(), "gap": gaps[gaps.index.max()]},
        theory=_theory(runs),
        effective=_effective(scaled),
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the gap over steps for each momentum, the gap at the end over momentum, and momenta of one effective rate."""
    runs, scaled = _runs(study)
    figure, (left, right, *more) = row(2) if scaled.empty else row(3, 11.6 / 3)
    for momentum, group, colour in shaded(runs[~runs["nesterov"]], "momentum"):
        draw_curve(left, study, group, GAP, color=colour, label=f"{momentum:g}")
    label(left, "linear log", "steps", "training loss above its minimum", "Heavy ball", "momentum")
    for nesterov, name, colour in ((False, "heavy ball", BLUE), (True, "Nesterov", VERMILION)):
        if len(group := runs[runs["nesterov"] == nesterov]):
            draw_ends(right, group.assign(rest=1 - group["momentum"].astype(float)), GAP, "rest", color=colour, label=name)
    right.axvline(1 - _theory(runs), color=GREY, ls="--", lw=1, label=r"$1 - (1 - \sqrt{\mathrm{lr}\,\mu})^2$, heavy ball")
    label(right, "log log", "1 - momentum", title=f"At the end, median of {seeds(runs)}", legend="")
    right.invert_xaxis()
    for axes in more:
        widths = np.linspace(3.5, 1.0, scaled["momentum"].nunique())
        for width, (momentum, group, colour) in zip(widths, shaded(scaled, "momentum"), strict=True):
            draw_curve(axes, study, group, GAP, color=colour, lw=width, label=f"{momentum:g}, lr = {group['lr'].iloc[0]:g}")
        title = f"Heavy ball, lr / (1 - momentum) = {_rate(scaled).iloc[0]:g}"
        label(axes, "log log", "steps", title=title, legend="momentum")
    return figure


def _runs(study: Study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the runs at the largest learning rate, and those of the heavy ball at smaller ones that have one effective rate."""
    runs = varied(study, momentum="optimizer.momentum", nesterov="optimizer.nesterov", kappa="problem.condition")
    runs = runs[runs["momentum"].notna()].astype({"nesterov": bool})
    main = runs["lr"] == runs["lr"].max()
    scaled = runs[~main & ~runs["nesterov"]]
    alike = len(scaled) and np.allclose(_rate(scaled), _rate(scaled).iloc[0])
    return runs[main], scaled if alike else scaled.iloc[:0]


def _rate(runs: pd.DataFrame) -> "pd.Series[float]":
    return runs["lr"] / (1 - runs["momentum"])


def _effective(scaled: pd.DataFrame) -> dict[str, object] | None:
    """Compare the momenta of one effective rate; None where there are fewer than two."""
    if scaled["momentum"].nunique() < 2:
        return None
    gaps = median(scaled, GAP, "momentum")
    spread = gaps.max() / gaps.min() - 1
    return {
        "rate": _rate(scaled).iloc[0],
        "momenta": list(gaps.index),
        "gaps": list(gaps),
        "spread": spread,
        "alike": bool(spread < ALIKE),
        "fold": scaled["lr"].max() / scaled["lr"].min(),
    }


def _theory(runs: pd.DataFrame) -> float:
    first = runs.iloc[0]
    return float((1 - np.sqrt(first["lr"] / first["kappa"])) ** 2)
