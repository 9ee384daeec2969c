r"""What do the first weights decide: do units saturate, do gradients vanish on their way back through the layers?

A unit with n inputs has a weighted sum of variance ``n var(w) E[x^2]``. Weights of N(0, 1) make that large: sigmoids begin near 0
or 1, where their slope ``a (1 - a)`` is almost 0, and learning is slow. N(0, 1/n) keeps the sum near 1. The gradient goes back
through a layer as ``delta W * a (1 - a)``: scaled weights keep its size but for the slope, at most 1/4 of a sigmoid, so that it
vanishes with depth; larger weights make up for some of that. Relu has slope 1 where it is active, and N(0, 2/n) keeps the size.
Which of the two effects weighs more depends on the depth, the width and the inputs: the runs decide.

Source: Nielsen, Neural Networks and Deep Learning, chapters 3 and 5; Glorot and Bengio, "Understanding the difficulty of training
deep feedforward neural networks", 2010; He et al., "Delving deep into rectifiers", 2015.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.grid import curve, groups, median, paired, require, varied
from descent.analysis.load import NoData, Study
from descent.analysis.wording import listed, number, size
from descent.plots.style import BLACK, BLUE, GREEN, PURPLE, SKY, VERMILION, styled, text

KEY, DEPTH, ACTIVATION = "problem.initialisation", "problem.depth", "problem.activation"
ONE, OTHER = "normal", "scaled_normal"
COLOURS = {ONE: VERMILION, OTHER: BLUE, "pytorch": SKY, "xavier": GREEN, "kaiming": BLACK}


def sentence(study: Study) -> str:
    """Compare N(0, 1) with N(0, 1/n) in training loss at each depth, and how much of the gradient is left at the first layer."""
    runs = _runs(study)
    sigmoid = runs[runs[ACTIVATION] == "sigmoid"]
    require(sigmoid.set_index(KEY), ONE, OTHER)
    said = [_compare(own, depth) for depth, own in groups(sigmoid, DEPTH)]
    words = f"Of sigmoids, N(0, 1) against N(0, 1/n) for the first weights ends {'; '.join(said)}."
    deepest = runs[runs[DEPTH] == runs[DEPTH].max()]
    left = [(name, norms[0] / norms[-1]) for name, own in groups(deepest, "name") if (norms := _norms(study, own)) is not None]
    if not left:
        return words
    shares = [f"{number(share)} ({name})" for name, share in sorted(left, key=lambda pair: pair[1])]
    return f"{words} At the deepest the first layer's gradient begins as this share of the last layer's: {listed(shares)}."


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss over epochs for each depth, and below the gradient norm of each layer at the first step."""
    runs = _runs(study)
    depths = sorted(runs[DEPTH].unique())
    figure = Figure(figsize=(1.4 + 2.7 * len(depths), 4.9), layout="constrained")
    grid = figure.subplots(2, len(depths), squeeze=False, sharey="row")
    for (above, below), depth in zip(grid.T, depths, strict=True):
        for name, own in groups(runs[runs[DEPTH] == depth], "name"):
            look = {"color": COLOURS.get(own[KEY].iloc[0], PURPLE), "ls": "-" if own[ACTIVATION].iloc[0] == "sigmoid" else "--"}
            above.plot(*curve(study, own, "train/loss", "epoch"), **look, label=text(name))
            if (norms := _norms(study, own)) is not None:
                below.plot(range(1, len(norms) + 1), norms, "o", **look, ms=4)
        above.set(xlabel="epochs", yscale="log", title=f"{depth:.0f} hidden layer{'s' if depth > 1 else ''}")
        below.set(xlabel="layer, from the inputs on", yscale="log", xticks=range(1, int(depth) + 2))
        below.set_xlim(0.7, depth + 1.3)
    grid[0, 0].set_ylabel("training loss")
    grid[1, 0].set_ylabel("gradient norm, first step")
    handles = {line.get_label(): line for axes in grid[0] for line in axes.lines}
    n = size([runs["seed"].nunique()])
    figure.legend(handles.values(), handles.keys(), loc="outside right upper", title=f"median, {n}", alignment="left")
    return figure


def _compare(runs: pd.DataFrame, depth: float) -> str:
    """Say how the two differ at one depth, paired by seed."""
    losses = median(runs, "final:train/loss", KEY)
    require(losses, ONE, OTHER)
    mean, low, high = paired(runs, "train/loss", KEY, ONE, OTHER)
    where = f"with {depth:.0f} hidden layer{'s' if depth > 1 else ''} at {number(losses[ONE])} against {number(losses[OTHER])}"
    if not np.isfinite([low, high]).all():
        return f"{where} (too few seeds that finished to compare)"
    verdict = "worse" if low > 0 else "better" if high < 0 else "no different"
    n = size([runs["seed"].nunique()])
    return f"{where}, {verdict} (difference {number(mean)}, 95 % interval {number(low)} to {number(high)}, {n})"


def _norms(study: Study, runs: pd.DataFrame) -> np.ndarray | None:
    """Return the gradient norm of each layer at the first step, median over runs; None where it was not recorded."""
    found = [frame.filter(regex=r"^gradient_norm/\d+$").iloc[1:2].to_numpy() for _, frame in study.curves(runs)]
    if not found or not all(norms.size for norms in found):
        return None
    return np.asarray(np.median(np.concatenate(found), axis=0))


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs of networks, with a name of what they begin with.

    Raises:
        NoData: there is none.
    """
    runs = varied(study, KEY, DEPTH, ACTIVATION)
    runs = runs[runs[[KEY, DEPTH, ACTIVATION]].notna().all(axis=1)]
    if runs.empty:
        raise NoData("no run is of a network with hidden layers")
    sigmoid = runs[ACTIVATION] == "sigmoid"
    return runs.assign(name=runs[KEY].where(sigmoid, runs[KEY] + ", " + runs[ACTIVATION]))
