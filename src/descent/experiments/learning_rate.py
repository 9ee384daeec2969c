r"""Which learning rates are too low, good and too high, can one run tell, and where does gradient descent diverge?

A range test raises the learning rate exponentially within one run; where its loss turns, learning rates become too high. On a
quadratic with curvatures from mu to L nothing is left to trial: a step multiplies the error along curvature lambda by
``1 - lr lambda``. All directions shrink where ``lr < 2/L``, none of them slower than by ``rho = max(|1 - lr mu|, |1 - lr L|)``,
which is smallest at ``lr = 2/(L + mu)``. After T steps ``f(w_T) <= rho^(2T) f(w_0)``, the minimum being 0.

Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3; Nesterov, "Introductory lectures on
convex optimization", 2004, theorem 2.1.15.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.grid import curve, median, rose, varied
from descent.analysis.load import NoData, Study
from descent.plots.curves import faint
from descent.plots.style import BLUE, GREY, VERMILION, styled

LIMIT = 2.0  # of lr, as L = 1
BEYOND = 30.0  # times the loss at the start: what lies higher leaves the picture


def sentence(study: Study) -> str:
    """Say where the range test turns and which constant learning rate is best, and whether 2/L divides the quadratic's."""
    said = [text for of, say in ((_network, _say_network), (_quadratic, _say_quadratic)) if (text := say(study, of(study)))]
    if not said:
        raise NoData("the runs hold neither two learning rates on digits_mlp nor on the quadratic")
    return " ".join(said)


@styled
def plot(study: Study) -> Figure:
    """Draw the range test over constant learning rates on the digits, and the quadratic's gap over the learning rate."""
    drawn: list[tuple[Callable[[Axes, Study, pd.DataFrame], None], pd.DataFrame]] = [
        (draw, runs) for draw, runs in ((_draw_network, _network(study)), (_draw_quadratic, _quadratic(study))) if len(runs)
    ]
    figure = Figure(figsize=(4.2 * len(drawn), 3.4), layout="constrained")
    for axes, (draw, runs) in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn, strict=True):
        draw(axes, study, runs)
    return figure


def _network(study: Study) -> pd.DataFrame:
    return study.runs[study.runs["problem"] == "digits_mlp"]


def _quadratic(study: Study) -> pd.DataFrame:
    """Return the quadratic's runs, of several learning rates, with whether the loss rose at the end: below 2/L no step can."""
    runs = varied(study, "problem.condition")
    runs = runs[(runs["problem"] == "quadratic") & (runs["batch"] == "full") & (runs["schedule"] == "constant")]
    runs = runs.assign(rose=rose(study, runs))
    return runs if runs["lr"].nunique() > 1 else runs.iloc[:0]


def _turns(study: Study, runs: pd.DataFrame) -> np.ndarray:
    """Return the learning rate at which each range test's loss is lowest; infinite where it falls to the end."""
    tests = [frame.set_index("lr")["train/loss"] for _, frame in study.curves(runs[runs["schedule"] == "range_test"])]
    return np.array([loss.idxmin() if loss.iloc[-1] > loss.min() else np.inf for loss in tests])


def _say_network(study: Study, runs: pd.DataFrame) -> str:
    found, turns, said = _final(runs), _turns(study, runs), ""
    if len(turns) and np.isinf(np.median(turns)):
        said = "The range test's loss falls to its end"
    elif len(turns):
        said = f"The range test's loss is lowest at lr = {np.median(turns):.2g}"
        said += f" ({turns.min():.2g} to {turns.max():.2g} over {len(turns)} seeds)" if len(turns) > 1 else ""
    if len(found) < 2:
        return f"{said}." if said else ""
    best = found.idxmin()
    others = [("too low", found.index[0]), ("too high", found.index[-1])]
    shown = [f"{lr:g} ({what}) at {found[lr]:.3g}" for what, lr in others if lr != best]
    constant = f"of constant ones {best:g} is best"
    return (
        f"{f'{said}; ' if said else ''}{constant if said else constant.capitalize()}, which leaves the training loss at "
        f"{found[best]:.3g}, {' and '.join(shown)}."
    )


def _say_quadratic(_: Study, runs: pd.DataFrame) -> str:
    if runs.empty:
        return ""
    gaps, ends = _final(runs), runs.groupby("lr")["rose"]
    wrong = [lr for lr in gaps.index if (ends.any()[lr] if lr < LIMIT else not ends.all()[lr])]
    below, above = (gaps.index < LIMIT).sum(), (gaps.index > LIMIT).sum()
    said = f"On the quadratic (L = 1) all {below} learning rates below 2/L lowered the loss, and all {above} above raised it"
    if wrong:
        said = f"On the quadratic 2/L did not divide the learning rates: {', '.join(f'{lr:g}' for lr in wrong)} did otherwise"
    best = f"{gaps.idxmin():g} is best after {runs['steps'].max():.0f} steps"
    return f"{said}; {best}, theory's is 2/(L + mu) = {2 / (1 + 1 / _condition(runs)):.3g}."


def _draw_network(axes: Axes, study: Study, runs: pd.DataFrame) -> None:
    tests, found = runs[runs["schedule"] == "range_test"], _final(runs)
    if len(tests):
        (_, lr), (_, loss) = curve(study, tests, "lr"), curve(study, tests, "train/loss")
        axes.plot(lr, loss, color=BLUE, label="within one run that raises it")
        faint(axes, [frame[["lr", "train/loss"]].to_numpy() for _, frame in study.curves(tests)], BLUE)
        if np.isfinite(turn := np.median(_turns(study, runs))):
            axes.axvline(turn, color=GREY, ls="--", lw=1, label="where it is lowest")
    if len(found):
        axes.plot(found.index, found, "o", color=VERMILION, ms=4, label="after a run each, constant")
    axes.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="training loss")
    axes.set_title(f"digits_mlp, {runs['steps'].max():.0f} steps, median of {runs['seed'].nunique()} seeds")
    axes.legend()


def _draw_quadratic(axes: Axes, study: Study, runs: pd.DataFrame) -> None:
    gaps = _final(runs)
    kappa, start = _condition(runs), np.median([frame["train/gap"].iloc[0] for _, frame in study.curves(runs)])
    lr = np.linspace(min(gaps.index), max(gaps.index), 1000)
    with np.errstate(over="ignore"):
        bound = start * np.maximum(np.abs(1 - lr / kappa), np.abs(1 - lr)) ** (2 * runs["steps"].max())
    top = BEYOND * start
    axes.plot(lr, bound, color=GREY, lw=1, label="theory's bound")
    inside, beyond = gaps[gaps <= top], gaps.index[gaps > top]
    axes.plot(inside.index, inside, "o", color=BLUE, ms=4, label="measured")
    axes.plot(beyond, np.full(len(beyond), top), "x", color=BLUE, ms=5, mew=1.5, clip_on=False, label="beyond the picture")
    axes.axvline(LIMIT, color=VERMILION, ls="--", lw=1, label="2/L")
    axes.set(yscale="log", xlabel="learning rate · L", ylabel="training loss above its minimum", ylim=(None, top))
    axes.set_title(f"quadratic, kappa = {kappa:g}, {runs['steps'].max():.0f} steps, median of {runs['seed'].nunique()} seeds")
    axes.legend(loc="lower left")


def _final(runs: pd.DataFrame) -> pd.Series:
    runs = runs[runs["schedule"] == "constant"]
    return median(runs, f"final:{runs['metric'].iloc[0]}", "lr") if len(runs) else pd.Series(dtype=float)


def _condition(runs: pd.DataFrame) -> float:
    return float(runs["problem.condition"].iloc[0])
