"""Describe how the candidates of a group were tuned: spaces, choices, gains over the defaults, what other trials would find."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from descent.analysis.differences import scores
from descent.analysis.groups import in_group, one_engine
from descent.analysis.load import Study
from descent.analysis.ranking import Ranking
from descent.analysis.selection import CANDIDATE, TUNED
from descent.analysis.statistics import values
from descent.analysis.trials import best_of, near, too_wide
from descent.analysis.wording import listed, number
from descent.config.search_space import BUDGETS, Range, search_space

STAGES = {"trial": "trials", "selection": "selection", "default": "defaults", "final": "final runs"}


@dataclass(frozen=True)
class Tuned:
    """How a candidate was tuned.

    Attributes:
        space: the ranges that were searched, by key.
        settings: what each search chose: its values by key.
        losses: of the trials of all searches, the lower the better; infinite where a run failed [T].
        near: how many of the trials are nearer to the best than to the worst that finished, as scores.
        gain: by how much the tuned settings end better than the defaults on the same seeds, as scores [pairs]; infinite where
            a default failed.
        medians: of the final runs of each search.
    """

    name: str
    optimizer: str
    space: dict[str, Range]
    settings: dict[int, dict[str, float]]
    losses: np.ndarray
    near: int
    gain: np.ndarray
    medians: "pd.Series[float]"

    @property
    def edges(self) -> Iterator[tuple[int, str, float, str]]:
        """Yield each chosen value in the outer tenth of its range: search, key, value, and ``low`` or ``high``."""
        for search, chosen in self.settings.items():
            yield from ((search, key, value, end) for key, value in chosen.items() if (end := self.space[key].edge(value)))

    @property
    def wide(self) -> bool:
        """Whether hardly any trial came near the best."""
        return too_wide(self.near, len(self.losses))


@dataclass(frozen=True)
class Tuning:
    """How the candidates of a ranking were tuned.

    Attributes:
        seconds: of training, by stage.
    """

    ranking: Ranking
    budget: str
    candidates: list[Tuned]
    seconds: dict[str, float]

    @property
    def trials(self) -> int:
        """The trials of a search."""
        return BUDGETS[self.budget].trials

    @property
    def title(self) -> str:
        """The group, and the trials of each search."""
        searches = f" in each of {self.searches} searches" if self.searches > 1 else ""
        return f"{self.ranking.problem}, {self.ranking.batch}: tuned by {self.trials} trials{searches}"

    @cached_property
    def columns(self) -> list[str]:
        """The head of the table; the last columns are of the best of 1, 2, 4, ... trials."""
        counts = [f"best of {k}" for k in self._counts]
        return ["tuned", "chosen", f"gain over default, {self._unit}", *counts]

    @property
    def rows(self) -> Iterator[list[tuple[str, str]]]:
        """Yield a row a candidate; each cell is a text, and an interval or an empty text."""
        for tuned in self.candidates:
            chosen = [f"{_short(key)} {_each(key, tuned.settings.values())}" for key in tuned.space]
            cells = [(tuned.name, ""), ("; ".join(chosen), ""), self._gain(tuned.gain)]
            for k in self._counts:
                median, low, high = (
                    (self._value(loss) for loss in best_of(tuned.losses, k)) if len(tuned.losses) >= k else ("",) * 3
                )
                cells.append((median, f"{low} to {high}" if low != high else ""))
            yield cells

    @property
    def searches(self) -> int:
        """The repetitions of the tuning."""
        return max((len(tuned.settings) for tuned in self.candidates), default=0)

    @property
    def flags(self) -> list[str]:
        """What is wrong with the tuning: values at the edge of their range, and ranges that are too wide."""
        lines = []
        for tuned in self.candidates:
            for (key, end), edges in groupby(sorted(tuned.edges, key=itemgetter(1, 3)), itemgetter(1, 3)):
                at = listed([f"{value:.3g}{f' of search {search}' * (self.searches > 1)}" for search, _, value, _ in edges])
                lie, part = "lie" if " and " in at else "lies", "upper" if end == "high" else "lower"
                lines.append(
                    f"{tuned.name}: {_short(key)}={at} {lie} in the {part} tenth of its range: extend that, and tune all again."
                )
        wide = [f"{tuned.name} ({tuned.near} of {len(tuned.losses)})" for tuned in self.candidates if tuned.wide]
        if wide:
            near = "Few trials came nearer to the best than to the worst that finished"
            lines.append(f"{near}: {listed(wide)}. The range is too wide for so few.")
        return lines

    @property
    def notes(self) -> list[str]:
        """The ranges that were searched, `flags`, how far searches differ, and where the time went."""
        spaces = [
            f"{tuned.name} {', '.join(f'{_short(key)} {usual.low:g} to {usual.high:g}' for key, usual in tuned.space.items())}"
            for tuned in self.candidates
        ]
        lines = [f"Searched: {'; '.join(spaces)}.", *self.flags]
        if self.searches > 1:
            several = [tuned for tuned in self.candidates if len(tuned.medians) > 1]
            spread = [f"{tuned.name} {number(tuned.medians.min())} to {number(tuned.medians.max())}" for tuned in several]
            lines.append(f"Medians of the {self.searches} searches: {listed(spread)}.")
        shares = [f"{STAGES[stage]} {seconds:.3g} s" for stage, seconds in self.seconds.items()]
        return [*lines, f"Time: {listed(shares)}."]

    @property
    def _counts(self) -> list[int]:
        return [k for k in (2**i for i in range(8)) if k <= self.trials]

    @property
    def _unit(self) -> str:
        return "times" if self.ranking.terms.ratio else "points"

    def _value(self, loss: float) -> str:
        return "none" if math.isinf(loss) else number(-self.ranking.metric.sign * loss)

    def _gain(self, gain: np.ndarray) -> tuple[str, str]:
        """Return the mean gain over the seeds on which both finished, and its range."""
        size, finite = self.ranking.terms.size, gain[np.isfinite(gain)]
        failed = f"; defaults failed on {len(gain) - len(finite)} of {len(gain)}" if len(finite) < len(gain) else ""
        if not len(finite):
            return "", failed.removeprefix("; ")
        return size(float(finite.mean())), f"{size(float(finite.min()))} to {size(float(finite.max()))}{failed}"


def tunings(study: Study, rankings: Sequence[Ranking]) -> list[Tuning]:
    """Return how the candidates of each group were tuned, where they were; by the metric that is tested."""
    seen, every = set(), one_engine(study.runs)
    described = []
    for ranking in rankings:
        if ranking.modes_of or (ranking.problem, ranking.batch) in seen:
            continue
        seen.add((ranking.problem, ranking.batch))
        first = ranking.runs.iloc[0]
        runs = every[in_group(every, first) & every["tuning"].isin(TUNED)]
        if (runs["stage"] != "final").any():
            of_stage = runs.groupby("stage")["wall_seconds"].sum()
            seconds = {stage: float(of_stage[stage]) for stage in STAGES if stage in of_stage}
            candidates = [_tuned(study, ranking, name, runs) for name in ranking.candidates]
            described.append(
                Tuning(ranking, str(runs["tuning"].iloc[0]), [tuned for tuned in candidates if tuned.settings], seconds)
            )
    return described


def _tuned(study: Study, ranking: Ranking, name: str, runs: pd.DataFrame) -> Tuned:
    final = ranking.runs_of(name)
    runs = runs[(runs[CANDIDATE] == final[CANDIDATE].iloc[0]).all(axis=1)]
    trials, defaults = (runs[runs["stage"] == stage] for stage in ("trial", "default"))
    first = final[final["tuning"].isin(runs["tuning"])].groupby("search").first()
    space = search_space(str(final["optimizer"].iloc[0]), [study.folder])
    axes = BUDGETS[str(final["tuning"].iloc[0])].axes
    space = {key: usual for key, usual in space.items() if usual.axis in axes}
    settings = {int(search): _chosen(study.config(run), space) for search, run in first.iterrows()} if len(trials) else {}
    default = _scores(ranking, defaults).groupby(defaults["seed"]).first()
    pairs = final["seed"].map(default).sub(_scores(ranking, final)).dropna()
    losses = -ranking.metric.sign * _counted(ranking, trials)
    ends = _scores(ranking, trials).where(np.isfinite(losses), math.inf)
    medians = _counted(ranking, final).groupby(final["search"]).median()
    return Tuned(
        name,
        str(final["optimizer"].iloc[0]),
        space,
        settings,
        losses.to_numpy(),
        near(ends, ranking.terms.margin),
        pairs.to_numpy(),
        medians,
    )


def _chosen(config: dict[str, Any], space: dict[str, Range]) -> dict[str, float]:
    """Return the values of the searched settings of a run."""
    optimizer, chosen = config.get("optimizer") or {}, {}
    for key in space:
        name, _, item = key.removeprefix("optimizer.").removesuffix("]").partition("[")
        if name in optimizer:
            chosen[key] = float(optimizer[name][int(item)] if item else optimizer[name])
    return chosen


def _counted(ranking: Ranking, runs: pd.DataFrame) -> "pd.Series[float]":
    """Return final values; a run that failed has the worst."""
    return values(runs, ranking.metric_name).mask(runs["status"] != "finished", ranking.metric.worst)


def _scores(ranking: Ranking, runs: pd.DataFrame) -> "pd.Series[float]":
    terms, value = ranking.terms, _counted(ranking, runs).to_numpy()
    floor = float(runs["floor"].max()) if len(runs) else 1.0
    return pd.Series(scores(value, terms.ratio, terms.higher_is_better, floor), runs.index, dtype=float)


def _each(key: str, settings: Iterable[dict[str, float]]) -> str:
    """Return the value of each search."""
    return ", ".join(f"{setting[key]:.4g}" for setting in settings if key in setting)


def _short(key: str) -> str:
    return key.removeprefix("optimizer.")
