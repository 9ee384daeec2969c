r"""Is weight decay the same as an L2 penalty, and does it help with wrong labels?

A penalty ``(decay/2) |w|^2`` adds ``decay w`` to the gradient; decoupled decay shrinks the weights directly:

    L2:         w <- w - lr P (g + decay w)
    decoupled:  w <- w - lr decay w - lr P g

For SGD, P = 1 and both are the same. Adam divides the gradient, penalty included, by its root mean square, so that weights with
large gradients hardly decay, and every weight decays at a rate other than the decoupled one. A network with enough units
memorizes wrong labels; small weights make this harder. The decay of each kind is chosen on the first seeds of the study by
validation loss and judged on the other seeds, paired by seed with runs without decay (Student's t, Holm's correction).

Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019, propositions 1 and 2; Krogh and Hertz, "A simple
weight decay can improve generalization", 1992.
"""

import math
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.findings import Finding, adjusted
from descent.analysis.load import NoData, Study
from descent.analysis.settings import curve, first_seeds, median, require, tune, varied
from descent.analysis.statistics import values
from descent.plots.medians import draw_curve, draw_ends, row, seeds
from descent.plots.style import BLACK, BLUE, GREY, VERMILION, styled

TUNING = 2  # number of tuning seeds, the first ones
ROUNDING = 1e-9  # relative differences below it are rounding, in double precision
KINDS = {False: "L2", True: "decoupled"}
METRICS = {"val/loss": "validation loss", "val/accuracy": "validation accuracy"}
COLOURS = {False: BLUE, True: VERMILION}
TEXT = """
For SGD, L2 and decoupled decay are {{ "not " if sgd.differ }}the same: training losses differ by at most {{ sgd.difference }} of
themselves. For Adam they {{ "are not" if adam.differ else "hardly differ" }}: decay {{ adam.decay }} leaves weights of norm
{{ adam.L2 }} as L2 and {{ adam.decoupled }} decoupled. With {{ noise | percent }} of the training labels wrong, against no decay,
on {{ seeds }} seeds that did not choose the decay (Holm-adjusted): {% for row in changes %}{{ row.kind }} decay {{ row.decay }},
{{ row.metric }}: {{ row.difference | change }}{{ ";" if not loop.last }} {% endfor %}.
"""


def analyse(study: Study) -> Finding:
    """Compute how far the two kinds differ for SGD and for Adam, and what the best decay of each changes on other seeds."""
    runs = _runs(study)
    adam = runs[runs["optimizer"] == "adam"]
    difference, (decay, norms) = _difference(study, runs), _norms(study, adam)
    differ = abs(math.log(norms[True] / norms[False])) > 0.05
    return Finding(
        sgd={"difference": difference, "differ": difference >= ROUNDING},
        adam={"decay": decay, **{KINDS[kind]: norm for kind, norm in norms.items()}, "differ": differ},
        noise=adam["noise"].iloc[0],
        seeds=adam["seed"].nunique() - TUNING,
        changes=_changes(adam),
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the norm of the weights over steps with one decay of both kinds, and validation loss and accuracy over the decay."""
    runs = _runs(study)
    adam = runs[runs["optimizer"] == "adam"]
    figure, (left, middle, right) = row(3, 3.4, 3.5)
    _draw_norms(left, study, runs)
    for axes, (metric, name) in zip((middle, right), METRICS.items(), strict=True):
        without = median(adam[adam["decay"] == 0], metric, "decay")
        require(without, 0.0)
        axes.axhline(without[0.0], color=GREY, ls="--", lw=1, label="without decay")
        for decoupled, kind in KINDS.items():
            group = adam[(adam["decoupled"] == decoupled) & (adam["decay"] > 0)]
            look = {"color": COLOURS[decoupled], "lw": 1.4, "label": f"Adam, {kind}"}
            draw_ends(axes, group, metric, "decay", seeds=True, **look)
        axes.set(xscale="log", xlabel="weight decay", ylabel=name)
    middle.set_title(f"At the end, {100 * adam['noise'].iloc[0]:.0f} % of the training labels wrong")
    right.legend(loc="lower left")
    right.set_title(f"{seeds(adam)}, and their medians")
    return figure


def _runs(study: Study) -> pd.DataFrame:
    keys = {"decay": "optimizer.weight_decay", "decoupled": "optimizer.decoupled_weight_decay", "noise": "problem.label_noise"}
    runs = varied(study, **keys)
    return runs.assign(decay=runs["decay"].astype(float), decoupled=runs["decoupled"].eq(True))


def _difference(study: Study, runs: pd.DataFrame) -> float:
    """Return the largest relative difference in training loss at any record between the kinds of decay for SGD."""
    sgd = runs[(runs["optimizer"] == "sgd") & (runs["decay"] > 0)]
    losses = {(run["decay"], run["seed"], run["decoupled"]): frame["train/loss"] for run, frame in study.curves(sgd)}
    pairs = [(loss, losses[*key, True]) for (*key, decoupled), loss in losses.items() if not decoupled and (*key, True) in losses]
    if not pairs:
        raise NoData("the runs lack sgd with one decay of both kinds")
    return max(float((first / second - 1).abs().max()) for first, second in pairs)


def _norms(study: Study, adam: pd.DataFrame) -> tuple[float, dict[bool, float]]:
    """Return the largest decay that both kinds have, and the median norm of the weights at the end by kind."""
    decays = [set(adam.loc[adam["decoupled"].eq(decoupled) & adam["decay"].gt(0), "decay"]) for decoupled in KINDS]
    if not set.intersection(*decays):
        raise NoData("the runs lack adam with one decay of both kinds")
    decay = max(set.intersection(*decays))
    same = adam[adam["decay"] == decay]
    norms = {decoupled: curve(study, same[same["decoupled"] == decoupled], "weight_norm")[1][-1] for decoupled in KINDS}
    return decay, norms


def _changes(adam: pd.DataFrame) -> list[dict[str, object]]:
    """Return the change by the best decay of each kind against no decay in each metric, on the other seeds."""
    if adam["seed"].nunique() < TUNING + 2:
        raise NoData(f"it takes {TUNING} seeds that choose the decay, and two that judge")
    first, without = first_seeds(adam, TUNING), adam["decay"] == 0
    tuned = tune(adam[~without], first[~without], "decoupled", "val/loss", over="decay")
    rows, pairs = [], []
    for decoupled, kind in KINDS.items():
        best = dict(tuned.best).get(decoupled)
        judged = pd.concat([tuned.judged[tuned.judged["decoupled"] == decoupled], adam[without & ~first]])
        for metric, name in METRICS.items():
            table = values(judged, metric).groupby([judged["seed"], judged["decay"]]).first().unstack()
            require(table.T, best, 0.0)
            rows.append({"kind": kind, "decay": best, "metric": name})
            pairs.append((table[best] - table[0.0]).dropna())
    return [{**row, "difference": difference} for row, difference in zip(rows, adjusted(pairs), strict=True)]


def _draw_norms(axes: Axes, study: Study, runs: pd.DataFrame) -> None:
    decay, _ = _norms(study, runs[runs["optimizer"] == "adam"])
    same = runs[runs["decay"] == decay]
    lines = (("adam", False, BLUE, "-"), ("adam", True, VERMILION, "-"), ("sgd", False, BLACK, "-"), ("sgd", True, GREY, ":"))
    for optimizer, decoupled, colour, dash in lines:
        group = same[(same["optimizer"] == optimizer) & (same["decoupled"] == decoupled)]
        if len(group):
            name = {"adam": "Adam", "sgd": "SGD"}[optimizer]
            look: dict[str, Any] = {
                "color": colour,
                "ls": dash,
                "lw": 1.4 if dash == "-" else 2.6,
                "label": f"{name}, {KINDS[decoupled]}",
            }
            draw_curve(axes, study, group, "weight_norm", **look)
    axes.set(xlabel="steps", ylabel="norm of the weights", yscale="log", title=f"Decay {decay:g}, median over seeds")
    axes.legend()
