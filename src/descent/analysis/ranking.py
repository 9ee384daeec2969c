"""Rank candidates, with ties: in optimization and in generalization, for each problem and batch mode."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from descent.analysis.load import metric_of
from descent.analysis.pairs import SEEDS, Family, Untested, compare, enough, order, plan, wide
from descent.analysis.selection import GROUP, Rule, budgets, choose, quantities, reference
from descent.analysis.sensitivity import edges, tolerance
from descent.analysis.statistics import summary
from descent.metrics import Metric


@dataclass(frozen=True)
class Ranking:
    """The ranking by one metric, on one problem and batch mode.

    Attributes:
        batch: the batch mode, with the size of mini-batches.
        runs: those that are compared; ``entry`` names their candidate: an optimizer, and a schedule if these differ.
        table: one row a candidate, the best first: `summary`, and ``first``, ``last``, the ranks that it may have.
        pairs: of `compare`.
        reference: the candidate that others are compared with, and `rule`, by which it was chosen.
        family: which pairs were tested.
        untested: why no pair was.
        refused: why there is no ranking; empty if there is one.
        searches: number of searches that the settings come from; 0: none.
        picked: names of settings that were chosen out of several on these same runs, by candidate.
        edges: optimizers whose best learning rate is at the edge of the grid: `sensitivity.edges`.
        tolerance: range of tolerated learning rates, where they were swept: `sensitivity.tolerance`.
    """

    problem: str
    batch: str
    quantity: str
    runs: pd.DataFrame
    table: pd.DataFrame
    pairs: pd.DataFrame
    reference: str
    rule: Rule
    family: Family = Family.NONE
    untested: Untested = Untested.NO
    refused: str = ""
    searches: int = 0
    picked: dict[str, str] = field(default_factory=dict)
    edges: dict[str, tuple[float, str, float, float]] = field(default_factory=dict)
    tolerance: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def metric(self) -> Metric:
        """The metric that it is by."""
        return metric_of(self.runs, self.quantity)

    @property
    def entries(self) -> list[str]:
        """The candidates, the best first."""
        return [str(entry) for entry in self.table.index]


def rankings(runs: pd.DataFrame, named: str | None = None, quantity: str | None = None) -> Iterator[Ranking]:
    """Yield the rankings of a study: for each problem and batch mode of optimization, and of generalization where measured.

    Args:
        runs: of a study, those of tuning among them (``stage``).
        named: the reference, a candidate or an optimizer; None: see `reference`.
        quantity: rank by this metric instead, where it was measured.
    """
    for _, group in runs.groupby(GROUP, dropna=False):
        final = group["stage"] == "final"
        if final.any():
            asked = [quantity] if quantity and group.loc[final, f"final:{quantity}"].notna().any() else []
            for each in asked if quantity else quantities(group[final]):
                yield rank(group[final], each, group[~final], named)


def rank(runs: pd.DataFrame, quantity: str, tuning: pd.DataFrame | None = None, named: str | None = None) -> Ranking:
    """Compare the settings of one problem and batch mode.

    A candidate's ranks go from 1 + the number of those that beat it to the number of all - those that it beats. While no claim
    is false, which the family keeps to 95 %, these hold for all candidates at once.

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
        family, untested = Family.NONE, untested or (Untested.PICKED if picked else Untested.NO)
    pairs = compare(value, failed, family, against, high)
    swept = runs if tuning is None or tuning.empty else tuning
    if family and not (pairs["seeds"] >= SEEDS).any():
        family, untested = Family.NONE, Untested.APART
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
