r"""How does sharpness, the largest eigenvalue of the Hessian, depend on the learning rate of full-batch gradient descent?

On a quadratic, gradient descent is stable where the sharpness is below ``2/lr``. On a network the sharpness is not constant: it
rises until it reaches ``2/lr`` and then stays there, while the loss keeps falling, but no longer at every step.

Source: Cohen, Kaur, Li, Kolter and Talwalkar, "Gradient descent on neural networks typically occurs at the edge of stability",
2021, section 3.
"""

import numpy as np
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.plots.curves import Curves, faint
from descent.plots.medians import label, row
from descent.plots.style import shades, styled

LATE = 0.6  # of the steps: the end is the part after it
NEAR = 0.05  # relative distance from 2/lr up to which the mean sharpness at the end counts as at the edge
TEXT = """
Mean sharpness over the last {{ late | percent }} of the steps, in units of 2/lr (range of the records; n = {{ seeds | span }}):
{% for row in rates %}{{ row.sharpness }} at lr {{ row.lr }} ({{ row.low }} to {{ row.high }};
{{ {"at": "at the edge", "below": "has not reached it", "off": "does not stay there"}[row.edge] }}){{ ";" if not loop.last }}
{% endfor %}. Training loss at the end, over that at the beginning of these steps: {{ falls | span }}.
"""


def analyse(study: Study) -> Finding:
    """Compute sharpness over the end of the steps, in units of 2/lr, and the decrease of the loss there."""
    curves = _curves(study)
    rates, falls = [], []
    for lr, repeats in curves.items():
        late = [frame[frame["step"] >= LATE * frame["step"].iloc[-1]] for _, frame in repeats]
        sharpness = np.concatenate([frame["sharpness"] for frame in late]) * lr / 2
        mean, highest = float(np.nanmean(sharpness)), max(frame["sharpness"].max() for _, frame in repeats) * lr / 2
        edge = "at" if abs(mean - 1) <= NEAR else "below" if highest < 1 else "off"
        rates.append({"lr": lr, "sharpness": mean, "low": np.nanmin(sharpness), "high": np.nanmax(sharpness), "edge": edge})
        falls.append(np.median([frame["train/loss"].iloc[-1] / frame["train/loss"].iloc[0] for frame in late]))
    return Finding(late=1 - LATE, seeds=[len(repeats) for repeats in curves.values()], rates=rates, falls=falls)


@styled
def plot(study: Study) -> Figure:
    """Draw sharpness and training loss over steps for each learning rate: one seed, the others faint, and 2/lr dashed."""
    curves = _curves(study)
    figure, (left, right) = row(2)
    for (lr, ((_, first), *others)), colour in zip(curves.items(), shades(len(curves)), strict=True):
        for axes, column in ((left, "sharpness"), (right, "train/loss")):
            axes.plot(first["step"], first[column], color=colour, label=f"{lr:g}")
            faint(axes, [frame[["step", column]].to_numpy() for _, frame in others], colour)
        left.axhline(2 / lr, color=colour, ls="--", lw=1)
    shown, *more = sorted({run["seed"] for repeats in curves.values() for run, _ in repeats})
    title = f"Seed {shown}{f', {len(more)} more faint' if more else ''}"
    label(left, "linear log", "steps", "sharpness", "Largest eigenvalue of the Hessian; dashed: 2/lr")
    label(right, "linear log", "steps", "training loss", title, "learning rate")
    return figure


def _curves(study: Study) -> dict[float, Curves]:
    """Return the runs that measured sharpness, by learning rate.

    Raises:
        NoData: no run did.
    """
    curves: dict[float, Curves] = {}
    for lr, runs in study.runs[study.runs["status"] != "diverged"].sort_values("seed").groupby("lr"):
        measured = [
            (run, frame) for run, frame in study.curves(runs) if "sharpness" in frame and frame["sharpness"].notna().any()
        ]
        if measured:
            curves[float(lr)] = measured
    if not curves:
        raise NoData("no run that did not diverge measured sharpness")
    return curves
