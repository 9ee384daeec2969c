"""The examples of each step, and the blocks and records of a run. Numbers only, no tensors.

A run is a sequence of steps 0, 1, 2, ...; everything here is a function of the step, so a run can start anywhere.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, repeat
from typing import Annotated, Literal, TypeVar

import numpy as np

from descent.config.schema import MOST_STEPS
from descent.config.values import LATER, Count
from descent.errors import InputError
from descent.randomness import generator

T = TypeVar("T")
Order = Annotated[Literal["fixed"] | None, LATER]  # None: another in each epoch
BLOCK_STEPS = 256
BLOCK_EXAMPLES = 65_536
GATHER_ROWS = 8192  # rows of data permuted at once
UNBOUNDED = MOST_STEPS  # the horizon of a run that only its seconds limit
MOST_RECORDS = 100_000
FIRST_RECORD_DECADES = 2  # the log-spaced records of the first epoch span N/100 to N


@dataclass(frozen=True)
class Batches:
    """The batches of a run: which rows of the training data each step sees.

    Attributes:
        examples: N, the training examples.
        size: k, examples a step.
        seed: draws the order.
        shuffle: the seed draws the order of the examples; else it is that of the data.
        fixed: the order is that of the first epoch in all of them; else each has another.
        drop_last: leave out the short batch at the end of an epoch.
        replacement: draw each example independently; else each epoch visits every example once.
        micro_size: examples in memory at once.
    """

    examples: int
    size: int
    seed: int
    shuffle: bool = True
    drop_last: bool = False
    replacement: bool = False
    micro_size: int = BLOCK_EXAMPLES
    fixed: bool = False

    def __post_init__(self) -> None:
        if self.fixed and self.replacement:
            raise InputError("batch.order", "fixed", "is no order of examples that are drawn with replacement", "Choose one.")

    @property
    def steps_per_epoch(self) -> int:
        return self.examples // self.size if self.drop_last else math.ceil(self.examples / self.size)

    @property
    def examples_per_epoch(self) -> int:
        """Examples that an epoch processes: N, or fewer where the short batch is left out."""
        return min(self.examples, self.steps_per_epoch * self.size)

    def examples_after(self, step: int) -> int:
        """Return the number of training examples that the first `step` steps processed."""
        epoch, within = divmod(step, self.steps_per_epoch)
        return epoch * self.examples_per_epoch + min(within * self.size, self.examples_per_epoch)

    def step_at(self, examples: int) -> int:
        """Return the first step count after which at least `examples` examples are processed."""
        epoch, within = divmod(examples, self.examples_per_epoch)
        return epoch * self.steps_per_epoch + math.ceil(within / self.size)

    def order(self, epoch: int) -> np.ndarray:
        """Return the rows that `epoch` visits, ``[N]``, as a function of (seed, epoch)."""
        rng = generator(self.seed, "order", 0 if self.fixed else epoch)
        if self.replacement:
            return rng.integers(self.examples, size=self.examples)
        return rng.permutation(self.examples) if self.shuffle else np.arange(self.examples)

    @property
    def whole(self) -> bool:
        """Whether every step sees all examples, in the order of the data."""
        return self.size == self.examples and not self.shuffle and not self.replacement

    def spans(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """Cut steps ``[first, last)`` at the ends of epochs: yield (epoch, start, stop), positions in that epoch's order."""
        while first < last:
            epoch, within = divmod(first, self.steps_per_epoch)
            steps = min(last - first, self.steps_per_epoch - within)
            start = within * self.size
            yield epoch, start, min(start + steps * self.size, self.examples_per_epoch)
            first += steps

    def rows(self, first: int, last: int) -> Iterator[np.ndarray]:
        """Yield the rows that steps ``[first, last)`` see, in order: whole steps of one epoch, some thousand rows at a time."""
        gather = max(1, GATHER_ROWS // self.size) * self.size
        for epoch, start, stop in self.spans(first, last):
            order = _order(self, epoch)
            for begin in range(start, stop, gather):
                yield order[begin : min(begin + gather, stop)]

    def block(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that n steps ``[first, last)`` see, and where in them each begins, and the last ends, ``[n + 1]``."""
        rows, edges = [], [np.zeros(1, np.int64)]
        for epoch, start, stop in self.spans(first, last):
            rows.append(_order(self, epoch)[start:stop])
            ends = np.arange(self.size, stop - start + self.size, self.size)
            edges.append(edges[-1][-1] + np.minimum(ends, stop - start))
        return np.concatenate(rows), np.concatenate(edges)

    def steps(
        self, first: int, last: int, data: Sequence[T], take: Callable[[T, np.ndarray], T], split: Callable[[T, int], Iterable[T]]
    ) -> Iterator[tuple[T, ...]]:
        """Yield the training data of each of the steps ``[first, last)``, the same for every engine.

        Args:
            first: step.
            last: step, not taken.
            data: arrays or tensors ``[N, ...]``.
            take: returns rows of one of them.
            split: cuts one into parts of so many rows; the last may be shorter.
        """
        if self.whole:
            yield from repeat(tuple(data), last - first)
            return
        for rows in self.rows(first, last):
            yield from zip(*(split(take(array, rows), self.size) for array in data), strict=True)


def parts(array: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Yield parts of `size` rows, views; the last one may be shorter."""
    for start in range(0, len(array), size):
        yield array[start : start + size]


@lru_cache(maxsize=1)
def _order(batches: Batches, epoch: int) -> np.ndarray:
    return np.ascontiguousarray(batches.order(epoch), np.int64)  # whatever a class of the user's returns


def full(examples: int, seed: int, micro_size: Count) -> Batches:
    """Batch gradient descent: each step sees all N examples."""
    return Batches(examples, examples, seed, shuffle=False, micro_size=micro_size)


def stochastic(examples: int, seed: int, replacement: bool, order: Order = None) -> Batches:
    """Stochastic gradient descent: each step sees one example."""
    return Batches(examples, 1, seed, replacement=replacement, fixed=order == "fixed")


def mini(
    examples: int, seed: int, size: Count, drop_last: bool, replacement: bool, micro_size: Count, order: Order = None
) -> Batches:
    """Mini-batch gradient descent: each step sees `size` examples.

    Raises:
        InputError: `size` is not in 1 to N, or a setting has no effect.
    """
    if not 1 <= size <= examples:
        raise InputError("batch.size", size, f"must be 1 to N, and N is {examples} here", "For all examples, use batch=full.")
    return Batches(examples, size, seed, True, drop_last, replacement, micro_size, order == "fixed")


def record_grid(examples: int, first_epoch: int, growth: float, last: int) -> list[int]:
    """Return the numbers of examples at which a run is measured, the same for every batch mode.

    `first_epoch` points log-spaced over two decades up to the end of the first epoch; then each point is `growth` times the one
    before, up to `last`.
    before, up to `last`.

    Args:
        examples: of an epoch.
        first_epoch: points in the first epoch.
        growth: > 1.
        last: examples at the horizon.

    Raises:
        InputError: more records than a run can have.
    """
    records = math.log(max(last / examples, 1)) / math.log(growth)
    if first_epoch + records > MOST_RECORDS:
        remedy = "Use a larger records.growth, as 1.2."
        raise InputError("records.growth", growth, f"is {records:,.0f} records, and a run has at most {MOST_RECORDS:,}", remedy)
    grid = [round(examples * 10 ** (FIRST_RECORD_DECADES * (i / first_epoch - 1))) for i in range(1, first_epoch + 1)]
    point = float(examples)
    while point < last:
        point *= growth
        grid.append(round(point))
    return [max(1, point) for point in grid if point < last] + [last]


class Timeline:
    """The blocks and records of a run, in steps.

    Block edges are the record points and a cap of 256 steps or 65,536 examples, so that the progress bar and the time limit
    stay alive.

    Args:
        batches: the run's batches.
        horizon: steps of the whole run.
        first_epoch: records in the first epoch.
        growth: from each later record to the next.
        epochs: at whose ends there is a record too, of those that the run reaches.
    """

    def __init__(self, batches: Batches, horizon: int, first_epoch: int, growth: float, epochs: Sequence[float] = ()) -> None:
        self.horizon = horizon
        self.cap = max(1, min(BLOCK_STEPS, BLOCK_EXAMPLES // batches.size))
        grid = record_grid(batches.examples_per_epoch, first_epoch, growth, batches.examples_after(horizon))
        grid += [max(1, round(epoch * batches.examples_per_epoch)) for epoch in epochs]
        self.records = sorted({min(batches.step_at(point), horizon) for point in grid} | {horizon})
        self._edges = [0, *self.records]
        counts = [math.ceil((after - before) / self.cap) for before, after in pairwise(self._edges)]
        self._blocks_before = np.concatenate([[0], np.cumsum(counts)]).tolist()

    @property
    def blocks(self) -> int:
        """The number of blocks of the whole run."""
        return int(self._blocks_before[-1])

    def block(self, index: int) -> tuple[int, int]:
        """Return the steps ``[first, last)`` of a block."""
        interval = bisect_right(self._blocks_before, index) - 1
        first = self._edges[interval] + (index - self._blocks_before[interval]) * self.cap
        return first, min(first + self.cap, self._edges[interval + 1])

    def block_at(self, step: int) -> int:
        """Return the index of the block that begins with `step`, which must be a block edge."""
        interval = bisect_right(self._edges, step) - 1
        return int(self._blocks_before[interval]) + (step - self._edges[interval]) // self.cap

    def is_record(self, step: int) -> bool:
        """Return whether the run is measured after `step` steps."""
        index = bisect_left(self.records, step)
        return index < len(self.records) and self.records[index] == step


def horizon(batches: Batches, epochs: float | None, max_steps: int | None) -> int:
    """Return the steps of a run, min(epochs, max_steps); `UNBOUNDED` where neither is given."""
    limits = [UNBOUNDED]
    if epochs is not None and epochs * batches.examples_per_epoch < UNBOUNDED:
        limits.append(max(1, batches.step_at(round(epochs * batches.examples_per_epoch))))
    if max_steps is not None:
        limits.append(max_steps)
    return min(limits)
