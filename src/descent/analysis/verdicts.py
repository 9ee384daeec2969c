"""Judge a study: its rankings, and their verdicts as sentences."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import pandas as pd

from descent.analysis.load import Study
from descent.analysis.ranking import Ranking, rankings
from descent.analysis.sentences import sentences
from descent.analysis.wording import rank
from descent.errors import one_of


@dataclass(frozen=True)
class Verdict:
    """A ranking, its sentence, and the caveats that do not hold for the whole study."""

    ranking: Ranking
    sentence: str
    notes: list[str]

    @property
    def kind(self) -> str:
        """The subject: optimization, generalization, or the metric's name."""
        kinds = {"train": "optimization", "val": "generalization"}
        return kinds.get(self.ranking.quantity.partition("/")[0], self.ranking.quantity)

    @property
    def quantity(self) -> str:
        return self.ranking.metric.label

    @property
    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row a candidate, the best first: ranks, setting, n, median, interval, failed share."""
        for entry, row in self.ranking.table.iterrows():
            names = self.ranking.runs.loc[self.ranking.runs["entry"] == entry, "name"].unique()
            name = (
                plain(names[0], str(self.ranking.runs["batch"].iloc[0])) if len(names) == 1 else f"{entry}, {len(names)} settings"
            )
            share = f"{row['failed']:.0f} of {row['n']:.0f}" if row["failed"] else "0"
            yield ranks(self.ranking, str(entry)), name, f"{row['n']:.0f}", shown(row["median"]), interval(row), share


def plain(name: str, batch: str) -> str:
    """Return a setting's name without batch mode and size, which the title has."""
    return re.sub(rf" {re.escape(batch)} (size=\d+_?)?", " ", name, count=1).strip()


def ranks(ranking: Ranking, entry: str) -> str:
    """Return the ranks that a candidate may have; empty if nothing was tested."""
    return rank(ranking, entry) if ranking.family and not ranking.refused else ""


def shown(value: float) -> str:
    """Return a number of a table."""
    return f"{value:.4g}" if math.isfinite(value) else "none"


def interval(row: "pd.Series[float]") -> str:
    """Return the ends of an interval; empty for a single value."""
    return "" if math.isnan(row["low"]) else f"{shown(row['low'])} to {shown(row['high'])}"


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on a study, one for each problem, batch mode and kind.

    Attributes:
        common: caveats that hold for all of them.
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
        """Sentences by ranking."""
        said = {f"{v.ranking.problem}, {v.ranking.batch}: {v.quantity} ({v.kind})": [v.sentence, *v.notes] for v in self.verdicts}
        return said | ({"All of these": self.common} if self.common else {})


def judge(study: Study, metric: str | None = None, reference: str | None = None) -> Verdicts:
    """Rank the candidates of a study, and write the verdicts.

    Args:
        metric: rank by this one alone; None: by a training and a validation metric of each problem.
        reference: the optimizer or candidate that others are compared with; None: see `selection.reference`.

    Raises:
        InputError: the study has no such metric, or no such reference.
    """
    if metric is not None:
        study.require(metric)
    found = list(rankings(study.runs, reference, metric))
    known = {*study.runs["optimizer"], *(entry for ranking in found for entry in ranking.entries)}
    if reference is not None and reference not in known:
        raise one_of("reference", reference, sorted(known))
    said = [sentences(ranking) for ranking in found]
    shared = set.intersection(*map(set, said)) if len(said) > 1 else set()
    common = [note for note in said[0][1:] if note in shared and not note.startswith("Ranks: ")] if shared else []
    verdicts = [
        Verdict(ranking, first, [note for note in notes if note not in common])
        for ranking, (first, *notes) in zip(found, said, strict=True)
    ]
    return Verdicts(study, verdicts, common)
