r"""When should training stop: does the validation loss rise again while the training loss keeps falling?

A network with enough units first fits what its examples have in common and then the individual ones, including wrong labels: the
training loss keeps falling and the validation loss rises. Early stopping ends training at the lowest validation loss. The lowest
of many records is low partly by chance (selection bias), so the stopping epoch is chosen on the first seeds of the study, and its
effect is measured on the other seeds, paired with the ends of the same runs. Loss and accuracy may disagree: a rising loss can
mean only that predictions, right or wrong, become more confident (Guo et al. 2017).

Source: Prechelt, "Early stopping - but when?", 1998; Zhang et al., "Understanding deep learning requires rethinking
generalization", 2017; Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", 2017.
"""

from dataclasses import asdict
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.findings import Finding, difference
from descent.analysis.load import NoData, Study
from descent.analysis.settings import curve, first_seeds, varied
from descent.plots.medians import label, seeds
from descent.plots.style import BLACK, BLUE, GREY, VERMILION, WIDEST, styled

TUNING = 4  # number of tuning seeds, the first ones, which choose when to stop
TEXT = """
{% for row in shares %} With {{ row.noise | percent }} wrong labels the validation loss is lowest at
{% if row.epoch == row.last %} the end, after {{ row.last }} epochs: there is no reason to stop earlier.
{% else %} epoch {{ row.epoch }} of {{ row.last }}; the training loss
{{ "falls on" if row.training.change == "lower" else "does not clearly fall on" }} from there. On {{ row.seeds }} other seeds,
at the end against that epoch: validation loss {{ row.loss.end }} against {{ row.loss.stop }}, {{ row.loss | change }}; validation
accuracy {{ row.accuracy.end }} % against {{ row.accuracy.stop }} %, {{ row.accuracy | change }}.{% endif %}{% endfor %}
"""


def analyse(study: Study) -> Finding:
    """Compute, for each share of wrong labels, when the validation loss is lowest, and the changes from there to the end."""
    runs = varied(study, noise="problem.label_noise")
    return Finding(shares=[{"noise": noise, **_stop(study, group)} for noise, group in runs.groupby("noise")])


@styled
def plot(study: Study) -> Figure:
    """Draw training and validation loss over epochs, and the validation accuracy, for each share of wrong labels."""
    runs = varied(study, noise="problem.label_noise")
    shares = list(runs.groupby("noise"))
    figure = Figure(figsize=(min(4.2 * max(len(shares), 1) + 0.6, WIDEST), 5.2), layout="constrained")
    grid = figure.subplots(2, len(shares), squeeze=False, sharex=True, height_ratios=[1.5, 1])
    for (noise, group), (upper, lower) in zip(shares, grid.T, strict=True):
        for axes, metric, colour, name in (
            (upper, "train/loss", BLACK, "training, with its wrong labels" if noise else "training"),
            (upper, "val/loss", VERMILION, "validation"),
            (lower, "val/accuracy", BLUE, "validation"),
        ):
            for _, frame in study.curves(group):
                axes.plot(frame["epoch"][1:], frame[metric][1:], color=colour, lw=0.5, alpha=0.25)
            epochs, values = curve(study, group, metric, "epoch")
            axes.plot(epochs[1:], values[1:], color=colour, lw=1.8, label=name)
        stop = _stop(study, group)["epoch"]
        for axes in (upper, lower):
            axes.axvline(stop, color=GREY, ls="--", lw=1, label=f"stop: epoch {stop:.3g}" if axes is upper else None)
        title = f"{100 * noise:.0f} % wrong labels: {seeds(group)} and median"
        label(upper, "log log", "", "loss" if upper is grid[0, 0] else "", title, "", loc="lower left")
        label(lower, "log linear", "epochs", "validation accuracy" if upper is grid[0, 0] else "")
        lower.set_ylim(0, 1.02)
    for axes in grid.flat:
        axes.tick_params(labelbottom=axes in grid[1])
    return figure


def _stop(study: Study, runs: pd.DataFrame) -> dict[str, Any]:
    """Choose when to stop on the first seeds, and compute the changes from there to the end on the others.

    Returns:
        ``epoch`` of the lowest median validation loss, ``last`` epoch, number of ``seeds`` that judge, and of each metric the
        means at that epoch, ``stop``, and at the ``end``, with the `Difference`; accuracy in %.
    """
    if runs["seed"].nunique() < TUNING + 2:
        raise NoData(f"it takes {TUNING} seeds that choose when to stop, and two that judge")
    first = first_seeds(runs, TUNING)
    epochs, losses = curve(study, runs[first], "val/loss", "epoch")
    epoch = float(epochs[losses.argmin()])
    frames = [frame.set_index("epoch") for _, frame in study.curves(runs[~first])]
    frames = [frame for frame in frames if epoch in frame.index]
    numbers: dict[str, Any] = {"epoch": epoch, "last": float(epochs[-1]), "seeds": len(frames)}
    for name, metric, scale in (("loss", "val/loss", 1), ("accuracy", "val/accuracy", 100), ("training", "train/loss", 1)):
        pairs = scale * pd.DataFrame(
            [(frame[metric].loc[epoch], frame[metric].iloc[-1]) for frame in frames], columns=["stop", "end"]
        )
        numbers[name] = {**pairs.mean(), **asdict(difference(pairs["end"] - pairs["stop"]))}
    return numbers
