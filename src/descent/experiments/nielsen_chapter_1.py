r"""How does the network of Nielsen's first chapter do on MNIST at its three learning rates?

784 inputs, 30 sigmoids, 10 outputs that are sigmoids too, all first weights N(0, 1), and the quadratic cost
``C = (1/2n) sum |y - a|^2``, by mini-batches of 10. The book's step is ``eta / m`` times the sum of the gradients of
``|y - a|^2 / 2`` over the m examples, so its eta is our learning rate. At 3.0 it reports 95.42 % of the test images at its best
epoch of 30; 0.001 is far too small, and 100 throws the units into saturation, where nothing is learnt.

Source: Nielsen, Neural Networks and Deep Learning, 2015, chapter 1.
"""

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.grid import curve, groups, median, varied
from descent.analysis.load import NoData, Study
from descent.analysis.wording import size
from descent.plots.style import GREY, shades, styled, text

BOOK = {"lr": 3.0, "epochs": 30, "accuracy": 0.9542}  # its best epoch on the test images
DATASET = "problem.dataset"


@styled
def plot(study: Study) -> Figure:
    """Draw validation accuracy and training loss over epochs for each learning rate, and the book's test accuracy."""
    runs = _runs(study)
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (lr, own), colour in zip(groups(runs, "lr"), shades(runs["lr"].nunique()), strict=True):
        for axes, quantity in ((left, "val/accuracy"), (right, "train/loss")):
            axes.plot(*curve(study, own, quantity, "epoch"), color=colour, label=f"{lr:g}")
    if _real(runs):
        words = f"the book's test accuracy, lr {BOOK['lr']:g}, best of {BOOK['epochs']} epochs"
        left.axhline(BOOK["accuracy"], color=GREY, ls="--", lw=1, label=words)
        left.annotate(
            words, (1, BOOK["accuracy"]), (0, 3), xycoords=left.get_yaxis_transform(), textcoords="offset points", ha="right"
        )
    left.set(xlabel="epochs", ylabel="validation accuracy", ylim=(0, 1.06))
    left.set_title(f"{text(runs[DATASET].iloc[0])}, median, {size([runs['seed'].nunique()])}")
    right.set(xlabel="epochs", ylabel="training loss, quadratic cost", yscale="log")
    right.legend(title="learning rate")
    return figure


def sentence(study: Study) -> str:
    """Say the test and validation accuracy at each learning rate, after how many epochs, beside the book's."""
    runs = _runs(study)
    tests, vals = (median(runs, quantity, "lr") for quantity in ("test:accuracy", "final:val/accuracy"))
    best = tests.idxmax()
    epochs = {lr: curve(study, own, "train/loss", "epoch")[0][-1] for lr, own in groups(runs, "lr")}
    said = [f"lr {lr:g} {_percent(tests[lr])} (validation {_percent(vals[lr])}, {epochs[lr]:.3g} epochs)" for lr in tests.index]
    words = f"Accuracy on the test images of {runs[DATASET].iloc[0]}, {size([runs['seed'].nunique()])}: {'; '.join(said)}."
    if len(tests) > 1:
        words += f" The best is lr {best:g}."
    if not _real(runs):
        return words
    if BOOK["lr"] not in tests:
        return f"{words} The book's {_percent(BOOK['accuracy'])} is of lr {BOOK['lr']:g}, which was not run."
    apart = 100 * (tests[BOOK["lr"]] - BOOK["accuracy"])
    how = f"{abs(apart):.2f} points {'more' if apart > 0 else 'less'} than" if round(apart, 2) else "the same as"
    return (
        f"{words} At lr {BOOK['lr']:g} that is {how} the book's {_percent(BOOK['accuracy'])}, which is the best of "
        f"{BOOK['epochs']} epochs; here it is the last of {epochs[BOOK['lr']]:.3g}."
    )


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs on one data set of images.

    Raises:
        NoData: none measured the test accuracy, or they are of several data sets.
    """
    runs = varied(study, DATASET)
    runs = runs[runs[DATASET].notna()]
    if runs.empty or "test:accuracy" not in runs:
        raise NoData("no run measured accuracy on test images of MNIST")
    if runs[DATASET].nunique() > 1:
        raise NoData("the runs are of several data sets")
    return runs


def _real(runs: pd.DataFrame) -> bool:
    return bool(runs[DATASET].iloc[0] == "MNIST")


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"
