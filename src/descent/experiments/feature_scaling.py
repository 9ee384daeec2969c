r"""How do the learning rates that work move with the scale of the inputs, and what does each scaling reach at its own best one?

Least squares of a linear model has the Hessian ``X^T X / N`` (with a column of ones for the bias): inputs times c make the
curvature L grow by c^2, and gradient descent, which needs ``lr < 2/L``, must go with c^2 smaller learning rates. A common scale
changes nothing else; standardizing takes out the differences between features, and with them a part of the condition number.

Source: LeCun, Bottou, Orr and Mueller, "Efficient backprop", 1998, sections 4.3 and 5.3.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.grid import apart, curve, groups, median, paired, rose, untuned, varied
from descent.analysis.load import NoData, Study
from descent.analysis.wording import listed, number, size
from descent.plots.curves import faint
from descent.plots.style import BLACK, BLUE, VERMILION, styled

SCALINGS = {"none": "none (0 to 16)", "unit": "unit (0 to 1)", "standardize": "standardize"}
COLOURS = {"none": BLACK, "unit": BLUE, "standardize": VERMILION}
LOSS = "train/loss"


def sentence(study: Study) -> str:
    """Say what the curvature is, where learning rates cease to work, and which scaling gets further at its own best one."""
    curvature, tuning, judged = _parts(study)
    said = [text for text in (_say_limits(study, curvature, tuning), _say_best(tuning, judged)) if text]
    if not said:
        raise NoData("the runs hold neither several learning rates nor two scalings on seeds that were not tuned on")
    return " ".join(said)


@styled
def plot(study: Study) -> Figure:
    """Draw the loss over the learning rate for each scaling, and over steps at each one's own best."""
    curvature, tuning, judged = _parts(study)
    drawn = [draw for draw, runs in ((_draw_rates, tuning), (_draw_steps, judged)) if len(runs)]
    figure = Figure(figsize=(4.3 * len(drawn), 3.4), layout="constrained")
    for axes, draw in zip(figure.subplots(1, len(drawn), squeeze=False)[0], drawn, strict=True):
        draw(axes, study, curvature, tuning if draw is _draw_rates else judged)
    return figure


def _parts(study: Study) -> tuple["pd.Series[float]", pd.DataFrame, pd.DataFrame]:
    """Return the curvature at the start, the largest over seeds, by scaling; and the runs of tuning, and those that judge."""
    runs = varied(study, "problem.scaling", "records.sharpness").rename(columns={"problem.scaling": "scaling"})
    runs = runs[runs["scaling"].isin(SCALINGS)]
    measured = runs["records.sharpness"].fillna(False).astype(bool)
    starts = {run["folder"]: frame["sharpness"].iloc[0] for run, frame in study.curves(runs[measured])}
    curvature = runs.loc[measured, "folder"].map(starts).groupby(runs["scaling"]).max()
    return curvature, *apart(runs[~measured], "scaling")


def _draw_rates(axes: Axes, _: Study, curvature: "pd.Series[float]", runs: pd.DataFrame) -> None:
    for scaling, own in groups(runs, "scaling"):
        losses = median(own, f"final:{LOSS}", "lr")
        axes.plot(losses.index, losses.where(np.isfinite(losses)), "o-", color=COLOURS[scaling], ms=4, label=SCALINGS[scaling])
        if scaling in curvature:
            axes.axvline(2 / curvature[scaling], color=COLOURS[scaling], ls="--", lw=1)
    axes.set(xscale="log", yscale="log", xlabel="learning rate (dashed: 2/L)", ylabel="training loss at the end")
    axes.set_title(f"Each learning rate, median, {size([runs['seed'].nunique()])}")
    axes.legend()


def _draw_steps(axes: Axes, study: Study, _: "pd.Series[float]", runs: pd.DataFrame) -> None:
    for scaling, own in groups(runs, "scaling"):
        axes.plot(*curve(study, own, LOSS), color=COLOURS[scaling], label=f"{SCALINGS[scaling]}, lr = {_rates(own)}")
        faint(axes, [frame[["step", LOSS]].to_numpy() for _, frame in study.curves(own)], COLOURS[scaling])
    axes.set(xscale="log", yscale="log", xlabel="steps", ylabel="training loss")
    axes.set_title(f"One learning rate each, other seeds, median, {size([runs['seed'].nunique()])}")
    axes.legend()


def _order(found: "pd.Series[float]") -> "pd.Series[float]":
    return found.reindex([scaling for scaling in SCALINGS if scaling in found.index])


def _rates(runs: pd.DataFrame) -> str:
    return listed([f"{lr:g}" for lr in sorted(runs["lr"].unique())])


def _say_limits(study: Study, curvature: "pd.Series[float]", tuning: pd.DataFrame) -> str:
    found = []
    for scaling, largest in _order(curvature).items():
        own = tuning[tuning["scaling"] == scaling]
        rises = rose(study, own).groupby(own["lr"]).any()
        works = [lr for lr in rises.index if not rises[rises.index <= lr].any()]
        fails = [lr for lr in rises.index if lr not in works]
        if works and fails:
            limits = f"up to {works[-1] * largest:.3g}/L, not {fails[0] * largest:.3g}/L"
            found.append(f"{scaling} L = {largest:.4g}, and learning rates work {limits}")
    return f"The curvature of the loss: {'; '.join(found)}; theory's limit is 2/L." if found else ""


def _say_best(tuning: pd.DataFrame, judged: pd.DataFrame) -> str:
    if judged["scaling"].nunique() < 2:
        return ""
    losses = _order(median(judged, f"final:{LOSS}", "scaling"))
    ends = [f"comes to {number(loss)}" if np.isfinite(loss) else "diverges" for loss in losses]
    rates = [_rates(judged[judged["scaling"] == scaling]) for scaling in losses.index]
    shown = [f"{scaling} (lr = {lr}) {end}" for scaling, lr, end in zip(losses.index, rates, ends, strict=True)]
    best = losses.idxmin()
    against = []
    for other in losses.index.drop(best):
        mean, low, high = paired(judged, LOSS, "scaling", other, best)
        if not low <= high:
            against.append(f"whether {best} gets below {other} these runs cannot tell")
        elif low > 0:
            against.append(f"{best} below {other} by {number(mean)} (95 % interval {number(low)} to {number(high)})")
        else:
            against.append(f"{best} is indistinguishable from {other} (95 % interval {number(low)} to {number(high)})")
    notes = untuned(tuning, judged, "scaling", LOSS)
    n = size([judged["seed"].nunique()])
    return f"Each at one learning rate on other seeds, {listed(shown)} ({n}): {'; '.join([*against, *notes])}."
