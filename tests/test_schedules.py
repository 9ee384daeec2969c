"""Schedules against torch's and against values computed by hand."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

from descent import schedules
from descent.batching import UNBOUNDED
from descent.config.compose import compose
from descent.config.schema import RunConfig
from descent.config.targets import resolve
from descent.errors import InputError
from descent.training import build

CONF = Path(__file__).parents[1] / "conf"
NAMES = sorted(path.stem for path in (CONF / "schedule").glob("*.yaml"))
WITHOUT_HORIZON = ("constant", "plateau")
each_schedule = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module", params=NAMES)
def settings(request: pytest.FixtureRequest) -> RunConfig:
    return compose(f"schedule={request.param}")


def torchs(make: Callable[[torch.optim.Optimizer], Any], steps: int) -> list[float]:
    """The learning rates that torch's scheduler sets, from 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    factors = []
    for _ in range(steps):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return factors


def beginning(optimizer: torch.optim.Optimizer, lr: float) -> torch.optim.Optimizer:
    optimizer.param_groups[0]["lr"] = lr
    return optimizer


SCHEDULERS: dict[str, tuple[Callable[..., float], dict[str, Any], Callable[[torch.optim.Optimizer, int], Any]]] = {
    "constant": (schedules.constant, {}, lambda o, _: lr_scheduler.ConstantLR(o, factor=1.0)),
    "step": (
        schedules.step,
        {"milestones": [0.5, 0.75], "factor": 0.1},
        lambda o, T: lr_scheduler.MultiStepLR(o, [math.ceil(0.5 * T), math.ceil(0.75 * T)], gamma=0.1),
    ),
    "exponential": (schedules.exponential, {"final_factor": 0.01}, lambda o, T: lr_scheduler.ExponentialLR(o, 0.01 ** (1 / T))),
    "range_test": (
        schedules.range_test,
        {"start_factor": 0.01},
        lambda o, T: lr_scheduler.ExponentialLR(beginning(o, 0.01), gamma=100 ** (1 / (T - 1))),
    ),
    "linear": (
        schedules.linear,
        {"final_factor": 0.2},
        lambda o, T: lr_scheduler.LinearLR(o, start_factor=1.0, end_factor=0.2, total_iters=T),
    ),
    "cosine": (schedules.cosine, {"final_factor": 0.1}, lambda o, T: lr_scheduler.CosineAnnealingLR(o, T_max=T, eta_min=0.1)),
    "one_cycle": (
        schedules.one_cycle,
        {"warmup": 0.3, "start_factor": 0.04, "final_factor": 4e-6},
        lambda o, T: lr_scheduler.OneCycleLR(
            o, max_lr=1.0, total_steps=T, pct_start=0.3, div_factor=25, final_div_factor=1e4, cycle_momentum=False
        ),
    ),
    "one_cycle, long rise": (
        schedules.one_cycle,
        {"warmup": 0.75, "start_factor": 0.5, "final_factor": 0.1},
        lambda o, T: lr_scheduler.OneCycleLR(
            o, max_lr=1.0, total_steps=T, pct_start=0.75, div_factor=2, final_div_factor=5, cycle_momentum=False
        ),
    ),
}


@pytest.mark.parametrize(("ours", "knobs", "theirs"), SCHEDULERS.values(), ids=SCHEDULERS)
@pytest.mark.parametrize("horizon", [4, 7, 100])
def test_a_schedule_equals_torchs(ours: Callable[..., float], knobs: dict[str, Any], theirs: Any, horizon: int) -> None:
    factors = [ours(step, horizon, [], **knobs) for step in range(horizon)]
    assert factors == pytest.approx(torchs(lambda o: theirs(o, horizon), horizon), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("factor", "values"),
    [
        # two steps up, then half a cosine over eight steps from 1 to 0.1
        (
            lambda t: schedules.warmup_cosine(t, 10, [], warmup=0.2, final_factor=0.1),
            {0: 0.5, 1: 1, 2: 1, 4: 0.1 + 0.9 * (2 + math.sqrt(2)) / 4, 6: 0.55, 9: 0.1 + 0.45 * (1 - math.cos(math.pi / 8))},
        ),
        (lambda t: schedules.warmup_cosine(t, 10, [], warmup=0.0, final_factor=0.0), {0: 1, 5: 0.5}),
        (lambda t: schedules.warmup_cosine(t, 10, [], warmup=1.0, final_factor=0.0), {0: 0.1, 4: 0.5, 9: 1}),
        (lambda t: schedules.inverse_sqrt(t, 100, [], warmup=0.04), {0: 0.25, 2: 0.75, 3: 1, 15: 0.5, 99: 0.2}),
        (lambda t: schedules.inverse_sqrt(t, 5, [], warmup=0.1), {0: 1, 3: 0.5}),
        (lambda t: schedules.inverse_time(t, 100, [], half=0.05), {0: 1, 1: 5 / 6, 5: 0.5, 20: 0.2, 95: 0.05}),
        (lambda t: schedules.inverse_time(t, 4, [], half=1.0), {0: 1, 3: 4 / 7}),
        (lambda t: schedules.range_test(t, 5, [], start_factor=1e-4), {0: 1e-4, 1: 1e-3, 2: 0.01, 3: 0.1, 4: 1}),
        (lambda t: schedules.range_test(t, 1, [], start_factor=1e-4), {0: 1e-4}),
        (lambda t: schedules.step(t, 8, [], milestones=[0.25, 0.5, 0.5], factor=0.5), {1: 1, 2: 0.5, 3: 0.5, 4: 0.125, 7: 0.125}),
    ],
    ids=[
        "warmup_cosine",
        "no warmup",
        "all warmup",
        "inverse_sqrt",
        "inverse_sqrt, short",
        "inverse_time",
        "slow inverse_time",
        "range_test",
        "one step",
        "step",
    ],
)
def test_a_schedule_equals_values_computed_by_hand(factor: Callable[[int], float], values: dict[int, float]) -> None:
    assert {step: factor(step) for step in values} == pytest.approx(values, rel=1e-12)


def test_milestones_may_come_in_any_order() -> None:
    """As in torch's MultiStepLR."""
    knobs = {"factor": 0.1}
    for step in range(10):
        ordered = schedules.step(step, 10, [], milestones=[0.2, 0.5, 0.9], **knobs)
        assert schedules.step(step, 10, [], milestones=[0.9, 0.2, 0.5], **knobs) == ordered


@pytest.mark.parametrize(
    ("history", "reductions"),
    [
        ([], 0),
        ([(0, 1.0)], 0),
        ([(float(epoch), 0.8**epoch) for epoch in range(20)], 0),  # it falls
        ([(0, 1.0), (2, 1.0), (3, 1.0)], 0),  # 3 epochs are still patient
        ([(0, 1.0), (2, 1.0), (3.1, 1.0)], 1),
        ([(0, 1.0), (0.1, 1.0), (0.2, 1.0), (0.3, 1.0), (0.4, 1.0)], 0),  # many records, little time
        ([(0, 1.0), (9, 1.0)], 1),  # few records, much time
        ([(0, 1.0), (4, 1.0), (7, 1.0)], 1),  # patience starts anew
        ([(0, 1.0), (4, 1.0), (8, 1.0)], 2),
        ([(0, 1.0), (3, 0.95), (6, 0.95)], 1),  # better, but by less than a tenth: not better
        ([(0, 1.0), (3, 0.85), (6, 0.85)], 0),
        ([(0, 1.0), (3, 0.5), (7, 0.6), (10, 0.55)], 1),  # the best stays the best
        ([(0, -1.0), (3, -1.05), (6, -1.05)], 1),  # a tenth of |best|, below 0 too
        ([(0, -1.0), (3, -1.2), (6, -1.2)], 0),
        ([(0, math.inf), (1, 5.0), (4, 4.0), (7, 3.0)], 0),
    ],
)
def test_plateau_counts_spans_without_improvement(history: list[tuple[float, float]], reductions: int) -> None:
    factor = schedules.plateau(10**6, UNBOUNDED, history, factor=0.5, patience=3.0, threshold=0.1)
    assert factor == pytest.approx(0.5**reductions)


@pytest.mark.parametrize("seed", range(5))
def test_plateau_with_a_record_an_epoch_equals_torchs(seed: int) -> None:
    losses = np.random.default_rng(seed).normal(2, 0.3, 60).cumsum()[::-1].clip(20).tolist()  # noisy, then flat
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=3, threshold=0.02, eps=0.0)
    history: list[tuple[float, float]] = []
    for epoch, loss in enumerate(losses):
        scheduler.step(loss)
        history.append((float(epoch), loss))
        ours = schedules.plateau(0, 100, history, factor=0.5, patience=3.0, threshold=0.02)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"])
    assert ours < 1


@pytest.mark.parametrize("horizon", [1, 2, 3, 10, 1000])
def test_every_schedule_gives_factors_from_0_to_1(settings: RunConfig, horizon: int) -> None:
    schedule = build.schedule(settings)
    factors = [schedule(step, horizon, [(0.0, 1.0)]) for step in range(horizon)]
    assert all(math.isfinite(factor) and 0 <= factor <= 1 for factor in factors)
    assert max(factors) > 0


def test_every_schedule_but_two_is_refused_where_only_seconds_are_limited(settings: RunConfig) -> None:
    name = settings.names.schedule
    only_seconds = settings.model_copy(update={"epochs": None, "max_steps": None, "max_seconds": 5.0})
    if name in WITHOUT_HORIZON:
        assert build.schedule(only_seconds)(10**6, UNBOUNDED, []) == 1
    else:
        with pytest.raises(InputError) as refused:
            build.schedule(only_seconds)
        told = f"schedule={name}: needs a horizon in steps, and only max_seconds is set. Set epochs or max_steps too."
        assert str(refused.value) == told
    for budget in ({"epochs": 3.0}, {"max_steps": 7}):
        assert build.schedule(only_seconds.model_copy(update=budget))(0, 7, []) <= 1


def test_a_schedule_of_ones_own_says_that_it_needs_no_horizon() -> None:
    def halving(step: int, *_: Any) -> float:
        return 0.5 ** (step // 1000)

    with pytest.raises(InputError, match=r"^schedule=halving: needs a horizon"):
        schedules.require_horizon(partial(halving), "halving")
    schedules.require_horizon(partial(schedules.open_ended(halving)), "halving")


def test_a_blocks_factors_are_those_of_its_steps(settings: RunConfig) -> None:
    schedule, history = build.schedule(settings), [(0.0, 2.0), (1.0, 1.0), (9.0, 1.0)]
    for horizon, first, last in ((100, 0, 100), (1000, 3, 259), (7, 6, 7)):
        steps = [schedule(step, horizon, history) for step in range(first, last)]
        block = schedules.factors(schedule, first, last, horizon, history)
        np.testing.assert_allclose(block, steps, rtol=1e-15, atol=0)
        assert {type(factor) for factor in block} == {float}


def test_a_schedule_of_ones_own_is_asked_for_one_step_after_the_other() -> None:
    asked = []

    def halving(step: int, *_: Any) -> float:
        asked.append(step)
        return 0.5**step

    assert schedules.factors(partial(halving), 2, 5, 10, []) == [0.25, 0.125, 0.0625]
    assert asked == [2, 3, 4]


def test_a_knob_that_a_schedule_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match=r"^schedule\.gamma=0\.9: .*final_factor"):
        resolve(compose("schedule=cosine", "+schedule.gamma=0.9"))
