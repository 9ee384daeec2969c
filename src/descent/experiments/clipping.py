r"""Which learning rates survive the walls of a valley, with and without clipping the gradient?

Where the landscape has walls, the gradient is long at places where it tells little of the way: a step ``lr g`` from there throws
the weights far away, and often to where the gradient is longer still. Clipping takes ``g min(1, c / |g|)`` instead, so that no
step is longer than ``lr c``. On the ground, where ``|g| < c``, it changes nothing, and the limit 2/L there stays.

Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks", 2013, section 3.2.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.grid import curve, groups, median, varied
from descent.analysis.load import NoData, Study
from descent.analysis.wording import size
from descent.plots.style import VERMILION, shades, styled

KEY = "clip_norm"
FREE = np.inf  # stands for no clipping
BEYOND = 100.0  # times the gap at the start: what lies higher leaves the picture


def sentence(study: Study) -> str:
    """Compare the largest learning rate that no seed diverges at, and the best loss, with clipping and without."""
    runs = _runs(study)
    if FREE not in runs[KEY].to_numpy():
        raise NoData("the runs lack runs without clipping")
    clips = [clip for clip in runs[KEY].unique() if clip != FREE]
    if not clips:
        raise NoData("the runs lack a clip_norm")
    safe = {clip: _safe(own) for clip, own in groups(runs, KEY)}
    best = max(clips, key=lambda clip: (safe[clip], clip))
    rates, n = sorted(runs["lr"].unique()), size([runs["seed"].nunique()])
    text = f"Of the learning rates {rates[0]:g} to {rates[-1]:g}, {_survive(safe[FREE])} without clipping and "
    text += f"{_survive(safe[best])} with clip_norm {best:g} ({n})."
    if safe[best] <= safe[FREE]:
        text += f" Clipping {'narrows' if safe[best] < safe[FREE] else 'does not widen'} the range."
    gaps = {clip: median(own, "final:train/gap", "lr") for clip, own in groups(runs, KEY)}
    clip = min(clips, key=lambda clip: gaps[clip].min())
    if not np.isfinite([gaps[FREE].min(), gaps[clip].min()]).all():
        return text
    return (
        f"{text} The least gap is {gaps[FREE].min():.2g} without clipping, at lr {gaps[FREE].idxmin():g}, and "
        f"{gaps[clip].min():.2g} with it, at lr {gaps[clip].idxmin():g} and clip_norm {clip:g}."
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the gap at the end over the learning rate for each bound, and the gap over steps where clipping tells first."""
    runs = _runs(study)
    figure = Figure(figsize=(8.4, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    found = [*groups(runs, KEY)]
    colours = dict(zip([clip for clip, _ in found if clip != FREE], shades(len(found) - 1), strict=False)) | {FREE: VERMILION}
    lost = [own["lr"].min() for _, own in [*groups(runs[runs["status"] == "diverged"], KEY)]]
    start = 0.0
    shown = min(lost, default=runs["lr"].max())
    for clip, own in found:
        name = "none" if clip == FREE else f"{clip:g}"
        gaps = median(own, "final:train/gap", "lr").replace(np.inf, np.nan)
        left.plot(gaps.index, gaps, "o-", color=colours[clip], label=name, ms=4)
        for lr in gaps.index[gaps.isna()]:
            left.plot(lr, 0.96, "x", color=colours[clip], transform=left.get_xaxis_transform(), ms=6, mew=1.6)
        if len(some := own[own["lr"] == shown]):
            steps, gap = curve(study, some, "train/gap")
            right.plot(steps, gap, color=colours[clip], label=name)
            start = max(start, gap[0])
    n = size([runs["seed"].nunique()])
    left.set(xscale="log", yscale="log", xlabel="learning rate", ylabel="training loss above its minimum")
    left.set_title(f"At the end, median, {n}; \N{MULTIPLICATION SIGN}: diverged")
    right.set(xscale="symlog", yscale="log", xlabel="steps", title=f"On the way, median, at learning rate {shown:g}")
    right.set_ylim(top=BEYOND * start)
    left.legend(title="clip_norm")
    return figure


def _runs(study: Study) -> pd.DataFrame:
    return varied(study, KEY).fillna({KEY: FREE}).astype({KEY: float})


def _safe(runs: pd.DataFrame) -> float:
    """Return the largest learning rate such that at it and all smaller ones every run finished; 0: there is none."""
    safe = 0.0
    for lr, own in groups(runs, "lr"):
        if (own["status"] != "finished").any():
            break
        safe = float(lr)
    return safe


def _survive(rate: float) -> str:
    return f"those up to {rate:g} survive" if rate else "none survives"
