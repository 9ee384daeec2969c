r"""Which learning rates are too low, good and too high, can one run find this out, and where does gradient descent diverge?

A range test increases the learning rate exponentially within one run; above the value with the lowest loss, learning rates are
too high. On a quadratic with curvatures from mu to L the answer is exact: a step multiplies the error along curvature lambda by
``1 - lr lambda``. All directions shrink if ``lr < 2/L``, the slowest by ``rho = max(|1 - lr mu|, |1 - lr L|)``, which is smallest
at ``lr = 2/(L + mu)``. After T steps ``f(w_T) <= rho^(2T) f(w_0)`` for a minimum of 0.

Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3; Nesterov, "Introductory lectures on
convex optimization", 2004, theorem 2.1.15.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import median, rose, varied
from descent.plots.medians import draw_curve, draw_parts, label, seeds
from descent.plots.style import BLUE, GREY, VERMILION, styled

LIMIT = 2.0  # of lr, as L = 1
BEYOND = 30.0  # times the loss at the start: upper end of the axis
TEXT = """
{% if turns %} The loss of the range test {% if turn %} is lowest at lr {{ turn }} ({{ turns | span }}, n = {{ turns | length }}).
{% else %} falls to its end.{% endif %}{% endif %}
{% if best %} Constant learning rates on digits_mlp: training loss {{ best.loss }} at lr {{ best.lr }}, the best
{% for row in others %}; {{ row.loss }} at lr {{ row.lr }}, too {{ row.side }}{% endfor %}.{% endif %}
{% if quadratic %} On the quadratic (L = 1)
{% if quadratic.exceptions %} 2/L does not divide the learning rates: {{ quadratic.exceptions | listed }} are exceptions.
{% else %} the loss falls at all {{ quadratic.below }} learning rates below 2/L and rises at all {{ quadratic.above }} above.
{% endif %} The best after {{ quadratic.steps }} steps is lr {{ quadratic.best }} (theory: 2/(L + mu) = {{ quadratic.theory }}).
{% endif %}
"""


def analyse(study: Study) -> Finding:
    """Compute the turn of the range test, the best constant learning rate, and whether 2/L is the limit on the quadratic."""
    network, quadratic = _network(study), _quadratic(study)
    losses, turns = _final(network), _turns(study, network)
    if not len(turns) and len(losses) < 2 and quadratic.empty:
        raise NoData("the runs hold neither two learning rates on digits_mlp nor on the quadratic")
    best = losses.idxmin() if len(losses) > 1 else None
    ends = [("low", losses.index[0]), ("high", losses.index[-1])] if best else []
    return Finding(
        turns=list(turns),
        turn=np.median(turns) if len(turns) else None,
        best={"lr": best, "loss": losses[best]} if best else None,
        others=[{"side": side, "lr": lr, "loss": losses[lr]} for side, lr in ends if lr != best],
        quadratic=_divided(quadratic),
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the range test over constant learning rates on the digits, and the quadratic's gap over the learning rate."""
    return draw_parts([(_draw_network, _network(study)), (_draw_quadratic, _quadratic(study))], study)


def _network(study: Study) -> pd.DataFrame:
    return study.runs[study.runs["problem"] == "digits_mlp"]


def _quadratic(study: Study) -> pd.DataFrame:
    """Return the quadratic's runs and whether the loss `rose` at the end, which no step can do below 2/L."""
    runs = varied(study, kappa="problem.condition")
    runs = runs[(runs["problem"] == "quadratic") & (runs["batch"] == "full") & (runs["schedule"] == "constant")]
    runs = runs.assign(rose=rose(study, runs))
    return runs if runs["lr"].nunique() > 1 else runs.iloc[:0]


def _turns(study: Study, runs: pd.DataFrame) -> np.ndarray:
    """Return the learning rate at which each range test's loss is lowest; infinite where it falls to the end."""
    tests = [frame.set_index("lr")["train/loss"] for _, frame in study.curves(runs[runs["schedule"] == "range_test"])]
    return np.array([loss.idxmin() if loss.iloc[-1] > loss.min() else np.inf for loss in tests])


def _divided(runs: pd.DataFrame) -> dict[str, object] | None:
    """Return how many learning rates lie below 2/L and above, the exceptions, and the best one with that of theory."""
    if runs.empty:
        return None
    gaps, ends = _final(runs), runs.groupby("lr")["rose"]
    return {
        "below": int((gaps.index < LIMIT).sum()),
        "above": int((gaps.index > LIMIT).sum()),
        "exceptions": [lr for lr in gaps.index if (ends.any()[lr] if lr < LIMIT else not ends.all()[lr])],
        "steps": runs["steps"].max(),
        "best": gaps.idxmin(),
        "theory": 2 / (1 + 1 / runs["kappa"].iloc[0]),
    }


def _draw_network(axes: Axes, runs: pd.DataFrame, study: Study) -> None:
    tests, losses = runs[runs["schedule"] == "range_test"], _final(runs)
    if len(tests):
        y = draw_curve(axes, study, tests, "train/loss", "lr", seeds=True, color=BLUE, label="range test (one run)")
        x = np.asarray(axes.lines[-1].get_xdata(), dtype=float)
        if y[-1] > np.nanmin(y):
            axes.axvline(float(x[np.nanargmin(y)]), color=GREY, ls="--", lw=1, label="lowest point of the median")
    if len(losses):
        axes.plot(losses.index, losses, "o", color=VERMILION, ms=4, label="constant (one run each)")
    title = f"digits_mlp, {runs['steps'].max():.0f} steps, median of {seeds(runs)}"
    label(axes, "log log", "learning rate", "training loss", title, "")


def _draw_quadratic(axes: Axes, runs: pd.DataFrame, study: Study) -> None:
    gaps, kappa = _final(runs), runs["kappa"].iloc[0]
    start = np.median([frame["train/gap"].iloc[0] for _, frame in study.curves(runs)])
    lr = np.linspace(min(gaps.index), max(gaps.index), 1000)
    with np.errstate(over="ignore"):
        bound = start * np.maximum(np.abs(1 - lr / kappa), np.abs(1 - lr)) ** (2 * runs["steps"].max())
    top = BEYOND * start
    axes.plot(lr, bound, color=GREY, lw=1, label="upper bound (theory)")
    inside, beyond = gaps[gaps <= top], gaps.index[gaps > top]
    axes.plot(inside.index, inside, "o", color=BLUE, ms=4, label="measured")
    axes.plot(beyond, np.full(len(beyond), top), "x", color=BLUE, ms=5, mew=1.5, clip_on=False, label="above the axis")
    axes.axvline(LIMIT, color=VERMILION, ls="--", lw=1, label="2/L")
    title = f"quadratic, kappa = {kappa:g}, {runs['steps'].max():.0f} steps, median of {seeds(runs)}"
    label(axes, "linear log", "learning rate · L", "training loss above its minimum", title, "", loc="lower left")
    axes.set_ylim(top=top)


def _final(runs: pd.DataFrame) -> pd.Series:
    runs = runs[runs["schedule"] == "constant"]
    return median(runs, runs["metric"].iloc[0], "lr") if len(runs) else pd.Series(dtype=float)
