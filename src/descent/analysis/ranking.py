"""Rankings in which ties are ties: of optimization and of generalization, for each problem and batch mode."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from descent.analysis.contenders import GROUP, budgets, choose, quantities, reference
from descent.analysis.load import metric_of
from descent.analysis.measures import edges, tolerance
from descent.analysis.pairs import SEEDS, compare, enough, order, plan, wide
from descent.analysis.statistics import summary
from descent.metrics import Metric


@dataclass(frozen=True)
class Ranking:
    """One quantity, on one problem and batch mode.

    Attributes:
        batch: the batch mode, with the size of mini-batches.
        runs: those that are compared; their ``entry`` says what they stand for: an optimizer, and a schedule where these differ.
        table: one row an entry, the best first: `summary`, and ``first``, ``last``, the ranks that it may have.
        pairs: of `compare`.
        reference: the entry that others are compared with, and `rule`, by which it was chosen.
        family: which pairs were tested, ``all`` or ``reference``; empty where none was.
        untested: why none was: ``alone``, ``seeds``, ``many`` (of `plan`), ``picked``, or ``apart`` (no common seeds).
        refused: why there is no ranking at all; empty where there is one.
        searches: how many searches the settings come from; 0: from none.
        picked: the names of settings that were chosen, out of several, on these same runs, by entry.
        edges: optimizers whose best learning rate lies at the edge of those tried: `measures.edges`.
        tolerance: how much a learning rate may be off, where it was swept: `measures.tolerance`.
    """

    problem: str
    batch: str
    quantity: str
    runs: pd.DataFrame
    table: pd.DataFrame
    pairs: pd.DataFrame
    reference: str
    rule: str
    family: str = ""
    untested: str = ""
    refused: str = ""
    searches: int = 0
    picked: dict[str, str] = field(default_factory=dict)
    edges: dict[str, tuple[float, str, float, float]] = field(default_factory=dict)
    tolerance: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def metric(self) -> Metric:
        """What it is about."""
        return metric_of(self.runs, self.quantity)

    @property
    def entries(self) -> list[str]:
        """What is compared, the best first."""
        return [str(entry) for entry in self.table.index]


def rankings(runs: pd.DataFrame, named: str | None = None, quantity: str | None = None) -> Iterator[Ranking]:
    """Yield the rankings of a study: for each problem and batch mode of optimization, and of generalization where measured.

    Args:
        runs: of a study, those of tuning among them (``stage``).
        named: the reference, an entry or an optimizer; see `reference` for what stands in.
        quantity: rank by this one instead, where it was measured.
    """
    for _, group in runs.groupby(GROUP, dropna=False):
        final = group["stage"] == "final"
        if final.any():
            asked = [quantity] if quantity and group.loc[final, f"final:{quantity}"].notna().any() else []
            for each in asked if quantity else quantities(group[final]):
                yield rank(group[final], each, group[~final], named)


def rank(runs: pd.DataFrame, quantity: str, tuning: pd.DataFrame | None = None, named: str | None = None) -> Ranking:
    """Compare the settings of one problem and batch mode.

    An entry's ranks go from 1 + the number of those that beat it to the number of all - those that it beats. As long as no
    claim is false, which all of them together keep to 95 %, these hold for all entries at once.

    Source: D. Al Mohamad, J. J. Goeman and E. W. van Zwet, Simultaneous confidence intervals for ranks with application to
    ranking institutions, Biometrics 78 (2022).
    """
    first, high, refused = runs.iloc[0], metric_of(runs, quantity).higher_is_better, budgets(runs)
    chosen, picked = choose(runs, quantity, tuning)
    table = summary(chosen, quantity, "entry").sort_values("median", ascending=not high, kind="stable")
    entries = [str(entry) for entry in table.index]
    judged = chosen[chosen["entry"].isin(enough(chosen))]
    against, rule = reference(judged if len(judged) else chosen, quantity, tuning, named)
    value, failed = wide(chosen, quantity, entries)
    family, untested = plan(failed)
    if refused or picked:
        family, untested = "", untested or ("picked" if picked else "")
    pairs = compare(value, failed, family, against, high)
    swept = runs if tuning is None or tuning.empty else tuning
    if family and not (pairs["seeds"] >= SEEDS).any():
        family, untested = "", "apart"
    beats = order(pairs, entries)
    table["first"], table["last"] = 1 + beats.sum(axis=0), len(entries) - beats.sum(axis=1)
    return Ranking(
        str(first["problem"]),
        f"{first['batch']} ({first['batch_size']:.0f})" if pd.notna(first["batch_size"]) else str(first["batch"]),
        quantity,
        chosen,
        table.sort_values(["first", "last"], kind="stable"),
        pairs,
        against,
        rule,
        family,
        untested,
        refused,
        int(chosen.loc[chosen["scramble"] > 0, "scramble"].nunique()),
        picked,
        edges(swept, quantity),
        tolerance(swept, quantity),
    )
