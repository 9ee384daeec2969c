r"""Which optimizer gets furthest with mini-batches, each at its own best learning rate, and which cannot be told apart?

Published rankings mostly tell how well each optimizer was tuned: here all have as many learning rates on the same seeds, the best
by median is judged on others, and differences are paired by seed, tested exactly and corrected for their number. All else is as
in each optimizer's yaml; more tuning (of momentum, beta2, epsilon) may change the order.

Source: Schmidt, Schneider and Hennig, "Descending through a crowded valley", 2021; Choi et al., "On empirical comparisons of
optimizers for deep learning", 2019; Holm, "A simple sequentially rejective multiple test procedure", 1979.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from descent.analysis.grid import apart, curve, untuned
from descent.analysis.load import Study
from descent.analysis.notes import edges
from descent.analysis.nothing import Nothing
from descent.analysis.pairs import order
from descent.analysis.ranking import Ranking, rankings
from descent.analysis.statistics import values
from descent.analysis.verdict import verdict
from descent.analysis.words import number, rank, size
from descent.metrics import AXES
from descent.plots.style import look, styled


def sentence(study: Study) -> str:
    """Say which optimizer is first on the seeds that did not tune, which are as good, and what the tuning missed."""
    ranking, tuning = _ranking(study)
    wrong = untuned(tuning, ranking.runs, "optimizer", ranking.quantity)
    return " ".join([_say_first(ranking), *edges(ranking), *(f"{text[0].upper()}{text[1:]}." for text in wrong)])


def _say_first(ranking: Ranking) -> str:
    """Return who is first by median and who differs from it, where all pairs were tested; else what the verdict says."""
    if ranking.family != "all" or ranking.refused or (ranking.table["failed"] == ranking.table["n"]).all():
        return verdict(ranking)[0]
    names = list(ranking.table["median"].sort_values(kind="stable").index)
    beats = pd.DataFrame(order(ranking.pairs, ranking.entries), ranking.entries, ranking.entries)
    first, *others = names
    better = [name for name in others if beats.loc[name, first]]  # by how often they fail, or in nearly all pairs
    worse = [name for name in others if beats.loc[first, name]]
    equal = [name for name in others if name not in (*better, *worse)]
    told = {"better, in most seeds": better, "indistinguishable from it": equal, "worse": worse}
    said = "; ".join(f"{what}: {', '.join(own)}" for what, own in told.items() if own)
    n, what = size(ranking.table["n"]), ranking.metric.label
    ranks = ", ".join(f"{name} {rank(ranking, name)}" for name in ranking.entries)
    return f"{first} ends with the lowest median {what}, {number(ranking.table['median'][first])} ({n}); {said}. Ranks: {ranks}."


@styled
def plot(study: Study) -> Figure:
    """Draw the median loss over examples, and every seed's loss at the end, the best optimizer first."""
    ranking, _ = _ranking(study)
    figure = Figure(figsize=(9.4, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name in ranking.entries:
        own = _own(ranking, name)
        drawn = look(own["optimizer"].iloc[0])
        (_, examples), (_, loss) = curve(study, own, "examples"), curve(study, own, ranking.quantity)
        left.plot(examples, loss, color=drawn.colour, ls=drawn.dash, label=f"{name}, lr = {own['lr'].iloc[0]:g}")
    left.set(xscale="log", yscale="log", xlabel=AXES["examples"].label, ylabel=ranking.metric.label)
    left.set_title(f"{ranking.problem}, {ranking.batch}: median, {size(ranking.table['n'])}")
    left.legend()
    _draw_ends(right, ranking)
    return figure


def _draw_ends(axes: Axes, ranking: Ranking) -> None:
    for place, name in enumerate(ranking.entries):
        own = values(_own(ranking, name), ranking.quantity)
        ends, colour = own[np.isfinite(own)], look(_own(ranking, name)["optimizer"].iloc[0]).colour
        axes.plot(ends, np.full(len(ends), place), "o", color=colour, ms=4, mew=0, alpha=0.5)
        axes.plot([own.median()], [place], "|", color=colour, ms=14, mew=2)
    ranks = [f"{name}  (rank {rank(ranking, name)})" if ranking.family else name for name in ranking.entries]
    axes.set_yticks(range(len(ranks)), ranks)
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel=f"{ranking.metric.label} at the end", title="Each seed; bar: median")


def _own(ranking: Ranking, name: str) -> pd.DataFrame:
    return ranking.runs[ranking.runs["entry"] == name]


def _ranking(study: Study) -> tuple[Ranking, pd.DataFrame]:
    """Return the ranking by training loss of the seeds that were kept from tuning, and the runs of tuning."""
    tuning, judged = apart(study.runs, "optimizer")
    runs = pd.concat([tuning.assign(stage="trial"), judged.assign(stage="final")]).assign(tuning="grid")
    found = next(rankings(runs), None)
    if found is None:
        raise Nothing("every seed was tuned on: none is left to judge")
    return found, tuning
