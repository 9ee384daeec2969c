"""What the Trainer iterates over: blocks of steps, with the tensors that each step sees."""

from collections.abc import Iterator
from itertools import repeat

import torch
from torch import Tensor

from descent.batching import Batches, Timeline
from descent.problems.base import Problem

MicroBatch = tuple[Tensor, Tensor]


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

    def __len__(self) -> int:
        return self.timeline.blocks

    def __iter__(self) -> Iterator[Block]:
        for index in range(self.first_block, len(self)):
            yield Block(*self.timeline.block(index), self)

    def steps(self, first: int, last: int) -> Iterator[list[MicroBatch]]:
        """Yield the micro-batches of steps ``[first, last)``."""
        size, micro = self.batches.size, self.batches.micro_size
        inputs, targets = self.problem.data("train")
        if self.batches.mode == "full":
            yield from repeat(list(zip(inputs.split(micro), targets.split(micro), strict=True)), last - first)
            return
        for rows in self.batches.rows(first, last):
            chosen = torch.from_numpy(rows).to(inputs.device)
            for step in zip(inputs[chosen].split(size), targets[chosen].split(size), strict=True):
                yield [step] if size <= micro else list(zip(*(part.split(micro) for part in step), strict=True))
