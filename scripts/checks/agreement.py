"""NumPy against PyTorch in float64: the weights after 200 steps, and each hand-written gradient.

An optimizer's check is the largest ``|a - b|/|b|`` between the engines' final weights, over three problems (quadratic, logistic
regression, mlp) and the three batch modes.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch

from checks.base import Check, below, distance, trained, weights
from descent import from_scratch
from descent.config.compose import compose
from descent.from_scratch import Rprop
from descent.from_scratch.objectives import Objective
from descent.from_scratch.optimizers import OPTIMIZERS
from descent.from_scratch.optimizers.muon import orthogonalise
from descent.optimizers.muon import Muon
from descent.training import build

PROBLEMS = ("quadratic", "logistic_regression", "digits_mlp")
BATCHES = ("full", "mini", "stochastic")
VARIANTS = {
    "momentum": ("optimizer.dampening=0.3", "optimizer.weight_decay=0.01"),
    "nesterov": ("optimizer.weight_decay=0.01",),
    "rmsprop": ("optimizer.centered=true", "optimizer.momentum=0.5", "optimizer.eps=1e-3"),
    "adam": ("optimizer.betas=[0.8,0.99]", "optimizer.eps=1e-3", "optimizer.weight_decay=0.01"),
    "adamw": ("optimizer.amsgrad=true", "optimizer.weight_decay=0.1"),
    "nadam": ("optimizer.weight_decay=0.01", "optimizer.decoupled_weight_decay=true", "optimizer.momentum_decay=0.01"),
    "adagrad": ("optimizer.lr_decay=0.01", "optimizer.initial_accumulator_value=0.1"),
}
GRADIENTS = {
    "linear regression": ("problem=linear_regression",),
    "logistic regression": ("problem=logistic_regression",),
    "softmax regression": ("problem=digits_logreg",),
    "an mlp, relu, cross-entropy": ("problem=digits_mlp",),
    "an mlp of depth 3, tanh, squared error": (
        "problem=digits_mlp",
        "problem.depth=3",
        "problem.activation=tanh",
        "problem.loss=squared_error",
    ),
    "an mlp of depth 2, sigmoid, cross-entropy": ("problem=digits_mlp", "problem.depth=2", "problem.activation=sigmoid"),
    "the quadratic": ("problem=quadratic",),
    **{f"{name}'s function": (f"problem={name}",) for name in ("rosenbrock", "beale", "himmelblau", "rastrigin")},
}


def weights_differ(optimizer: str, *more: str) -> float:
    """Return the largest relative difference between the engines' weights, over three problems and three batch modes."""
    distances = []
    for problem in PROBLEMS:
        for batch in BATCHES:
            chosen = (f"problem={problem}", f"batch={batch}", f"optimizer={optimizer}", "epochs=null", "max_steps=200", *more)
            ours, theirs = (trained(*chosen, f"engine={engine}") for engine in ("numpy", "torch"))
            moved = theirs.rows[-1]["train/loss"] != theirs.rows[0]["train/loss"]
            distances.append(distance(weights(ours), weights(theirs)) if moved else np.nan)
    return float(np.max(distances))  # nan if any is


def rprop_differs() -> float:
    """Return the relative difference after 200 steps along one sequence of gradients."""
    rng = np.random.default_rng(0)
    ours = rng.standard_normal(50)
    theirs = torch.tensor(ours, requires_grad=True)
    numpys, torchs = Rprop(lr=0.02, etas=(0.4, 1.3)), torch.optim.Rprop([theirs], lr=0.02, etas=(0.4, 1.3))
    for _ in range(200):
        gradient = rng.standard_normal(50) + 0.3
        numpys.step(ours, gradient)
        theirs.grad = torch.from_numpy(gradient)
        torchs.step()
    return distance(ours, theirs.detach().numpy())


def muon_differs() -> float:
    """Return the largest difference, over its length, between a step of Muon and torch's, of 50 steps each on three matrices."""
    rng, distances = np.random.default_rng(0), []
    for shape in ((32, 64), (10, 32), (64, 10)):
        ours, numpys = rng.standard_normal(shape), from_scratch.Muon(lr=0.1)
        theirs = torch.tensor(ours, requires_grad=True)
        torchs = Muon([theirs], lr=0.1)
        for _ in range(50):
            before, gradient = (ours.copy(), theirs.detach().numpy().copy()), rng.standard_normal(shape)
            numpys.step(ours, gradient)
            theirs.grad = torch.from_numpy(gradient)
            torchs.step()
            distances.append(distance(ours - before[0], theirs.detach().numpy() - before[1]))
    return float(np.max(distances))


def singular_values_differ() -> float:
    """Return the relative difference between Newton-Schulz iterations and the singular values mapped one by one."""
    coefficients, matrix = (3.4445, -4.775, 2.0315), np.random.default_rng(0).standard_normal((10, 32))
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values /= np.linalg.norm(values)
    for _ in range(5):
        values = sum(c * values**power for c, power in zip(coefficients, (1, 3, 5), strict=True))
    return distance(orthogonalise(matrix, 1e-7, 5, *coefficients), (left * values) @ right)


def gradient_differs(overrides: tuple[str, ...], step: float | None) -> float:
    """Return the relative error of a hand-written gradient on 20 examples, at displaced weights.

    Args:
        overrides: choose the problem.
        step: of central differences along five directions; None: against autograd.
    """
    settings = compose("precision=64", *overrides)
    problem = build.problem(settings)
    objective = build.objective(settings, problem)
    rng = np.random.default_rng(0)
    rows = [part[:20] for part in problem.data("train")]
    with torch.no_grad():
        for parameter in problem.parameters():
            parameter += torch.from_numpy(0.1 * rng.standard_normal(tuple(parameter.shape)))
    params = [p.detach().numpy().copy() for p in problem.parameters()]
    inputs, targets = (part.numpy() for part in rows)
    ours = objective.gradient(params, inputs, targets)
    if step is not None:
        directions = [[rng.standard_normal(w.shape) / 10 for w in params] for _ in range(5)]
        slopes = np.array([slope(objective, params, direction, step, inputs, targets) for direction in directions])
        return distance(
            np.array([sum(np.vdot(g, d) for g, d in zip(ours, direction, strict=True)) for direction in directions]), slopes
        )
    problem.loss(*rows).backward()
    autograd = [p.grad.numpy() for p in problem.parameters() if p.grad is not None]
    return distance(*(np.concatenate([g.ravel() for g in grads]) for grads in (ours, autograd)))


def slope(objective: Objective, params: list[np.ndarray], direction: list[np.ndarray], step: float, *rows: np.ndarray) -> float:
    """Return the derivative of the loss along a direction, by central differences with two Richardson extrapolations."""

    def central(h: float) -> float:
        ahead, behind = ([w + sign * h * d for w, d in zip(params, direction, strict=True)] for sign in (1, -1))
        return (objective.loss(ahead, *rows) - objective.loss(behind, *rows)) / (2 * h)

    coarse, middle, fine = (central(h) for h in (step, step / 2, step / 4))
    first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    return (16 * second - first) / 15


def checks() -> Iterator[Check]:
    source = "torch.optim"
    for name, kind in OPTIMIZERS.items():
        optimizer = name.lower()
        if kind.package != source:
            continue
        if optimizer == "rprop":  # on gradients of its own it amplifies rounding
            yield Check("rprop, 200 steps along shared gradients", source, "both", below(1e-10), rprop_differs)
            continue
        for more in ((), VARIANTS[optimizer]) if optimizer in VARIANTS else ((),):
            claim = ", ".join([optimizer, *(part.removeprefix("optimizer.") for part in more)])
            yield Check(claim, source, "both", below(1e-10), partial(weights_differ, optimizer, *more), slow=True)
    claim = "muon, the singular values of Newton-Schulz iterations"
    yield Check(claim, "definition", "numpy", below(1e-12), singular_values_differ)
    yield Check("muon, each of 50 steps, in bfloat16 by torch", source, "both", below(0.05), muon_differs)
    for name, overrides in GRADIENTS.items():
        measure = partial(gradient_differs, overrides)
        yield Check(f"gradient of {name}, against autograd", "torch.autograd", "numpy", below(1e-9), partial(measure, None))
        step = 1e-4 if "relu" in name else 4e-3  # a relu has a kink, which a step must not cross
        yield Check(f"gradient of {name}, against differences", "definition", "numpy", below(1e-9), partial(measure, step))
