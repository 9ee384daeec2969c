"""What the Trainer iterates over: blocks of steps, with the tensors that each step sees."""

from collections.abc import Iterator
from itertools import repeat

import torch
from torch import Tensor

from descent.batching import Batches, Timeline
from descent.problems.base import Problem

MicroBatch = tuple[Tensor, Tensor]
GATHER_ROWS = 8192  # training rows permuted at once


class Block:
    """Consecutive steps ``[first, last)`` that the Trainer sees as one batch.

    A plain class, as Lightning would look for tensors to move inside a dataclass or a tuple.
    """

    def __init__(self, first: int, last: int, loader: "BlockLoader") -> None:
        self.first = first
        self.last = last
        self.loader = loader

    def steps(self) -> Iterator[list[MicroBatch]]:
        """Yield the micro-batches of each step; nearly always there is one."""
        return self.loader.steps(self.first, self.last)


class BlockLoader:
    """A sized iterable of blocks that begins at `start`, a block edge, in steps.

    Rows are gathered in the epoch's order, many steps at once, and split: views, on the device where the data lie.
    """

    def __init__(self, problem: Problem, batches: Batches, timeline: Timeline, start: int = 0) -> None:
        self.problem = problem
        self.batches = batches
        self.timeline = timeline
        self.first_block = timeline.block_at(start)
        self._order: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        return self.timeline.blocks

    def __iter__(self) -> Iterator[Block]:
        for index in range(self.first_block, len(self)):
            yield Block(*self.timeline.block(index), self)

    def steps(self, first: int, last: int) -> Iterator[list[MicroBatch]]:
        """Yield the micro-batches of steps ``[first, last)``."""
        size, micro = self.batches.size, self.batches.micro_size
        if self.batches.mode == "full":
            inputs, targets = self.problem.data("train")
            yield from repeat(list(zip(inputs.split(micro), targets.split(micro), strict=True)), last - first)
            return
        for inputs, targets in self._rows(first, last):
            for step in zip(inputs.split(size), targets.split(size), strict=True):
                yield [step] if size <= micro else list(zip(*(part.split(micro) for part in step), strict=True))

    def _rows(self, first: int, last: int) -> Iterator[MicroBatch]:
        """Yield the rows of steps ``[first, last)`` in the order in which they are seen, whole steps at a time."""
        inputs, targets = self.problem.data("train")
        gather = max(1, GATHER_ROWS // self.batches.size) * self.batches.size
        for epoch, start, stop in self.batches.spans(first, last):
            if self._order is None or self._order[0] != epoch:
                self._order = epoch, torch.from_numpy(self.batches.order(epoch)).to(inputs.device)
            for begin in range(start, stop, gather):
                rows = self._order[1][begin : min(begin + gather, stop)]
                yield inputs[rows], targets[rows]
