"""Paired differences of candidates' final values over common seeds, failures among them. Pure functions on arrays."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from descent.analysis.flips import Array

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

SAME = 1e-9  # scores that differ by no more over seeds are one value: a billionth of a loss, of logarithms


@dataclass(frozen=True)
class Group:
    """The candidates of a comparison, which share all other settings.

    Attributes:
        candidates: their names [K].
        scores: final values as `scores` returns them, the lower the better [K, R]; nan where a run failed or is missing.
        failed: which runs failed [K, R].
        seeds: the seed of each column [R].
        margin: the difference of scores up to which candidates are equal; above 0.
        searches: of each column [R], which repetition of tuning its settings come from; empty: all from one.
    """

    candidates: tuple[str, ...]
    scores: Array
    failed: Flags
    seeds: Indices
    margin: float
    searches: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True)
class Differences:
    """Differences of all pairs of groups [P, N], second less first: positive where the first candidate is better.

    Attributes:
        group, one, other: of each pair [P], the group and the places of its candidates in it.
        margin: of its group [P].
        seen: by seed [P, N], mean over searches; a failure of one counts as the largest difference of the pair, of both as 0.
            nan where they have no run in common.
        finished: the same over runs that both finished; else nan.
        searched: mean of ``seen`` by search [P, S]; nan without a run.
        failures: of the first and the second in their common runs [P, 2], and ``runs``, how many these are [P].
        repeated: whether both have one value over all seeds [P].
    """

    group: Indices
    one: Indices
    other: Indices
    margin: Array
    seen: Array
    finished: Array
    searched: Array
    failures: Indices
    runs: Indices
    repeated: Flags

    @cached_property
    def filled(self) -> Array:
        """``seen``, and 0 where there is no pair [P, N]."""
        return np.nan_to_num(self.seen)

    @cached_property
    def n(self) -> Indices:
        """Seeds in common [P]."""
        return np.asarray((~np.isnan(self.seen)).sum(axis=1))

    @cached_property
    def sign(self) -> Array:
        """1 where the first candidate is ahead, -1 where the second is [P]."""
        return np.asarray(np.sign(self.filled.sum(axis=1)))


def scores(values: Array, ratio: bool, high: bool, floor: float) -> Array:
    """Return values on the scale on which they are compared, the lower the better: log(max(value, floor)), or the value.

    Args:
        values: final values, any shape; nan where a run is missing.
        ratio: whether values are compared by their ratio: losses and gaps; else by their difference: accuracies.
        high: whether high values are good.
        floor: of values that are compared by their ratio; above 0.
    """
    compared = np.log(np.maximum(values, floor)) if ratio else values
    return -compared if high else compared


def differences(groups: Sequence[Group]) -> Differences:
    """Return the differences of all pairs of all groups, in the order of `itertools.combinations` within each."""
    seeds = np.unique(np.concatenate([group.seeds for group in groups]))
    searches = max((len(np.unique(group.searches)) for group in groups), default=0)
    parts = [_differences(group, number, seeds, searches) for number, group in enumerate(groups)]
    return Differences(*(np.concatenate([getattr(of_group, part.name) for of_group in parts]) for part in fields(Differences)))


def _differences(group: Group, number: int, seeds: Indices, searches: int) -> Differences:
    one, other = np.triu_indices(len(group.candidates), 1)
    score, failed = group.scores, group.failed | np.isinf(group.scores)
    score = np.where(failed, math.nan, score)
    both = score[other] - score[one]
    cap = np.nan_to_num(np.abs(both)).max(axis=1, initial=0)[:, None]
    present = failed | ~np.isnan(score)
    common = present[one] & present[other]
    counted = (failed[other].astype(float) - failed[one]) * np.where(cap > 0, cap, 1)
    seen = np.where(np.isnan(both), np.where(common, counted, math.nan), both)
    by_seed, by_search = group.seeds == seeds[:, None], group.searches == np.unique(group.searches)[:, None]
    over = np.full((len(one), searches), math.nan)
    if len(group.searches):
        over[:, : len(by_search)] = _means(seen, by_search)
    repeats = _repeat(_means(score, by_seed)) & ~failed.any(axis=1)
    return Differences(
        np.full(len(one), number),
        one,
        other,
        np.full(len(one), group.margin),
        _means(seen, by_seed),
        _means(both, by_seed),
        over,
        np.stack([(failed[side] & common).sum(axis=1) for side in (one, other)], axis=1),
        common.sum(axis=1),
        repeats[one] & repeats[other],
    )


def _means(values: Array, member: Flags) -> Array:
    """Return means over the columns of each class [M, C], of values [M, R] and their classes [C, R]; nan for empty ones."""
    present = ~np.isnan(values)
    count = present.astype(float) @ member.T
    return np.divide(np.where(present, values, 0) @ member.T, count, out=np.full(count.shape, math.nan), where=count > 0)


def _repeat(values: Array) -> Flags:
    """Return which rows are one value, seen at least twice [M], of values [M, N]."""
    seen = ~np.isnan(values)
    low, high = (np.where(seen, values, end).T for end in (math.inf, -math.inf))
    return (seen.sum(axis=1) > 1) & (high.max(axis=0, initial=-math.inf) - low.min(axis=0, initial=math.inf) <= SAME)
