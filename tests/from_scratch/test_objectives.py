"""Every gradient written by hand against autograd and central differences, every loss against torch's."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from descent import from_scratch
from descent.from_scratch import LinearRegression, LogisticRegression, Network
from descent.from_scratch.objectives import Objective, Quadratic, Surface
from descent.from_scratch.objectives.functions import SURFACES
from descent.problems import finite_sum

FEATURES, WIDTH, CLASSES = 4, 5, 3
TOLERANCE = 1e-9


class Case(NamedTuple):
    """An objective, a point and examples, and the same loss for autograd."""

    objective: Objective
    params: list[np.ndarray]
    inputs: np.ndarray
    targets: np.ndarray
    loss: Callable[[list[Tensor], Tensor, Tensor], Tensor]


def torch_squared_error(z: Tensor, y: Tensor) -> Tensor:
    wanted = y if y.ndim == 2 else functional.one_hot(y, CLASSES).double()
    return functional.mse_loss(z, wanted, reduction="sum") / (2 * len(z))


TORCH_LOSSES = {
    "cross_entropy": functional.cross_entropy,
    "squared_error": torch_squared_error,
    "sigmoid_squared_error": lambda z, y: torch_squared_error(torch.sigmoid(z), y),
    "sigmoid_cross_entropy": lambda z, y: (
        functional.binary_cross_entropy_with_logits(z, functional.one_hot(y, CLASSES).double(), reduction="sum") / len(z)
    ),
}


def network(loss: str, activation: str | None, depth: int, targets: str, examples: int) -> Case:
    rng = np.random.default_rng([depth, examples, 1])  # draws no layer of dead units, and no unit within h of its kink
    sizes = [FEATURES, *[WIDTH] * depth, CLASSES]
    params = []
    for i in range(depth + 1):
        params += [rng.standard_normal((sizes[i + 1], sizes[i])) / 2, rng.standard_normal(sizes[i + 1]) / 2]
    y = rng.integers(CLASSES, size=examples) if targets == "labels" else rng.standard_normal((examples, CLASSES))

    def torch_loss(p: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        for i in range(depth):
            x = getattr(torch, str(activation))(functional.linear(x, p[2 * i], p[2 * i + 1]))
        return TORCH_LOSSES[loss](functional.linear(x, p[-2], p[-1]), y)

    return Case(Network(loss, activation), params, rng.standard_normal((examples, FEATURES)), y, torch_loss)


def linear(examples: int) -> Case:
    rng = np.random.default_rng(1)

    def torch_loss(p: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        return functional.mse_loss(x @ p[0], y) / 2

    x, y = rng.standard_normal((examples, FEATURES)), rng.standard_normal(examples)
    return Case(LinearRegression(), [rng.standard_normal(FEATURES)], x, y, torch_loss)


def logistic(examples: int, regularisation: float = 0.3, dtype: type = np.int64) -> Case:
    rng = np.random.default_rng(2)

    def torch_loss(p: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(x @ p[0], y.double()) + regularisation / 2 * p[0].square().sum()

    x, y = rng.standard_normal((examples, FEATURES)), rng.integers(2, size=examples).astype(dtype)
    return Case(LogisticRegression(regularisation), [rng.standard_normal(FEATURES)], x, y, torch_loss)


def noisy_quadratic(examples: int) -> Case:
    rng = np.random.default_rng(3)
    half = rng.standard_normal((3, 3))
    hessian = half + half.T
    h = torch.tensor(hessian)
    c, e = rng.uniform(-1, 1, examples), rng.standard_normal((examples, 3))
    w = [rng.standard_normal(3)]
    return Case(Quadratic(hessian), w, c, e, lambda p, c, e: (1 + c.mean()) * (p[0] @ h @ p[0]) / 2 + e.mean(0) @ p[0])


def noisy_surface(name: str, examples: int, scale: float = 0.7) -> Case:
    rng = np.random.default_rng(4)
    c, e = rng.uniform(-1, 1, examples), rng.standard_normal((examples, 2))

    def torch_loss(p: list[Tensor], c: Tensor, e: Tensor) -> Tensor:
        x, y = p[0]
        return (1 + c.mean()) * scale * finite_sum.SURFACES[name](x, y) + e.mean(0) @ p[0]

    return Case(Surface(name, scale), [rng.standard_normal(2)], c, e, torch_loss)


LOSSES = (
    ("cross_entropy", "labels"),
    ("squared_error", "labels"),
    ("squared_error", "real targets"),
    ("sigmoid_squared_error", "labels"),
    ("sigmoid_cross_entropy", "labels"),
)


def cases(examples: int) -> dict[str, Case]:
    found = {
        "linear regression": linear(examples),
        "logistic regression": logistic(examples),
        "logistic regression, not regularised": logistic(examples, 0.0),
        "logistic regression, labels of one byte": logistic(examples, dtype=np.uint8),
        "logistic regression, labels of floats": logistic(examples, dtype=np.float64),
        "noisy quadratic": noisy_quadratic(examples),
    }
    found |= {f"noisy {name}": noisy_surface(name, examples) for name in SURFACES}
    for loss, targets in LOSSES:
        found[f"softmax regression, {loss}, {targets}"] = network(loss, None, 0, targets, examples)
        for depth in (1, 2, 3):
            for activation in ("relu", "tanh", "sigmoid"):
                found[f"MLP {depth} {activation}, {loss}, {targets}"] = network(loss, activation, depth, targets, examples)
    return found


CASES = {f"{name}, {examples} examples": case for examples in (7, 1) for name, case in cases(examples).items()}
each_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def apart(ours: np.ndarray, theirs: np.ndarray) -> float:
    return float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))


def differences(f: Callable[[], float], w: np.ndarray, h: float = 1e-3) -> np.ndarray:
    """Central differences at h and h/2, extrapolated (Richardson): their error falls as h^4."""
    slopes = np.zeros_like(w)
    for i in np.ndindex(w.shape):
        start, estimates = w[i], []
        for step in (h, h / 2):
            w[i] = start + step
            above = f()
            w[i] = start - step
            estimates.append((above - f()) / (2 * step))
        w[i] = start
        slopes[i] = (4 * estimates[1] - estimates[0]) / 3
    return slopes


@each_case
def test_loss_and_gradient_are_torchs_and_autograds(case: Case) -> None:
    p = [torch.tensor(w, requires_grad=True) for w in case.params]
    wanted = case.loss(p, torch.tensor(case.inputs), torch.tensor(case.targets))
    wanted.backward()
    before = [array.copy() for array in (*case.params, case.inputs, case.targets)]
    assert case.objective.loss(case.params, case.inputs, case.targets) == pytest.approx(wanted.item(), rel=1e-12)
    gradient = case.objective.gradient(case.params, case.inputs, case.targets)
    for w, g, q in zip(case.params, gradient, p, strict=True):
        assert q.grad is not None
        assert g.shape == w.shape
        assert apart(g, q.grad.numpy()) < 1e-12
    assert all(map(np.array_equal, before, (*case.params, case.inputs, case.targets)))  # nothing was written to


@each_case
def test_a_gradient_is_the_slope_of_its_loss(case: Case) -> None:
    gradient = case.objective.gradient(case.params, case.inputs, case.targets)
    for w, g in zip(case.params, gradient, strict=True):
        slopes = differences(lambda: case.objective.loss(case.params, case.inputs, case.targets), w)
        assert apart(g, slopes) < TOLERANCE


@pytest.mark.parametrize("name", SURFACES)
def test_a_function_of_two_variables_and_its_gradient_are_torchs(name: str) -> None:
    function, gradient = getattr(from_scratch, name), getattr(from_scratch, f"{name}_gradient")
    for w in 2 * np.random.default_rng(5).standard_normal((10, 2)):
        p = torch.tensor(w, requires_grad=True)
        value = finite_sum.SURFACES[name](*p.unbind())
        (slope,) = torch.autograd.grad(value, p)
        assert function(w) == pytest.approx(value.item(), rel=1e-12)
        assert apart(gradient(w), slope.numpy()) < 1e-12
        assert apart(gradient(w), differences(lambda w=w: function(w), w)) < TOLERANCE


@pytest.mark.parametrize(
    ("name", "minimum"),
    [
        ("rosenbrock", (1, 1)),
        ("beale", (3, 0.5)),
        ("himmelblau", (3, 2)),
        ("himmelblau", (-2.805118086953, 3.131312518250)),
        ("himmelblau", (-3.779310253378, -3.283185991286)),
        ("himmelblau", (3.584428340330, -1.848126526964)),
        ("rastrigin", (0, 0)),
        ("saddle", (0, -1)),
        ("saddle", (0, 1)),
    ],
)
def test_a_function_of_two_variables_has_the_minimum_that_its_docstring_names(name: str, minimum: tuple[float, float]) -> None:
    w = np.array(minimum, float)
    assert getattr(from_scratch, name)(w) == pytest.approx(0, abs=1e-18)
    assert getattr(from_scratch, f"{name}_gradient")(w) == pytest.approx(np.zeros(2), abs=1e-9)


@each_case
def test_the_loss_is_the_mean_over_the_examples(case: Case) -> None:
    parts = [(case.inputs[i : i + 1], case.targets[i : i + 1]) for i in range(len(case.inputs))]
    mean = np.mean([case.objective.loss(case.params, *part) for part in parts])
    assert case.objective.loss(case.params, case.inputs, case.targets) == pytest.approx(mean, rel=1e-12)
    gradients = [case.objective.gradient(case.params, *part) for part in parts]
    for i, g in enumerate(case.objective.gradient(case.params, case.inputs, case.targets)):
        np.testing.assert_allclose(g, np.mean([gradient[i] for gradient in gradients], 0), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", [name for name in CASES if "quadratic" not in name])  # whose Hessian is of float64 here
def test_in_float32_the_gradient_is_float32(name: str) -> None:
    case = CASES[name]
    params = [w.astype(np.float32) for w in case.params]
    x, y = (part.astype(np.float32) if part.dtype == np.float64 else part for part in (case.inputs, case.targets))
    single = case.objective.gradient(params, x, y)
    assert {g.dtype for g in single} == {np.dtype(np.float32)}
    for g, wanted in zip(single, case.objective.gradient(case.params, case.inputs, case.targets), strict=True):
        assert apart(g, wanted) < 1e-4
    loss = case.objective.loss(case.params, case.inputs, case.targets)
    assert case.objective.loss(params, x, y) == pytest.approx(loss, rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_logistic_regression_does_not_overflow(size: float, dtype: type) -> None:
    x, y = np.array([[size], [size], [-size], [-size]], dtype), np.array([0, 1, 0, 1])
    objective, params = LogisticRegression(0.0), [np.ones(1, dtype)]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert objective.loss(params, x, y) == pytest.approx(size / 2)
        (gradient,) = objective.gradient(params, x, y)
    assert gradient == pytest.approx(size / 2)  # the two wrong of four, each by 1


def extremes(dtype: type) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Logits of -1000, 0 and 1000, each with each of three labels."""
    logits = np.array([[1000.0, 0.0, -1000.0]], dtype)
    return [np.zeros((3, 1), dtype), logits[0]], np.ones((3, 1), dtype), np.arange(3)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_cross_entropy_does_not_overflow(dtype: type) -> None:
    params, x, y = extremes(dtype)
    objective = Network("cross_entropy")
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert objective.loss(params, x, y) == pytest.approx((0 + 1000 + 2000) / 3)
        _, gradient = objective.gradient(params, x, y)
    assert gradient.tolist() == pytest.approx([2 / 3, -1 / 3, -1 / 3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", TORCH_LOSSES)
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid"])
def test_a_saturated_network_does_not_overflow(activation: str, loss: str, dtype: type) -> None:
    params = [np.full((4, 1), 1000.0, dtype), np.zeros(4, dtype), np.eye(3, 4, dtype=dtype), np.zeros(3, dtype)]
    x, y = np.array([[1.0], [-1.0], [0.0]], dtype), np.arange(3)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        assert np.isfinite(Network(loss, activation).loss(params, x, y))
        assert all(np.isfinite(g).all() for g in Network(loss, activation).gradient(params, x, y))


def test_the_slope_of_relu_at_its_kink_is_torchs() -> None:
    params: list[Any] = [np.ones((1, 1)), np.zeros(1), np.ones((1, 1)), np.zeros(1)]
    gradient = Network("squared_error", "relu").gradient(params, np.zeros((1, 1)), np.ones((1, 1)))
    assert [g.item() for g in gradient] == [0, 0, 0, -1]


def test_forward_propagation_keeps_the_inputs_every_layer_and_the_outputs() -> None:
    case = network("cross_entropy", "tanh", 2, "labels", 7)
    layers = Network("cross_entropy", "tanh").forward(case.params, case.inputs)
    assert [layer.shape for layer in layers] == [(7, FEATURES), (7, WIDTH), (7, WIDTH), (7, CLASSES)]
    assert layers[0] is case.inputs
    w, b = case.params[-2:]
    np.testing.assert_allclose(layers[-1], layers[-2] @ w.T + b, rtol=1e-14)
