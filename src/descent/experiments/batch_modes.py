r"""What does a step on N, k and 1 examples cost, what does it buy, and does the full batch catch up when it is carried on?

A step on k examples, ``w <- w - lr (1/k) sum_i grad f_i(w)``, costs k gradients and follows a direction whose variance is that of
one example's over k. From the same examples smaller batches take N/k times as many steps. What each of them costs in seconds is
less than k would say, as a step costs something before its first example.

Source: Bottou, Curtis and Nocedal, "Optimization methods for large-scale machine learning", 2018, section 3.3.
"""

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.grid import curve, median, paired, varied
from descent.analysis.load import Study
from descent.analysis.nothing import Nothing
from descent.analysis.units import MODES
from descent.analysis.words import listed, size
from descent.metrics import AXES
from descent.plots.style import BLUE, GREEN, ORANGE, count, span, styled

COLOURS = {"full": BLUE, "mini": ORANGE, "stochastic": GREEN}
LOSS = "train/loss"


def sentence(study: Study) -> str:
    """Say what the modes reach from the same examples, what the full batch reaches when carried on, and what a step costs."""
    runs = _runs(study)
    short = runs[~runs["longer"]]
    losses = median(short, f"final:{LOSS}", "batch").reindex(_modes(short))
    if len(losses) < 2:
        raise Nothing("the runs hold one batch mode")
    steps = short.groupby("batch")["steps"].max()
    cost = (short["seconds"] / short["steps"]).groupby(short["batch"]).min()  # others were held up by what else the machine did
    shown = [f"{mode} takes {count(steps[mode])} steps, to {losses[mode]:.3g}" for mode in losses.index]
    said = f"From {span(short['examples'])} examples {listed(shown)} (training loss, median, {size([short['seed'].nunique()])})."
    seconds = listed([f"{1000 * cost[mode]:.2g} ({mode})" for mode in losses.index])
    return f"{said}{_say_longer(runs)} In the fastest runs a step took {seconds} milliseconds."


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss of each batch mode over examples, steps and seconds."""
    runs = _runs(study)
    figure = Figure(figsize=(9.6, 3.5), layout="constrained")
    grid = figure.subplots(1, 3, sharey=True)
    for axes, axis in zip(grid, ("examples", "steps", "seconds"), strict=True):
        for (mode, longer), own in runs.groupby(["batch", "longer"]):
            steps, loss = curve(study, own, LOSS)
            x = steps if axis == "steps" else curve(study, own, axis)[1]
            label = f"{_name(own)}, {own['epochs'].iloc[0]:g} epochs"
            axes.plot(x, loss, color=COLOURS[mode], ls="--" if longer else "-", label=label)
        axes.set(xscale="log", yscale="log", xlabel=AXES[axis].label, title=f"over {axis}")
    grid[0].set_ylabel(f"training loss, median, {size([runs['seed'].nunique()])}")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs of each batch mode, with their `epochs`, and whether they are `longer` than the shortest."""
    runs = varied(study, "epochs")
    runs = runs[runs["epochs"].notna() & runs["batch"].isin(MODES)].astype({"epochs": float})
    if runs.empty:
        raise Nothing("the runs have no budget in epochs")
    return runs.assign(longer=runs["epochs"] > runs["epochs"].min())


def _modes(runs: pd.DataFrame) -> list[str]:
    return [mode for mode in MODES if mode in set(runs["batch"])]


def _name(runs: pd.DataFrame) -> str:
    mode, size = runs["batch"].iloc[0], runs["batch_size"].iloc[0]
    return f"{mode}, k = {size:.0f}" if mode == "mini" else str(mode)


def _say_longer(runs: pd.DataFrame) -> str:
    """Compare the full batch, carried on, with mini-batches on fewer epochs; nothing where either lacks."""
    longer, mini = runs[(runs["batch"] == "full") & runs["longer"]], runs[(runs["batch"] == "mini") & ~runs["longer"]]
    if longer.empty or mini.empty:
        return ""
    epochs, few = longer["epochs"].max(), mini["epochs"].iloc[0]
    longer = longer[longer["epochs"] == epochs]
    loss = median(longer, f"final:{LOSS}", "batch")["full"]
    mean, low, high = paired(pd.concat([longer, mini]), LOSS, "batch", "full", "mini")
    said = f" Carried on to {epochs:g} epochs the full batch comes to {loss:.3g}"
    if not low <= high:
        return f"{said}; whether that is less than mini's after {few:g} these runs cannot tell."
    much = f"(difference {abs(mean):.2g}, 95 % interval {min(abs(low), abs(high)):.2g} to {max(abs(low), abs(high)):.2g})"
    if low <= 0 <= high:
        return f"{said}, indistinguishable from mini's after {few:g} (95 % interval of the difference {low:.2g} to {high:.2g})."
    return f"{said}, {'more' if low > 0 else 'less'} than mini's after {few:g} {much}."
