r"""How noisy is a mini-batch gradient, how high is the loss floor that it causes, and what gets below this floor?

The gradient of B examples drawn independently is the full gradient plus noise of variance ``sigma^2/B`` in each of D directions.
On a quadratic of curvature 1 with a constant learning rate, the variance v of each weight becomes stationary where

    v = (1 - lr)^2 v + lr^2 sigma^2/B,    so that    f - f* = D v/2 = D sigma^2 lr / (2 B (2 - lr))

A learning rate that decays as 1/t, and the average of the weights at a constant one, converge to the minimum; after T steps no
method that sees B examples per step has an expected loss below ``D sigma^2 / (2 B T)``.

Source: Robbins and Monro, "A stochastic approximation method", 1951; Polyak and Juditsky, "Acceleration of stochastic
approximation by averaging", 1992, theorem 1; Liu, Ziyin and Ueda, "Noise and fluctuation of finite learning rate stochastic
gradient descent", 2021; for the best rate by batch size, McCandlish et al., "An empirical model of large-batch training", 2018.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.settings import median, varied
from descent.analysis.statistics import values
from descent.plots.medians import draw_curve, draw_ends, label, seeds, shaded
from descent.plots.style import BLACK, BLUE, GREEN, GREY, ORANGE, VERMILION, count, styled

QUADRATIC = ("dimension", "condition", "additive", "start", "start_spread")
KEYS = {**{key: f"problem.{key}" for key in QUADRATIC}, "size": "batch.size", "replacement": "batch.replacement"}
RELAXED = 5  # times 1/lr: steps after which the initial weights no longer matter
ABOVE = "training loss above its minimum"
STILL = 0.01  # lr times steps, below which a run hardly moves
TEXT = """
The variance of a gradient of B examples is proportional to B^{{ power }} (theory: B^-1). Floor of SGD, over theory's
(D/2) sigma^2 lr/(B (2 - lr)): {{ independent | span }} with examples drawn independently, {{ reshuffled | span }} reshuffled.
Best learning rate of the grid on digits_mlp: {% for row in best %}{{ row.lr }} for batches of {{ row.size }}
{{ "," if not loop.last }} {% endfor %}. Training loss above the minimum after {{ steps }} steps: {{ constant }} at a constant
rate; {{ average }} as the average of its weights, {{ constant / average }} times less; {{ falling }} with a rate that falls as
1/t, {{ constant / falling }} times less (theory's best: {{ theory }}).
"""


def analyse(study: Study) -> Finding:
    """Compute how variance depends on B, floors over those of theory, the best learning rates, and the losses below the floor."""
    runs = varied(study, **KEYS)
    variance, floors, best = _variance(study, runs), _floors(study, runs), _losses(runs).idxmin(axis=1)
    share = floors["gap"] / floors["theory"]
    return Finding(
        power=np.polyfit(np.log(variance.index.to_numpy(dtype=float)), np.log(variance.to_numpy()), 1)[0],
        independent=list(share[floors["replacement"]]),
        reshuffled=list(share[~floors["replacement"]]),
        best=[{"size": size, "lr": best[size]} for size in best.index],
        **_ends(runs),
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the variance over B; the floor over the learning rate; the training loss over it, for each B; the gap over steps."""
    runs = varied(study, **KEYS)
    figure = Figure(figsize=(8.6, 6.6), layout="constrained")
    grid = figure.subplots(2, 2)
    _draw_variance(grid[0, 0], _variance(study, runs), runs)
    _draw_floors(grid[0, 1], _floors(study, runs))
    _draw_rates(grid[1, 0], runs)
    _draw_below(grid[1, 1], study, runs)
    return figure


def _quadratics(runs: pd.DataFrame, start: bool, moves: bool) -> pd.DataFrame:
    """Return the runs of curvature 1 that start away from the minimum or at it, and that move or hardly move."""
    quadratic = runs["problem"].eq("quadratic") & runs["condition"].eq(1)
    away = runs["start"].ne(0) | runs["start_spread"].ne(0)
    chosen = runs[quadratic & (away == start) & ((runs["lr"] * runs["steps"] > STILL) == moves)]
    if chosen.empty:
        raise NoData("the runs lack those of a quadratic of curvature 1 that " + ("move" if moves else "stay at its minimum"))
    return chosen


def _variance(study: Study, runs: pd.DataFrame) -> "pd.Series[float]":
    """Return the variance of a gradient in one direction, by batch size."""
    still = _quadratics(runs, start=False, moves=False)
    squares = {run.name: frame["gradient_norm"].pow(2).mean() for run, frame in study.curves(still)}
    variance = (pd.Series(squares) / still["dimension"]).groupby(still["size"]).mean()
    if len(variance) < 2:
        raise NoData("the runs that stay at the minimum have one batch size")
    return variance


def _floors(study: Study, runs: pd.DataFrame) -> pd.DataFrame:
    """Return one row a setting: ``size``, ``lr``, ``replacement``, and the stationary ``gap`` with that of ``theory``."""
    rows = []
    for run, frame in study.curves(_quadratics(runs, start=False, moves=True)):
        late = frame.loc[frame["step"] >= RELAXED / run["lr"], "train/gap"]
        if run["lr"] >= 2 or late.empty or run["schedule"] != "constant" or run["optimizer"] != "sgd":
            raise NoData("a run of sgd on the quadratic has no floor, or ends before it is there")
        theory = run["dimension"] * run["additive"] ** 2 * run["lr"] / (2 * run["size"] * (2 - run["lr"]))
        rows.append((run["size"], run["lr"], bool(run["replacement"]), late.mean(), theory))
    keys = ["size", "lr", "replacement"]
    floors = pd.DataFrame(rows, columns=[*keys, "gap", "theory"]).groupby(keys, as_index=False).mean()
    if set(floors["replacement"]) != {True, False}:
        raise NoData("the runs lack those with replacement, or those without")
    return floors


def _digits(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[runs["problem"].eq("digits_mlp") & runs["size"].notna()]


def _losses(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the median training loss at the end, by batch size and learning rate."""
    losses = median(_digits(runs), "train/loss", "size", "lr").unstack()
    if len(losses) < 2:
        raise NoData("the runs of digits_mlp have one batch size")
    return losses


def _below(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the runs that average their weights under a constant rate, and those of a falling rate."""
    moving = _quadratics(runs, start=True, moves=True)
    averaged, falling = moving[moving["optimizer"] == "asgd"], moving[moving["schedule"] == "inverse_time"]
    if averaged.empty or falling.empty:
        raise NoData("the runs lack asgd, or schedule=inverse_time, from a start away from the minimum")
    return averaged, falling


def _ends(runs: pd.DataFrame) -> dict[str, float]:
    """Return the gaps at the end of a constant rate, of the average of its weights, and of a falling rate; and theory's best."""
    averaged, falling = _below(runs)
    first = averaged.iloc[0]
    return {
        "constant": values(averaged, "train/gap").median(),
        "average": values(averaged, "train/average_gap").median(),
        "falling": values(falling, "train/gap").median(),
        "steps": first["steps"],
        "theory": first["dimension"] * first["additive"] ** 2 / (2 * first["size"] * first["steps"]),
    }


def _draw_variance(axes: Axes, variance: "pd.Series[float]", runs: pd.DataFrame) -> None:
    still = _quadratics(runs, start=False, moves=False)
    theory = still["additive"].iloc[0] ** 2 / variance.index.to_numpy(dtype=float)
    axes.plot(variance.index, theory, color=GREY, ls="--", lw=1, label=r"theory: $\sigma^2/B$")
    axes.plot(variance.index, variance, "o", color=BLUE, ms=5, label="measured at the minimum")
    title = f"Gradient noise is proportional to 1/B (quadratic, {seeds(still)})"
    label(axes, "log log", "B, examples a step", "variance of a gradient, in one direction", title, "")


def _draw_floors(axes: Axes, floors: pd.DataFrame) -> None:
    drawn = floors[floors["replacement"]]
    rates = np.geomspace(floors["lr"].min() / 1.3, min(floors["lr"].max() * 1.3, 1.9), 100)
    scale = (floors["theory"] * floors["size"] * (2 - floors["lr"]) / floors["lr"]).iloc[0]
    for (size, group), colour in zip(drawn.groupby("size"), (BLACK, BLUE, GREEN, ORANGE) * len(drawn), strict=False):
        axes.plot(rates, scale * rates / (size * (2 - rates)), color=colour, ls="--", lw=1)
        axes.plot(group["lr"], group["gap"], "o", color=colour, ms=5, label=f"B = {size:g}, drawn independently")
        shuffled = floors[~floors["replacement"] & (floors["size"] == size)]
        if len(shuffled):
            axes.plot(shuffled["lr"], shuffled["gap"], "s:", color=colour, ms=5, mfc="white", label=f"B = {size:g}, reshuffled")
    axes.plot([], [], color=GREY, ls="--", lw=1, label="theory, drawn independently")
    axes.set_yscale("log")
    axes.set_ylim(top=20 * axes.get_ylim()[1])  # room for the legend
    look = {"fontsize": 7.5, "loc": "upper left"}
    label(axes, "log log", "learning rate", ABOVE, "The floor of SGD (the same quadratic)", "", **look)


def _draw_rates(axes: Axes, runs: pd.DataFrame) -> None:
    digits = _digits(runs)
    for size, group, colour in shaded(digits, "size"):
        losses = draw_ends(axes, group, "train/loss", "lr", color=colour, ms=3, lw=1.2, label=f"{size:g}")
        axes.plot(losses.idxmin(), losses.min(), "*", color=colour, ms=11, mec="white", mew=0.6, zorder=3)
    axes.set_yscale("log")
    axes.set_ylim(top=3 * axes.get_ylim()[1])  # room for the legend
    title = f"The best learning rate by batch size (digits_mlp,\n{count(digits['examples'].max())} examples, "
    look = {"fontsize": 7.5, "title_fontsize": 7.5, "ncols": 3, "loc": "upper center"}
    title += f"median of {seeds(digits)}, the best starred)"
    label(axes, "log log", "learning rate", "training loss at the end", title, "examples a step", **look)


def _draw_below(axes: Axes, study: Study, runs: pd.DataFrame) -> None:
    (averaged, falling), ends = _below(runs), _ends(runs)
    lines = ((averaged, "train/gap", BLACK, "constant rate"), (falling, "train/gap", VERMILION, "decay as 1/t"))
    for group, metric, colour, name in (*lines, (averaged, "train/average_gap", BLUE, "average at the constant rate")):
        draw_curve(axes, study, group, metric, color=colour, lw=1.4, label=name)
    late = np.geomspace(10, ends["steps"], 50)
    axes.plot(late, ends["theory"] * ends["steps"] / late, color=GREY, ls="--", lw=1, label=r"theory's best: $D\sigma^2/(2BT)$")
    title = f"Below the floor (quadratic, B = {averaged['size'].iloc[0]:g},\nmedian of {seeds(averaged)})"
    label(axes, "log log", "steps", ABOVE, title, "", fontsize=7.5)
