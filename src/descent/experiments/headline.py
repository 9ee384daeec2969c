r"""Which optimizer ends lowest in each batch mode, when all are tuned with the same budget?

Each optimizer's learning rate is the best of eight sampled from its own search space, chosen on three fresh seeds; all of it is
repeated by three searches. Only the final runs are compared, on ten seeds that no choice has seen. Mini-batches of the digits are
trained by the engine torch too, each engine tuned for itself.

Source: Dahl et al. 2023, Benchmarking Neural Network Training Algorithms, section 4.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from descent.analysis.candidate_wording import rank
from descent.analysis.findings import Finding
from descent.analysis.load import NoData, Study
from descent.analysis.ranking import Ranking, rankings
from descent.analysis.sentences import sentences
from descent.metrics import AXES
from descent.plots.medians import draw_curve, label, row
from descent.plots.style import look, styled

BOTH = ("torch", "compiled")  # engines whose rankings are held against each other
TEXT = """
{% for row in verdicts %} {{ row.group }}: {{ row.sentence }}{% endfor %}
{% for row in engines %} {{ row.group }} by both engines, the lowest median first: torch has {{ row.torch | join(", ") }}
{%- if row.alike %}, and so has compiled{% else %}, and compiled {{ row.compiled | join(", ") }}{% endif %}
{%- if row.contradicted %}; better by one and worse by the other: {{ row.contradicted | join(", ") }}
{%- else %}; no pair is better by one and worse by the other{% endif %}.{% endfor %}
"""


def analyse(study: Study) -> Finding:
    """Rank the optimizers of each problem and batch mode, all tested together, and compare the rankings of the two engines."""
    ranked = _ranked(_once(study.runs))
    return Finding(
        verdicts=[{"group": _group(ranking), "sentence": sentences(ranking)[0]} for ranking in ranked],
        table=[line for ranking in ranked for line in _lines(ranking)],
        engines=list(_engines(study.runs)),
    )


@styled
def plot(study: Study) -> Figure:
    """Draw the median training loss over examples, a panel for each problem and batch mode."""
    ranked = _ranked(_once(study.runs))
    figure, panels = row(len(ranked), 3.4, 3.4)
    for axes, ranking in zip(panels, ranked, strict=True):
        for name in ranking.candidates:
            drawn, runs = look(name), ranking.runs_of(name)
            shown = partial(draw_curve, color=drawn.colour, ls=drawn.dash, label=name)
            shown(axes, study, runs, ranking.metric_name, "examples", quartiles=True)
        label(axes, "log log", AXES["examples"].label, ranking.metric.label if axes is panels[0] else "", _group(ranking), "")
    return figure


def _ranked(runs: pd.DataFrame) -> list[Ranking]:
    """Return the rankings by each problem's own metric.

    Raises:
        NoData: nothing can be ranked.
    """
    ranked = [ranking for ranking in rankings(runs) if ranking.metric_name == ranking.runs["metric"].iloc[0]]
    if not ranked:
        raise NoData("the study has no final runs")
    return ranked


def _once(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the final runs, without those of torch that repeat candidates of the engine compiled."""
    runs = runs[runs["stage"] == "final"]
    keys = pd.Series(list(zip(runs["problem"], runs["batch"], runs["optimizer"], strict=True)), runs.index)
    return runs[(runs["engine"] != "torch") | ~keys.isin(set(keys[runs["engine"] == "compiled"]))]


def _group(ranking: Ranking) -> str:
    return f"{ranking.problem}, {ranking.batch}"


def _lines(ranking: Ranking) -> Iterator[dict[str, Any]]:
    for name, line in ranking.table.iterrows():
        runs = ranking.runs_of(name)
        yield {
            "problem, batch": _group(ranking),
            "optimizer": str(name),
            "rank": rank(ranking, str(name)) if ranking.tested else "",
            f"median {ranking.metric.label}": float(line["median"]),
            "95 % interval": [float(line["low"]), float(line["high"])],
            "learning rates": sorted({float(lr) for lr in runs["lr"]}),
            "failed": int(line["failed"]),
            "runs": int(line["n"]),
            "engine": ", ".join(sorted(set(runs["engine"]))),
        }


def _engines(runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield for each group that both engines trained the order of the medians by each, and the pairs that contradict."""
    for _, group in runs[runs["stage"] == "final"].groupby(["problem", "batch"]):
        both = set.intersection(*(set(group.loc[group["engine"] == engine, "optimizer"]) for engine in BOTH))
        if len(both) < 2:
            continue
        first, second = (_ranked(group[group["optimizer"].isin(both) & (group["engine"] == engine)])[0] for engine in BOTH)
        orders = [ranking.table["median"].sort_values(kind="stable").index.to_list() for ranking in (first, second)]
        against = [f"{a} and {b}" for a in both for b in both if first.beats.loc[a, b] and second.beats.loc[b, a]]
        yield {
            "group": _group(first),
            "torch": orders[0],
            "compiled": orders[1],
            "alike": orders[0] == orders[1],
            "contradicted": sorted(against),
        }
