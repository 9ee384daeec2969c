r"""Which optimizer reaches the lowest loss with mini-batches, each at its best learning rate, and which are not told apart?

Published rankings mostly reflect how well each optimizer was tuned. Here all get the same number of learning rates on the same
seeds, the best by median is judged on other seeds, and differences are paired by seed and tested as one family. All
other settings are those of each optimizer's yaml; tuning them too (momentum, beta2, epsilon) may change the order.

Source: Schmidt, Schneider and Hennig, "Descending through a crowded valley", 2021; Choi et al., "On empirical comparisons of
optimizers for deep learning", 2019.
"""

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.candidate_wording import rank
from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.ranking import Ranking, rankings
from descent.analysis.sentences import sentences
from descent.analysis.settings import Tuned, swept_seeds, tune
from descent.metrics import AXES
from descent.plots.medians import draw_curve, draw_seeds, label, row, seeds
from descent.plots.style import look, styled

TEXT = """
{% if verdict %} {{ verdict }}
{% else %} Lowest median {{ metric }} on {{ seeds }} seeds that did not tune: {{ first }}, {{ median }}
{%- for words, names in (("better", better), ("not told apart from it", equal), ("worse", worse)) if names %};
{{ words }}: {{ names | join(", ") }}{% endfor %}. Ranks: {% for row in ranks %}{{ row.name }} {{ row.ranks | span }}
{{ "," if not loop.last }} {% endfor %}.{% endif %}
{% for row in edges %} The best learning rate of {{ row.name }}, {{ row.best }}, is at the {{ row.side }} edge of those tried
({{ row.low }} to {{ row.high }}): widen the range.{% endfor %}
{% for row in missed %} {{ row.choice }} is judged at lr {{ row.judged }}; lr {{ row.best }} is better in tuning.{% endfor %}
"""


def analyse(study: Study) -> Finding:
    """Rank the optimizers on the seeds that did not tune, and name learning rates at an edge of their range."""
    ranking, tuned = _ranking(study)
    table, medians = ranking.table, ranking.table["median"].sort_values(kind="stable")
    first, *others = medians.index
    beats = ranking.beats
    better = [name for name in others if beats.loc[name, first]]  # they fail less often, or are better by the mean
    worse = [name for name in others if beats.loc[first, name]]
    tested = ranking.tested and (table["failed"] < table["n"]).any()
    return Finding(
        verdict=None if tested else sentences(ranking)[0],
        metric=ranking.metric.label,
        seeds=int(table["n"].max()),
        first=first,
        median=medians[first],
        better=better,
        equal=[name for name in others if name not in (*better, *worse)],
        worse=worse,
        ranks=[{"name": name, "ranks": table.loc[name, ["first", "last"]].to_list()} for name in ranking.candidates],
        edges=[
            {"name": name, "best": best, "side": {"high": "upper"}.get(side, "lower"), "low": low, "high": high}
            for name, (best, side, low, high) in ranking.edges.items()
        ],
        missed=tuned.missed("optimizer"),
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the median loss over examples, and every seed's loss at the end, the best optimizer first."""
    ranking, _ = _ranking(study)
    figure, (left, right) = row(2, 4.7, 3.6)
    for name in ranking.candidates:
        group = ranking.runs_of(name)
        drawn = look(group["optimizer"].iloc[0])
        name = f"{name}, lr = {group['lr'].iloc[0]:g}"
        draw_curve(left, study, group, ranking.metric_name, "examples", color=drawn.colour, ls=drawn.dash, label=name)
    title = f"{ranking.problem}, {ranking.batch}: median of {seeds(ranking.runs)}"
    label(left, "log log", AXES["examples"].label, ranking.metric.label, title, "")
    rows = []
    for name in ranking.candidates:
        group = ranking.runs_of(name)
        place = f"{name}  (rank {rank(ranking, name)})" if ranking.tested else name
        rows.append((place, group, look(group["optimizer"].iloc[0]).colour))
    draw_seeds(right, rows, ranking.metric_name)
    label(right, "log linear", f"{ranking.metric.label} at the end", title="Each seed; bar: median")
    return figure


def _ranking(study: Study) -> tuple[Ranking, Tuned]:
    """Return the ranking by training loss of the seeds that were kept from tuning, and the tuned learning rates."""
    tuned = tune(study.runs, swept_seeds(study.runs, "optimizer"), "optimizer", "train/loss")
    runs = pd.concat([tuned.tuning.assign(stage="trial"), tuned.judged.assign(stage="final")]).assign(tuning="grid")
    ranking = next(iter(rankings(runs)), None)
    if ranking is None:
        raise NoData("every seed was tuned on: none is left to judge")
    return ranking, tuned
