r"""What test accuracy does the network of Nielsen's first chapter reach on MNIST at its three learning rates?

The network has 784 inputs, 30 sigmoid units and 10 sigmoid outputs, initial weights from N(0, 1), and the quadratic cost ``C =
(1/2n) sum |y - a|^2``, with mini-batches of 10. The book's step is ``eta / m`` times the sum of the gradients of ``|y - a|^2 /
2`` over the m examples, so its eta is our learning rate. At eta = 3.0 it reports 95.42 % on the test images at its best epoch of
30; 0.001 is far too small, and 100 saturates the units, so that nothing is learnt.

Source: Nielsen, Neural Networks and Deep Learning, 2015, chapter 1.
"""

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import curve, median, varied
from descent.plots.medians import draw_curve, label, row, seeds, shaded
from descent.plots.style import GREY, styled, text

BOOK = {"lr": 3.0, "epochs": 30, "accuracy": 0.9542}  # its best epoch on the test images
TEXT = """
Accuracy on the test images of {{ dataset }} (median, n = {{ seeds }}):
{% for row in rates %}{{ row.test | percent(4) }} at lr {{ row.lr }} (validation {{ row.validation | percent(4) }}, after
{{ row.epochs }} epochs){{ ";" if not loop.last }} {% endfor %}.{% if rates | length > 1 %} The best is lr {{ best }}.{% endif %}
{% if book %} The book reports {{ book.accuracy | percent(4) }} at lr {{ book.lr }}, its best of {{ book.epochs }} epochs
{%- if book.points is none %}, a learning rate that was not run{% else %}; here the last epoch has {{ book.points | abs }} points
{{ "less" if book.points < 0 else "more" }}{% endif %}.{% endif %}
"""


def analyse(study: Study) -> Finding:
    """Compute test and validation accuracy at each learning rate, after how many epochs, and the difference from the book's."""
    runs = _runs(study)
    tests, validation = (median(runs, metric, "lr") for metric in ("test/accuracy", "val/accuracy"))
    epochs = {lr: curve(study, group, "train/loss", "epoch")[0][-1] for lr, group in runs.groupby("lr")}
    points = round(100 * (tests[BOOK["lr"]] - BOOK["accuracy"]), 2) if BOOK["lr"] in tests else None
    return Finding(
        dataset=runs["dataset"].iloc[0],
        seeds=runs["seed"].nunique(),
        rates=[{"lr": lr, "test": tests[lr], "validation": validation[lr], "epochs": epochs[lr]} for lr in tests.index],
        best=tests.idxmax(),
        book={**BOOK, "points": points} if _real(runs) else None,
    )


@styled
def plot(study: Study) -> Figure:
    """Draw validation accuracy and training loss over epochs for each learning rate, and the book's test accuracy."""
    runs = _runs(study)
    figure, (left, right) = row(2)
    for lr, group, colour in shaded(runs, "lr"):
        for axes, metric in ((left, "val/accuracy"), (right, "train/loss")):
            draw_curve(axes, study, group, metric, "epoch", color=colour, label=f"{lr:g}")
    if _real(runs):
        words = f"the book's test accuracy, lr {BOOK['lr']:g}, best of {BOOK['epochs']} epochs"
        left.axhline(BOOK["accuracy"], color=GREY, ls="--", lw=1, label=words)
        left.annotate(
            words, (1, BOOK["accuracy"]), (0, 3), xycoords=left.get_yaxis_transform(), textcoords="offset points", ha="right"
        )
    title = f"{text(runs['dataset'].iloc[0])}, median of {seeds(runs)}"
    label(left, "linear linear", "epochs", "validation accuracy", title)
    left.set_ylim(0, 1.06)
    label(right, "linear log", "epochs", "training loss, quadratic cost", legend="learning rate")
    return figure


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs on one data set of images.

    Raises:
        NoData: none measured the test accuracy, or they are of several data sets.
    """
    runs = varied(study, dataset="problem.dataset")
    runs = runs[runs["dataset"].notna()]
    if runs.empty or "test:accuracy" not in runs:
        raise NoData("no run measured accuracy on test images of MNIST")
    if runs["dataset"].nunique() > 1:
        raise NoData("the runs are of several data sets")
    return runs


def _real(runs: pd.DataFrame) -> bool:
    return bool(runs["dataset"].iloc[0] == "MNIST")
