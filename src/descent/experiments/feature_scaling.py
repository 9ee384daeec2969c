r"""How do stable learning rates change with the scale of the inputs, and what loss does each scaling reach at its best one?

Least squares on a linear model has the Hessian ``X^T X / N`` (with a column of ones for the bias): multiplying the inputs by c
multiplies the curvature L by c^2, and the stability limit ``lr < 2/L`` of gradient descent shrinks by c^2. A common factor
changes nothing else. Standardizing removes the differences in scale between features, and so reduces the condition number.

Source: LeCun, Bottou, Orr and Mueller, "Efficient backprop", 1998, sections 4.3 and 5.3.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import Tuned, median, paired, rose, swept_seeds, tune, varied
from descent.analysis.wording import listed
from descent.plots.medians import draw_curve, draw_ends, draw_parts, label, seeds
from descent.plots.style import BLACK, BLUE, VERMILION, styled

SCALINGS = {"none": "none (0 to 16)", "unit": "unit (0 to 1)", "standardize": "standardize"}
COLOURS = {"none": BLACK, "unit": BLUE, "standardize": VERMILION}
LOSS = "train/loss"
TEXT = """
{% if limits %} Learning rates at which the loss falls, in units of 1/L (theory's limit: 2):
{% for row in limits %}{{ row.scaling }} (L = {{ row.curvature }}) up to {{ row.works }}, not {{ row.fails }}
{{ ";" if not loop.last }} {% endfor %}.{% endif %}
{% if best %} On other seeds, at one learning rate each (median training loss, n = {{ seeds }}):
{% for row in losses %}{{ row.scaling }} (lr {{ row.rates | listed }}) {{ row.loss or "diverged" }}{{ "," if not loop.last }}
{% endfor %}
{% for row in differences %}; {{ row.other }} against {{ best }}: {{ row.difference | change }}{% endfor %}
{% for row in missed %}; {{ row.choice }} is judged at lr {{ row.judged }}, and lr {{ row.best }} is better in tuning{% endfor %}.
{% endif %}
"""


def analyse(study: Study) -> Finding:
    """Compute the curvature, the stability limit of the learning rate, and the loss of each scaling at its best one."""
    curvature, tuned = _parts(study)
    limits, judged = _limits(study, curvature, tuned.tuning), tuned.judged
    if not limits and judged["scaling"].nunique() < 2:
        raise NoData("the runs hold neither several learning rates nor two scalings on seeds that were not tuned on")
    finding = Finding(limits=limits, best=None)
    if judged["scaling"].nunique() > 1:
        losses = _ordered(median(judged, LOSS, "scaling"))
        best = losses.idxmin()
        finding |= Finding(
            best=best,
            seeds=judged["seed"].nunique(),
            losses=[{"scaling": name, "rates": _rates(judged, name), "loss": losses[name]} for name in losses.index],
            differences=[
                {"other": other, "difference": paired(judged, LOSS, "scaling", other, best)} for other in losses.index.drop(best)
            ],
            missed=tuned.missed("scaling"),
        )
    return finding


@styled
def plot(study: Study) -> Figure:
    """Draw the loss over the learning rate for each scaling, and over steps at the best learning rate of each."""
    curvature, tuned = _parts(study)
    return draw_parts([(_draw_rates, tuned.tuning), (_draw_steps, tuned.judged)], study, curvature, width=4.3)


def _parts(study: Study) -> tuple["pd.Series[float]", Tuned]:
    """Return the curvature at the start, the largest over seeds, by scaling; and the tuned learning rates."""
    runs = varied(study, scaling="problem.scaling", sharpness="records.sharpness")
    runs = runs[runs["scaling"].isin(SCALINGS)]
    measured = runs["sharpness"].fillna(False).astype(bool)
    starts = {run["folder"]: frame["sharpness"].iloc[0] for run, frame in study.curves(runs[measured])}
    curvature = runs.loc[measured, "folder"].map(starts).groupby(runs["scaling"]).max()
    rest = runs[~measured]
    return curvature, tune(rest, swept_seeds(rest, "scaling"), "scaling", LOSS)


def _ordered(table: "pd.Series[float]") -> "pd.Series[float]":
    return table.reindex([scaling for scaling in SCALINGS if scaling in table.index])


def _rates(runs: pd.DataFrame, scaling: str) -> list[float]:
    return sorted(runs.loc[runs["scaling"] == scaling, "lr"].unique())


def _limits(study: Study, curvature: "pd.Series[float]", tuning: pd.DataFrame) -> list[dict[str, object]]:
    """Return by scaling the curvature L, and in units of 1/L the largest stable learning rate and the next one."""
    limits: list[dict[str, object]] = []
    for scaling, largest in _ordered(curvature).items():
        group = tuning[tuning["scaling"] == scaling]
        rises = rose(study, group).groupby(group["lr"]).any()
        works = [lr for lr in rises.index if not rises[rises.index <= lr].any()]
        fails = [lr for lr in rises.index if lr not in works]
        if works and fails:
            rates = {"works": works[-1] * largest, "fails": fails[0] * largest}
            limits.append({"scaling": scaling, "curvature": largest, **rates})
    return limits


def _draw_rates(axes: Axes, runs: pd.DataFrame, _: Study, curvature: "pd.Series[float]") -> None:
    for scaling, group in runs.groupby("scaling"):
        draw_ends(axes, group, LOSS, "lr", color=COLOURS[scaling], label=SCALINGS[scaling])
        if scaling in curvature:
            axes.axvline(2 / curvature[scaling], color=COLOURS[scaling], ls="--", lw=1)
    title = f"Each learning rate, median of {seeds(runs)}"
    label(axes, "log log", "learning rate (dashed: 2/L)", "training loss at the end", title, "")


def _draw_steps(axes: Axes, runs: pd.DataFrame, study: Study, _: "pd.Series[float]") -> None:
    for scaling, group in runs.groupby("scaling"):
        rates = listed([f"{lr:g}" for lr in _rates(group, scaling)])
        draw_curve(axes, study, group, LOSS, seeds=True, color=COLOURS[scaling], label=f"{SCALINGS[scaling]}, lr = {rates}")
    label(axes, "log log", "steps", "training loss", f"One learning rate each, median of {seeds(runs)} that did not tune", "")
