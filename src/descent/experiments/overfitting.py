r"""When should training stop: does the validation loss turn while the training loss falls on?

A network that has units enough fits what its examples have in common first, and then what each has alone, wrong labels among it:
the training loss falls on, and the loss on other examples rises. To stop where the validation loss was lowest is early stopping.
The lowest of many records is low by luck, too, so the epoch to stop at is chosen on the first seeds of the study, and what it
spares is measured on the others, paired by seed with their ends. Loss and accuracy need not agree: a loss that rises may only say
that answers, right or wrong, are given with more confidence (Guo et al. 2017).

Source: Prechelt, "Early stopping - but when?", 1998; Zhang et al., "Understanding deep learning requires rethinking
generalization", 2017; Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", 2017.
"""

import math
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.grid import curve, groups, varied
from descent.analysis.load import NoData, Study
from descent.analysis.statistics import t_interval
from descent.plots.layout import ticks
from descent.plots.style import BLACK, BLUE, GREY, VERMILION, styled

NOISE = "problem.label_noise"
TUNING = 4  # seeds of the study, the first ones, that choose when to stop
METRICS = {"val/loss": "validation loss", "val/accuracy": "accuracy"}


@dataclass(frozen=True)
class Stop:
    """When to stop, and what is different from there to the end, on other seeds.

    Attributes:
        epoch: of the lowest median validation loss on the first seeds.
        last: the epoch of the end.
        seeds: that judge.
        values: of each metric the mean at `epoch`, and at the end.
        changes: of each metric mean and 95 % interval of end - stop.
        falls: whether the training loss falls from `epoch` to the end.
    """

    epoch: float
    last: float
    seeds: int
    values: dict[str, tuple[float, float]]
    changes: dict[str, tuple[float, float, float]]
    falls: bool


def sentence(study: Study) -> str:
    """Say, for each share of wrong labels, when the validation loss is lowest, and what the rest of training changes."""
    runs = varied(study, NOISE)
    return " ".join(f"With {100 * noise:.0f} % wrong labels, {_told(_stop(study, own))}." for noise, own in groups(runs, NOISE))


@styled
def plot(study: Study) -> Figure:
    """Draw training and validation loss over epochs, and the validation accuracy, for each share of wrong labels."""
    runs = varied(study, NOISE)
    shares = list(groups(runs, NOISE))
    figure = Figure(figsize=(4.2 * max(len(shares), 1) + 0.6, 5.2), layout="constrained")
    grid = figure.subplots(2, len(shares), squeeze=False, sharex=True, height_ratios=[1.5, 1])
    for (noise, own), (upper, lower) in zip(shares, grid.T, strict=True):
        stop = _stop(study, own)
        for axes, quantity, colour, name in (
            (upper, "train/loss", BLACK, "training, with its wrong labels" if noise else "training"),
            (upper, "val/loss", VERMILION, "validation"),
            (lower, "val/accuracy", BLUE, "validation"),
        ):
            for _, frame in study.curves(own):
                axes.plot(frame["epoch"][1:], frame[quantity][1:], color=colour, lw=0.5, alpha=0.25)
            epochs, values = curve(study, own, quantity, "epoch")
            axes.plot(epochs[1:], values[1:], color=colour, lw=1.8, label=name)
        for axes in (upper, lower):
            axes.axvline(stop.epoch, color=GREY, ls="--", lw=1, label=f"stop: epoch {stop.epoch:.3g}" if axes is upper else None)
        upper.set(xscale="log", yscale="log", title=f"{100 * noise:.0f} % wrong labels: {own['seed'].nunique()} seeds and median")
        lower.set(xscale="log", xlabel="epochs", ylim=(0, 1.02))
        upper.legend(loc="lower left")
    grid[0, 0].set_ylabel("loss")
    grid[1, 0].set_ylabel("validation accuracy")
    for axes in grid.flat:
        ticks(axes)
        axes.tick_params(labelbottom=axes in grid[1])
    return figure


def _stop(study: Study, runs: pd.DataFrame) -> Stop:
    """Choose when to stop on the first seeds, and measure it on the others."""
    seeds = sorted(runs["seed"].unique())
    if len(seeds) < TUNING + 2:
        raise NoData(f"it takes {TUNING} seeds that choose when to stop, and two that judge")
    first, fresh = (runs[runs["seed"].isin(part)] for part in (seeds[:TUNING], seeds[TUNING:]))
    epochs, losses = curve(study, first, "val/loss", "epoch")
    epoch = float(epochs[losses.argmin()])
    frames = [frame.set_index("epoch") for _, frame in study.curves(fresh)]
    frames = [frame for frame in frames if epoch in frame.index]
    found, changes = {}, {}
    for metric in (*METRICS, "train/loss"):
        pairs = pd.DataFrame([(frame[metric].loc[epoch], frame[metric].iloc[-1]) for frame in frames], columns=["stop", "end"])
        mean, low, high = t_interval(pairs["end"] - pairs["stop"])
        found[metric] = (float(pairs["stop"].mean()), float(pairs["end"].mean()))
        changes[metric] = (float(mean[0]), float(low[0]), float(high[0]))
    return Stop(epoch, float(epochs[-1]), len(frames), found, changes, changes["train/loss"][2] < 0)


def _told(stop: Stop) -> str:
    if stop.epoch == stop.last:
        return f"the validation loss is lowest at the end, after {stop.last:.3g} epochs: there is no reason to stop earlier"
    (at, end), (mean, low, high) = stop.values["val/loss"], stop.changes["val/loss"]
    falls = "falls on" if stop.falls else "does not clearly fall on"
    said = f"the validation loss is lowest at epoch {stop.epoch:.3g} of {stop.last:.3g} and the training loss {falls} from there"
    if math.isnan(low):
        return f"{said}, but runs diverged or seeds lack, so that the rest cannot be judged"
    told = f"{said}; on {stop.seeds} other seeds the validation loss is {at:.3g} there and {end:.3g} at the end"
    interval = f"95 % interval of the change {low:+.3f} to {high:+.3f}"
    return f"{told} ({interval}: {_way(mean, low, high, 'it turned')}), {_accuracy(stop)}"


def _way(mean: float, low: float, high: float, rises: str) -> str:
    return "no clear turn" if low <= 0 <= high else rises if mean > 0 else "it fell further"


def _accuracy(stop: Stop) -> str:
    (at, end), (mean, low, high) = stop.values["val/accuracy"], stop.changes["val/accuracy"]
    change = f"{100 * at:.1f} % there, {100 * end:.1f} % at the end, change {100 * low:+.1f} to {100 * high:+.1f} points"
    turned = stop.changes["val/loss"][1] > 0
    if low <= 0 <= high:
        return f"{'but ' if turned else 'and '}the accuracy does not clearly change ({change})"
    return f"{'and' if (mean < 0) == turned else 'but'} the accuracy {'falls' if mean < 0 else 'rises'} ({change})"
