r"""Do large batches generalise worse than small ones, at equal examples and each at its own best learning rate?

Keskar et al. found that networks trained with large batches end at sharper minima, with a larger gap between validation and
training loss. Hoffer et al. attribute most of this gap to the smaller number of steps: at equal examples a large batch takes
fewer. Therefore the smallest and the largest batch are compared at the end of the budget and at equal training loss. The learning
rate of each batch size has the lowest validation loss on the first seeds of the study; the other seeds are used for the
comparison, paired by seed (Student's t, Holm's correction).

Source: Keskar et al., "On large-batch training for deep learning: generalization gap and sharp minima", 2017; Hoffer, Hubara and
Soudry, "Train longer, generalize better: closing the generalization gap in large batch training of neural networks", 2017;
Shallue et al., "Measuring the effects of data parallelism on neural network training", 2019.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.findings import Finding, adjusted
from descent.analysis.load import NoData, Study
from descent.analysis.settings import Tuned, curve, first_seeds, median, tune, varied
from descent.plots.medians import draw_ends, label, row, seeds, shaded
from descent.plots.style import BLACK, GREY, VERMILION, count, styled

TUNING = 2  # number of tuning seeds, the first ones
CHANGES = ("loss", "gap", "equal")
TEXT = """
After {{ examples }} examples (median over {{ seeds }} seeds that did not choose the learning rates):
{% for row in (small, large) %}batches of {{ row.size }} (lr {{ row.lr }}): training loss {{ row.train }}, validation loss
{{ row.val }}{{ ";" if loop.first }} {% endfor %}.
Large against small batches (Holm-adjusted): validation loss at the end: {{ loss | change }}; gap between validation and training
loss: {{ gap | change }}; validation loss at equal training loss: {{ equal | change }}.
"""


def analyse(study: Study) -> Finding:
    """Compare the smallest batch with the largest, at the end and at equal training loss."""
    tuned = _tuned(study)
    judged = tuned.judged
    small, large = (
        {"size": size, "lr": tuned.best[size], **{split: _end(judged, size, f"{split}/loss") for split in ("train", "val")}}
        for size in (tuned.best.index.min(), tuned.best.index.max())
    )
    changes = _changes(study, judged, small["size"], large["size"])
    differences = dict(zip(CHANGES, adjusted([changes[name].to_numpy() for name in CHANGES]), strict=True))
    return Finding(examples=judged["examples"].max(), seeds=len(changes), small=small, large=large, **differences)


@styled
def plot(study: Study) -> Figure:
    """Draw validation over training loss, during training for each batch size, and both at the end, over the batch size."""
    tuned = _tuned(study)
    judged = tuned.judged
    figure, (left, right) = row(2, 4.3, 3.7)
    _draw_paths(left, study, tuned)
    for metric, colour, name in (("val/loss", VERMILION, "validation"), ("train/loss", BLACK, "training")):
        draw_ends(right, judged, metric, "size", seeds=True, color=colour, lw=1.4, label=name)
    title = f"After {count(judged['examples'].max())} examples, {seeds(judged)} and medians"
    label(right, "log log", "examples a step", "loss", title, "")
    return figure


def _tuned(study: Study) -> Tuned:
    """Return the best learning rate of each batch size on the first seeds, and its runs on the others."""
    runs = varied(study, size="batch.size")
    runs = runs[runs["size"].notna()]
    if runs["seed"].nunique() < TUNING + 2 or runs["size"].nunique() < 2:
        raise NoData(f"it takes two batch sizes, {TUNING} seeds that choose their learning rates, and two that judge")
    return tune(runs, first_seeds(runs, TUNING), "size", "val/loss").at_best("size")


def _changes(study: Study, judged: pd.DataFrame, small: float, large: float) -> pd.DataFrame:
    """Return, one row a seed, the large batch minus the small one in each of `CHANGES`."""
    frames = {(run["size"], run["seed"]): frame for run, frame in study.curves(judged[judged["status"] != "diverged"])}
    rows = {}
    for seed in sorted(judged["seed"].unique()):
        if (small, seed) in frames and (large, seed) in frames:
            small_batch, large_batch = frames[small, seed], frames[large, seed]
            (train, val), (trains, vals) = (
                (frame["train/loss"].iloc[-1], frame["val/loss"].iloc[-1]) for frame in (small_batch, large_batch)
            )
            level = max(small_batch["train/loss"].min(), large_batch["train/loss"].min())
            rows[seed] = (vals - val, (vals - trains) - (val - train), _at(large_batch, level) - _at(small_batch, level))
    if len(rows) < 2:
        raise NoData("fewer than two seeds have a run of the smallest and of the largest batch that did not diverge")
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(CHANGES))


def _at(frame: pd.DataFrame, level: float) -> float:
    """Return the validation loss where the training loss first fell to a level, interpolated linearly between records."""
    loss = frame["train/loss"].to_numpy()
    lowest = np.concatenate([[True], loss[1:] < np.minimum.accumulate(loss)[:-1]])
    fallen = frame[lowest]
    return float(np.interp(-level, -fallen["train/loss"], fallen["val/loss"]))


def _end(judged: pd.DataFrame, size: float, metric: str) -> float:
    return float(median(judged, metric, "size")[size])


def _draw_paths(axes: Axes, study: Study, tuned: Tuned) -> None:
    lows = []
    for size, group, colour in shaded(tuned.judged, "size"):
        train, val = (curve(study, group, f"{split}/loss")[1] for split in ("train", "val"))
        axes.plot(train, val, color=colour, lw=1.3, label=f"{size:g}, lr = {tuned.best[size]:g}")
        axes.plot(train[-1], val[-1], "o", color=colour, ms=6, mec="white", zorder=3)
        lows.append(min(train.min(), val.min()))
    line = [min(lows), 2.3]
    axes.plot(line, line, color=GREY, ls="--", lw=1, label="no gap")
    title = "During training, from the right; median over seeds"
    label(axes, "log log", "training loss", "validation loss", title, "examples a step")
