"""Sharpness, the optional record, against Hessians that are known or computed whole."""

import math

import numpy as np
import pytest
import torch
from conftest import settings
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from descent.errors import InputError
from descent.problems.sharpness import sharpness
from descent.training import build

BENT = ("problem=digits_mlp", "problem.width=4", "problem.activation=tanh", "problem.loss=squared_error")


def problem(*overrides):
    return build.problem(settings("precision=64", *overrides))


def largest_eigenvalue(made, examples):
    """That of the whole Hessian, of all second derivatives."""
    inputs, targets = (part[:examples] for part in made.data("train"))
    start = parameters_to_vector(made.parameters()).detach()
    names = [name for name, _ in made.named_parameters()]
    sizes = [p.numel() for p in made.parameters()]
    shapes = [p.shape for p in made.parameters()]

    def loss(flat):
        parts = [part.view(shape) for part, shape in zip(flat.split(sizes), shapes, strict=True)]
        return torch.func.functional_call(made, dict(zip(names, parts, strict=True)), (inputs, targets))

    made.forward = made.loss
    return np.linalg.eigvalsh(torch.autograd.functional.hessian(loss, start).numpy())[-1]


@pytest.mark.parametrize("dimension", [1, 5, 20, 21, 100])
def test_a_quadratic_has_its_largest_eigenvalue(dimension):
    made = problem("problem=quadratic", f"problem.dimension={dimension}", "problem.additive=0.1")
    assert made.sharpness(chunk=7) == pytest.approx(1.0, rel=1e-6)


def test_least_squares_has_that_of_its_inputs():
    made = problem("problem=linear_regression", "problem.dimension=30")
    assert made.sharpness(chunk=100) == pytest.approx(1.0, rel=1e-6)


@pytest.mark.parametrize("examples", [None, 50])
def test_a_network_has_that_of_its_whole_hessian(examples):
    made = problem(*BENT)
    vector_to_parameters(2 * parameters_to_vector(made.parameters()), made.parameters())
    assert made.sharpness(chunk=4096, examples=examples) == pytest.approx(largest_eigenvalue(made, examples), rel=1e-5)


def test_chunks_change_nothing_and_the_gradients_stay_as_they_were():
    made = problem(*BENT)
    made.loss(*made.data("train")).backward()
    before = [p.grad.clone() for p in made.parameters()]
    with torch.no_grad():
        assert made.sharpness(chunk=100) == pytest.approx(made.sharpness(chunk=4096), rel=1e-6)
    assert all(torch.equal(p.grad, then) for p, then in zip(made.parameters(), before, strict=True))


@pytest.mark.parametrize("dimension", [3, 40])
def test_the_largest_is_meant_and_not_the_one_of_largest_size(dimension):
    curvatures = torch.linspace(-5, 3, dimension, dtype=torch.float64)
    w = torch.ones(dimension, dtype=torch.float64, requires_grad=True)
    parts = [(0.5, lambda: (curvatures * w**2).sum() / 2), (0.5, lambda: (curvatures * w**2).sum() / 2)]
    assert sharpness([w], parts) == pytest.approx(3.0, rel=1e-6)


@pytest.mark.parametrize("dimension", [3, 40])
def test_a_hessian_of_zeros_has_none(dimension):
    w = torch.ones(dimension, dtype=torch.float64, requires_grad=True)
    assert sharpness([w], [(1.0, lambda: (0 * w**2).sum())]) == 0


def test_weights_that_are_not_finite_have_none():
    made = problem(*BENT)
    with torch.no_grad():
        next(made.parameters()).fill_(math.nan)
    assert math.isnan(made.sharpness(chunk=4096))


@pytest.mark.parametrize("engine", ["torch", "numpy"])
def test_a_run_records_it_when_asked_and_trains_alike(train, engine):
    arguments = ("problem=chebyshev_mlp", "batch=full", "max_steps=20", f"engine={engine}")
    plain, measured = train(*arguments), train(*arguments, "records.sharpness=true")
    assert "sharpness" not in plain.rows[0]
    assert all(value > 0 for value in measured.column("sharpness"))
    assert measured.column("train/loss") == plain.column("train/loss")
    assert measured.result["id"] != plain.result["id"]


def test_it_is_on_or_off(tmp_path):
    from descent.training.run import run

    with pytest.raises(InputError, match=r"^records.sharpness=maybe: must be true or false\.$"):
        run(settings("records.sharpness=maybe", f"output_dir={tmp_path}"))
