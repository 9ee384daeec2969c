r"""How do the initial weights affect training: do units saturate, and do gradients vanish in the lower layers?

A unit with n inputs has a weighted sum of variance ``n var(w) E[x^2]``. With weights from N(0, 1) this is large: sigmoids start
near 0 or 1, where their slope ``a (1 - a)`` is almost 0, and learning is slow. N(0, 1/n) keeps the variance near 1. The gradient
is propagated back as ``delta W * a (1 - a)``: with scaled weights each layer multiplies it by the slope, at most 1/4 for a
sigmoid, so that it vanishes with depth; larger weights partly compensate. ReLU has slope 1 where it is active, and N(0, 2/n)
keeps the norm. Which of the two effects dominates depends on depth, width and inputs.

Source: Nielsen, Neural Networks and Deep Learning, chapters 3 and 5; Glorot and Bengio, "Understanding the difficulty of training
deep feedforward neural networks", 2010; He et al., "Delving deep into rectifiers", 2015.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import median, paired, require, varied
from descent.plots.medians import draw_curve, label, seeds
from descent.plots.style import BLACK, BLUE, GREEN, PURPLE, SKY, VERMILION, WIDEST, styled, text

ONE, OTHER = "normal", "scaled_normal"
LOSS = "train/loss"
COLOURS = {ONE: VERMILION, OTHER: BLUE, "pytorch": SKY, "xavier": GREEN, "kaiming": BLACK}
TEXT = """
Training loss of sigmoids with first weights from N(0, 1), against N(0, 1/n) (median, n = {{ seeds }}):
{% for row in depths %}{{ row.depth }} hidden layer{{ "s" if row.depth > 1 }}: {{ row.normal }} against {{ row.scaled_normal }},
{{ row.difference | change }}{{ ";" if not loop.last }} {% endfor %}.
{% for row in shares %}{% if loop.first %} Gradient norm of the first layer over that of the last, at the first step of
{{ deepest }} hidden layers:{% endif %} {{ row.share }} ({{ row.name }}){{ "," if not loop.last else "." }} {% endfor %}
"""


def analyse(study: Study) -> Finding:
    """Compare N(0, 1) with N(0, 1/n) in training loss at each depth, and the first layer's share of the gradient norm."""
    runs = _runs(study)
    sigmoid = runs[runs["activation"] == "sigmoid"]
    require(sigmoid.set_index("initialisation"), ONE, OTHER)
    depths = []
    for depth, part in sigmoid.groupby("depth"):
        losses = median(part, LOSS, "initialisation")
        require(losses, ONE, OTHER)
        difference = paired(part, LOSS, "initialisation", ONE, OTHER)
        depths.append({"depth": int(depth), ONE: losses[ONE], OTHER: losses[OTHER], "difference": difference})
    deepest = runs[runs["depth"] == runs["depth"].max()]
    shares = {name: norms[0] / norms[-1] for name, part in deepest.groupby("name") if (norms := _norms(study, part)) is not None}
    rows = [{"name": name, "share": shares[name]} for name in sorted(shares, key=shares.__getitem__)]
    return Finding(seeds=sigmoid["seed"].nunique(), depths=depths, deepest=int(runs["depth"].max()), shares=rows)


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss over epochs for each depth, and below the gradient norm of each layer at the first step."""
    runs = _runs(study)
    depths = sorted(runs["depth"].unique())
    figure = Figure(figsize=(min(1.4 + 2.7 * len(depths), WIDEST), 4.9), layout="constrained")
    grid = figure.subplots(2, len(depths), squeeze=False, sharey="row")
    for (above, below), depth in zip(grid.T, depths, strict=True):
        for name, group in runs[runs["depth"] == depth].groupby("name"):
            kind, activation = group[["initialisation", "activation"]].iloc[0]
            look: dict[str, Any] = {"color": COLOURS.get(kind, PURPLE), "ls": "-" if activation == "sigmoid" else "--"}
            draw_curve(above, study, group, LOSS, "epoch", **look, label=text(name))
            if (norms := _norms(study, group)) is not None:
                below.plot(range(1, len(norms) + 1), norms, "o", **look, ms=4)
        label(above, "linear log", "epochs", title=f"{depth:.0f} hidden layer{'s' if depth > 1 else ''}")
        label(below, "linear log", "layer, from the input")
        below.set(xticks=range(1, int(depth) + 2), xlim=(0.7, depth + 1.3))
    grid[0, 0].set_ylabel("training loss")
    grid[1, 0].set_ylabel("gradient norm, first step")
    handles = {line.get_label(): line for axes in grid[0] for line in axes.lines}
    title = f"median of {seeds(runs)}"
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", title=title, alignment="left")
    return figure


def _norms(study: Study, runs: pd.DataFrame) -> np.ndarray | None:
    """Return the gradient norm of each layer at the first step, median over runs; None where it was not recorded."""
    norms = [frame.filter(regex=r"^gradient_norm/\d+$").iloc[1:2].to_numpy() for _, frame in study.curves(runs)]
    if not norms or not all(norm.size for norm in norms):
        return None
    return np.asarray(np.median(np.concatenate(norms), axis=0))


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs of networks, with the `name` of their initialisation.

    Raises:
        NoData: no run is of such a network.
    """
    keys = ("initialisation", "depth", "activation")
    runs = varied(study, **{key: f"problem.{key}" for key in keys})
    runs = runs[runs[[*keys]].notna().all(axis=1)]
    if runs.empty:
        raise NoData("no run is of a network with hidden layers")
    sigmoid = runs["activation"] == "sigmoid"
    return runs.assign(name=runs["initialisation"].where(sigmoid, runs["initialisation"] + ", " + runs["activation"]))
