"""What is minimised: values, gradients, optima, data and first weights."""

import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from conftest import names
from conftest import settings as compose
from torch import Tensor, nn

from descent.config.schema import RunConfig
from descent.config.targets import converted
from descent.errors import InputError
from descent.problems import mnist
from descent.problems.base import Problem
from descent.problems.classification import LOSSES, Classification
from descent.problems.networks import ACTIVATIONS, INITIALISATIONS, initial_weights
from descent.problems.splits import split
from descent.randomness import generator
from descent.training import build

NAMES = names("problem")
SPLIT_BY_SEED = ("digits_logreg", "digits_mlp", "moons_mlp", "linear_regression", "logistic_regression")
START_AT_ZERO = ("linear_regression", "logistic_regression", "wilson")  # all others draw their weights
TRAINING, STAND_IN = mnist.TRAINING, mnist.SOURCES["stand_in"]
SURFACES = ("rosenbrock", "beale", "himmelblau", "rastrigin", "saddle")
FINITE_SUMS = ("quadratic", *SURFACES)
each_problem = pytest.mark.parametrize("name", NAMES)
each_precision = pytest.mark.parametrize("precision", [32, 64])


@cache
def settings(name: str) -> RunConfig:
    return compose(f"problem={name}", *(["problem.dataset=stand_in"] if "mnist" in name else []))


def make(name: str, seed: int = 1, precision: int = 32, **changes: Any) -> Any:
    """The problem of a yaml, with `changes` to its settings."""
    chosen = settings(name)
    problem = converted("problem", chosen.problem.with_arguments(chosen.problem.arguments | changes))
    return build.problem(chosen.model_copy(update={"seed": seed, "precision": precision, "problem": problem}))


@pytest.fixture(scope="module", autouse=True)
def few_images() -> Iterator[None]:
    """All tests but one do with 250 of the stand-in's 70,000 images."""
    (images, labels), (test_images, test_labels) = STAND_IN(None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(mnist.SOURCES, "stand_in", lambda _: ((images[:200], labels[:200]), (test_images[:50], test_labels[:50])))
        patch.setattr(mnist, "TRAINING", 150)
        yield


def weights(problem: Problem) -> Tensor:
    return torch.cat([p.detach().flatten().double() for p in problem.parameters()])


def set_weights(problem: Problem, values: Any) -> None:
    (w,) = problem.parameters()
    with torch.no_grad():
        w.copy_(torch.as_tensor(values, dtype=torch.float64))


def gradient(problem: Any, value: Tensor) -> Tensor:
    return torch.autograd.grad(value, problem.w)[0]


# Every problem


@each_problem
def test_the_loss_is_finite_and_every_parameter_has_a_gradient(name: str) -> None:
    problem = make(name)
    inputs, targets = problem.data("train")
    loss = problem.loss(inputs[:50], targets[:50])
    assert loss.shape == ()
    assert loss.isfinite()
    loss.backward()
    for p in problem.parameters():
        assert p.grad is not None
        assert p.grad.isfinite().all()
        assert p.grad.any()


@each_problem
def test_measuring_in_chunks_is_measuring_at_once(name: str) -> None:
    problem = make(name, precision=64)
    for part in problem.splits:
        at_once = problem.measure(part, 10**6)
        assert problem.measure(part, 37) == pytest.approx(at_once, rel=1e-12, abs=1e-13)
        assert all(key.startswith(f"{part}/") and math.isfinite(value) for key, value in at_once.items())
    inputs, targets = problem.data("train")
    measured = problem.measure("train", 10**6)
    assert measured["train/loss"] == pytest.approx(problem.loss(inputs, targets).item(), rel=1e-12)
    assert ("train/gap" in measured) is (problem.optimum is not None)


@each_problem
def test_a_fixed_subset_is_the_first_examples(name: str) -> None:
    problem = make(name, precision=64)
    inputs, targets = problem.data("train")
    wanted = problem.loss(inputs[:20], targets[:20]).item()
    assert problem.measure("train", 7, examples=20)["train/loss"] == pytest.approx(wanted, rel=1e-12)


@each_problem
def test_the_seed_draws_the_weights(name: str) -> None:
    by_seed = [weights(make(name, seed=seed)) for seed in (0, 1, 2, 0, 1, 2)]
    for drawn, again in zip(by_seed[:3], by_seed[3:], strict=True):
        assert torch.equal(drawn, again)
    different = [not torch.equal(by_seed[a], by_seed[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert different == [name not in START_AT_ZERO] * 3


@each_problem
def test_precision_64_gives_float64_from_the_same_start(name: str) -> None:
    double, single = make(name, precision=64), make(name, precision=32)
    for problem, dtype in ((double, torch.float64), (single, torch.float32)):
        assert {p.dtype for p in problem.parameters()} == {dtype}
        assert {part.dtype for part in problem.data("train") if part.is_floating_point()} == {dtype}
    assert torch.equal(weights(double).float(), weights(single).float())


@each_problem
def test_data_stay_out_of_checkpoints(name: str) -> None:
    problem = make(name)
    assert set(problem.state_dict()) == {key for key, _ in problem.named_parameters()}


def test_the_stand_in_has_the_shape_of_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "TRAINING", TRAINING)
    monkeypatch.setitem(mnist.SOURCES, "stand_in", STAND_IN)
    problem = make("mnist_logreg")
    assert [tuple(problem.data(part)[0].shape) for part in problem.splits] == [(50_000, 784), (10_000, 784), (10_000, 784)]
    inputs, labels = problem.data("train")
    assert (inputs.min(), inputs.max()) == (0, 1)
    assert labels.unique().tolist() == list(range(10))


# Splits


@pytest.mark.parametrize("how", ["seed", "fixed"])
@pytest.mark.parametrize("stratify", [True, False])
def test_splits_take_each_example_once_and_keep_the_shares_of_the_classes(how: str, stratify: bool) -> None:
    labels = np.repeat([0, 1, 2], [700, 200, 100])
    rows = np.arange(1000)
    parts = split(rows, labels, seed=3, how=how, shares=(0.2, 0.1), stratify=stratify)
    assert {name: len(chosen) for name, (chosen, _) in parts.items()} == {"train": 700, "val": 200, "test": 100}
    assert sorted(np.concatenate([chosen for chosen, _ in parts.values()])) == rows.tolist()
    for chosen, targets in parts.values():
        assert np.array_equal(labels[chosen], targets)
        if stratify:
            assert (np.bincount(targets) / len(chosen)).tolist() == pytest.approx([0.7, 0.2, 0.1])


@pytest.mark.parametrize(
    ("name", "sizes"),
    [("digits_mlp", [1257, 270, 270]), ("moons_mlp", [600, 200, 200]), ("logistic_regression", [600, 200, 200])],
)
def test_the_splits_of_a_problem_are_stratified(name: str, sizes: list[int]) -> None:
    problem = make(name)
    labels = [problem.data(part)[1] for part in ("train", "val", "test")]
    assert [len(part) for part in labels] == sizes
    counts = torch.cat(labels).bincount()
    for part in labels:
        assert (part.bincount() - counts * len(part) / sum(sizes)).abs().max() < 1


@pytest.mark.parametrize("name", SPLIT_BY_SEED)
def test_the_seed_draws_the_split_unless_it_is_fixed(name: str) -> None:
    fixed = [make(name, seed=seed, split="fixed").checksum for seed in (0, 1, 2)]
    drawn = [make(name, seed=seed, split="seed").checksum for seed in (0, 1, 2, 1)]
    assert len(set(fixed)) == 1
    assert len(set(drawn)) == 3
    assert drawn[1] == drawn[3]


@pytest.mark.parametrize("name", ["digits_mlp", "moons_mlp"])
def test_the_seed_does_not_draw_the_data(name: str) -> None:
    examples = []
    for seed in (1, 2):
        problem = make(name, seed=seed, precision=64)
        inputs = torch.cat([problem.data(part)[0] for part in problem.splits])
        examples.append(sorted(map(tuple, inputs.tolist())))
    assert examples[0] == examples[1]


def test_the_data_do_not_hang_on_the_global_generators() -> None:
    """Neither torch's nor NumPy's: nobody else's draws change a run."""
    told = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        problem = make("moons_mlp")
        told.append((problem.checksum, weights(problem).tolist()))
    assert told[0] == told[1]


# Finite sums


def noisy(name: str, precision: int, **changes: Any) -> Any:
    return make(name, precision=precision, **{"additive": 0.3, "multiplicative": 0.5} | changes)


@each_precision
@pytest.mark.parametrize("name", FINITE_SUMS)
@pytest.mark.parametrize("examples", [2, 64, 1000])
def test_the_noise_of_a_finite_sum_adds_up_to_exactly_0(name: str, precision: int, examples: int) -> None:
    problem = noisy(name, precision, examples=examples)
    c, e = problem.data("train")
    assert (len(c), len(e)) == (examples, examples)
    for order in (torch.arange(examples), torch.from_numpy(generator(1, "order").permutation(examples))):
        assert c[order].sum() == 0
        assert not e[order].sum(0).any()
    assert c.any()
    assert e.any()


@each_precision
@pytest.mark.parametrize("name", FINITE_SUMS)
def test_the_full_batch_of_a_finite_sum_is_f_bit_for_bit(name: str, precision: int) -> None:
    problem = noisy(name, precision)
    inputs, targets = problem.data("train")
    for seed in range(5):
        set_weights(problem, 10.0**seed * generator(seed, "test").standard_normal(problem.w.shape))
        loss, f = problem.loss(inputs, targets), problem.f()
        assert torch.equal(loss, f)
        assert torch.equal(gradient(problem, loss), gradient(problem, f))


@pytest.mark.parametrize("name", FINITE_SUMS)
def test_each_example_of_a_finite_sum_has_its_own_factor_and_slope(name: str) -> None:
    problem = noisy(name, 64)
    c, e = problem.data("train")
    for i in (0, 1, 40, 63):
        wanted = (1 + c[i]) * problem.f() + e[i] @ problem.w
        assert problem.loss(c[i : i + 1], e[i : i + 1]).item() == pytest.approx(wanted.item(), rel=1e-12)
    one_by_one = [problem.loss(c[i : i + 1], e[i : i + 1]).item() for i in range(10, 17)]
    assert problem.loss(c[10:17], e[10:17]).item() == pytest.approx(np.mean(one_by_one), rel=1e-12)


def test_the_noise_has_the_size_of_its_settings() -> None:
    c, e = make("quadratic", additive=0.3, multiplicative=0.5, examples=10_000, dimension=20).data("train")
    assert e.std().item() == pytest.approx(0.3, rel=0.02)
    assert c.abs().max().item() == pytest.approx(0.5, rel=0.01)
    assert c.std().item() == pytest.approx(0.5 / math.sqrt(3), rel=0.03)


@pytest.mark.parametrize(("knob", "part"), [("multiplicative", 0), ("additive", 1)])
@pytest.mark.parametrize("size", [0.0, 1e-4, 0.01])
def test_small_noise_is_not_lost(knob: str, part: int, size: float) -> None:
    noise = make("quadratic", **{"additive": 0.0, "multiplicative": 0.0} | {knob: size}).data("train")[part].double()
    wanted = size / math.sqrt(3) if knob == "multiplicative" else size
    assert noise.std().item() == pytest.approx(wanted, rel=0.2)


@pytest.mark.parametrize("name", FINITE_SUMS)
def test_the_seed_moves_the_start_by_its_spread(name: str) -> None:
    start = torch.as_tensor(settings(name).problem.arguments["start"], dtype=torch.float64)
    assert torch.equal(make(name, seed=5, precision=64, start_spread=0.0).w.detach(), start.expand(make(name).w.shape))
    moved = [make(name, seed=seed, precision=64, start_spread=0.5).w.detach() - start for seed in range(60)]
    assert torch.stack(moved).std().item() == pytest.approx(0.5, rel=0.2)


# Known optima


@pytest.mark.parametrize("name", ["linear_regression", "logistic_regression", "wilson"])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_gradient_vanishes_at_the_optimum_and_the_loss_is_its_value(name: str, seed: int) -> None:
    problem = make(name, seed=seed, precision=64)
    inputs, targets = problem.data("train")
    assert problem.position()["distance"] == pytest.approx(np.linalg.norm(problem.solution))
    set_weights(problem, problem.solution)
    loss = problem.loss(inputs, targets)
    assert gradient(problem, loss).norm() < 1e-13
    assert loss.item() == pytest.approx(problem.optimum, rel=1e-13)
    assert problem.measure("train", 100)["train/gap"] == pytest.approx(0, abs=1e-13)
    assert problem.position()["distance"] == 0
    set_weights(problem, problem.solution + 1e-3)
    assert problem.measure("train", 100)["train/gap"] > 0


@pytest.mark.parametrize("name", ["linear_regression", "logistic_regression"])
@pytest.mark.parametrize("changes", [{}, {"dimension": 5, "condition": 1000}, {"dimension": 1, "condition": 1}])
def test_the_largest_curvature_of_a_linear_model_is_1(name: str, changes: dict[str, Any]) -> None:
    """For logistic regression the bound of it, at w = 0, without the regularisation."""
    problem = make(name, precision=64, **changes)
    inputs, _ = problem.data("train")
    gram = inputs.T @ inputs / len(inputs)
    largest = torch.linalg.eigvalsh(gram)[-1].item()
    assert largest / (4 if name == "logistic_regression" else 1) == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("name", ["linear_regression", "logistic_regression"])
def test_the_condition_is_that_of_the_inputs(name: str) -> None:
    problem = make(name, precision=64, points=100_000, dimension=4, condition=50)
    eigenvalues = torch.linalg.eigvalsh(problem.data("train")[0].T.cov())
    assert (eigenvalues / eigenvalues[-1]).tolist() == pytest.approx(np.geomspace(1 / 50, 1, 4), rel=0.05)


@pytest.mark.parametrize("rotated", [True, False])
@pytest.mark.parametrize(("dimension", "condition"), [(20, 100), (2, 1e6), (5, 1), (1, 1)])
def test_the_quadratic_has_the_eigenvalues_it_names(rotated: bool, dimension: int, condition: float) -> None:
    problem = make("quadratic", precision=64, rotated=rotated, dimension=dimension, condition=condition)
    columns = []
    for axis in torch.eye(dimension, dtype=torch.float64):  # the gradient at an axis is a column of the Hessian
        set_weights(problem, axis)
        columns.append(gradient(problem, problem.f()))
    hessian = torch.stack(columns)
    assert torch.equal(hessian, hessian.T)
    eigenvalues = torch.linalg.eigvalsh(hessian).tolist()
    assert eigenvalues == pytest.approx(
        np.geomspace(1 / condition, 1, dimension)[-dimension:] if dimension > 1 else [1], rel=1e-9
    )
    diagonal = torch.equal(hessian, hessian.diag().diag())
    assert diagonal is (not rotated or dimension == 1) or condition == 1
    set_weights(problem, torch.zeros(dimension))
    assert problem.f() == problem.optimum == 0
    assert not gradient(problem, problem.f()).any()


VALUES = [  # surface, point, published value
    ("rosenbrock", (1.0, 1.0), 0.0),
    ("rosenbrock", (-1.2, 1.0), 24.2),
    ("beale", (3.0, 0.5), 0.0),
    ("beale", (1.0, 1.0), 14.203125),
    ("himmelblau", (3.0, 2.0), 0.0),
    ("himmelblau", (-2.805118, 3.131312), 0.0),
    ("himmelblau", (-3.779310, -3.283186), 0.0),
    ("himmelblau", (3.584428, -1.848126), 0.0),
    ("himmelblau", (-0.270845, -0.923039), 181.617),
    ("rastrigin", (0.0, 0.0), 0.0),
    ("rastrigin", (1.0, 1.0), 2.0),
    ("rastrigin", (0.5, -0.5), 40.5),
    ("saddle", (0.0, -1.0), 0.0),
    ("saddle", (0.0, 1.0), 0.0),
    ("saddle", (0.0, 0.0), 0.25),
    ("saddle", (1.0, 2.0), 2.75),
]


@pytest.mark.parametrize(("name", "point", "value"), VALUES)
@pytest.mark.parametrize("scale", [1.0, 0.01])
def test_a_surface_has_its_published_values(name: str, point: tuple[float, float], value: float, scale: float) -> None:
    problem = make(name, precision=64, scale=scale)
    set_weights(problem, point)
    assert problem.f().item() == pytest.approx(scale * value, rel=1e-5, abs=1e-8)
    assert problem.position() == {"w/0": point[0], "w/1": point[1]}
    if value == 0:
        assert problem.optimum == 0
        assert gradient(problem, problem.f()).norm() < 1e-3 * scale  # the points are rounded


@pytest.mark.parametrize("name", FINITE_SUMS)
def test_gradients_agree_with_central_differences(name: str) -> None:
    problem = make(name, precision=64)
    for seed in range(3):
        at = 1.5 * torch.from_numpy(generator(seed, "test").standard_normal(problem.w.shape))
        set_weights(problem, at)
        exact = gradient(problem, problem.f())
        for i, step in enumerate(1e-6 * torch.eye(len(at), dtype=torch.float64)):
            set_weights(problem, at + step)
            above = problem.f().item()
            set_weights(problem, at - step)
            assert (above - problem.f().item()) / 2e-6 == pytest.approx(exact[i].item(), rel=1e-6, abs=1e-7)


def test_the_loss_of_linear_regression_equals_its_definition() -> None:
    problem = make("linear_regression", precision=64)
    w = generator(1, "test").standard_normal(20)
    set_weights(problem, w)
    x, y = (part[:30].numpy() for part in problem.data("train"))
    measured = problem.measure("train", 30, examples=30)
    assert measured["train/loss"] == pytest.approx(0.5 * np.mean((x @ w - y) ** 2), rel=1e-12)


def test_the_loss_of_logistic_regression_equals_its_definition() -> None:
    problem = make("logistic_regression", precision=64, regularisation=0.1)
    w = generator(1, "test").standard_normal(20)
    set_weights(problem, w)
    x, y = (part[:30].numpy() for part in problem.data("train"))
    measured = problem.measure("train", 30, examples=30)
    wanted = np.mean(np.log1p(np.exp(-(2 * y - 1) * (x @ w)))) + 0.1 / 2 * w @ w
    assert measured["train/loss"] == pytest.approx(wanted, rel=1e-12)
    assert measured["train/accuracy"] == pytest.approx(np.mean((x @ w > 0) == y))


# Chebyshev


@pytest.mark.parametrize("degree", [1, 2, 3, 4, 5, 9])
def test_the_targets_are_the_chebyshev_polynomial_on_evenly_spaced_points(degree: int) -> None:
    problem = make("chebyshev_mlp", precision=64, degree=degree)
    assert problem.splits == ("train",)
    x, y = problem.data("train")
    assert (x.shape, y.shape) == ((20, 1), (20, 1))
    assert x.flatten().tolist() == pytest.approx([-1 + 2 * i / 19 for i in range(20)])
    before, wanted = torch.ones_like(x), x
    for _ in range(degree - 1):  # T_{k+1} = 2 x T_k - T_{k-1}
        before, wanted = wanted, 2 * x * wanted - before
    assert torch.allclose(y, wanted, rtol=0, atol=1e-14)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_loss_of_chebyshev_is_half_the_mean_squared_error_of_an_mlp(activation: str) -> None:
    problem = make("chebyshev_mlp", precision=64, activation=activation, initialisation="normal", width=4)
    x, y = (part[:7].numpy() for part in problem.data("train"))
    w1, b1, w2, b2, w3, b3 = (p.detach().numpy() for p in problem.parameters())
    z = BY_HAND[activation](BY_HAND[activation](x @ w1.T + b1) @ w2.T + b2) @ w3.T + b3
    assert problem.activation == activation
    measured = problem.measure("train", 7, examples=7)
    assert measured == {"train/loss": pytest.approx(sum((z - y).flatten() ** 2) / 14, rel=1e-12)}


def test_the_seed_does_not_draw_the_polynomial() -> None:
    assert make("chebyshev_mlp", seed=1).checksum == make("chebyshev_mlp", seed=2).checksum


@pytest.mark.parametrize("lr", [0.1, 0.15, 0.2])
def test_gradient_descent_on_chebyshev_ends_at_the_edge_of_stability(lr: float) -> None:
    """The largest eigenvalue of the Hessian starts far below 2/lr and ends near it, whatever lr."""
    problem = make("chebyshev_mlp", precision=64)
    data = problem.data("train")
    parameters = dict(problem.named_parameters())

    def largest() -> float:
        def loss(*values: Tensor) -> Tensor:
            weights = {name.removeprefix("network."): value for name, value in zip(parameters, values, strict=True)}
            return (torch.func.functional_call(problem.network, weights, data[0]) - data[1]).square().mean() / 2

        values = tuple(p.detach() for p in parameters.values())
        blocks = torch.autograd.functional.hessian(loss, values, vectorize=True)
        rows = [torch.cat([b.reshape(p.numel(), -1) for b in row], 1) for row, p in zip(blocks, values, strict=True)]
        return torch.linalg.eigvalsh(torch.cat(rows))[-1].item()

    assert largest() < 5
    losses = []
    for _ in range(round(400 / lr)):
        loss = problem.loss(*data)
        losses.append(loss.item())
        for p, slope in zip(parameters.values(), torch.autograd.grad(loss, list(parameters.values())), strict=True):
            p.data -= lr * slope
    assert largest() == pytest.approx(2 / lr, rel=0.1)
    assert np.median(losses[-200:]) < np.median(losses[len(losses) // 2 :][:200]) / 2


# Wilson et al.


@pytest.mark.parametrize(("points", "positive"), [(100, 0.6), (50, 0.7), (20, 0.75)])
def test_wilsons_features_are_those_of_the_paper(points: int, positive: float) -> None:
    problem = make("wilson", precision=64, points=points, positive=positive)
    factor = problem.data("train")[0][0, 1].item()
    example = 0
    for part, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        inputs, targets = problem.data(part)
        assert inputs.shape == (share * points, 3 + 5 * points)
        assert (targets == 1).sum() == round(positive * len(targets))
        for x, y in zip(inputs / factor, targets.tolist(), strict=True):
            example += 1
            ones = [2, 3, *range(4 + 5 * (example - 1), 4 + 5 * (example - 1) + {1: 1, -1: 5}[y])]
            wanted = torch.zeros(len(x), dtype=torch.float64)
            wanted[[feature - 1 for feature in ones]] = 1
            wanted[0] = y
            assert torch.equal(x, wanted)
    inputs, _ = problem.data("train")
    assert torch.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1].item() == pytest.approx(1, rel=1e-12)


def test_wilsons_solution_is_the_interpolation_of_least_norm() -> None:
    """By hand: w = X^T a with a_i = a on positive and -b on negative examples, a and b from X X^T a = y."""
    problem = make("wilson", precision=64)
    assert problem.optimum == 0
    inputs, y = (part.numpy() for part in problem.data("train"))
    factor = inputs[0, 1]
    x = inputs / factor
    many, few = 36, 24
    determinant = 5 + 15 * many + 3 * few + 8 * many * few
    a, b = (5 + 4 * few) / determinant, (1 + 4 * many) / determinant
    wanted = x.T @ np.where(y > 0, a, -b)
    assert problem.solution * factor == pytest.approx(wanted, abs=1e-13)
    test, labels = (part.numpy() for part in problem.data("test"))
    assert test @ problem.solution == pytest.approx(np.where(labels > 0, 1 - a, 5 * b - 1), abs=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "accuracy"),
    [*[(name, 1.0) for name in ("sgd", "momentum", "nesterov")], *[(name, 0.6) for name in ("adagrad", "rmsprop", "adam")]],
)
def test_adaptive_methods_do_not_generalise_on_wilsons_examples(optimizer: str, accuracy: float) -> None:
    problem = make("wilson", precision=64)
    steps = build.optimizer(compose("problem=wilson", f"optimizer={optimizer}"), "cpu")(problem.parameters())
    for _ in range(300):
        steps.zero_grad()
        problem.loss(*problem.data("train")).backward()
        steps.step()
    assert problem.measure("train", 100)["train/accuracy"] == 1
    assert problem.measure("train", 100)["train/gap"] < 1e-4
    assert problem.measure("test", 100)["test/accuracy"] == pytest.approx(accuracy)
    if accuracy == 1:
        assert problem.position()["distance"] < 0.01
    else:
        inputs, targets = problem.data("train")
        assert torch.allclose(problem.w, problem.w[0] * (inputs.T @ targets).sign(), rtol=0, atol=1e-5)


def test_a_prediction_of_0_is_wrong_on_wilsons_examples() -> None:
    problem = make("wilson", precision=64)
    assert problem.measure("train", 100) == {"train/loss": 0.5, "train/gap": 0.5, "train/accuracy": 0}
    w = generator(1, "test").standard_normal(503)
    set_weights(problem, w)
    x, y = (part[:13].numpy() for part in problem.data("val"))
    measured = problem.measure("val", 13, examples=13)
    assert measured["val/loss"] == pytest.approx(0.5 * np.mean((x @ w - y) ** 2), rel=1e-12)
    assert measured["val/accuracy"] == pytest.approx(np.mean(np.sign(x @ w) == y))


def test_the_seed_does_not_draw_wilsons_examples() -> None:
    assert make("wilson", seed=1).checksum == make("wilson", seed=2).checksum


# Networks


WIDE, FAN_IN, FAN_OUT = ((4000, 50), (4000,)), 50, 4000
SCHEMES = {  # variance of the weights and of the biases, and the largest weight where there is one
    "pytorch": (1 / (3 * FAN_IN), 1 / (3 * FAN_IN), 1 / math.sqrt(FAN_IN)),
    "normal": (1, 1, None),
    "scaled_normal": (1 / FAN_IN, 1, None),
    "kaiming": (2 / FAN_IN, 0, None),
    "xavier": (2 / (FAN_IN + FAN_OUT), 0, math.sqrt(6 / (FAN_IN + FAN_OUT))),
}


@pytest.mark.parametrize("scheme", INITIALISATIONS)
def test_first_weights_have_the_variance_of_their_scheme(scheme: str) -> None:
    of_weights, of_biases, bound = SCHEMES[scheme]
    ((weight, bias),) = initial_weights([WIDE], scheme, generator(1, "weights"))
    assert weight.var() == pytest.approx(of_weights, rel=0.03)
    assert abs(weight.mean()) < 4 * math.sqrt(of_weights / weight.size)
    assert bias.var() == pytest.approx(of_biases, rel=0.15)
    assert abs(bias.mean()) <= 4 * math.sqrt(of_biases / bias.size)
    if bound is None:
        assert abs(weight).max() > 3.5 * math.sqrt(of_weights)  # normal
    else:
        assert 0.999 * bound < abs(weight).max() <= bound  # uniform


@pytest.mark.parametrize("layer", [nn.Linear(50, 4000), nn.Conv2d(16, 300, 3)], ids=["linear", "conv"])
def test_scheme_pytorch_has_the_range_of_torchs_own_layers(layer: Any) -> None:
    ((weight, bias),) = initial_weights(
        [(tuple(layer.weight.shape), tuple(layer.bias.shape))], "pytorch", generator(1, "weights")
    )
    assert abs(weight).max() == pytest.approx(layer.weight.abs().max().item(), rel=0.001)
    assert abs(bias).max() == pytest.approx(layer.bias.abs().max().item(), rel=0.05)


@pytest.mark.parametrize("scheme", INITIALISATIONS)
def test_a_network_starts_with_the_numbers_that_every_engine_draws(scheme: str) -> None:
    problem = make("mnist_cnn", seed=7, precision=64, initialisation=scheme, width=2)
    shapes = [((2, 1, 3, 3), (2,)), ((4, 2, 3, 3), (4,)), ((10, 196), (10,))]
    drawn = initial_weights(shapes, scheme, generator(7, "weights"))
    for p, value in zip(problem.parameters(), [part for layer in drawn for part in layer], strict=True):
        assert np.array_equal(p.detach().numpy(), value)


@pytest.mark.parametrize(
    ("name", "changes", "shapes"),
    [
        ("digits_logreg", {}, [(10, 64), (10,)]),
        ("digits_mlp", {}, [(32, 64), (32,), (10, 32), (10,)]),
        ("digits_mlp", {"width": 5, "depth": 3}, [(5, 64), (5,), (5, 5), (5,), (5, 5), (5,), (10, 5), (10,)]),
        ("moons_mlp", {}, [(16, 2), (16,), (16, 16), (16,), (2, 16), (2,)]),
        ("chebyshev_mlp", {}, [(20, 1), (20,), (20, 20), (20,), (1, 20), (1,)]),
        ("chebyshev_mlp", {"width": 3, "depth": 1}, [(3, 1), (3,), (1, 3), (1,)]),
        ("mnist_mlp", {"width": 3}, [(3, 784), (3,), (10, 3), (10,)]),
        ("mnist_cnn", {}, [(8, 1, 3, 3), (8,), (16, 8, 3, 3), (16,), (10, 784), (10,)]),
        ("mnist_cnn", {"width": 3, "depth": 1}, [(3, 1, 3, 3), (3,), (10, 588), (10,)]),
        (
            "mnist_cnn",
            {"width": 1, "depth": 4},
            [(1, 1, 3, 3), (1,), (2, 1, 3, 3), (2,), (4, 2, 3, 3), (4,), (8, 4, 3, 3), (8,), (10, 8), (10,)],
        ),
        ("digits_mlp", {"network": "cnn", "width": 2, "depth": 1}, [(2, 1, 3, 3), (2,), (10, 32), (10,)]),
        (  # down to one pixel
            "digits_mlp",
            {"network": "cnn", "width": 1, "depth": 3},
            [(1, 1, 3, 3), (1,), (2, 1, 3, 3), (2,), (4, 2, 3, 3), (4,), (10, 4), (10,)],
        ),
    ],
)
def test_width_and_depth_shape_the_network(name: str, changes: dict[str, Any], shapes: list[tuple[int, ...]]) -> None:
    problem = make(name, **changes)
    assert [tuple(p.shape) for p in problem.parameters()] == shapes
    assert problem.loss(*(part[:7] for part in problem.data("train"))).isfinite()


BY_HAND = {"relu": lambda z: np.maximum(z, 0), "tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_network_computes_what_its_equations_say(activation: str, loss: str) -> None:
    problem = make("digits_mlp", precision=64, activation=activation, loss=loss, width=4, depth=2, initialisation="normal")
    x, y = (part[:50].numpy() for part in problem.data("train"))
    w1, b1, w2, b2, w3, b3 = (p.detach().numpy() for p in problem.parameters())
    hidden = BY_HAND[activation](BY_HAND[activation](x @ w1.T + b1) @ w2.T + b2)
    z = hidden @ w3.T + b3
    if loss == "cross_entropy":
        wanted = np.mean(np.log(np.exp(z).sum(1)) - z[np.arange(50), y])
    elif loss == "sigmoid_cross_entropy":
        a, t = BY_HAND["sigmoid"](z), np.eye(10)[y]
        wanted = -np.sum(t * np.log(a) + (1 - t) * np.log(1 - a)) / 50
    else:
        outputs = BY_HAND["sigmoid"](z) if loss == "sigmoid_squared_error" else z
        wanted = np.mean(np.square(outputs - np.eye(10)[y]).sum(1)) / 2
    measured = problem.measure("train", 50, examples=50)
    assert measured == pytest.approx({"train/loss": wanted, "train/accuracy": np.mean(z.argmax(1) == y)}, rel=1e-10)


def test_squared_error_is_half_the_mean_squared_distance_to_one_hot_targets() -> None:
    outputs, targets = torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([0, 1])
    assert LOSSES["squared_error"](outputs, targets).item() == (0 + 4 + 9 + 4) / 4
    logits = torch.logit(torch.tensor([[0.5, 0.75], [0.25, 0.5]], dtype=torch.float64))
    wanted = (0.5**2 + 0.75**2 + 0.25**2 + 0.5**2) / 4
    assert LOSSES["sigmoid_squared_error"](logits, targets).item() == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "chance"),
    [("moons_mlp", 0.5), ("digits_mlp", 128 / 1257), ("wilson", 0.6), ("chebyshev_mlp", None), ("linear_regression", None)],
)
def test_chance_is_the_accuracy_of_the_best_constant_answer(name: str, chance: float | None) -> None:
    assert make(name).chance("train") == (None if chance is None else pytest.approx(chance, abs=1e-3))
    if chance is not None:
        problem = make(name)
        labels = problem.data("train")[1][:30]
        assert problem.chance("train", 30) == max((labels == label).double().mean().item() for label in range(-1, 10))


# Scaling


NOISY = [name for name in NAMES if "label_noise" in settings(name).problem.arguments]


def test_every_classification_may_have_wrong_labels() -> None:
    assert [name for name in NAMES if isinstance(make(name), Classification)] == NOISY


@pytest.mark.parametrize("name", NOISY)
def test_label_noise_replaces_its_share_of_the_training_labels_and_nothing_else(name: str) -> None:
    plain, noisy = make(name), make(name, label_noise=0.3)
    (inputs, labels), (same, wrong) = plain.data("train"), noisy.data("train")
    assert torch.equal(inputs, same)
    assert (labels != wrong).sum() == round(0.3 * len(labels))
    assert set(wrong.tolist()) <= set(range(int(labels.max()) + 1))
    for part in ("val", "test"):
        assert torch.equal(plain.data(part)[1], noisy.data(part)[1])
    assert torch.equal(weights(plain), weights(noisy))
    assert torch.equal(wrong, make(name, label_noise=0.3).data("train")[1])
    assert torch.equal(labels, make(name, label_noise=0.0).data("train")[1])


def test_wrong_labels_are_drawn_by_the_seed_and_each_other_class_alike() -> None:
    first, second = (make("digits_mlp", seed, split="fixed", label_noise=1.0).data("train")[1] for seed in (1, 2))
    assert not torch.equal(first, second)
    labels = make("digits_mlp", split="fixed").data("train")[1]
    shifts = ((first - labels) % 10).bincount(minlength=10)
    assert shifts[0] == 0
    assert shifts[1:].min() > len(labels) / 9 - 5 * (len(labels) / 9) ** 0.5


def test_unit_scaling_divides_by_the_largest_value() -> None:
    raw, scaled = make("digits_mlp", scaling="none"), make("digits_mlp", scaling="unit")
    for part in raw.splits:
        assert torch.equal(raw.data(part)[0] / 16, scaled.data(part)[0])
    assert raw.data("train")[0].unique().tolist() == list(range(17))
    assert make("mnist_mlp").data("train")[0].max() == 1


def test_unit_scaling_does_not_look_at_the_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures that reach only half the range stay dark."""
    (images, labels), test = mnist.SOURCES["stand_in"](None)
    monkeypatch.setitem(mnist.SOURCES, "stand_in", lambda _: ((images // 2, labels), test))
    assert make("mnist_logreg", precision=64).data("train")[0].max() == 127 / 255


@pytest.mark.parametrize("name", ["digits_mlp", "moons_mlp", "mnist_mlp"])
def test_standardizing_uses_the_training_split_alone(name: str) -> None:
    raw, scaled = (make(name, precision=64, scaling=scaling) for scaling in ("none", "standardize"))
    train = raw.data("train")[0]
    mean, deviation = train.mean(0), train.std(0, correction=0)
    varies = deviation > 0
    assert scaled.data("train")[0].mean(0).abs().max() < 1e-12
    assert torch.allclose(scaled.data("train")[0].std(0, correction=0), varies.double())
    for part in raw.splits:
        inputs = scaled.data(part)[0]
        assert torch.allclose(inputs[:, varies], ((raw.data(part)[0] - mean) / deviation)[:, varies])
        assert not inputs[:, ~varies].any()
    assert scaled.data("val")[0].mean(0).abs().max() > 1e-3


# What is refused

REFUSED = [  # problem, settings, how the message begins, what else it names
    ("digits_mlp", {"network": "resnet"}, "problem.network=resnet: ", "linear, mlp, cnn"),
    ("digits_mlp", {"loss": "hinge"}, "problem.loss=hinge: ", "cross_entropy, squared_error, sigmoid_squared_error"),
    ("digits_mlp", {"scaling": "log"}, "problem.scaling=log: ", "unit, standardize, none"),
    ("digits_mlp", {"activation": "gelu"}, "problem.activation=gelu: ", "relu, tanh, sigmoid"),
    (
        "digits_mlp",
        {"initialisation": "zero"},
        "problem.initialisation=zero: ",
        "pytorch, normal, scaled_normal, kaiming, xavier",
    ),
    ("digits_mlp", {"split": "random"}, "problem.split=random: ", "seed, fixed"),
    ("linear_regression", {"split": None}, "problem.split=null: ", "text"),
    ("mnist_mlp", {"dataset": "CIFAR10"}, "problem.dataset=CIFAR10: ", "MNIST, FashionMNIST, stand_in"),
    ("chebyshev_mlp", {"activation": "gelu"}, "problem.activation=gelu: ", "relu, tanh, sigmoid"),
    (
        "chebyshev_mlp",
        {"initialisation": "zero"},
        "problem.initialisation=zero: ",
        "pytorch, normal, scaled_normal, kaiming, xavier",
    ),
    ("beale", {"surface": "ackley"}, "problem.surface=ackley: ", "rosenbrock, beale, himmelblau, rastrigin, saddle"),
    # without effect
    ("digits_logreg", {"width": 5}, "problem.width=5: has no effect", "problem.network=mlp"),
    ("digits_logreg", {"depth": 1}, "problem.depth=1: has no effect", "problem.network=mlp"),
    ("digits_logreg", {"activation": "relu"}, "problem.activation=relu: has no effect", "problem.network=mlp"),
    ("digits_mlp", {"network": "linear"}, "problem.width=32: has no effect", "problem.network=linear"),
    ("moons_mlp", {"scaling": "unit"}, "problem.scaling=unit: ", "standardize"),
    # missing
    ("digits_mlp", {"width": None}, "problem.width=null: ", "needs it"),
    ("digits_mlp", {"activation": None}, "problem.activation=null: ", "needs it"),
    # out of range
    ("mnist_cnn", {"depth": 5}, "problem.depth=5: must be <= 4", "28x28"),
    ("moons_mlp", {"network": "cnn"}, "problem.network=cnn: ", "image"),
    ("beale", {"start": [1.0, 2.0, 3.0]}, "problem.start=[1, 2, 3]: ", "two numbers"),
    ("beale", {"start": 1.0}, "problem.start=1: ", "list of numbers"),
    ("quadratic", {"start": [1.0, 2.0]}, "problem.start=[1, 2]: ", "number"),
    ("quadratic", {"condition": 0.5}, "problem.condition=0.5: ", ">= 1"),
    ("linear_regression", {"condition": 0.5}, "problem.condition=0.5: ", ">= 1"),
    ("logistic_regression", {"regularisation": 0.0}, "problem.regularisation=0: ", "> 0"),
    ("wilson", {"positive": 0.9, "points": 20}, "problem.positive=0.9: ", "both labels"),
    ("wilson", {"positive": 0.1, "points": 20}, "problem.positive=0.1: ", "> 0.5"),
    ("wilson", {"positive": 0.5}, "problem.positive=0.5: ", "> 0.5"),
    ("rosenbrock", {"examples": 3}, "problem.examples=3: ", "even number >= 2"),
    ("rosenbrock", {"examples": 0}, "problem.examples=0: ", ">= 1"),
    ("rosenbrock", {"multiplicative": 1.5}, "problem.multiplicative=1.5: ", "<= 1"),
    ("rosenbrock", {"additive": -0.1}, "problem.additive=-0.1: ", ">= 0"),
]


@pytest.mark.parametrize(("name", "changes", "begins", "names"), REFUSED, ids=[f"{n} {c}" for n, c, *_ in REFUSED])
def test_what_cannot_work_is_refused_in_one_line(name: str, changes: dict[str, Any], begins: str, names: str) -> None:
    with pytest.raises(InputError) as refused:
        make(name, **changes)
    told = str(refused.value)
    assert told.startswith(begins)
    assert names in told
    assert "\n" not in told


@pytest.mark.parametrize("key", ["no_such_setting", "dtype"])
@pytest.mark.parametrize(
    "name", ["digits_mlp", "moons_mlp", "mnist_mlp", "quadratic", "beale", "linear_regression", "chebyshev_mlp", "wilson"]
)
def test_a_setting_that_a_problem_does_not_have_is_refused(name: str, key: str) -> None:
    """A key misspelt in a yaml (on the command line Hydra refuses it), or one that is not the yaml's to set."""
    with pytest.raises(InputError) as refused:
        make(name, **{key: 3})
    told = str(refused.value)
    assert told.startswith(f"problem.{key}=3: ")
    for allowed in settings(name).problem.arguments:
        assert allowed in told
