"""What a study says: its rankings, and their verdicts in sentences."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from descent.analysis.load import Study
from descent.analysis.ranking import Ranking, rankings
from descent.analysis.verdict import verdict
from descent.analysis.words import rank
from descent.errors import one_of


@dataclass(frozen=True)
class Verdict:
    """A ranking, and what it says: the verdict itself, and the notes on it that do not hold for all of the study."""

    ranking: Ranking
    sentence: str
    notes: list[str]

    @property
    def kind(self) -> str:
        """What it is a verdict on."""
        kinds = {"train": "optimization", "val": "generalization"}
        return kinds.get(self.ranking.quantity.partition("/")[0], self.ranking.quantity)

    @property
    def quantity(self) -> str:
        return self.ranking.metric.label

    @property
    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield for each entry, the best first: its ranks, the setting that stands for it, n, median, interval, failed share."""
        for entry, row in self.ranking.table.iterrows():
            names = self.ranking.runs.loc[self.ranking.runs["entry"] == entry, "name"].unique()
            name = (
                plain(names[0], str(self.ranking.runs["batch"].iloc[0])) if len(names) == 1 else f"{entry}, {len(names)} settings"
            )
            share = f"{row['failed']:.0f} of {row['n']:.0f}" if row["failed"] else "0"
            yield ranks(self.ranking, str(entry)), name, f"{row['n']:.0f}", shown(row["median"]), interval(row), share


def plain(name: str, batch: str) -> str:
    """Return a setting's name without the batch mode and size, where a title says them."""
    return re.sub(rf" {re.escape(batch)} (size=\d+_?)?", " ", name, count=1).strip()


def ranks(ranking: Ranking, entry: str) -> str:
    """Return the ranks that an entry may have; empty where nothing was tested."""
    return rank(ranking, entry) if ranking.family and not ranking.refused else ""


def shown(value: float) -> str:
    """Return a number of a table."""
    return f"{value:.4g}" if math.isfinite(value) else "none"


def interval(row: "pd.Series[float]") -> str:
    """Return the ends of an interval; empty where a single value has none."""
    return "" if math.isnan(row["low"]) else f"{shown(row['low'])} to {shown(row['high'])}"


@dataclass(frozen=True)
class Outcome:
    """The verdicts on a study, one for each problem, batch mode and kind.

    Attributes:
        common: notes that hold for all of them.
    """

    study: Study
    verdicts: list[Verdict]
    common: list[str]

    @property
    def groups(self) -> Iterator[tuple[str, str, list[Verdict]]]:
        """Yield the verdicts of each problem and batch mode."""
        for (problem, batch), found in groupby(self.verdicts, lambda v: (v.ranking.problem, v.ranking.batch)):
            yield problem, batch, list(found)

    @property
    def sentences(self) -> dict[str, list[str]]:
        """All that is said, by what it is about."""
        said = {f"{v.ranking.problem}, {v.ranking.batch}: {v.quantity} ({v.kind})": [v.sentence, *v.notes] for v in self.verdicts}
        return said | ({"All of these": self.common} if self.common else {})


def outcome(study: Study, metric: str | None = None, reference: str | None = None) -> Outcome:
    """Compare what a study holds.

    Args:
        metric: ranks by this one alone; else by the training and the validation quantity of each problem.
        reference: an optimizer, or an entry of the rankings, that others are compared with.

    Raises:
        InputError: the study has no such metric, or no such reference.
    """
    if metric is not None:
        study.require(metric)
    found = list(rankings(study.runs, reference, metric))
    known = {*study.runs["optimizer"], *(entry for ranking in found for entry in ranking.entries)}
    if reference is not None and reference not in known:
        raise one_of("reference", reference, sorted(known))
    said = [verdict(ranking) for ranking in found]
    shared = set.intersection(*map(set, said)) if len(said) > 1 else set()
    common = [note for note in said[0][1:] if note in shared and not note.startswith("Ranks: ")] if shared else []
    verdicts = [
        Verdict(ranking, first, [note for note in notes if note not in common])
        for ranking, (first, *notes) in zip(found, said, strict=True)
    ]
    return Outcome(study, verdicts, common)
