"""Which rows a step sees, where blocks and records lie."""

from itertools import chain, pairwise, product

import numpy as np
import pytest

from descent.batching import (
    BLOCK_EXAMPLES,
    BLOCK_STEPS,
    UNBOUNDED,
    Batches,
    Timeline,
    full,
    horizon,
    mini,
    parts,
    record_grid,
    stochastic,
)
from descent.errors import InputError

N = 103


def minis(size: int, examples: int = N, seed: int = 3, drop_last: bool = False, replacement: bool = False) -> Batches:
    return mini(examples, seed, size=size, drop_last=drop_last, replacement=replacement, micro_size=1000)


WHOLE_EPOCHS = {
    "full": full(N, 3, micro_size=1000),
    "stochastic": stochastic(N, 3, replacement=False),
    "mini with a short batch": minis(10),
    "mini with one batch over": minis(51),
    "mini with k = N": minis(N),
    "mini without a rest": minis(10, examples=100),
}
MODES = WHOLE_EPOCHS | {
    "mini, short batch dropped": minis(10, drop_last=True),
    "mini, most of the epoch dropped": minis(60, drop_last=True),
    "mini, replacement": minis(10, replacement=True),
    "stochastic, replacement": stochastic(N, 3, replacement=True),
    "mini, one order": mini(N, 3, size=10, drop_last=False, replacement=False, micro_size=1000, order="fixed"),
}
each_mode = pytest.mark.parametrize("batches", MODES.values(), ids=MODES)
each_whole_mode = pytest.mark.parametrize("batches", WHOLE_EPOCHS.values(), ids=WHOLE_EPOCHS)


def steps(batches: Batches, first: int, last: int) -> list[list[int]]:
    """The rows of each step in ``[first, last)``."""
    seen = []
    for epoch, start, stop in batches.spans(first, last):
        rows = batches.order(epoch)[start:stop].tolist()
        seen += [rows[i : i + batches.size] for i in range(0, len(rows), batches.size)]
    return seen


@each_whole_mode
@pytest.mark.parametrize("epoch", [0, 1, 7])
def test_one_epoch_visits_each_example_once(batches: Batches, epoch: int) -> None:
    per_epoch = batches.steps_per_epoch
    rows = chain.from_iterable(steps(batches, epoch * per_epoch, (epoch + 1) * per_epoch))
    assert sorted(rows) == list(range(batches.examples))


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [10] * 10 + [3]), (True, [10] * 10)])
def test_the_short_last_batch_is_kept_unless_dropped(drop_last: bool, sizes: list[int]) -> None:
    batches = minis(10, drop_last=drop_last)
    assert [len(rows) for rows in steps(batches, 0, 2 * len(sizes))] == sizes * 2
    assert (batches.steps_per_epoch, batches.examples_per_epoch) == (len(sizes), sum(sizes))


def test_a_full_batch_has_the_order_of_the_data() -> None:
    assert full(N, 3, micro_size=10).order(5).tolist() == list(range(N))


def test_a_batch_mode_of_ones_own_may_keep_the_order_of_the_data() -> None:
    batches, data = Batches(N, 10, 3, shuffle=False), (np.arange(N),)
    seen = [rows.tolist() for (rows,) in batches.steps(0, 11, data, np.ndarray.__getitem__, parts)]
    assert [len(rows) for rows in seen] == [10] * 10 + [3]
    assert list(chain.from_iterable(seen)) == list(range(N))


@pytest.mark.parametrize("replacement", [False, True])
def test_the_order_is_a_function_of_seed_and_epoch(replacement: bool) -> None:
    def order(seed: int, epoch: int) -> tuple[int, ...]:
        return tuple(minis(10, seed=seed, replacement=replacement).order(epoch))

    orders = {(seed, epoch): order(seed, epoch) for seed, epoch in product((0, 1, 2), repeat=2)}
    assert len(set(orders.values())) == len(orders)
    assert all(order(*key) == drawn for key, drawn in orders.items())


def test_one_seed_gives_every_batch_size_the_same_order() -> None:
    orders = [WHOLE_EPOCHS[name].order(2).tolist() for name in ("stochastic", "mini with a short batch", "mini with k = N")]
    assert orders[0] == orders[1] == orders[2]


def test_replacement_draws_independently() -> None:
    examples, epochs = 50, 400
    batches = minis(5, examples=examples, replacement=True)
    draws = np.array([batches.order(epoch) for epoch in range(epochs)])
    assert draws.shape == (epochs, examples)
    counts = np.bincount(draws.ravel(), minlength=examples)
    assert len(counts) == examples
    assert np.square(counts - epochs).sum() / epochs < 90  # chi^2 of 49 degrees of freedom; 86 is exceeded once in 1,000
    distinct = np.mean([len(set(row)) / examples for row in draws.tolist()])
    assert distinct == pytest.approx(1 - (1 - 1 / examples) ** examples, abs=0.01)  # a permutation has 1
    assert np.mean(draws[:, 1:] == draws[:, :-1]) == pytest.approx(1 / examples, abs=0.005)


@each_mode
def test_examples_after_counts_what_the_steps_saw(batches: Batches) -> None:
    last = 3 * batches.steps_per_epoch + 2
    sizes = [len(rows) for rows in steps(batches, 0, last)]
    assert [batches.examples_after(step) for step in range(last + 1)] == [0, *np.cumsum(sizes).tolist()]


@each_mode
def test_step_at_is_the_first_step_after_which_enough_examples_are_seen(batches: Batches) -> None:
    for examples in range(int(2.5 * batches.examples_per_epoch)):
        step = batches.step_at(examples)
        assert batches.examples_after(step) >= examples
        assert step == 0 or batches.examples_after(step - 1) < examples


@each_mode
def test_spans_may_start_and_stop_anywhere(batches: Batches) -> None:
    last = 2 * batches.steps_per_epoch + 3
    rows = steps(batches, 0, last)
    edges = {*range(0, last, max(1, last // 7)), batches.steps_per_epoch - 1, batches.steps_per_epoch, last}
    for first in edges:
        assert steps(batches, 0, first) + steps(batches, first, last) == rows
    assert list(batches.spans(2, 2)) == []


# Each has another reason for its block edges.
TIMELINES = {
    "stochastic: 256 steps": (stochastic(1257, 1, replacement=False), 3 * 1257),
    "mini: records": (minis(32, examples=1257), 800),
    "mini: 65,536 examples": (minis(1000, examples=500_000), 2100),
    "full: one step": (full(200_000, 1, micro_size=1000), 40),
    "one step in all": (minis(32, examples=1257), 1),
    "an end before the first record": (minis(10, examples=50_000), 7),
    "an end inside an epoch": (minis(10), 25),
    "two examples": (stochastic(2, 1, replacement=False), 9),
    "drop_last": (minis(10, drop_last=True), 200),
}
each_timeline = pytest.mark.parametrize(("batches", "last"), TIMELINES.values(), ids=TIMELINES)


@each_timeline
def test_blocks_tile_the_run_and_end_at_records(batches: Batches, last: int) -> None:
    timeline = Timeline(batches, last, first_epoch=10, growth=1.2)
    blocks = [timeline.block(index) for index in range(timeline.blocks)]
    assert [step for block in blocks for step in range(*block)] == list(range(last))
    assert {stop for _, stop in blocks} >= set(timeline.records)
    assert timeline.records[-1] == last
    for first, stop in blocks:
        assert 1 <= stop - first <= BLOCK_STEPS
        assert stop - first == 1 or (stop - first) * batches.size <= BLOCK_EXAMPLES
    for (first, stop), _ in pairwise(blocks):  # no block is smaller than it must be
        assert stop in timeline.records or stop - first == timeline.cap


@each_timeline
def test_block_at_is_the_inverse_of_block(batches: Batches, last: int) -> None:
    timeline = Timeline(batches, last, first_epoch=10, growth=1.2)
    assert [timeline.block_at(timeline.block(index)[0]) for index in range(timeline.blocks)] == list(range(timeline.blocks))
    assert timeline.block_at(last) == timeline.blocks  # a run that is done has no block left


@each_timeline
def test_is_record_names_the_records(batches: Batches, last: int) -> None:
    timeline = Timeline(batches, last, first_epoch=10, growth=1.2)
    assert [step for step in range(last + 9) if timeline.is_record(step)] == timeline.records


@pytest.mark.parametrize(
    ("size", "cap"), [(1, 256), (32, 256), (256, 256), (257, 255), (1024, 64), (65_536, 1), (65_537, 1), (200_000, 1)]
)
def test_the_cap_is_256_steps_or_65536_examples(size: int, cap: int) -> None:
    assert Timeline(minis(size, examples=300_000), 1000, first_epoch=10, growth=1.2).cap == cap


@pytest.mark.parametrize("size", [1, 7, 32, 1257])
def test_every_batch_mode_records_at_the_same_numbers_of_examples(size: int) -> None:
    batches = minis(size, examples=1257)
    grid = record_grid(1257, 10, 1.2, 20 * 1257)
    timeline = Timeline(batches, horizon(batches, 20, None), first_epoch=10, growth=1.2)
    reached = [(batches.examples_after(step - 1), batches.examples_after(step)) for step in timeline.records]
    for point in grid:  # each is recorded after the step that reaches it
        assert any(before < point <= after for before, after in reached)
    for before, after in reached:  # and nothing else is
        assert any(before < point <= after for point in grid)


def test_a_fixed_order_is_that_of_the_first_epoch_in_all_epochs() -> None:
    fixed = stochastic(N, 3, replacement=False, order="fixed")
    first = stochastic(N, 3, replacement=False).order(0).tolist()
    assert [fixed.order(epoch).tolist() for epoch in range(3)] == [first] * 3
    with pytest.raises(InputError, match=r"batch.order=fixed: is no order of examples that are drawn with replacement"):
        stochastic(N, 3, replacement=True, order="fixed")


@pytest.mark.parametrize("drop_last", [False, True])
def test_records_lie_on_the_ends_of_the_epochs_that_were_asked_for(drop_last: bool) -> None:
    batches = minis(10, drop_last=drop_last)
    plain, more = (Timeline(batches, 20 * batches.steps_per_epoch, 10, 1.2, epochs) for epochs in ((), (0.5, 1, 7, 17, 100)))
    ends = [batches.steps_per_epoch * epoch for epoch in (1, 7, 17)]
    assert ends[0] in plain.records  # the first epoch's end is a record always
    half = batches.step_at(round(batches.examples_per_epoch / 2))
    assert set(more.records) == {*plain.records, *ends, half}  # and none past the end of the run
    assert more.records[-1] == 20 * batches.steps_per_epoch


@pytest.mark.parametrize("examples", [1000, 1257, 50_000])
def test_the_grid_is_dense_in_the_first_epoch_and_then_ever_wider(examples: int) -> None:
    last = 30 * examples
    grid = record_grid(examples, 10, 1.2, last)
    first = [point for point in grid if point <= examples]
    assert len(first) >= 10
    assert first[0] == pytest.approx(examples / 63.1, rel=0.03)
    assert first[-1] == examples
    for point, following in pairwise(first):
        assert following / point == pytest.approx(10**0.2, rel=0.1)
    later = grid[len(first) - 1 : -1]
    for point, following in pairwise(later):
        assert following / point == pytest.approx(1.2, rel=0.01)
    assert grid[-1] == last
    assert grid[-1] <= 1.21 * grid[-2]


@pytest.mark.parametrize("examples", [1, 2, 3, 10])
def test_the_grid_of_few_examples_stays_inside_the_run(examples: int) -> None:
    grid = record_grid(examples, 10, 1.2, 5 * examples)
    assert min(grid) >= 1
    assert max(grid) == 5 * examples


@pytest.mark.parametrize("size", [1, 32, 50_000])
def test_a_run_without_a_horizon_has_few_records_and_still_has_blocks(size: int) -> None:
    batches = minis(size, examples=50_000)
    timeline = Timeline(batches, UNBOUNDED, first_epoch=10, growth=1.2)
    assert len(timeline.records) < 200
    assert timeline.block(0)[0] == 0
    assert timeline.block(timeline.blocks - 1)[1] == UNBOUNDED
    for index in (0, 1, 100, timeline.blocks // 3, timeline.blocks - 2):
        first, stop = timeline.block(index)
        assert timeline.block_at(first) == index
        assert timeline.block(index + 1)[0] == stop


@pytest.mark.parametrize(
    ("batches", "epochs", "max_steps", "expected"),
    [
        (minis(10), 2, None, 22),
        (minis(10), 2.0, None, 22),
        (minis(10), 0.5, None, 6),  # 52 examples
        (minis(10), 0.001, None, 1),
        (minis(10), None, 7, 7),
        (minis(10), 2, 7, 7),
        (minis(10), 2, 100, 22),
        (minis(10), None, None, UNBOUNDED),
        (minis(10, drop_last=True), 2, None, 20),
        (stochastic(N, 1, replacement=False), 1.5, None, 154),  # Python rounds 154.5 to even
        (full(N, 1, micro_size=10), 3, None, 3),
    ],
)
def test_the_horizon_is_the_smaller_of_epochs_and_steps(
    batches: Batches, epochs: float | None, max_steps: int | None, expected: int
) -> None:
    assert horizon(batches, epochs, max_steps) == expected


@pytest.mark.parametrize("size", [-1, 0, N + 1])
def test_a_batch_size_outside_1_to_n_is_refused(size: int) -> None:
    with pytest.raises(InputError) as refused:
        minis(size)
    assert str(refused.value) == f"batch.size={size}: must be 1 to N, and N is 103 here. For all examples, use batch=full."
