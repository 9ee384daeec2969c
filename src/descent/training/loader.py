"""The Trainer's data: blocks of steps, with the tensors that each step sees."""

from collections.abc import Iterator

import numpy as np
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

    def steps(self, rank: int = 0, world: int = 1) -> Iterator[tuple[int, list[MicroBatch]]]:
        """Yield for each step the size of its batch, and the micro-batches of this rank's share, nearly always one."""
        return self.loader.steps(self.first, self.last, rank, world)


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

    def steps(self, first: int, last: int, rank: int = 0, world: int = 1) -> Iterator[tuple[int, list[MicroBatch]]]:
        """Yield the size of the batch of each step in ``[first, last)`` and the micro-batches of its rows ``rank::world``."""
        size, micro = self.batches.size, self.batches.micro_size
        for step in self.batches.steps(first, last, self.problem.data("train"), _take, Tensor.split):
            share = step if world == 1 else tuple(part[rank::world] for part in step)
            batch = [share] if size <= micro else list(zip(*(part.split(micro) for part in share), strict=True))
            yield len(step[0]), batch  # type: ignore[misc]


def _take(tensor: Tensor, rows: np.ndarray) -> Tensor:
    return tensor[torch.from_numpy(rows).to(tensor.device)]
