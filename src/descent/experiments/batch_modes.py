r"""What does a step on N, k and 1 examples cost, how far does it get, and does the full batch catch up with more epochs?

A step on k examples, ``w <- w - lr (1/k) sum_i grad f_i(w)``, computes k gradients, and the variance of its direction is that of
one example divided by k. On the same number of examples, a batch of k takes N/k times as many steps as the full batch. Its time
per step is more than k/N of the full batch's, because each step has a fixed cost.

Source: Bottou, Curtis and Nocedal, "Optimization methods for large-scale machine learning", 2018, section 3.3.
"""

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.selection import MODES
from descent.analysis.settings import median, paired, varied
from descent.metrics import AXES
from descent.plots.medians import draw_curve, label, row, seeds
from descent.plots.style import BLUE, GREEN, ORANGE, styled

COLOURS = {"full": BLUE, "mini": ORANGE, "stochastic": GREEN}
NAMES = {"full": "full batch", "mini": "mini-batch", "stochastic": "single examples"}
LOSS = "train/loss"
TEXT = """
After {{ examples | span }} examples (median training loss, n = {{ seeds }}):
{% for mode in modes %}{{ mode.name }}: {{ mode.steps }} steps, loss {{ mode.loss }}{{ ";" if not loop.last }} {% endfor %}.
{% if longer %} Full batch after {{ longer.epochs }} epochs: loss {{ longer.loss }}; against mini-batch after
{{ longer.mini_epochs }} epochs: {{ longer.difference | change }}.{% endif %}
Time of a step, in the fastest run: {% for mode in modes %}{{ mode.name }} {{ mode.milliseconds }} ms{{ "," if not loop.last }}
{% endfor %}.
"""


def analyse(study: Study) -> Finding:
    """Compare the modes at equal examples, and the full batch on more epochs with mini-batches."""
    runs = _runs(study)
    short = runs[~runs["longer"]]
    losses = median(short, LOSS, "batch").reindex([mode for mode in MODES if mode in set(short["batch"])])
    if len(losses) < 2:
        raise NoData("the runs hold one batch mode")
    steps = short.groupby("batch")["steps"].max()
    cost = (short["seconds"] / short["steps"]).groupby(short["batch"]).min()  # the run least delayed by other processes
    return Finding(
        examples=sorted(set(short["examples"])),
        seeds=short["seed"].nunique(),
        modes=[
            {"name": NAMES[mode], "steps": int(steps[mode]), "loss": losses[mode], "milliseconds": 1000 * cost[mode]}
            for mode in losses.index
        ],
        longer=_longer(runs),
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss of each batch mode over examples, steps and seconds."""
    runs = _runs(study)
    figure, panels = row(3, 3.2, 3.5, sharey=True)
    for axes, axis in zip(panels, (AXES[name] for name in ("examples", "steps", "seconds")), strict=True):
        for (mode, longer), group in runs.groupby(["batch", "longer"]):
            name = f"{mode}, k = {group['batch_size'].iloc[0]:.0f}" if mode == "mini" else mode
            name = f"{name}, {group['epochs'].iloc[0]:g} epochs"
            dash = "--" if longer else "-"
            draw_curve(axes, study, group, LOSS, axis.column, color=COLOURS[mode], ls=dash, label=name)
        label(axes, "log log", axis.label, title=f"over {axis.name}")
    panels[0].set_ylabel(f"training loss, median of {seeds(runs)}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def _runs(study: Study) -> pd.DataFrame:
    """Return the runs of each batch mode, with their `epochs`, and whether they are `longer` than the shortest."""
    runs = varied(study, epochs="epochs")
    runs = runs[runs["epochs"].notna() & runs["batch"].isin(MODES)].astype({"epochs": float})
    if runs.empty:
        raise NoData("the runs have no budget in epochs")
    return runs.assign(longer=runs["epochs"] > runs["epochs"].min())


def _longer(runs: pd.DataFrame) -> dict[str, object] | None:
    """Compare the full batch on the most epochs with mini-batches on the fewest; None where either is missing."""
    longer, mini = runs[(runs["batch"] == "full") & runs["longer"]], runs[(runs["batch"] == "mini") & ~runs["longer"]]
    if longer.empty or mini.empty:
        return None
    longer = longer[longer["epochs"] == longer["epochs"].max()]
    return {
        "epochs": longer["epochs"].iloc[0],
        "loss": median(longer, LOSS, "batch")["full"],
        "mini_epochs": mini["epochs"].iloc[0],
        "difference": paired(pd.concat([longer, mini]), LOSS, "batch", "full", "mini"),
    }
