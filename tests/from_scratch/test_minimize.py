"""`minimize`: what it returns, which examples each step sees, and that every optimizer gets to the bottom of a bowl."""

import doctest
import functools
import importlib
import subprocess
import sys
import textwrap
from typing import Any, NamedTuple

import numpy as np
import pytest

from descent import from_scratch, schedules
from descent.from_scratch import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    AMSGrad,
    LinearRegression,
    LogisticRegression,
    Momentum,
    Muon,
    NAdam,
    Nesterov,
    Network,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
    minimize,
    quadratic,
)
from descent.from_scratch.optimizers import OPTIMIZERS

BOWL = quadratic(np.diag([1.0, 0.3]))
cosine = functools.partial(schedules.cosine, final_factor=0.1)


def square(w: Any) -> float:
    """Half the sum of squares of a nest, whose gradient is the nest."""
    if isinstance(w, dict):
        return sum(map(square, w.values()))
    if isinstance(w, (list, tuple)):
        return sum(map(square, w))
    return float(np.sum(w**2)) / 2


STARTS: dict[str, tuple[Any, Any]] = {
    "a number": (3.0, np.array(3.0)),
    "an integer": (3, np.array(3.0)),
    "a list of numbers": ([3, -1.0], np.array([3.0, -1.0])),
    "a tuple of numbers": ((3.0, -1.0), np.array([3.0, -1.0])),
    "an array of no dimensions": (np.array(3.0), np.array(3.0)),
    "an array": (np.array([3.0, -1.0]), np.array([3.0, -1.0])),
    "a matrix": (np.arange(6.0).reshape(2, 3), np.arange(6.0).reshape(2, 3)),
    "a dict": ({"w": np.array([3.0, -1.0]), "b": np.array(2.0)}, {"w": np.array([3.0, -1.0]), "b": np.array(2.0)}),
    "a list of arrays": ([np.ones((2, 2)), np.zeros(1)], [np.ones((2, 2)), np.zeros(1)]),
    "a number beside an array": ([3.0, np.ones(2)], [np.array(3.0), np.ones(2)]),
    "a tuple of arrays": ((np.ones((2, 2)), np.zeros(1)), (np.ones((2, 2)), np.zeros(1))),
    "a deep nest": ({"a": [np.ones(2), (np.zeros(1),)]}, {"a": [np.ones(2), (np.zeros(1),)]}),
}


def check_points(points: Any, start: Any, before: Any) -> None:
    """The points halve at every step, as lr = 1/2 on half the square; none shares memory with the start."""
    if isinstance(start, (dict, list, tuple)):
        assert type(points) is type(start)
        assert len(points) == len(start)
        for key in start if isinstance(start, dict) else range(len(start)):
            check_points(points[key], start[key], before[key])
        return
    assert points.shape == (4, *start.shape)
    assert points.dtype == start.dtype
    np.testing.assert_array_equal(points, [start, start / 2, start / 4, start / 8])
    if isinstance(before, np.ndarray):
        np.testing.assert_array_equal(before, start)
        assert not np.shares_memory(points, before)


@pytest.mark.parametrize(("x0", "start"), STARTS.values(), ids=STARTS)
def test_the_trajectory_holds_every_point_value_and_learning_rate(x0: Any, start: Any) -> None:
    path = minimize(square, lambda w: w, x0, SGD(lr=0.5), steps=3)
    check_points(path.points, start, x0)
    assert path.values.tolist() == [square(start) / 4**t for t in range(4)]
    assert path.lrs.tolist() == [0.5, 0.5, 0.5]


def test_no_steps_leave_the_start() -> None:
    path = minimize(square, lambda w: w, [3.0, 1.0], SGD(lr=0.5), steps=0)
    assert path.points.tolist() == [[3.0, 1.0]]
    assert path.values.tolist() == [5.0]
    assert path.lrs.shape == (0,)


def test_float32_stays_float32_from_the_start_to_the_end() -> None:
    path = minimize(square, lambda w: w, {"w": np.ones(2, np.float32)}, Adam(lr=0.1), steps=5, schedule=cosine)
    assert path.points["w"].dtype == np.float32


@pytest.mark.parametrize("schedule", [schedules.constant, cosine])
@pytest.mark.parametrize("kind", [SGD, Momentum, Adam, Adagrad])
def test_a_run_is_the_loop_written_by_hand(kind: type[Optimizer], schedule: Any) -> None:
    f, gradient = BOWL
    path = minimize(f, gradient, [1.0, -2.0], kind(0.1), steps=20, schedule=schedule)
    optimizer, w, points = kind(0.1), np.array([1.0, -2.0]), [[1.0, -2.0]]
    for t in range(20):
        optimizer.lr = 0.1 * schedule(t, 20, [])
        assert path.lrs[t] == optimizer.lr
        points.append(optimizer.step(w, gradient(w)).tolist())
    assert path.points.tolist() == points
    assert path.values.tolist() == [f(np.array(point)) for point in points]


# Batches. The first column of the inputs numbers the examples, so that each gradient can tell what it saw.

N = 10
RNG = np.random.default_rng(0)
X = np.column_stack([np.arange(N), RNG.standard_normal((N, 2))])
Y = RNG.standard_normal(N)


def line(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean((x[:, 1:] @ w - y) ** 2)) / 2


def line_gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return x[:, 1:].T @ (x[:, 1:] @ w - y) / len(x)


def run(batch_size: int | None, steps: int, seed: int = 0, **more: Any) -> tuple[Any, list[list[int]]]:
    """Minimise the line's error, and return the trajectory and which examples each step saw."""
    seen = []

    def gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        rows = x[:, 0].astype(int).tolist()
        np.testing.assert_array_equal(y, Y[rows])  # inputs and targets of the same examples
        seen.append(rows)
        return line_gradient(w, x, y)

    path = minimize(line, gradient, [0.0, 0.0], SGD(lr=0.1), steps, data=(X, Y), batch_size=batch_size, seed=seed, **more)
    return path, seen


@pytest.mark.parametrize("batch_size", [None, 1, 3, 5, 9, 10])
def test_every_batch_mode_is_the_loop_written_by_hand(batch_size: int | None) -> None:
    path, seen = run(batch_size, steps=25)
    w, points = np.zeros(2), [np.zeros(2)]
    for rows in seen:
        w = w - 0.1 * line_gradient(w, X[rows], Y[rows])
        points.append(w)
    np.testing.assert_allclose(path.points, points, rtol=1e-12)
    np.testing.assert_allclose(path.values, [line(w, X, Y) for w in points], rtol=1e-12)  # the full objective, not the batch's


@pytest.mark.parametrize(("batch_size", "sizes"), [(None, [10]), (10, [10]), (1, [1] * 10), (3, [3, 3, 3, 1]), (5, [5, 5])])
def test_each_epoch_visits_every_example_once_in_a_new_order(batch_size: int | None, sizes: list[int]) -> None:
    epochs = 3
    _, seen = run(batch_size, steps=epochs * len(sizes))
    assert [len(rows) for rows in seen] == sizes * epochs
    orders = [np.concatenate(seen[i : i + len(sizes)]).tolist() for i in range(0, len(seen), len(sizes))]
    assert [sorted(order) for order in orders] == [list(range(N))] * epochs
    assert len({tuple(order) for order in orders}) == (1 if batch_size is None else epochs)


def test_with_replacement_each_example_is_drawn_independently() -> None:
    path, seen = run(3, steps=4000, replacement=True)
    drawn = np.concatenate(seen)
    assert np.bincount(drawn, minlength=N) == pytest.approx(len(drawn) / N, abs=5 * np.sqrt(len(drawn) * 0.09))
    assert len(set(drawn[:N])) < N
    assert path.points[5].tolist() != run(3, steps=5)[0].points[5].tolist()


def test_the_seed_draws_the_order() -> None:
    assert run(3, steps=8, seed=1)[1] == run(3, steps=8, seed=1)[1]
    assert run(3, steps=8, seed=1)[1] != run(3, steps=8, seed=2)[1]


def test_without_a_seed_a_run_can_be_repeated() -> None:
    model, data = LinearRegression(), (X[:, 1:], Y)
    paths = [
        minimize(model.loss, model.gradient, [np.zeros(2)], SGD(lr=0.1), 5, data=data, batch_size=1, **seed)
        for seed in ({}, {}, {"seed": 0})
    ]
    assert paths[0].values.tolist() == paths[1].values.tolist() == paths[2].values.tolist()


def test_a_batch_of_all_examples_is_the_full_batch() -> None:
    np.testing.assert_allclose(run(N, steps=30)[0].points, run(None, steps=30)[0].points, rtol=1e-12)


def test_a_function_of_one_array_of_data_gets_its_rows() -> None:
    path = minimize(
        lambda w, x: float(np.mean((w - x) ** 2)) / 2,
        lambda w, x: np.mean(w - x),
        0.0,
        ASGD(lr=1.0, lambd=0.0),
        steps=N,
        data=(Y,),
        batch_size=1,
    )
    assert sorted(path.points[1:]) == pytest.approx(sorted(Y))  # with lr = 1 each step goes to the example it sees


def test_our_objectives_are_minimised_as_they_are() -> None:
    x, y = RNG.standard_normal((60, 3)), RNG.standard_normal(60)
    objective = LinearRegression()
    path = minimize(objective.loss, objective.gradient, [np.zeros(3)], SGD(lr=0.5), steps=300, data=(x, y))
    np.testing.assert_allclose(path.points[0][-1], np.linalg.lstsq(x, y)[0], rtol=1e-9)
    labels = (x[:, 0] * x[:, 1] > 0).astype(int)  # which no line separates
    for model, start, reached in (
        (LogisticRegression(0.01), [np.zeros(3)], 0.69),
        (Network("cross_entropy", "tanh"), [RNG.standard_normal(s) for s in ((8, 3), (8,), (2, 8), (2,))], 0.1),
    ):
        path = minimize(model.loss, model.gradient, start, Adam(lr=0.03), steps=600, data=(x, labels), batch_size=20)
        assert path.values[-1] < reached


# Schedules.


def test_a_schedule_gets_the_step_the_horizon_and_what_was_measured() -> None:
    calls = []

    def schedule(step: int, horizon: int, history: list[tuple[float, float]]) -> float:
        calls.append((step, horizon, list(history)))
        return 1 / (step + 1)

    path, _ = run(5, steps=4, schedule=schedule)
    assert path.lrs == pytest.approx([0.1, 0.1 / 2, 0.1 / 3, 0.1 / 4])
    assert [(step, horizon) for step, horizon, _ in calls] == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert calls[-1][2] == list(zip([0.0, 0.5, 1.0, 1.5], path.values[:4], strict=True))
    assert [len(history) for *_, history in calls] == [1, 2, 3, 4]


def test_without_data_a_step_counts_as_an_epoch() -> None:
    plateau = functools.partial(schedules.plateau, factor=0.5, patience=3, threshold=0.0)
    path = minimize(lambda w: 1.0, lambda w: w, 1.0, SGD(lr=0.8), steps=10, schedule=plateau)  # noqa: ARG005
    assert path.lrs.tolist() == [0.8] * 4 + [0.4] * 4 + [0.2] * 2


# Convergence and divergence.

BOTTOM: dict[str, tuple[type[Optimizer], dict[str, Any], int]] = {
    "SGD": (SGD, {"lr": 0.5}, 100),
    "SGD, decayed": (SGD, {"lr": 0.5, "weight_decay": 0.1, "decoupled_weight_decay": True}, 100),
    "Momentum": (Momentum, {"lr": 0.1}, 200),
    "Momentum, velocity of steps": (Momentum, {"lr": 0.1, "velocity": "step"}, 200),
    "Momentum, dampened": (Momentum, {"lr": 1.0, "dampening": 0.9, "dampen_first": True}, 200),
    "Nesterov": (Nesterov, {"lr": 0.1}, 200),
    "ASGD": (ASGD, {"lr": 0.5}, 100),
    "Adagrad": (Adagrad, {"lr": 0.5}, 300),
    "Adagrad, eps inside": (Adagrad, {"lr": 0.5, "eps_inside_root": True}, 300),
    "RMSprop": (RMSprop, {"lr": 0.01}, 600),
    "RMSprop, centred": (RMSprop, {"lr": 0.01, "centered": True}, 1000),
    "RMSprop, momentum": (RMSprop, {"lr": 0.003, "momentum": 0.8}, 1000),
    "Adadelta": (Adadelta, {}, 2000),
    "Rprop": (Rprop, {"lr": 0.1}, 100),
    "Adam": (Adam, {"lr": 0.1}, 400),
    "Adam, uncorrected eps": (Adam, {"lr": 0.1, "eps_placement": "uncorrected"}, 400),
    "Adam, biased": (Adam, {"lr": 0.1, "bias_correction": False}, 600),
    "AMSGrad": (AMSGrad, {"lr": 0.1}, 400),
    "AdamW": (AdamW, {"lr": 0.1}, 400),
    "Adamax": (Adamax, {"lr": 0.1}, 400),
    "NAdam": (NAdam, {"lr": 0.1}, 400),
    "NAdam, constant momentum": (NAdam, {"lr": 0.1, "constant_momentum": True}, 400),
    "RAdam": (RAdam, {"lr": 0.1}, 400),
    "Muon": (Muon, {"adamw_lr": 0.1}, 400),
}


@pytest.mark.parametrize(("kind", "knobs", "steps"), BOTTOM.values(), ids=BOTTOM)
def test_every_optimizer_gets_to_the_bottom_of_a_bowl(kind: type[Optimizer], knobs: dict[str, Any], steps: int) -> None:
    path = minimize(*BOWL, [1.0, -2.0], kind(**knobs), steps)
    assert np.abs(path.points[-1]).max() < 1e-3
    assert path.values[-1] < 1e-6 < path.values[0]


def test_every_optimizer_is_in_the_table() -> None:
    assert {kind for kind, *_ in BOTTOM.values()} == set(OPTIMIZERS.values())


@pytest.mark.parametrize("name", ["rosenbrock", "beale", "himmelblau"])
def test_a_learning_rate_too_high_for_a_surface_diverges_without_a_warning(name: str) -> None:
    function, gradient = getattr(from_scratch, name), getattr(from_scratch, f"{name}_gradient")
    path = minimize(function, gradient, [3.0, -2.0], SGD(lr=1.0), steps=50)
    assert not np.isfinite(path.values[-1])
    assert len(path.points) == len(path.values) == 51


@pytest.mark.parametrize("optimizer", [SGD, Momentum, Nesterov, ASGD, Adagrad, Adam, AMSGrad, AdamW, Adamax, NAdam, RAdam])
@pytest.mark.parametrize("lr", [1e3, 1e300])
def test_a_learning_rate_too_high_for_a_bowl_ends_without_an_error(optimizer: type[Optimizer], lr: float) -> None:
    path = minimize(*BOWL, [1.0, -2.0], optimizer(lr), steps=300)
    if lr == 1e300 or optimizer in (SGD, Momentum, Nesterov, ASGD):
        assert not np.isfinite(path.values[-1])


def test_divergence_passes_through_infinity() -> None:
    path = minimize(lambda w: float(abs(w)), lambda w: 3 * w, 1.0, SGD(lr=1.0), steps=1100)
    assert np.abs(path.points[:1024]).tolist() == [2.0**t for t in range(1024)]
    assert np.isinf(path.values[1024])


def test_a_network_that_diverges_goes_on_to_its_end() -> None:
    model, rng = Network("squared_error", "relu"), np.random.default_rng(1)
    start = [rng.standard_normal(shape) for shape in ((4, 3), (4,), (2, 4), (2,))]
    data = rng.standard_normal((8, 3)), rng.integers(2, size=8)
    path = minimize(model.loss, model.gradient, start, SGD(lr=1e3), steps=40, data=data, batch_size=3)
    assert path.values.shape == (41,)
    assert not np.isfinite(path.values).all()


class Point(NamedTuple):
    x: Any
    y: Any


def test_a_named_tuple_stays_one() -> None:
    path = minimize(square, lambda p: p, Point(np.array(3.0), np.array([1.0, 2.0])), SGD(lr=0.5), steps=2)
    assert isinstance(path.points, Point)
    np.testing.assert_allclose(path.points.y, [[1, 2], [0.5, 1], [0.25, 0.5]])
    path = minimize(square, lambda p: p, Point(3.0, 1.0), SGD(lr=0.5), steps=1)
    assert isinstance(path.points, Point)
    assert path.points.x.tolist() == [3.0, 1.5]


@pytest.mark.parametrize("x0", [[[1.0, 2.0], [3.0, 4.0]], [[1, 2], [3, 4]], [[np.float32(1), 2], (3, np.int64(4))]])
def test_lists_of_numbers_are_one_array(x0: Any) -> None:
    path = minimize(square, lambda w: w, x0, SGD(lr=0.5), steps=1)
    np.testing.assert_array_equal(path.points, [[[1, 2], [3, 4]], [[0.5, 1], [1.5, 2]]])


def test_the_optimizer_keeps_its_own_learning_rate() -> None:
    optimizer = SGD(lr=0.1)
    minimize(square, lambda w: w, [1.0], optimizer, steps=5, schedule=cosine)
    assert optimizer.lr == 0.1


# Refusals.


def used() -> Optimizer:
    optimizer = SGD()
    optimizer.step(np.zeros(1), np.zeros(1))
    return optimizer


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "steps": ({"steps": -1}, ValueError, r"steps=-1: must be a whole number >= 0\."),
    "no whole number": ({"steps": 1e3}, ValueError, r"steps=1000.0: must be a whole number >= 0\."),
    "a class": ({"optimizer": Adam}, TypeError, r"optimizer=<class .*Adam'>: must be an optimizer, as in Adam\(lr=0.01\)\."),
    "one array": ({"data": X}, TypeError, r"data is a ndarray: must be a tuple of arrays, as in data=\(X, y\)\."),
    "optimizer": ({"optimizer": used()}, ValueError, r"optimizer has taken 1 steps: must be a fresh one\."),
    "batch_size": ({"batch_size": 2}, ValueError, r"batch_size=2: has no effect without data\. Pass data=\(X, y\)\."),
    "too small": ({"batch_size": 0, "data": (X, Y)}, ValueError, r"batch_size=0: must be 1 to N, and N is 10 here\."),
    "too large": ({"batch_size": 11, "data": (X, Y)}, ValueError, r"batch_size=11: must be 1 to N, and N is 10 here\."),
    "replacement": (
        {"replacement": True, "data": (X, Y)},
        ValueError,
        r"replacement=True: has no effect without batch_size\. Pass data=\(X, y\) and batch_size=1\.",
    ),
    "lengths": ({"data": (X, Y[:7])}, ValueError, r"data has arrays of 10, 7 rows: must all have the same\."),
    "integers": (
        {"x0": np.array([1, 2])},
        TypeError,
        r"x0 has dtype int64: must be float32 or float64\. Try x0\.astype\(float\)\.",
    ),
    "integers in a nest": (
        {"x0": {"w": np.array([1, 2])}},
        TypeError,
        r"x0\['w'\] has dtype int64: must be float32 or float64.*",
    ),
    "an integer in a nest": ({"x0": [1, np.ones(2)]}, TypeError, r"x0\[0\] has dtype int64: must be float32 or float64.*"),
    "text": ({"x0": ["a", "b"]}, TypeError, r"x0\[0\] has dtype <U1: must be float32 or float64.*"),
    "a gradient of another shape": (
        {"gradient": lambda w, *_: np.append(w, 0.0)},
        ValueError,
        r"the gradient of params has shape \(3,\): must be \(2,\), that of the parameter\.",
    ),
}


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_a_run_that_cannot_be_is_refused_in_one_line(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    chosen: dict[str, Any] = {
        "function": lambda w, *_: float(np.sum(w)),
        "gradient": lambda w, *_: w,
        "x0": [1.0, 2.0],
        "optimizer": SGD(),
        "steps": 3,
    }
    with pytest.raises(error, match=f"^{message}$") as raised:
        minimize(**chosen | arguments)
    assert "\n" not in str(raised.value)


# Documentation and imports.


def test_the_examples_of_the_docstrings_run() -> None:
    tried = doctest.testmod(importlib.import_module("descent.from_scratch.minimize"))
    assert (tried.failed, tried.attempted) == (0, 12)
    assert from_scratch.__doc__
    example = next(part for part in from_scratch.__doc__.split("\n\n") if part.startswith("    "))
    scope = dict(vars(from_scratch))
    exec(textwrap.dedent(example), scope)
    np.testing.assert_allclose(scope["path"].points[-1], [1, 1], atol=0.05)


@pytest.mark.parametrize("package", [from_scratch, from_scratch.optimizers, from_scratch.objectives])
def test_every_public_name_is_there(package: Any) -> None:
    assert len(set(package.__all__)) == len(package.__all__)
    assert all(hasattr(package, name) for name in package.__all__)


def test_the_package_loads_no_framework() -> None:
    loaded = "import sys, descent.from_scratch; print(*{name.partition('.')[0] for name in sys.modules})"
    names = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert "numpy" in names
    assert not {"torch", "torchvision", "lightning", "hydra", "sklearn", "scipy", "pandas"} & set(names)
