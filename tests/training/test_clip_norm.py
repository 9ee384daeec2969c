"""clip_norm: a step's gradient is scaled down where it is longer."""

import numpy as np
import pytest
import torch
from conftest import settings

from descent.errors import InputError
from descent.from_scratch import clipped

from .test_numpy_engine import assert_alike, both

WALL = ("problem=rosenbrock", "batch=full", "problem.start_spread=0", "precision=64", "logger=csv")  # |g| = 0.081 at the start


@pytest.mark.parametrize("scale", [1e-3, 0.5, 1.0, 30.0])
def test_a_gradient_is_clipped_as_by_torch(scale):
    g = scale * np.random.default_rng(1).standard_normal((4, 3))
    p = torch.nn.Parameter(torch.zeros(4, 3, dtype=torch.float64))
    p.grad = torch.tensor(g)
    torch.nn.utils.clip_grad_norm_([p], 2.0)
    ours = clipped(g, 2.0)
    np.testing.assert_allclose(ours, p.grad.numpy(), rtol=1e-14)
    np.testing.assert_allclose(ours, g * min(1.0, 2.0 / np.linalg.norm(g)), rtol=1e-5)


@pytest.mark.parametrize("engine", ["torch", "numpy"])
def test_a_step_has_the_length_that_clipping_leaves_and_the_record_the_gradient_before_it(train, engine):
    plain, short = (
        train(*WALL, f"engine={engine}", "max_steps=1", "optimizer.lr=0.5", *more) for more in ((), ("clip_norm=0.04",))
    )
    norm = plain.column("gradient_norm")[-1]
    assert norm > 0.08
    assert short.column("gradient_norm")[-1] == norm
    assert short.column("update_norm")[-1] == pytest.approx(0.5 * 0.04, rel=1e-4)
    assert plain.column("update_norm")[-1] == pytest.approx(0.5 * norm, rel=1e-12)
    assert short.result["id"] != plain.result["id"]
    assert short.result["hyperparameters"]["clip_norm"] == 0.04


@pytest.mark.parametrize(
    "arguments",
    [
        ("optimizer=sgd", "clip_norm=0.3"),
        ("optimizer=adam", "clip_norm=0.3", "batch=stochastic"),
        ("optimizer=momentum", "clip_norm=0.1", "batch=full", "batch.micro_size=400"),
        ("optimizer=adagrad", "clip_norm=0.05", "problem=rosenbrock"),
    ],
    ids=" ".join,
)
def test_both_engines_clip_alike_and_it_tells(train, arguments):
    torchs, ours = both(train, "max_steps=40", *arguments)
    assert_alike(torchs, ours)
    assert max(torchs.column("gradient_norm")[1:]) > float(arguments[1].partition("=")[2])
    free = train(*arguments, "max_steps=40", "precision=64", "clip_norm=null")
    assert free.column("train/loss")[-1] != pytest.approx(torchs.column("train/loss")[-1], rel=1e-6)


@pytest.mark.parametrize("engine", ["torch", "numpy"])
def test_a_bound_that_is_never_met_changes_no_bit(train, engine):
    free, bound = (train("max_steps=60", f"engine={engine}", f"clip_norm={norm}") for norm in ("null", "1e6"))
    assert bound.column("train/loss") == free.column("train/loss")
    assert bound.column("update_norm")[1:] == free.column("update_norm")[1:]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("clip_norm=1", "optimizer=lbfgs", "batch=full"),
            "clip_norm=1: lbfgs evaluates gradients itself: it needs the true ones. Use null.",
        ),
        (("clip_norm=0",), "clip_norm=0: must be a number > 0, or null."),
        (("clip_norm=much",), "clip_norm=much: must be a number > 0, or null."),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_clipped_is_refused_in_one_line(tmp_path, arguments, line):
    from descent.training.run import run

    with pytest.raises(InputError) as refused:
        run(settings(f"output_dir={tmp_path}", *arguments))
    assert str(refused.value) == line
    assert not list(tmp_path.iterdir())
