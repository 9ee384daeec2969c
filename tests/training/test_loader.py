"""The tensors that each step sees."""

from itertools import chain

import numpy as np
import pytest
import torch

from descent.batching import Batches, Timeline, full, mini, stochastic
from descent.problems.base import Problem
from descent.training.loader import BlockLoader

N = 43
STEPS = 3 * N + 5  # of the longest run here: ends inside its fourth epoch
MODES = {
    "full": lambda micro: full(N, 3, micro_size=micro),
    "mini": lambda micro: mini(N, 3, size=7, drop_last=False, replacement=False, micro_size=micro),
    "mini, drop_last": lambda micro: mini(N, 3, size=7, drop_last=True, replacement=False, micro_size=micro),
    "mini, replacement": lambda micro: mini(N, 3, size=7, drop_last=False, replacement=True, micro_size=micro),
    "stochastic": lambda micro: stochastic(N, 3, replacement=False),  # noqa: ARG005
}
each_mode = pytest.mark.parametrize("mode", MODES)


def numbered(examples: int) -> Problem:
    """Example i has the inputs (i, -i) and the target i + 1/2: a row tells which it is."""
    rows = np.arange(examples, dtype=float)
    return Problem({"train": (np.stack([rows, -rows], 1), rows + 0.5)}, torch.float64)


def loader(batches: Batches, start: int = 0, steps: int = STEPS) -> BlockLoader:
    return BlockLoader(numbered(batches.examples), batches, Timeline(batches, steps, first_epoch=10, growth=1.2), start)


def rows(batch: list[tuple[torch.Tensor, torch.Tensor]]) -> list[int]:
    """Which examples the micro-batches of a step hold."""
    inputs, targets = (torch.cat(parts) for parts in zip(*batch, strict=True))
    assert torch.equal(inputs[:, 0], -inputs[:, 1])
    assert torch.equal(inputs[:, 0] + 0.5, targets)  # the target is the input's own
    return inputs[:, 0].int().tolist()


def seen(blocks: BlockLoader) -> list[list[int]]:
    steps = [(size, rows(batch)) for block in blocks for size, batch in block.steps()]
    assert [size for size, _ in steps] == [len(batch) for _, batch in steps]
    return [batch for _, batch in steps]


@each_mode
def test_steps_see_the_rows_that_the_batches_name(mode: str) -> None:
    batches = MODES[mode](1000)
    wanted = []
    for epoch, start, stop in batches.spans(0, STEPS):
        order = batches.order(epoch)[start:stop].tolist()
        wanted += [order[i : i + batches.size] for i in range(0, len(order), batches.size)]
    assert seen(loader(batches)) == wanted


@each_mode
def test_a_run_that_starts_at_any_block_edge_sees_the_rows_of_one_that_started_at_0(mode: str) -> None:
    batches = MODES[mode](1000)
    whole = loader(batches)
    wanted = seen(whole)
    edges = [block.first for block in whole] + [STEPS]
    assert len(edges) > 5
    for edge in edges:
        later = loader(batches, start=edge)
        assert len(later) == len(whole)  # Lightning counts the blocks of the whole run
        assert seen(later) == wanted[edge:]


@each_mode
def test_steps_do_not_depend_on_what_was_asked_before(mode: str) -> None:
    once = loader(MODES[mode](1000))
    wanted = [rows(batch) for _, batch in once.steps(0, STEPS)]
    for first in (100, 3, 44, 0):
        assert [rows(batch) for _, batch in once.steps(first, first + 9)] == wanted[first : first + 9]


@pytest.mark.parametrize("mode", ["full", "mini", "mini, drop_last", "mini, replacement"])
@pytest.mark.parametrize("micro", [1, 3, 5, 7, 42])
def test_micro_batches_make_up_the_batch(mode: str, micro: int) -> None:
    small, large = loader(MODES[mode](micro)), loader(MODES[mode](1000))
    for (_, parts), (_, (whole,)) in zip(small.steps(0, STEPS), large.steps(0, STEPS), strict=True):
        assert all(1 <= len(inputs) == len(targets) <= micro for inputs, targets in parts)
        assert torch.equal(torch.cat([inputs for inputs, _ in parts]), whole[0])
        assert torch.equal(torch.cat([targets for _, targets in parts]), whole[1])


@pytest.mark.parametrize("mode", ["full", "mini", "mini, drop_last", "mini, replacement"])
@pytest.mark.parametrize("micro", [2, 1000])
def test_devices_share_each_batch(mode: str, micro: int) -> None:
    whole = loader(MODES[mode](micro))
    shares = [whole.steps(0, STEPS, rank, 3) for rank in range(3)]
    for (size, batch), *parts in zip(whole.steps(0, STEPS), *shares, strict=True):
        wanted = rows(batch)
        assert [part[0] for part in parts] == [size] * 3
        assert [rows(part) if part else [] for _, part in parts] == [wanted[rank::3] for rank in range(3)]


def test_mini_with_k_equal_to_n_sees_the_examples_of_a_full_batch() -> None:
    mini_rows = seen(loader(mini(N, 3, size=N, drop_last=False, replacement=False, micro_size=1000)))
    full_rows = seen(loader(full(N, 3, micro_size=1000)))
    assert mini_rows != full_rows  # another order
    assert [sorted(step) for step in mini_rows] == full_rows


@each_mode
@pytest.mark.parametrize("gathered", [1, 8, 15])
def test_gathering_in_chunks_changes_nothing(mode: str, gathered: int, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = seen(loader(MODES[mode](1000)))
    monkeypatch.setattr("descent.batching.GATHER_ROWS", gathered)
    assert seen(loader(MODES[mode](1000))) == wanted


@pytest.mark.parametrize("size", [3000, 10_000])
def test_batches_larger_than_a_chunk_are_whole(size: int) -> None:
    batches = mini(25_000, 3, size=size, drop_last=False, replacement=False, micro_size=100_000)
    steps = seen(loader(batches, steps=batches.steps_per_epoch))
    assert [len(step) for step in steps[:-1]] == [size] * (batches.steps_per_epoch - 1)
    assert list(chain.from_iterable(steps)) == batches.order(0).tolist()
