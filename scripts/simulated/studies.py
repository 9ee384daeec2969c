"""Simulate studies whose truth is known: groups of candidates with their true means, drawn over seeds."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from zlib import crc32

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from descent.analysis.differences import Group

Array = NDArray[np.float64]
Noise = Callable[[np.random.Generator, tuple[int, ...]], Array]

NOISES: dict[str, Noise] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "skewed": lambda rng, shape: rng.exponential(size=shape) - 1,  # skewness 2
    "slightly skewed": lambda rng, shape: rng.gamma(4, 0.5, size=shape) - 2,  # skewness 1
    "heavy-tailed": lambda rng, shape: rng.standard_t(2, size=shape),
    "contaminated": lambda rng, shape: rng.normal(size=shape) * np.where(rng.random(shape) < 0.1, 10, 1),
}


def null(k: int) -> Array:
    """Return means of candidates that are all equal [k]."""
    return np.zeros(k)


def one_best(effect: float) -> Callable[[int], Array]:
    """Return means: the first is better than all others, which are equal."""
    return lambda k: np.append(0.0, np.full(k - 1, effect))


def two_top(effect: float, apart: float = 0.0) -> Callable[[int], Array]:
    """Return means of two that are best, and equal unless they are `apart`; the others are equal, behind by the effect."""
    return lambda k: np.concatenate([[0.0, apart][:k], np.full(max(k - 2, 0), effect)])


def clusters(effect: float) -> Callable[[int], Array]:
    """Return means in two halves."""
    return lambda k: np.where(np.arange(k) < k // 2, 0.0, effect)


def ladder(effect: float, step: float = 4.0) -> Callable[[int], Array]:
    """Return means: the second is behind by the effect, and each further one by a step."""
    return lambda k: np.concatenate([[0.0], effect + step * np.arange(k - 1)])


@dataclass(frozen=True)
class Scenario:
    """Studies of one kind. The unit is the standard deviation of the difference of two candidates with normal noise of spread 1.

    Attributes:
        name: what is true.
        means: of candidates' scores, the lower the better, for their number.
        groups, candidates, seeds: the size of a study.
        noise: one of `NOISES`.
        margin: of *equal*.
        spreads: the largest standard deviation of a candidate's noise over the smallest, at equal ratios between.
        shared: standard deviation of an effect that a seed has on all candidates and groups, by half to one and a half of it.
        failures: the share of runs that fail, for the number of candidates [k].
        survivors: whether the worst runs fail, not any; of normal noise of spread 1.
        missing: on how many seeds each candidate has no run.
        expected: the power to be reached, in percent, by the name of an attribute of `rates.Rates`.
    """

    name: str
    means: Callable[[int], Array] = null
    groups: int = 3
    candidates: int = 8
    seeds: int = 10
    noise: str = "normal"
    margin: float = 2.0
    spreads: float = 1.0
    shared: float = 0.0
    failures: tuple[float, ...] = ()
    survivors: bool = False
    missing: int = 0
    expected: dict[str, float] = field(default_factory=dict)

    def count(self, studies: int) -> int:
        """Return how many studies to draw where `studies` are asked for: a quarter of large ones, and two at least."""
        return max(2, studies // 4 if self.seeds > 10 or self.groups * self.candidates > 100 else studies)

    @property
    def title(self) -> str:
        """The scenario in a line."""
        return f"{self.name}, {self.groups} x {self.candidates}, n = {self.seeds}, {self.noise}"

    @property
    def true(self) -> Array:
        """True means [K]."""
        return self.means(self.candidates)

    def study(self, number: int) -> list[Group]:
        """Draw the groups of a study: the same for the same number."""
        rng = np.random.default_rng([crc32(self.title.encode()), number])
        k, n = self.candidates, self.seeds
        spread = self.spreads ** np.linspace(0, 1, k)[:, None]
        seed_effect = self.shared * rng.normal(size=n) * np.linspace(0.5, 1.5, k)[:, None]
        groups = []
        for _ in range(self.groups):
            noise = spread * NOISES[self.noise](rng, (k, n)) / math.sqrt(2)
            failed = self._failed(rng, noise)
            missing = rng.random((k, n)).argsort(axis=1) < self.missing
            scores = np.where(failed | missing, math.nan, self.true[:, None] + seed_effect + noise)
            names = tuple(str(place) for place in range(k))
            groups.append(Group(names, scores, failed & ~missing, np.arange(n), self.margin))
        return groups

    def _failed(self, rng: np.random.Generator, noise: Array) -> NDArray[np.bool_]:
        share = np.array(self.failures or [0.0] * self.candidates)[:, None]
        if self.survivors:
            return noise > stats.norm.isf(share) / math.sqrt(2)
        return rng.random(noise.shape) < share
