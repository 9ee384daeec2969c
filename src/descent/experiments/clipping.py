r"""Which learning rates finish in a valley with steep walls, with and without gradient clipping?

On a steep wall the gradient is long: a step ``lr g`` from there moves the weights far away, often to a place where the gradient
is even longer. Clipping uses ``g min(1, c / |g|)`` instead, so that no step is longer than ``lr c``. On the floor of the valley,
where ``|g| < c``, clipping changes nothing, and the stability limit 2/L remains.

Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, section 3.2.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import median, varied
from descent.plots.medians import draw_curve, draw_ends, label, row, seeds
from descent.plots.style import VERMILION, shades, styled

KEY, GAP = "clip_norm", "train/gap"
FREE = np.inf  # stands for no clipping
BEYOND = 100.0  # times the gap at the start: upper end of the axis
TEXT = """
Largest learning rate up to which every run finished, of {{ rates | span }} (n = {{ seeds }}): {{ free.safe or "none" }} without
clipping, {{ clipped.safe or "none" }} with clip_norm {{ clipped.clip_norm }}.
{% if clipped.safe < free.safe %} Clipping narrows the range.
{% elif clipped.safe == free.safe %} Clipping does not widen the range.{% endif %}
{% if lowest %} Lowest training loss above the minimum (median): {{ free.gap }} without clipping, at lr {{ free.lr }};
{{ lowest.gap }} with clip_norm {{ lowest.clip_norm }}, at lr {{ lowest.lr }}.{% endif %}
"""


def analyse(study: Study) -> Finding:
    """Compare the largest learning rate that no seed diverges at, and the lowest loss, with clipping and without."""
    runs = _runs(study)
    rows = [{"clip_norm": clip, "safe": _safe(group), **_lowest(group)} for clip, group in runs.groupby(KEY)]
    free, clipped = ([row for row in rows if (row["clip_norm"] == FREE) == kind] for kind in (True, False))
    if not free or not clipped:
        raise NoData("the runs lack " + ("a clip_norm" if free else "runs without clipping"))
    lowest = min(clipped, key=lambda row: row["gap"])
    return Finding(
        rates=sorted(runs["lr"].unique()),
        seeds=runs["seed"].nunique(),
        free=free[0],
        clipped=max(clipped, key=lambda row: (row["safe"], row["clip_norm"])),
        lowest=lowest if np.isfinite([free[0]["gap"], lowest["gap"]]).all() else None,
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the gap at the end over the learning rate for each bound, and over steps at the lowest learning rate that diverges."""
    runs = _runs(study)
    figure, (left, right) = row(2)
    clips = sorted(runs[KEY].unique())
    colours = dict(zip(clips, shades(runs.loc[runs[KEY] != FREE, KEY].nunique()), strict=False)) | {FREE: VERMILION}
    lost = runs[runs["status"] == "diverged"].groupby(KEY)["lr"].min()
    shown = min(lost, default=runs["lr"].max())
    start = 0.0
    for clip, group in runs.groupby(KEY):
        look = {"color": colours[clip], "label": "none" if clip == FREE else f"{clip:g}"}
        draw_ends(left, group, GAP, "lr", **look)
        if len(at_rate := group[group["lr"] == shown]):
            start = max(start, draw_curve(right, study, at_rate, GAP, **look)[0])
    title = f"At the end, median of {seeds(runs)}; \N{MULTIPLICATION SIGN}: diverged"
    label(left, "log log", "learning rate", "training loss above its minimum", title, "clip_norm")
    label(right, "symlog log", "steps", title=f"During training, median, at learning rate {shown:g}")
    right.set_ylim(top=BEYOND * start)
    return figure


def _runs(study: Study) -> pd.DataFrame:
    return varied(study, clip_norm=KEY).fillna({KEY: FREE}).astype({KEY: float})


def _safe(runs: pd.DataFrame) -> float:
    """Return the largest learning rate up to which every run finished; 0 if none."""
    safe = 0.0
    for lr, group in runs.groupby("lr"):
        if (group["status"] != "finished").any():
            break
        safe = float(lr)
    return safe


def _lowest(runs: pd.DataFrame) -> dict[str, float]:
    gaps = median(runs, GAP, "lr")
    return {"gap": gaps.min(), "lr": gaps.idxmin()}
