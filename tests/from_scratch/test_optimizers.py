"""The hand-written optimizers against torch.optim in float64, and against plain recursions where torch has no such form."""

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from descent import schedules
from descent.from_scratch import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    AMSGrad,
    LogisticRegression,
    Momentum,
    NAdam,
    Nesterov,
    Network,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
)
from descent.from_scratch.objectives import Objective, Quadratic
from descent.from_scratch.optimizers import OPTIMIZERS, like_torch

STEPS = 200
EXAMPLES = 20
BATCHES = {"full": EXAMPLES, "stochastic": 1, "mini": 6}

# Our name, torch's name, torch's arguments with a learning rate that is stable on all three problems.
DEFAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "SGD": ("SGD", {"lr": 0.1}),
    "Momentum": ("SGD", {"lr": 0.02, "momentum": 0.9}),
    "Nesterov": ("SGD", {"lr": 0.02, "momentum": 0.9, "nesterov": True}),
    "ASGD": ("ASGD", {"lr": 0.1}),
    "Adagrad": ("Adagrad", {"lr": 0.1}),
    "RMSprop": ("RMSprop", {"lr": 0.01}),
    "Adadelta": ("Adadelta", {"lr": 1.0}),
    "Rprop": ("Rprop", {"lr": 0.01}),
    "Adam": ("Adam", {"lr": 0.01}),
    "AMSGrad": ("Adam", {"lr": 0.01, "amsgrad": True}),
    "AdamW": ("AdamW", {"lr": 0.01}),
    "Adamax": ("Adamax", {"lr": 0.01}),
    "NAdam": ("NAdam", {"lr": 0.01}),
    "RAdam": ("RAdam", {"lr": 0.01}),
}
KNOBS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"lr": 0.1, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.1, "dampening": 0.3}),  # which torch ignores without momentum
    ("SGD", {"lr": 0.02, "momentum": 0.8, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.5}),
    ("SGD", {"lr": 0.02, "momentum": 0.7, "nesterov": True, "weight_decay": 0.1}),
    ("ASGD", {"lr": 0.1, "lambd": 0.05, "alpha": 0.6, "t0": 20, "weight_decay": 0.1}),
    ("ASGD", {"lr": 0.1, "lambd": 0.0, "t0": 0}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.05}),
    ("Adagrad", {"lr": 0.1, "initial_accumulator_value": 0.3, "eps": 0.1}),
    ("Adagrad", {"lr": 0.1, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 0.05}),
    ("RMSprop", {"lr": 0.003, "momentum": 0.8}),
    ("RMSprop", {"lr": 0.01, "centered": True, "eps": 0.05}),
    ("RMSprop", {"lr": 0.003, "centered": True, "alpha": 0.95, "momentum": 0.6, "weight_decay": 0.1, "eps": 1e-3}),
    ("Adadelta", {"lr": 0.5, "rho": 0.7, "eps": 1e-3}),
    ("Adadelta", {"lr": 2.0, "weight_decay": 0.1}),
    ("Rprop", {"lr": 0.003, "etas": (0.3, 1.5)}),
    ("Rprop", {"lr": 0.01, "step_sizes": (0.004, 0.02)}),
    ("Adam", {"lr": 0.02, "betas": (0.8, 0.95), "eps": 0.01}),
    ("Adam", {"lr": 0.01, "betas": (0.0, 0.9), "eps": 0.1}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("Adam", {"lr": 0.01, "betas": (0.7, 0.8), "amsgrad": True, "eps": 1e-3}),
    ("Adam", {"lr": 0.01, "amsgrad": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.02, "betas": (0.8, 0.95), "eps": 0.01, "weight_decay": 0.3}),
    ("AdamW", {"lr": 0.01, "weight_decay": 0.0}),
    ("AdamW", {"lr": 0.01, "betas": (0.7, 0.8), "amsgrad": True}),
    ("AdamW", {"lr": 0.01, "betas": (0.7, 0.8), "amsgrad": True, "weight_decay": 0.3}),
    ("Adamax", {"lr": 0.02, "betas": (0.8, 0.9), "eps": 0.05}),
    ("Adamax", {"lr": 0.01, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 0.01, "momentum_decay": 0.05}),
    ("NAdam", {"lr": 0.01, "momentum_decay": 0.0}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.01, "betas": (0.8, 0.95), "eps": 0.01}),
    ("RAdam", {"lr": 0.01, "betas": (0.9, 0.6)}),  # rho stays below 5: momentum's steps only
    ("RAdam", {"lr": 0.01, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True}),
]


@pytest.fixture(scope="module", autouse=True)
def one_thread_and_float64() -> Iterator[None]:
    """Torch's ASGD and NAdam keep eta and mu in its default dtype; two threads only wait for each other at these sizes."""
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_num_threads(threads)
    torch.set_default_dtype(dtype)


class Problem(NamedTuple):
    """One problem twice: with our gradient, and as a loss for autograd."""

    objective: Objective
    loss: Callable[[list[Tensor], Tensor, Tensor], Tensor]
    start: list[np.ndarray]
    inputs: np.ndarray
    targets: np.ndarray


def quadratic_problem() -> Problem:
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    hessian = rotation @ np.diag(np.geomspace(0.05, 1, 6)) @ rotation.T
    h = torch.tensor(hessian)
    return Problem(
        Quadratic(hessian),
        lambda p, c, e: (1 + c.mean()) * (p[0] @ h @ p[0]) / 2 + e.mean(0) @ p[0],
        [rng.standard_normal(6)],
        rng.uniform(-0.3, 0.3, EXAMPLES),
        0.1 * rng.standard_normal((EXAMPLES, 6)),
    )


def logistic_problem() -> Problem:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((EXAMPLES, 5))
    y = (x @ rng.standard_normal(5) + rng.standard_normal(EXAMPLES) > 0).astype(np.int64)

    def loss(p: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(x @ p[0], y.double()) + 0.01 / 2 * p[0].square().sum()

    return Problem(LogisticRegression(0.01), loss, [0.5 * rng.standard_normal(5)], x, y)


def mlp_problem() -> Problem:
    rng = np.random.default_rng(2)

    def loss(p: list[Tensor], x: Tensor, y: Tensor) -> Tensor:
        return functional.cross_entropy(functional.linear(torch.tanh(functional.linear(x, p[0], p[1])), p[2], p[3]), y)

    start = [rng.standard_normal(shape) / 2 for shape in ((5, 4), (5,), (3, 5), (3,))]
    inputs, targets = rng.standard_normal((EXAMPLES, 4)), rng.integers(3, size=EXAMPLES)
    return Problem(Network("cross_entropy", "tanh"), loss, start, inputs, targets)


PROBLEMS = {"quadratic": quadratic_problem(), "logistic regression": logistic_problem(), "MLP": mlp_problem()}


def rows(batch: int) -> Iterator[np.ndarray]:
    """What each step sees: epoch after epoch in a new order, the last batch of an epoch short."""
    rng = np.random.default_rng(3)
    while True:
        order = rng.permutation(EXAMPLES)
        yield from (order[i : i + batch] for i in range(0, EXAMPLES, batch))


def flat(arrays: list[Any]) -> np.ndarray:
    return np.concatenate([np.ravel(array) for array in arrays])


def difference(ours: list[Any], theirs: list[Any]) -> float:
    return float(np.linalg.norm(flat(ours) - flat(theirs)) / np.linalg.norm(flat(theirs)))


def check_agreement(name: str, arguments: dict[str, Any], problem: Problem, batch: int, schedule: Any = None) -> None:
    """Train both for `STEPS` steps on the same batches: ours by its own gradients, torch's by autograd."""
    our_name, our_arguments = like_torch(name, arguments)
    ours = OPTIMIZERS[our_name](**our_arguments)
    w = [array.copy() for array in problem.start]
    p = [torch.tensor(array, requires_grad=True) for array in problem.start]
    theirs = getattr(torch.optim, name)(p, **arguments)
    x, y = torch.tensor(problem.inputs), torch.tensor(problem.targets)
    for step, i in zip(range(STEPS), rows(batch), strict=False):
        if schedule:
            ours.lr = theirs.param_groups[0]["lr"] = arguments["lr"] * schedule(step, STEPS, [])
        theirs.zero_grad()
        problem.loss(p, x[i], y[i]).backward()
        if name == "Rprop":  # it reads signs only, which amplifies rounding near 0: give both the same gradients
            grads = [q.grad.numpy().copy() for q in p]  # type: ignore[union-attr]
        else:
            grads = problem.objective.gradient(w, problem.inputs[i], problem.targets[i])
        ours.step(w, grads)
        theirs.step()
    weights = [q.detach().numpy() for q in p]
    assert difference(weights, problem.start) > 0.01  # it went somewhere
    assert difference(w, weights) < 1e-10
    if name == "ASGD":
        averages = [theirs.state[q]["ax"].numpy() for q in p]
        assert difference([state.average for state in ours.state], averages) < 1e-10


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("mode", BATCHES)
@pytest.mark.parametrize("name", DEFAULTS)
def test_training_with_our_gradients_ends_where_torch_and_autograd_end(name: str, mode: str, problem: str) -> None:
    theirs, arguments = DEFAULTS[name]
    assert like_torch(theirs, arguments)[0] == name
    check_agreement(theirs, arguments, PROBLEMS[problem], BATCHES[mode])


cosine = functools.partial(schedules.cosine, final_factor=0.1)


@pytest.mark.parametrize(
    ("problem", "mode", "schedule"),
    [("logistic regression", "stochastic", None), ("MLP", "mini", cosine)],
)
@pytest.mark.parametrize(("name", "arguments"), KNOBS, ids=[f"{name}({arguments})" for name, arguments in KNOBS])
def test_every_hyperparameter_does_what_torchs_does(
    name: str, arguments: dict[str, Any], problem: str, mode: str, schedule: Any
) -> None:
    check_agreement(name, arguments, PROBLEMS[problem], BATCHES[mode], schedule)


@pytest.mark.parametrize("name", DEFAULTS)
def test_the_defaults_are_torchs(name: str) -> None:
    torchs, arguments = DEFAULTS[name]
    theirs = inspect.signature(getattr(torch.optim, torchs)).parameters
    ours = inspect.signature(OPTIMIZERS[name]).parameters
    shared = ours.keys() & theirs.keys() - {"momentum"} - ({"decoupled_weight_decay"} if name == "AdamW" else set())
    assert {"lr"} <= shared >= arguments.keys() - {"momentum", "nesterov", "amsgrad"}
    assert {key: ours[key].default for key in shared} == {key: theirs[key].default for key in shared}


def test_every_optimizer_is_in_the_table() -> None:
    assert set(DEFAULTS) == {name for name, kind in OPTIMIZERS.items() if kind.package == "torch.optim"}


@pytest.mark.parametrize("name", sorted({name for name, _ in DEFAULTS.values()}))
def test_every_hyperparameter_of_torch_is_varied_in_the_table(name: str) -> None:
    switches = {"params", "maximize", "foreach", "capturable", "differentiable", "fused"}  # how, not what, is computed
    varied = {key for other, arguments in KNOBS if other == name for key in arguments}
    assert inspect.signature(getattr(torch.optim, name)).parameters.keys() - switches - varied <= {"decoupled_weight_decay"}


@pytest.mark.parametrize("name", DEFAULTS)
def test_only_lr_and_what_the_method_is_made_of_can_go_without_a_name(name: str) -> None:
    parameters = inspect.signature(OPTIMIZERS[name]).parameters
    by_name = {key for key, parameter in parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    more = {"eps_placement", "bias_correction"} if issubclass(OPTIMIZERS[name], Adam) else set()
    more |= {"maximum"} if name == "AMSGrad" else set()
    assert next(iter(parameters)) == "lr"
    assert by_name == {"weight_decay", "decoupled_weight_decay"} | more
    assert parameters.keys().isdisjoint({"steps", "state"})


@pytest.mark.parametrize(
    ("name", "arguments", "wanted"),
    [
        ("SGD", {"lr": 1.0, "momentum": 0.0, "dampening": 0.0, "nesterov": False}, ("SGD", {"lr": 1.0})),
        ("SGD", {"momentum": 0.5, "dampening": 0.2}, ("Momentum", {"momentum": 0.5, "dampening": 0.2})),
        ("SGD", {"momentum": 0.5, "nesterov": True}, ("Nesterov", {"momentum": 0.5})),
        ("SGD", {"momentum": 0.5, "nesterov": False}, ("Momentum", {"momentum": 0.5})),
        ("Adam", {"amsgrad": False, "eps": 0.1}, ("Adam", {"eps": 0.1})),
        ("Adam", {"amsgrad": True}, ("AMSGrad", {})),
        ("AdamW", {"amsgrad": False}, ("AdamW", {})),
        ("AdamW", {"amsgrad": True}, ("AMSGrad", {"weight_decay": 0.01, "decoupled_weight_decay": True})),
        ("Muon", {"nesterov": False}, ("Muon", {"nesterov": False})),
        ("RMSprop", {"momentum": 0.9, "centered": True}, ("RMSprop", {"momentum": 0.9, "centered": True})),
    ],
)
def test_torchs_names_and_arguments_are_ours(name: str, arguments: dict[str, Any], wanted: tuple[str, dict[str, Any]]) -> None:
    before = dict(arguments)
    assert like_torch(name, arguments) == wanted
    assert arguments == before


# Variants of other libraries and of the papers: recursions of their own, on gradients of very different sizes.

START = np.array([1.0, -2.0, 3.0, 0.5])
GRADIENTS = np.random.default_rng(4).standard_normal((30, 4)) * [1.0, 1e-1, 1e-3, 10.0]
FALLING = [0.1 * 0.9**step for step in range(len(GRADIENTS))]
Updates = Iterator[np.ndarray]


def trajectory(optimizer: Optimizer, lrs: list[float] | None = None) -> np.ndarray:
    w, points = START.copy(), []
    for step, g in enumerate(GRADIENTS):
        if lrs:
            optimizer.lr = lrs[step]
        optimizer.step(w, g.copy())
        points.append(w.copy())
    return np.array(points)


def uncorrected_adam(lr: float = 0.1, b1: float = 0.8, b2: float = 0.95, eps: float = 1e-2) -> Updates:
    """Keras' Adam: eps beside the root of the uncorrected average."""
    m = v = np.zeros(4)
    for t, g in enumerate(GRADIENTS, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        yield -lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(v) + eps)


def uncorrected_amsgrad(lr: float = 0.1, b1: float = 0.8, b2: float = 0.95, eps: float = 1e-2) -> Updates:
    """Keras' Adam with amsgrad."""
    m = v = u = np.zeros(4)
    for t, g in enumerate(GRADIENTS, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        u = np.maximum(u, v)
        yield -lr * math.sqrt(1 - b2**t) / (1 - b1**t) * m / (np.sqrt(u) + eps)


def biased_adam(lr: float = 0.1, b1: float = 0.8, b2: float = 0.95, eps: float = 1e-2) -> Updates:
    """Adam as it is without the correction for the start at 0."""
    m = v = np.zeros(4)
    for g in GRADIENTS:
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        yield -lr * m / (np.sqrt(v) + eps)


def optax_nadam(lr: float = 0.1, b1: float = 0.8, b2: float = 0.95, eps: float = 1e-2) -> Updates:
    """optax.nadam: Adam whose corrected average looks one step ahead with the same beta1."""
    m = v = np.zeros(4)
    for t, g in enumerate(GRADIENTS, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        m_hat = b1 * m / (1 - b1 ** (t + 1)) + (1 - b1) * g / (1 - b1**t)
        yield -lr * m_hat / (np.sqrt(v / (1 - b2**t)) + eps)


def keras_adamax(lr: float = 0.1, b1: float = 0.8, b2: float = 0.95, eps: float = 1e-2) -> Updates:
    m = u = np.zeros(4)
    for t, g in enumerate(GRADIENTS, 1):
        m, u = b1 * m + (1 - b1) * g, np.maximum(b2 * u, np.abs(g))
        yield -lr * m / (1 - b1**t) / (u + eps)


def optax_amsgrad(lr: float = 0.1, b1: float = 0.8, b2: float = 0.95, eps: float = 1e-2) -> Updates:
    """optax.amsgrad: the largest v is taken after its bias is corrected."""
    m = v = u = np.zeros(4)
    for t, g in enumerate(GRADIENTS, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        u = np.maximum(u, v / (1 - b2**t))
        yield -lr * m / (1 - b1**t) / (np.sqrt(u) + eps)


def keras_nadam(lr: float = 0.1, b1: float = 0.8, b2: float = 0.95, eps: float = 1e-2) -> Updates:
    """keras.optimizers.Nadam: the warm-up has the step itself as exponent."""
    m = v = np.zeros(4)
    product = 1.0
    for t, g in enumerate(GRADIENTS, 1):
        now, ahead = b1 * (1 - 0.5 * 0.96**t), b1 * (1 - 0.5 * 0.96 ** (t + 1))
        product *= now
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        m_hat = ahead * m / (1 - product * ahead) + (1 - now) * g / (1 - product)
        yield -lr * m_hat / (np.sqrt(v / (1 - b2**t)) + eps)


def papers_radam(lr: float = 0.1, b1: float = 0.8, b2: float = 0.95, eps: float = 1e-2, corrected: bool = False) -> Updates:
    """Algorithm 2 of the paper, which rectifies where rho > 4; eps, which it has not, where torch or optax has it."""
    m = v = np.zeros(4)
    limit = 2 / (1 - b2) - 1
    for t, g in enumerate(GRADIENTS, 1):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        rho = limit - 2 * t * b2**t / (1 - b2**t)
        step = lr * m / (1 - b1**t)
        if rho > 4:
            r = math.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
            step = step * r / (np.sqrt(v / (1 - b2**t)) + (eps if corrected else eps / math.sqrt(1 - b2**t)))
        yield -step


def optax_adagrad(lr: float = 0.1, start: float = 0.1, eps: float = 1e-2) -> Updates:
    s = np.full(4, start)
    for g in GRADIENTS:
        s = s + g**2
        yield -lr * g / np.sqrt(s + eps)


def inside_rmsprop(lr: float = 0.1, alpha: float = 0.8, eps: float = 1e-2, momentum: float = 0.5, centred: float = 0) -> Updates:
    """optax.rmsprop with momentum, centred or not: eps is added to the square."""
    s = m = z = np.zeros(4)
    for g in GRADIENTS:
        s, m = alpha * s + (1 - alpha) * g**2, alpha * m + (1 - alpha) * g
        z = momentum * z + g / np.sqrt(s - centred * m**2 + eps)
        yield -lr * z


def keras_rmsprop(lrs: list[float], alpha: float = 0.8, eps: float = 1e-2, momentum: float = 0.5) -> Updates:
    """keras.optimizers.RMSprop, and optax.rmsprop: the momentum carries steps."""
    s = z = np.zeros(4)
    for lr, g in zip(lrs, GRADIENTS, strict=True):
        s = alpha * s + (1 - alpha) * g**2
        z = momentum * z + lr * g / np.sqrt(s + eps)
        yield -z


def keras_momentum(lrs: list[float], momentum: float = 0.8, nesterov: bool = False) -> Updates:
    """keras.optimizers.SGD: the velocity is a step, so it keeps the learning rates it was made with."""
    v = np.zeros(4)
    for lr, g in zip(lrs, GRADIENTS, strict=True):
        v = momentum * v - lr * g
        yield momentum * v - lr * g if nesterov else v


def damped_momentum(lrs: list[float], momentum: float = 0.8, dampening: float = 0.3, step: bool = False) -> Updates:
    """A velocity that starts at 0 and takes every gradient damped, the first one too."""
    z = np.zeros(4)
    for lr, g in zip(lrs, GRADIENTS, strict=True):
        z = momentum * z + (1 - dampening) * g * (lr if step else 1)
        yield -z if step else -lr * z


ADAM: dict[str, Any] = {"lr": 0.1, "betas": (0.8, 0.95), "eps": 1e-2}
RMS: dict[str, Any] = {"lr": 0.1, "alpha": 0.8, "eps": 1e-2, "momentum": 0.5, "eps_inside_root": True}
STEP: dict[str, Any] = {"momentum": 0.8, "velocity": "step"}
DAMPED: dict[str, Any] = {"momentum": 0.8, "dampening": 0.3, "dampen_first": True}
VARIANTS: dict[str, tuple[type[Optimizer], dict[str, Any], Callable[[], Updates], list[float] | None]] = {
    "Adam, uncorrected": (Adam, ADAM | {"eps_placement": "uncorrected"}, uncorrected_adam, None),
    "AMSGrad, uncorrected": (AMSGrad, ADAM | {"eps_placement": "uncorrected"}, uncorrected_amsgrad, None),
    "Adam, biased": (Adam, ADAM | {"bias_correction": False}, biased_adam, None),
    "Adam, both": (Adam, ADAM | {"bias_correction": False, "eps_placement": "uncorrected"}, biased_adam, None),
    "NAdam, constant momentum": (NAdam, ADAM | {"constant_momentum": True}, optax_nadam, None),
    "Adamax, eps outside": (Adamax, ADAM | {"eps_outside": True}, keras_adamax, None),
    "RAdam, threshold 4": (RAdam, ADAM | {"threshold": 4.0}, papers_radam, None),
    "Adagrad, eps inside": (
        Adagrad,
        {"lr": 0.1, "initial_accumulator_value": 0.1, "eps": 1e-2, "eps_inside_root": True},
        optax_adagrad,
        None,
    ),
    "RMSprop, eps inside": (RMSprop, RMS, inside_rmsprop, None),
    "RMSprop, eps inside, centred": (RMSprop, RMS | {"centered": True}, lambda: inside_rmsprop(centred=1), None),
    "RMSprop of steps": (RMSprop, RMS | {"velocity": "step"}, lambda: keras_rmsprop(FALLING), FALLING),
    "AMSGrad, largest corrected": (AMSGrad, ADAM | {"maximum": "corrected"}, optax_amsgrad, None),
    "NAdam, Keras' warm-up": (NAdam, ADAM | {"momentum_decay": 1.0}, keras_nadam, None),
    "RAdam, eps corrected": (
        RAdam,
        ADAM | {"threshold": 4.0, "eps_placement": "corrected"},
        lambda: papers_radam(corrected=True),
        None,
    ),
    "Momentum of steps": (Momentum, STEP, lambda: keras_momentum(FALLING), FALLING),
    "Nesterov of steps": (Nesterov, STEP, lambda: keras_momentum(FALLING, nesterov=True), FALLING),
    "Momentum, all dampened": (Momentum, DAMPED, lambda: damped_momentum(FALLING), FALLING),
    "Momentum of steps, all dampened": (Momentum, STEP | DAMPED, lambda: damped_momentum(FALLING, step=True), FALLING),
}


@pytest.mark.parametrize(("kind", "knobs", "updates", "lrs"), VARIANTS.values(), ids=VARIANTS)
def test_a_variant_follows_its_own_recursion(
    kind: type[Optimizer], knobs: dict[str, Any], updates: Callable[[], Updates], lrs: list[float] | None
) -> None:
    np.testing.assert_allclose(trajectory(kind(**knobs), lrs), START + np.cumsum(list(updates()), 0), rtol=1e-13)


def test_adams_uncorrected_eps_is_torchs_with_a_larger_one_in_the_first_steps() -> None:
    betas, eps = (0.9, 0.999), 1e-3
    p = torch.tensor(START, requires_grad=True)
    theirs = torch.optim.Adam([p], lr=0.1, betas=betas, eps=eps)
    points = []
    for t, g in enumerate(GRADIENTS, 1):
        theirs.param_groups[0]["eps"] = eps / math.sqrt(1 - betas[1] ** t)
        p.grad = torch.tensor(g)
        theirs.step()
        points.append(p.detach().numpy().copy())
    ours = trajectory(Adam(lr=0.1, betas=betas, eps=eps, eps_placement="uncorrected"))
    np.testing.assert_allclose(ours, points, rtol=1e-13)
    assert np.abs(ours - trajectory(Adam(lr=0.1, betas=betas, eps=eps))).max() > 1e-3


def test_without_bias_correction_adams_first_step_is_about_three_times_the_learning_rate() -> None:
    w = Adam(lr=0.1, eps=0.0, bias_correction=False).step(np.zeros(2), np.array([3.0, -1e-5]))
    np.testing.assert_allclose(w, [-0.1 * 0.1 / math.sqrt(0.001), 0.1 * 0.1 / math.sqrt(0.001)], rtol=1e-12)


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
def test_a_velocity_of_steps_differs_from_one_of_gradients_only_where_the_learning_rate_changes(kind: type[Momentum]) -> None:
    gradient, step = kind(lr=0.1), kind(lr=0.1, velocity="step")
    np.testing.assert_allclose(trajectory(gradient), trajectory(step), rtol=1e-12)
    apart = trajectory(kind(), FALLING) - trajectory(kind(velocity="step"), FALLING)
    assert np.abs(apart[1:]).min(0).max() > 1e-3
    assert np.abs(apart[0]).max() < 1e-15


def test_torch_dampens_every_gradient_but_the_first() -> None:
    damped, undamped = Momentum(lr=1.0, dampening=0.3), Momentum(lr=1.0, dampening=0.3, dampen_first=True)
    assert damped.step(np.zeros(1), np.ones(1)) == -1.0
    assert undamped.step(np.zeros(1), np.ones(1)) == pytest.approx(-0.7)
    for optimizer in (damped, undamped):
        before = optimizer.state[0].z
        optimizer.step(np.zeros(1), np.ones(1))
        assert optimizer.state[0].z == pytest.approx(0.9 * before + 0.7)


@pytest.mark.parametrize("velocity", ["gradient", "step"])
def test_nesterovs_weights_are_the_look_ahead_points_of_the_textbooks_iterates(velocity: str) -> None:
    hessian, lr, momentum = np.diag([1.0, 0.1, 0.01, 0.5]), 0.3, 0.7
    optimizer = Nesterov(lr=lr, momentum=momentum, velocity=velocity)
    w = START.copy()
    x, y = START, START
    for _ in range(50):
        optimizer.step(w, hessian @ w)
        new = y - lr * hessian @ y
        y, x = new + momentum * (new - x), new
        np.testing.assert_allclose(w, y, rtol=1e-11)
        np.testing.assert_allclose(optimizer.iterate(w, optimizer.state[0]), x, rtol=1e-11)


@pytest.mark.parametrize(("threshold", "first"), [(4.0, 5), (5.0, 6)])
def test_radam_rectifies_from_the_step_where_rho_passes_the_threshold(threshold: float, first: int) -> None:
    optimizer, momentum = RAdam(lr=1.0, threshold=threshold), []
    for _ in range(8):
        momentum.append(float(optimizer.step(np.zeros(1), np.full(1, 10.0))[0]) == pytest.approx(-10.0))
    assert momentum == [t < first for t in range(1, 9)]


def test_asgd_averages_the_weights_after_t0() -> None:
    optimizer = ASGD(lr=0.1, lambd=0.0, t0=10)
    points = trajectory(optimizer)
    np.testing.assert_allclose(optimizer.state[0].average, points[11:].mean(0), rtol=1e-12)


@pytest.mark.parametrize("decoupled", [True, False])
@pytest.mark.parametrize("kind", [SGD, Momentum, Nesterov])
def test_without_divisor_and_momentum_both_weight_decays_are_one(kind: type[Optimizer], decoupled: bool) -> None:
    knobs: dict[str, Any] = {} if kind is SGD else {"momentum": 0.0}
    optimizer = kind(0.1, **knobs, weight_decay=0.3, decoupled_weight_decay=decoupled)
    points = np.array([START, *trajectory(optimizer)])
    np.testing.assert_allclose(points[1:], (1 - 0.1 * 0.3) * points[:-1] - 0.1 * GRADIENTS, rtol=1e-13)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_gradient_has_a_variance_of_zero_and_not_below(dtype: type) -> None:
    w, g = np.zeros(3, dtype), np.array([0.3, 0.7, 1.1], dtype)
    optimizer = RMSprop(lr=0.01, centered=True)
    for _ in range(4000):
        optimizer.step(w, g)
    assert np.isfinite(w).all()


# Nests of parameters.

SHAPES = ((), (2,), (3, 2), (1, 2, 2), (), (2, 1))
SIZES = [math.prod(shape) for shape in SHAPES]
Gather = Callable[[list[np.ndarray]], Any]
NESTS: dict[str, Gather] = {
    "a list": list,
    "a tuple": tuple,
    "a dict": lambda arrays: {f"w{i}": array for i, array in enumerate(arrays)},
    "a mix": lambda a: {"layers": [{"w": a[0], "b": a[1]}, (a[2], [a[3]])], "scale": a[4], "out": (a[5],), "none": []},
}


def make(name: str, **more: Any) -> Optimizer:
    """The optimizer of the table above, with weight decay where it has any."""
    ours, arguments = like_torch(*DEFAULTS.get(name, (name, {})))
    return OPTIMIZERS[ours](**arguments, **({} if name == "Rprop" else {"weight_decay": 0.1}), **more)


def cut(vector: np.ndarray) -> list[np.ndarray]:
    """Arrays of `SHAPES` that share no memory with the vector."""
    parts = np.split(vector.copy(), np.cumsum(SIZES)[:-1])
    return [part.reshape(shape).copy() for part, shape in zip(parts, SHAPES, strict=True)]


@pytest.mark.parametrize("gather", NESTS.values(), ids=NESTS)
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_nest_goes_where_one_flat_array_goes_and_is_updated_in_place(name: str, gather: Gather) -> None:
    rng = np.random.default_rng(5)
    vector = rng.standard_normal(sum(SIZES))
    arrays = cut(vector)
    params = gather(arrays)
    of_nest, of_vector = make(name), make(name)
    of_vector.shapes = SHAPES
    for _ in range(5):
        gradient = rng.standard_normal(len(vector))
        parts = cut(gradient)
        assert of_nest.step(params, gather(parts)) is params
        assert of_vector.step(vector, gradient) is vector
        assert np.array_equal(flat(parts), gradient)  # the gradients are left alone
    assert of_nest.steps == of_vector.steps == 5
    np.testing.assert_allclose(flat(arrays), vector, rtol=1e-15)
    assert sum(np.size(value) for state in of_nest.state for value in vars(state).values()) == sum(
        np.size(value) for value in vars(of_vector.state[0]).values()
    )
    assert [array.shape for array in arrays] == list(SHAPES)


def test_the_order_of_a_dict_does_not_matter() -> None:
    params = {"a": np.zeros(2), "b": np.zeros(2)}
    SGD(lr=1.0).step(params, {"b": np.full(2, 2.0), "a": np.ones(2)})
    assert params["a"].tolist() == [-1, -1]
    assert params["b"].tolist() == [-2, -2]


def test_tied_dtypes_and_a_view_of_a_larger_array_are_updated_where_they_lie() -> None:
    whole = np.zeros((4, 4))
    SGD(lr=1.0).step({"half": whole[:, ::2], "other": np.zeros(1, np.float32)}, {"half": np.ones((4, 2)), "other": [2.0]})
    assert whole.sum() == -8
    assert whole[:, 1::2].sum() == 0


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize("of_gradient", [np.float32, np.float64])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_stays_float32(name: str, of_gradient: type, nested: bool) -> None:
    rng = np.random.default_rng(6)
    more = [np.array(0.5, np.float32), np.ones((3, 2), np.float32)]
    single = [rng.standard_normal(3).astype(np.float32), *(more if nested else [])]
    double = [array.astype(np.float64) for array in single]
    of_single, of_double = make(name), make(name)
    for _ in range(20):
        grads = [rng.standard_normal(array.shape).astype(np.float32) for array in single]
        given = [np.asarray(g, of_gradient) for g in grads]
        of_single.step(*(single, given) if nested else (single[0], given[0]))
        of_double.step(double, [g.astype(np.float64) for g in grads])
    assert {array.dtype for array in single} == {np.dtype(np.float32)}
    remembered = [
        value for state in of_single.state for value in vars(state).values() if isinstance(value, (np.ndarray, np.generic))
    ]
    assert {value.dtype for value in remembered} <= {np.dtype(np.float32)}
    np.testing.assert_allclose(flat(single), flat(double), rtol=1e-4, atol=1e-5)


def test_an_optimizer_of_ones_own_needs_an_update_only() -> None:
    class Signs(Optimizer):
        def update(self, w: np.ndarray, g: np.ndarray, s: Any) -> np.ndarray:  # noqa: ARG002
            return w - self.lr * np.sign(g)

    assert Signs(lr=0.5, weight_decay=0.1).step([np.ones(1)], [np.full(1, 9.0)])[0] == 0.5
    with pytest.raises(NotImplementedError):
        Optimizer(lr=0.5).step([np.ones(1)], [np.ones(1)])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_optimizer_keeps_no_hold_of_gradients_or_weights(name: str) -> None:
    """Whoever writes the next gradient into the same array changes nothing that is remembered."""
    reused, fresh = START.copy(), START.copy()
    of_reused, of_fresh, g = make(name), make(name), np.empty(4)
    for gradient in GRADIENTS[:5]:
        g[...] = gradient
        of_reused.step(reused, g)
        g[...] = np.nan
        of_fresh.step(fresh, gradient.copy())
    assert np.array_equal(reused, fresh)


STRUCTURE = r"the gradient of params{} has another structure: must have an entry for each of the parameters\."
SHAPE = r"the gradient of params{} has shape {}: must be {}, that of the parameter\."
REFUSED: dict[str, tuple[Any, Any, type[Exception], str]] = {
    "integers": (
        np.zeros(2, int),
        np.zeros(2),
        TypeError,
        r"^params has dtype int64: must be float32 or float64\. Try ",
    ),
    "integers with such gradients": (np.zeros(2, int), np.zeros(2, int), TypeError, r"^params has dtype int64: must be float32"),
    "complex": ([np.zeros(2, complex)], [np.zeros(2)], TypeError, r"^params\[0\] has dtype complex128: must be float32 or float"),
    "half": ({"w": np.zeros(2, np.float16)}, {"w": np.zeros(2)}, TypeError, r"^params\['w'\] has dtype float16: must be"),
    "a number": (1.0, 1.0, TypeError, r"^params is a float: must be a NumPy array, or a dict, list or tuple of them\.$"),
    "numbers": ([1.0, 2.0], [0.0, 0.0], TypeError, r"^params\[0\] is a float: must be a NumPy array"),
    "a missing one": ({"a": np.zeros(1), "b": np.zeros(1)}, {"a": np.zeros(1)}, ValueError, "^" + STRUCTURE.format("") + "$"),
    "one too many": ([np.zeros(1)], [np.zeros(1), np.zeros(1)], ValueError, "^" + STRUCTURE.format("")),
    "another key": ({"a": np.zeros(1)}, {"b": np.zeros(1)}, ValueError, "^" + STRUCTURE.format("")),
    "an array for a list": ([np.zeros(1)], np.zeros((1, 1)), ValueError, "^" + STRUCTURE.format("")),
    "deeper": ({"a": [np.zeros(1)]}, {"a": np.zeros(1)}, ValueError, "^" + STRUCTURE.format(r"\['a'\]")),
    "shape": (np.zeros(2), np.zeros(3), ValueError, "^" + SHAPE.format("", r"\(3,\)", r"\(2,\)") + "$"),
    "transposed": (
        [(np.zeros((2, 3)),)],
        [(np.zeros((3, 2)),)],
        ValueError,
        SHAPE.format(r"\[0\]\[0\]", r"\(3, 2\)", r"\(2, 3\)"),
    ),
    "broadcast": ({"w": np.zeros((2, 3))}, {"w": np.zeros(3)}, ValueError, SHAPE.format(r"\['w'\]", r"\(3,\)", r"\(2, 3\)")),
    "a number for an array": (np.zeros(1), 1.0, ValueError, SHAPE.format("", r"\(\)", r"\(1,\)")),
}


@pytest.mark.parametrize(("params", "grads", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_parameters_and_gradients_that_do_not_fit_are_refused_before_anything_changes(
    params: Any, grads: Any, error: type[Exception], message: str
) -> None:
    optimizer = SGD(lr=1.0)
    with pytest.raises(error, match=message) as raised:
        optimizer.step(params, grads)
    assert "\n" not in str(raised.value)
    assert optimizer.steps == 0


def test_another_number_of_arrays_than_at_the_first_step_is_refused() -> None:
    optimizer = SGD()
    optimizer.step([np.zeros(1)], [np.zeros(1)])
    with pytest.raises(ValueError, match=r"^params has 2 arrays, and had 1 at the first step: make a new optimizer\.$"):
        optimizer.step([np.zeros(1)] * 2, [np.zeros(1)] * 2)
    assert optimizer.steps == 1


INVALID: list[tuple[type[Optimizer], dict[str, Any], str]] = [
    (SGD, {"lr": -0.1}, r"optimizer\.lr=-0.1: must be >= 0\."),
    (SGD, {"lr": math.nan}, r"optimizer\.lr=nan: must be >= 0\."),
    (SGD, {"weight_decay": -1}, r"optimizer\.weight_decay=-1: must be >= 0\."),
    (Momentum, {"lr": -1}, r"optimizer\.lr=-1: must be >= 0\."),
    (Momentum, {"momentum": 1.0}, r"optimizer\.momentum=1: must be >= 0 and < 1\."),
    (Momentum, {"momentum": -0.1}, r"optimizer\.momentum=-0.1: must be >= 0 and < 1\."),
    (Momentum, {"dampening": 1}, r"optimizer\.dampening=1: must be >= 0 and < 1\."),
    (Momentum, {"velocity": "steps"}, r"optimizer\.velocity=steps: must be gradient or step\."),
    (Nesterov, {"dampening": 0.5}, r"optimizer\.dampening=0.5: must be 0\."),
    (Nesterov, {"momentum": 1}, r"optimizer\.momentum=1: must be >= 0 and < 1\."),
    (ASGD, {"lr": -1}, r"optimizer\.lr=-1: must be >= 0\."),
    (ASGD, {"lambd": -1}, r"optimizer\.lambd=-1: must be >= 0\."),
    (Adagrad, {"lr": -1}, r"optimizer\.lr=-1: must be >= 0\."),
    (Adagrad, {"eps": -1}, r"optimizer\.eps=-1: must be >= 0\."),
    (Adagrad, {"lr_decay": -1}, r"optimizer\.lr_decay=-1: must be >= 0\."),
    (Adagrad, {"initial_accumulator_value": -1}, r"optimizer\.initial_accumulator_value=-1: must be >= 0\."),
    (RMSprop, {"lr": -1}, r"optimizer\.lr=-1: must be >= 0\."),
    (RMSprop, {"alpha": 1}, r"optimizer\.alpha=1: must be >= 0 and < 1\."),
    (RMSprop, {"eps": -1}, r"optimizer\.eps=-1: must be >= 0\."),
    (RMSprop, {"momentum": 1}, r"optimizer\.momentum=1: must be >= 0 and < 1\."),
    (Adadelta, {"lr": -1}, r"optimizer\.lr=-1: must be >= 0\."),
    (Adadelta, {"rho": 1}, r"optimizer\.rho=1: must be >= 0 and < 1\."),
    (Adadelta, {"eps": -1}, r"optimizer\.eps=-1: must be >= 0\."),
    (Rprop, {"lr": -1}, r"optimizer\.lr=-1: must be >= 0\."),
    (Rprop, {"etas": (1.0, 1.2)}, r"optimizer\.etas\[0\]=1: must be >= 0 and < 1\."),
    (Rprop, {"etas": (0.5, 0.9)}, r"optimizer\.etas\[1\]=0.9: must be >= 1\."),
    (Rprop, {"weight_decay": 0.1}, r"optimizer\.weight_decay=0.1: must be 0\."),
    (Adam, {"lr": -1}, r"optimizer\.lr=-1: must be >= 0\."),
    (Adam, {"betas": (1, 0.9)}, r"optimizer\.betas\[0\]=1: must be >= 0 and < 1\."),
    (Adam, {"betas": (0.9, -0.1)}, r"optimizer\.betas\[1\]=-0.1: must be >= 0 and < 1\."),
    (Adam, {"eps": -1e-8}, r"optimizer\.eps=-1e-08: must be >= 0\."),
    (Adam, {"eps_placement": "outside"}, r"optimizer\.eps_placement=outside: must be corrected or uncorrected\."),
    (AMSGrad, {"betas": (0.9, 1)}, r"optimizer\.betas\[1\]=1: must be >= 0 and < 1\."),
    (AdamW, {"weight_decay": -1}, r"optimizer\.weight_decay=-1: must be >= 0\."),
    (Adamax, {"betas": (0.9, 1)}, r"optimizer\.betas\[1\]=1: must be >= 0 and < 1\."),
    (Adam, {"betas": 0.9}, r"optimizer\.betas=0.9: must be two numbers, as in \(0.9, 0.999\)\."),
    (AMSGrad, {"maximum": "last"}, r"optimizer\.maximum=last: must be uncorrected or corrected\."),
    (RMSprop, {"velocity": "w"}, r"optimizer\.velocity=w: must be gradient or step\."),
    (RAdam, {"eps_placement": "in"}, r"optimizer\.eps_placement=in: must be uncorrected or corrected\."),
    (NAdam, {"betas": (1, 0.9)}, r"optimizer\.betas\[0\]=1: must be >= 0 and < 1\."),
    (NAdam, {"momentum_decay": -1}, r"optimizer\.momentum_decay=-1: must be >= 0\."),
    (RAdam, {"eps": -1}, r"optimizer\.eps=-1: must be >= 0\."),
    (RAdam, {"threshold": 3.9}, r"optimizer\.threshold=3.9: must be >= 4\."),
]


@pytest.mark.parametrize("kind", [SGD, Adam, AdamW])
@pytest.mark.parametrize("nest", [lambda w: w, lambda w: [w]], ids=["array", "list"])
def test_a_gradient_that_is_the_parameter_is_not_decayed_with_it(kind: type[Optimizer], nest: Callable[[Any], Any]) -> None:
    """The gradient of |w|^2/2 is w, the very array that the step updates in place."""
    arguments = {"lr": 0.1, "weight_decay": 0.5, "decoupled_weight_decay": True}
    w, same = np.array([1.0, 2.0]), np.array([1.0, 2.0])
    kind(**arguments).step(nest(w), nest(w))
    kind(**arguments).step(same, same.copy())
    np.testing.assert_array_equal(w, same)


@pytest.mark.parametrize(("kind", "knobs", "message"), INVALID)
def test_a_value_out_of_range_is_refused_in_one_line(kind: type[Optimizer], knobs: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        kind(**knobs)


@pytest.mark.parametrize(
    ("kind", "knobs"),
    [
        (SGD, {"lr": 0}),
        (Momentum, {"momentum": 0, "dampening": 0}),
        (RMSprop, {"alpha": 0, "eps": 0, "momentum": 0}),
        (Adadelta, {"rho": 0}),
        (Adagrad, {"lr_decay": 0, "eps": 0, "initial_accumulator_value": 0}),
        (Adam, {"betas": (0, 0), "eps": 0, "weight_decay": 0}),
        (NAdam, {"momentum_decay": 0}),
        (RAdam, {"threshold": 4}),
        (ASGD, {"lambd": 0, "t0": 0}),
    ],
)
def test_a_value_at_the_end_of_its_range_is_taken(kind: type[Optimizer], knobs: dict[str, Any]) -> None:
    assert np.isfinite(trajectory(kind(**knobs))).all()
