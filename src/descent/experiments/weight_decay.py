r"""Is weight decay the same as an L2 penalty, and does it help where labels are wrong?

A penalty ``(decay/2) |w|^2`` adds ``decay w`` to the gradient; decoupled decay shrinks the weights past the gradient:

    L2:         w <- w - lr P (g + decay w)
    decoupled:  w <- w - lr decay w - lr P g

For SGD, P = 1 and both are the same. Adam divides by the root mean square of what it is given, the penalty included, so that
weights with large gradients hardly decay, and all of them decay at another rate than the decoupled ones. A network that has units
enough learns wrong labels by heart; small weights make that harder. The decay of each kind is chosen on the first seeds of the
study, by validation loss, and judged on the others, paired by seed with runs without any (Student's t, Holm's correction).

Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, propositions 1 and 2; Krogh and Hertz, "A simple
weight decay can improve generalization", 1992.
"""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.grid import curve, median, require, varied
from descent.analysis.load import NoData, Study
from descent.analysis.statistics import ALPHA, holm, t_interval, t_test, values
from descent.plots.layout import ticks
from descent.plots.style import BLACK, BLUE, GREY, VERMILION, styled

KEYS = ("optimizer.weight_decay", "optimizer.decoupled_weight_decay", "problem.label_noise")
TUNING = 2  # seeds of the study, the first ones, that choose
ROUNDING = 1e-9  # what is smaller is no difference, in double precision
KINDS = {False: "L2", True: "decoupled"}
METRICS = {"val/loss": "validation loss", "val/accuracy": "validation accuracy"}
COLOURS = {False: BLUE, True: VERMILION}


def sentence(study: Study) -> str:
    """Say how far the two kinds differ for SGD and for Adam, and what the best decay of each changes on other seeds."""
    runs = _runs(study)
    adam = runs[runs["optimizer"] == "adam"]
    decay, norms = _norms(study, adam)
    noise, fresh = _noise(adam), adam["seed"].nunique() - TUNING
    return (
        f"For SGD, L2 and decoupled decay {_same(_difference(study, runs))}. "
        f"For Adam they {_verb(norms)}: decay {decay:g} leaves weights of norm {norms[False]:.3g} as L2 and {norms[True]:.3g} "
        f"decoupled. With {100 * noise:.0f} % of the training labels wrong, on {fresh} seeds that did not choose it "
        f"(Holm-adjusted), {'; '.join(_changes(adam))}."
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the norm of the weights over steps with one decay of both kinds, and validation loss and accuracy over the decay."""
    runs = _runs(study)
    adam = runs[runs["optimizer"] == "adam"]
    figure = Figure(figsize=(10.2, 3.5), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    _draw_norms(left, study, runs)
    for axes, (metric, name) in zip((middle, right), METRICS.items(), strict=True):
        _draw_ends(axes, adam, metric)
        axes.set(ylabel=name)
    middle.set_title(f"At the end, {100 * _noise(adam):.0f} % of the training labels wrong")
    right.legend(loc="lower left")
    right.set_title(f"{adam['seed'].nunique()} seeds, and their medians")
    return figure


def _runs(study: Study) -> pd.DataFrame:
    runs = varied(study, *KEYS)
    decoupled = runs["optimizer.decoupled_weight_decay"].eq(True)
    return runs.assign(decay=runs["optimizer.weight_decay"].astype(float), decoupled=decoupled)


def _noise(adam: pd.DataFrame) -> float:
    return float(adam["problem.label_noise"].iloc[0])


def _difference(study: Study, runs: pd.DataFrame) -> float:
    """Return by which share the training losses of SGD with either kind of decay differ, at most, at any record."""
    sgd = runs[(runs["optimizer"] == "sgd") & (runs["decay"] > 0)]
    losses = {(run["decay"], run["seed"], run["decoupled"]): frame["train/loss"] for run, frame in study.curves(sgd)}
    pairs = [(loss, losses[*key, True]) for (*key, decoupled), loss in losses.items() if not decoupled and (*key, True) in losses]
    if not pairs:
        raise NoData("the runs lack sgd with one decay of both kinds")
    return max(float((one / other - 1).abs().max()) for one, other in pairs)


def _same(difference: float) -> str:
    said = f"training losses differ by {difference:.1g} of themselves at most"
    return f"are the same: {said}" if difference < ROUNDING else f"are not the same here: {said}"


def _norms(study: Study, adam: pd.DataFrame) -> tuple[float, dict[bool, float]]:
    """Return the largest decay that both kinds have, and the median norm of the weights that each leaves."""
    decays = [set(adam.loc[adam["decoupled"].eq(decoupled) & adam["decay"].gt(0), "decay"]) for decoupled in KINDS]
    if not set.intersection(*decays):
        raise NoData("the runs lack adam with one decay of both kinds")
    decay = max(set.intersection(*decays))
    same = adam[adam["decay"] == decay]
    norms = {decoupled: curve(study, same[same["decoupled"] == decoupled], "weight_norm")[1][-1] for decoupled in KINDS}
    return decay, norms


def _verb(norms: dict[bool, float]) -> str:
    return "are not" if abs(math.log(norms[True] / norms[False])) > 0.05 else "hardly differ here"


def _chosen(adam: pd.DataFrame, decoupled: bool) -> tuple[float, pd.DataFrame]:
    """Return the decay of a kind with the lowest validation loss on the first seeds; of others its runs and those without."""
    seeds = sorted(adam["seed"].unique())
    if len(seeds) < TUNING + 2:
        raise NoData(f"it takes {TUNING} seeds that choose the decay, and two that judge")
    kind = adam[(adam["decoupled"] == decoupled) & (adam["decay"] > 0)]
    losses = median(kind[kind["seed"].isin(seeds[:TUNING])], "final:val/loss", "decay")
    best = float(losses.idxmin())
    without = adam[adam["decay"] == 0]
    if without.empty or kind.empty:
        raise NoData("the runs lack adam without decay, or with a kind of it")
    return best, pd.concat([kind[kind["decay"] == best], without]).query("seed not in @seeds[:@TUNING]")


def _changes(adam: pd.DataFrame) -> list[str]:
    """Say what the best decay of each kind changes; what is clear is so after Holm's correction for all of these changes."""
    found = []
    for decoupled in KINDS:
        best, runs = _chosen(adam, decoupled)
        for metric in METRICS:
            table = values(runs, metric).groupby([runs["seed"], runs["decay"]]).first().unstack()
            require(table.T, best, 0.0)
            found.append((decoupled, best, metric, (table[best] - table[0.0]).dropna()))
    p = iter(holm([t_test(change)[0] for *_, change in found]))
    effects = [(decoupled, best, _effect(METRICS[metric], change, next(p))) for decoupled, best, metric, change in found]
    return [
        f"{KINDS[kind]} decay {best:g} {' and '.join(effect for decoupled, _, effect in effects if decoupled == kind)}"
        for kind, best in {decoupled: best for decoupled, best, _ in effects}.items()
    ]


def _effect(name: str, change: "pd.Series[float]", p: float) -> str:
    mean, low, high = (float(value[0]) for value in t_interval(change))
    if not math.isfinite(low):
        return f"cannot be compared in {name}, as a run diverged or seeds lack"
    interval = f"{mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}"
    if p > ALPHA:
        return f"does not clearly change {name} ({interval})"
    return f"{'raises' if mean > 0 else 'lowers'} {name} ({interval})"


def _draw_norms(axes: Axes, study: Study, runs: pd.DataFrame) -> None:
    decay, _ = _norms(study, runs[runs["optimizer"] == "adam"])
    same = runs[runs["decay"] == decay]
    lines = (("adam", False, BLUE, "-"), ("adam", True, VERMILION, "-"), ("sgd", False, BLACK, "-"), ("sgd", True, GREY, ":"))
    for optimizer, decoupled, colour, dash in lines:
        own = same[(same["optimizer"] == optimizer) & (same["decoupled"] == decoupled)]
        if len(own):
            steps, norm = curve(study, own, "weight_norm")
            name = {"adam": "Adam", "sgd": "SGD"}[optimizer]
            axes.plot(steps, norm, color=colour, ls=dash, lw=1.4 if dash == "-" else 2.6, label=f"{name}, {KINDS[decoupled]}")
    axes.set(xlabel="steps", ylabel="norm of the weights", yscale="log", title=f"Decay {decay:g}, median over seeds")
    ticks(axes)
    axes.legend()


def _draw_ends(axes: Axes, adam: pd.DataFrame, metric: str) -> None:
    without = median(adam[adam["decay"] == 0], f"final:{metric}", "decay")
    require(without, 0.0)
    axes.axhline(without[0.0], color=GREY, ls="--", lw=1, label="without decay")
    for decoupled, name in KINDS.items():
        own = adam[(adam["decoupled"] == decoupled) & (adam["decay"] > 0) & np.isfinite(adam[f"final:{metric}"])]
        axes.plot(own["decay"], own[f"final:{metric}"], ".", color=COLOURS[decoupled], ms=4, alpha=0.5, mew=0)
        ends = median(own, f"final:{metric}", "decay")
        axes.plot(ends.index, ends, "o-", color=COLOURS[decoupled], ms=4, lw=1.4, label=f"Adam, {name}")
    axes.set(xscale="log", xlabel="weight decay")
    ticks(axes)
