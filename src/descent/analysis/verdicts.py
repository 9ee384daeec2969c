"""Judge a study: its rankings, and their verdicts as sentences."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

import pandas as pd

from descent.analysis.candidate_wording import rank
from descent.analysis.estimates import INTERVAL
from descent.analysis.load import Study
from descent.analysis.modes import across_modes
from descent.analysis.ranking import Ranking, rankings
from descent.analysis.sentences import headline, overall, sentences
from descent.analysis.tuning import Tuning, tunings
from descent.analysis.wording import listed


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
        return kinds.get(self.ranking.metric_name.partition("/")[0], self.ranking.metric_name)

    @property
    def label(self) -> str:
        return self.ranking.metric.label

    @property
    def rows(self) -> Iterator[tuple[str, ...]]:
        """Yield a row a candidate, the best first: ranks, setting, n, median, interval, failed share."""
        for candidate, row in self.ranking.table.iterrows():
            name = setting(self.ranking, str(candidate))
            share = f"{row['failed']:.0f} of {row['n']:.0f}" if row["failed"] else "0"
            yield ranks(self.ranking, str(candidate)), name, f"{row['n']:.0f}", shown(row["median"]), interval(row), share


def setting(ranking: Ranking, candidate: str) -> str:
    """Return the name of a candidate's setting as in a table, or how many it has."""
    names = ranking.settings_of(candidate)
    return plain(names[0], str(ranking.runs["batch"].iloc[0])) if len(names) == 1 else f"{candidate}, {len(names)} settings"


def plain(name: str, batch: str) -> str:
    """Return a setting's name without batch mode and size, which the title has."""
    return re.sub(rf" {re.escape(batch)} (size=\d+_?)?", " ", name, count=1).strip()


def ranks(ranking: Ranking, candidate: str) -> str:
    """Return the ranks that a candidate may have; empty if nothing was tested."""
    return rank(ranking, candidate) if ranking.tested else ""


def shown(value: float) -> str:
    """Return a number of a table."""
    return f"{value:.4g}" if math.isfinite(value) else "none"


def interval(row: "pd.Series[float]") -> str:
    """Return the ends of an interval, or of the range of fewer than six values; empty where a single value has none."""
    if math.isnan(row["low"]):
        return ""
    few = bool(row["n"] < INTERVAL)
    ends = ("min", "max") if few else ("low", "high")
    return " to ".join(shown(row[end]) for end in ends) + " (range)" * few


@dataclass(frozen=True)
class Verdicts:
    """The verdicts on a study, one for each problem, batch mode and kind.

    Attributes:
        modes: the verdicts on the batch modes of each optimizer.
        common: caveats that hold for all of them.
        tunings: how the candidates of each group were tuned.
    """

    study: Study
    verdicts: list[Verdict]
    modes: list[Verdict]
    common: list[str]
    tunings: list[Tuning] = field(default_factory=list)

    @property
    def leading(self) -> list[Verdict]:
        """The verdict of each group on the metric that is tested there."""
        return [
            next((verdict for verdict in group if verdict.ranking.untested != "secondary"), group[0]) for *_, group in self.groups
        ]

    @property
    def headline(self) -> list[str]:
        """The verdict on the study in a line, and that on its batch modes."""
        return headline([verdict.ranking for verdict in (*self.leading, *self.modes)])

    @property
    def groups(self) -> Iterator[tuple[str, str, list[Verdict]]]:
        """Yield the verdicts of each problem and batch mode."""
        for (problem, batch), group in groupby(self.verdicts, lambda v: (v.ranking.problem, v.ranking.batch)):
            yield problem, batch, list(group)

    @property
    def sentences(self) -> dict[str, list[str]]:
        """Sentences by ranking."""
        verdicts = [*self.verdicts, *self.modes]
        sentences = {f"{v.ranking.problem}, {v.ranking.batch}: {v.label} ({v.kind})": [v.sentence, *v.notes] for v in verdicts}
        return sentences | ({"All of these": self.common} if self.common else {})


def environments(runs: pd.DataFrame) -> list[str]:
    """Return the versions, devices and threads in which the environments of the runs differ, as a sentence."""
    parts = []
    for name in {name: None for run in runs["environment"] for name in run if name != "data_checksum"}:
        values = sorted({str(run[name]) for run in runs["environment"] if name in run})
        if len(values) > 1:
            parts.append(f"{name} {listed(values)}")
    return [f"Runs were made with different {'; '.join(parts)}."] if parts else []


def judge(study: Study, metric: str | None = None) -> Verdicts:
    """Rank the candidates of a study, and write the verdicts.

    Args:
        metric: test only this one; None: test each problem's own, and describe the others.

    Raises:
        InputError: the study has no such metric.
    """
    if metric is not None:
        study.require(metric)
    ranked = rankings(study.runs, metric, across_modes(study, metric))
    written = [sentences(ranking) for ranking in ranked]
    shared = set.intersection(*map(set, written)) if len(written) > 1 else set()
    common = [note for note in written[0][1:] if note in shared and not note.startswith("Ranks: ")] if shared else []
    verdicts = [
        Verdict(ranking, first, [note for note in notes if note not in common])
        for ranking, (first, *notes) in zip(ranked, written, strict=True)
    ]
    asked = [f"Tested is {ranked[0].metric.label}, as it was asked for."] if metric and ranked else []
    modes = [verdict for verdict in verdicts if verdict.ranking.modes_of]
    verdicts = [verdict for verdict in verdicts if not verdict.ranking.modes_of]
    common = [*overall(ranked), *asked, *common, *environments(study.runs)]
    return Verdicts(study, verdicts, modes, common, tunings(study, ranked))
