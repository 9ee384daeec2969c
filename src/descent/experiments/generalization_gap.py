r"""Do large batches generalise worse than small ones, at equal examples and each at its own best learning rate?

Keskar et al. found that networks trained with large batches end at sharper minima, with a larger gap between the loss on new
examples and on those of training. Hoffer et al. found most of that to be a lack of steps: at equal examples a large batch takes
fewer. So the smallest and the largest batch are compared at the end of the budget, and where both have the same training loss.
The learning rate of each batch size is the one with the lowest validation loss on the first seeds of the study; the others judge,
paired by seed (Student's t, Holm's correction).

Source: Keskar et al., "On large-batch training for deep learning: generalization gap and sharp minima", 2017; Hoffer, Hubara and
Soudry, "Train longer, generalize better: closing the generalization gap in large batch training of neural networks", 2017;
Shallue et al., "Measuring the effects of data parallelism on neural network training", 2019.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.grid import curve, groups, median, varied
from descent.analysis.load import NoData, Study
from descent.analysis.statistics import ALPHA, holm, t_interval, t_test
from descent.plots.layout import ticks
from descent.plots.style import BLACK, GREY, VERMILION, count, shades, styled

SIZE = "batch.size"
TUNING = 2  # seeds of the study, the first ones, that choose
CHANGES = {
    "loss": "a {} validation loss at the end",
    "gap": "a {} gap between validation and training loss",
    "equal": "a {} validation loss at equal training loss",
}


def sentence(study: Study) -> str:
    """Compare the smallest batch with the largest, at the end and at equal training loss."""
    rates, judged = _tuned(study)
    small, large = rates.index.min(), rates.index.max()
    changes = _changes(study, judged, small, large)
    p = dict(zip(changes, holm([t_test(changes[name])[0] for name in changes]), strict=True))
    (train, val), (trains, vals) = (_ends(judged, size) for size in (small, large))
    return (
        f"After {count(judged['examples'].max())} examples, batches of {small:g} (lr = {rates[small]:g}) have a training loss of "
        f"{train:.3g} and a validation loss of {val:.3g}, batches of {large:g} (lr = {rates[large]:g}) {trains:.3g} and "
        f"{vals:.3g}. On {len(changes)} seeds that did not choose the rates, the large ones have {_listed(changes, p)} "
        "(Holm-adjusted)."
    )


@styled
def plot(study: Study) -> Figure:
    """Draw validation over training loss, as training goes, for each batch size; and both at the end, over the batch size."""
    rates, judged = _tuned(study)
    figure = Figure(figsize=(8.6, 3.7), layout="constrained")
    left, right = figure.subplots(1, 2)
    _draw_paths(left, study, rates, judged)
    for metric, colour, name in (("final:val/loss", VERMILION, "validation"), ("final:train/loss", BLACK, "training")):
        right.plot(judged[SIZE], judged[metric], ".", color=colour, ms=4, alpha=0.5, mew=0)
        ends = median(judged, metric, SIZE)
        right.plot(ends.index, ends, "o-", color=colour, ms=4, lw=1.4, label=name)
    right.set(xscale="log", yscale="log", xlabel="examples a step", ylabel="loss")
    right.set_title(f"After {count(judged['examples'].max())} examples, {judged['seed'].nunique()} seeds and medians")
    right.legend()
    for axes in (left, right):
        ticks(axes)
    return figure


def _tuned(study: Study) -> "tuple[pd.Series[float], pd.DataFrame]":
    """Return the best learning rate of each batch size on the first seeds, and its runs on the others."""
    runs = varied(study, SIZE)
    runs = runs[runs[SIZE].notna()]
    seeds = sorted(runs["seed"].unique())
    if len(seeds) < TUNING + 2 or runs[SIZE].nunique() < 2:
        raise NoData(f"it takes two batch sizes, {TUNING} seeds that choose their learning rates, and two that judge")
    first, fresh = runs["seed"].isin(seeds[:TUNING]), runs["seed"].isin(seeds[TUNING:])
    rates = median(runs[first], "final:val/loss", SIZE, "lr").unstack().idxmin(axis=1)
    return rates, runs[fresh & (runs["lr"] == runs[SIZE].map(rates))]


def _changes(study: Study, judged: pd.DataFrame, small: float, large: float) -> pd.DataFrame:
    """Return, one row a seed, what is higher by how much with the large batch: ``loss``, ``gap`` and ``equal``, of `CHANGES`."""
    frames = {(run[SIZE], run["seed"]): frame for run, frame in study.curves(judged[judged["status"] != "diverged"])}
    rows = {}
    for seed in sorted(judged["seed"].unique()):
        if (small, seed) in frames and (large, seed) in frames:
            one, other = frames[small, seed], frames[large, seed]
            (train, val), (trains, vals) = ((frame["train/loss"].iloc[-1], frame["val/loss"].iloc[-1]) for frame in (one, other))
            level = max(one["train/loss"].min(), other["train/loss"].min())
            rows[seed] = (vals - val, (vals - trains) - (val - train), _at(other, level) - _at(one, level))
    if len(rows) < 2:
        raise NoData("fewer than two seeds have a run of the smallest and of the largest batch that did not diverge")
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(CHANGES))


def _at(frame: pd.DataFrame, level: float) -> float:
    """Return the validation loss where the training loss first fell to a level, on a straight line between two records."""
    loss = frame["train/loss"].to_numpy()
    lowest = np.concatenate([[True], loss[1:] < np.minimum.accumulate(loss)[:-1]])
    fallen = frame[lowest]
    return float(np.interp(-level, -fallen["train/loss"], fallen["val/loss"]))


def _ends(judged: pd.DataFrame, size: float) -> list[float]:
    """Return the median training and validation loss at the end."""
    own = judged[judged[SIZE] == size]
    return [float(median(own, f"final:{split}/loss", SIZE).iloc[0]) for split in ("train", "val")]


def _listed(changes: pd.DataFrame, p: dict[str, float]) -> str:
    """Say of each change whether it is clear."""
    said = []
    for name, words in CHANGES.items():
        mean, low, high = (float(value[0]) for value in t_interval(changes[name]))
        way = "no clearly different" if p[name] > ALPHA else "larger" if mean > 0 else "smaller"
        text = words.replace("a {}", way) if p[name] > ALPHA else words.format(way)
        said.append(f"{text} ({mean:+.3f}, 95 % interval {low:+.3f} to {high:+.3f})")
    return f"{said[0]}, {said[1]} and {said[2]}"


def _draw_paths(axes: Axes, study: Study, rates: "pd.Series[float]", judged: pd.DataFrame) -> None:
    lows = []
    for (size, own), colour in zip(groups(judged, SIZE), shades(judged[SIZE].nunique()), strict=True):
        train, val = (curve(study, own, f"{split}/loss")[1] for split in ("train", "val"))
        axes.plot(train, val, color=colour, lw=1.3, label=f"{size:g}, lr = {rates[size]:g}")
        axes.plot(train[-1], val[-1], "o", color=colour, ms=6, mec="white", zorder=3)
        lows.append(min(train.min(), val.min()))
    line = [min(lows), 2.3]
    axes.plot(line, line, color=GREY, ls="--", lw=1, label="no gap")
    axes.set(xscale="log", yscale="log", xlabel="training loss", ylabel="validation loss")
    axes.set_title("As training goes, from the right; median over seeds")
    axes.legend(title="examples a step")
