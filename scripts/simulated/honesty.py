"""Copies of one optimizer, tuned by the protocol and judged as a report would: what it says wrongly of them."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descent.analysis.differences import Group
from descent.analysis.paired_tests import judge
from descent.analysis.trials import near, too_wide
from descent.config.compose import compose
from descent.config.search_space import Range, search_space
from descent.errors import InputError
from descent.sweeps.tuning import SELECTION, finalists, points, winner
from descent.training.run import run
from simulated.rates import BETTER

Array = NDArray[np.float64]

COPIES, TRIALS, FINAL = 8, 8, 10  # of a report: optimizers, settings that a search tries, seeds that are judged
MARGIN = math.log(1.1)


@dataclass(frozen=True)
class Pool:
    """Losses of one optimizer at many learning rates, each on the same seeds, from which trials are drawn.

    Attributes:
        space: of the learning rate, as the optimizer's yaml has it.
        rates: evenly spread over it, in logarithms [R].
        scores: logarithms of the losses at the end [R, seeds]; infinite where a run failed.
    """

    space: Range
    rates: Array
    scores: Array

    def score(self, rate: float, seeds: Sequence[int]) -> Array:
        """Return the scores at a learning rate: between two of the pool, a mean weighted by distance; above all it fails."""
        place = np.interp(math.log(rate), np.log(self.rates), np.arange(len(self.rates)))
        left = min(int(place), len(self.rates) - 2)
        low, high = self.scores[left : left + 2, list(seeds)]
        failed = np.isinf(low) | np.isinf(high) | (rate > self.rates[-1] * (1 + 1e-9))
        with np.errstate(invalid="ignore"):
            return np.where(failed, math.inf, low + (place - left) * (high - low))


def pool(rates: int, seeds: int, folder: Path, *overrides: str) -> Pool:
    """Train an optimizer at learning rates of its search space on seeds, what is missing, and return the losses.

    Args:
        rates: how many.
        seeds: how many.
        folder: of results.
        overrides: problem, optimizer and what else makes the runs.

    Raises:
        InputError: a setting that cannot work.
    """
    base = compose("study=honesty", f"output_dir={folder}", "logger=[]", "trainer=cpu", *overrides)
    space = search_space(base.names.optimizer)["optimizer.lr"]
    if base.problem.metric != "train/loss":
        raise InputError("problem", base.names.problem, "must be judged by its training loss")
    grid = np.array([space.value(share) for share in np.linspace(0, 1, rates)])
    scores = np.full((rates, seeds), math.inf)
    for place, rate in enumerate(grid):
        optimizer = base.optimizer.with_arguments({**base.optimizer.arguments, "lr": float(rate)})
        for seed in range(seeds):
            result = run(base.model_copy(update={"optimizer": optimizer, "seed": seed})).result
            if result.status == "finished":
                scores[place, seed] = math.log(result.final["train/loss"])
    return Pool(space, grid, scores)


@dataclass(frozen=True)
class Choice:
    """What a search chose: a learning rate, the end of the range that it lies near, and whether the range is flagged as wide."""

    rate: float
    edge: str
    wide: bool


def tuned(losses: Pool, space: Range, search: int, seeds: Sequence[int]) -> Choice:
    """Return what a search chooses in a space: trials on the first seed, selection on the others."""
    rates = [space.value(float(point[0])) for point in points(TRIALS, search)]
    first = [float(losses.score(rate, seeds[:1])[0]) for rate in rates]
    best = [rates[place] for place in finalists(first)]
    place, _ = winner([losses.score(rate, seeds[1:]).tolist() for rate in best])
    return Choice(best[place], space.edge(best[place]), too_wide(near(first, MARGIN), TRIALS))


def reports(losses: Pool, count: int, searches: int) -> Iterator[bool]:
    """Yield for each report on copies of one optimizer, each tuned by a search of its own, whether it calls one better."""
    for number in range(count):
        rng = np.random.default_rng([searches, number])
        seeds = rng.permutation(losses.scores.shape[1]).tolist()
        judged, rest = seeds[:FINAL], seeds[FINAL:]
        scores = np.empty((COPIES, searches, FINAL))
        for search in range(searches):
            own = rest[search * (1 + SELECTION) : (search + 1) * (1 + SELECTION)]
            for copy in range(COPIES):
                choice = tuned(losses, losses.space, int(rng.integers(2**31)), own)
                scores[copy, search] = losses.score(choice.rate, judged)
        flat = scores.reshape(COPIES, -1)
        names, failed = tuple(f"copy {copy}" for copy in range(COPIES)), np.isinf(flat)
        runs = np.tile(np.arange(FINAL), searches), MARGIN, np.repeat(np.arange(searches) + 1, FINAL)
        group = Group(names, np.where(failed, math.nan, flat), failed, *runs)
        yield any(pair.answer in BETTER for pair in judge([group])[0].pairs)


@dataclass(frozen=True)
class Flags:
    """What searches in a space come to: the shares that are flagged, and what it costs.

    Attributes:
        edge: for a best value at the edge.
        wide: for too wide a range.
        cost: median loss of what they choose, times what they choose in the optimizer's own space.
    """

    edge: float
    wide: float
    cost: float


def flags(losses: Pool, space: Range, count: int) -> Flags:
    """Return what searches in a space come to."""
    choices, costs = [], []
    for number in range(count):
        rng = np.random.default_rng([7, number])
        seeds = rng.permutation(losses.scores.shape[1]).tolist()
        search, seen, fresh = int(rng.integers(2**31)), seeds[: 1 + SELECTION], seeds[1 + SELECTION :]
        choices.append(tuned(losses, space, search, seen))
        usual = tuned(losses, losses.space, search, seen)
        costs.append(float(np.median(losses.score(choices[-1].rate, fresh)) - np.median(losses.score(usual.rate, fresh))))
    edge, wide = (float(np.mean(shares)) for shares in ([bool(one.edge) for one in choices], [one.wide for one in choices]))
    return Flags(edge, wide, math.exp(float(np.median(costs))))


def spaces(losses: Pool) -> dict[str, Range]:
    """Return the space of the optimizer, wider ones, and one that ends at a third of the best learning rate."""
    low, high = losses.space.low, losses.space.high
    middle, decades = math.sqrt(low * high), math.log10(high / low)
    best = float(losses.rates[np.median(losses.scores, axis=1).argmin()])
    return {
        "as it is": losses.space,
        "ten times too wide at both ends": losses.space.model_copy(update={"low": low / 10, "high": high * 10}),
        "ten times as many decades": losses.space.model_copy(
            update={"low": middle * 10 ** (-5 * decades), "high": middle * 10 ** (5 * decades)}
        ),
        "ends at a third of the best rate": losses.space.model_copy(update={"low": best / 3e3, "high": best / 3}),
    }
