r"""Which learning-rate schedule is best, each at its own best learning rate?

A schedule multiplies the learning rate of step t of T by a factor: a large rate moves fast, and a small one settles below the
loss floor caused by gradient noise, which is proportional to the rate. The apparent gain of a schedule depends on the rate of its
baseline, so each schedule gets its own, chosen on the first seeds of the study and judged on the others. There the others are
compared with the best schedule in tuning, paired by seed, in one family of tests of all pairs.

Source: Robbins and Monro, "A stochastic approximation method", 1951; Loshchilov and Hutter, "SGDR: stochastic gradient descent
with warm restarts", 2017; Goyal et al., "Accurate, large minibatch SGD", 2017; Smith and Topin, "Super-convergence", 2019; that
rivals must be tuned alike, Schmidt, Schneider and Hennig, "Descending through a crowded valley", 2021.
"""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.paired_tests import SEEDS, judge
from descent.analysis.ranking import better, group_of, terms
from descent.analysis.settings import Tuned, first_seeds, median, tune
from descent.analysis.statistics import values
from descent.plots.medians import draw_curve, draw_seeds, label, row
from descent.plots.style import DASHED, HUES, SOLID, Dash, count, styled, text

LOSS = "train/loss"
TUNING = 2  # number of tuning seeds, the first ones
TEXT = """
The best schedule in tuning is {{ best.name }} (lr {{ best.lr }}); its median training loss on {{ seeds }} other
seed{{ "s" if seeds > 1 }} is {{ best.loss }}
{%- if not tested %}, beside {% for row in others %}{{ row.name }} {{ row.loss }}{{ "," if not loop.last }} {% endfor %};
it takes {{ needed }} seeds to tell them apart
{% else %}{% for words, winner in (("better", "other"), ("not told apart from it", None), ("worse", "best")) %}
{% for row in others if row.winner == winner %}{{ "; " ~ words ~ ":" if loop.first else "," }} {{ row.name }} ({{ row.loss }})
{% endfor %}{% endfor %}{% endif %}.
{% if edges %} At an edge of the learning rates tried, {{ rates | span }}: {{ edges | listed }}.{% endif %}
"""


def analyse(study: Study) -> Finding:
    """Compute the best schedule in tuning, and which others are better, worse, or not told apart from it on other seeds."""
    tuned = _tuned(study.runs)
    judged, (best, *others) = tuned.judged, tuned.best.index
    losses = median(judged, LOSS, "schedule").sort_values(kind="stable")
    group = group_of(judged.assign(candidate=judged["schedule"]), LOSS, [best, *others], terms(judged, study.metric(LOSS)))
    won = better(judge([group])[0])
    winners = {name: best if (best, name) in won else name if (name, best) in won else "" for name in others}
    tried = sorted(study.runs["lr"].unique())
    return Finding(
        best={"name": best, "lr": tuned.best[best], "loss": losses[best]},
        seeds=judged["seed"].nunique(),
        needed=SEEDS,
        tested=judged["seed"].nunique() >= SEEDS,
        others=[
            {"name": name, "loss": losses[name], "winner": {best: "best", name: "other"}.get(winners[name])}
            for name in losses.index.drop(best)
        ],
        rates=tried,
        edges=[name for name, lr in tuned.best.items() if len(tried) > 1 and lr in (tried[0], tried[-1])],
    )


@styled
def plot(study: Study) -> Figure:
    """Draw each schedule's learning rate and training loss over steps, and the loss at the end of each seed."""
    tuned = _tuned(study.runs)
    looks: dict[str, tuple[str, Dash]] = {
        name: (HUES[i % len(HUES)], (SOLID, DASHED)[i // len(HUES) % 2]) for i, name in enumerate(tuned.best.index)
    }
    figure, (left, middle, right) = row(3, 3.4, 3.7, width_ratios=[1, 1, 1.1])
    for name, (colour, dash) in looks.items():
        for axes, column in ((left, "lr"), (middle, LOSS)):
            draw_curve(axes, study, tuned.judged[tuned.judged["schedule"] == name], column, color=colour, ls=dash, lw=1.4)
    left.set(xlabel="steps", ylabel="learning rate", title="Each at its best learning rate")
    middle.set(xlabel="steps", ylabel="training loss", yscale="log", title=f"Median of {tuned.judged['seed'].nunique()} seeds")
    dashed = {name: " (dashed)" if dash is DASHED else "" for name, (_, dash) in looks.items()}
    names = median(tuned.judged, LOSS, "schedule").sort_values().index
    ends = {f"{text(name)}, lr = {tuned.best[name]:g}{dashed[name]}": name for name in names}
    rows = [(shown, tuned.judged[tuned.judged["schedule"] == name], looks[name][0]) for shown, name in ends.items()]
    draw_seeds(right, rows, LOSS)
    for tick, (*_, colour) in zip(right.get_yticklabels(), rows, strict=True):
        tick.set(color=colour, fontweight="bold")
    budget = f"{count(tuned.judged['steps'].max())} steps"
    label(right, "log linear", "training loss", title=f"After {budget}; bar: median")
    return figure


def _tuned(runs: pd.DataFrame) -> Tuned:
    """Return the best learning rate of each schedule on the first seeds, and its runs on the others."""
    if runs["seed"].nunique() <= TUNING or runs["schedule"].nunique() < 2:
        raise NoData(f"it takes two schedules, {TUNING} seeds that choose their learning rates, and others that judge")
    tuned = tune(runs, first_seeds(runs, TUNING), "schedule", LOSS).at_best("schedule")
    if not np.isfinite(values(tuned.judged, LOSS)).any():
        raise NoData("every run of the seeds that judge diverged")
    return tuned
