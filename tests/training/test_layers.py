"""records.layers: the gradient norm of each layer's weights."""

import math

import numpy as np
import pytest
import torch
from conftest import settings

from descent.errors import InputError

from .test_numpy_engine import both

NORMS = ["gradient_norm/1", "gradient_norm/2", "gradient_norm/3"]
DEEP = ("problem=digits_mlp", "problem.depth=2", "problem.activation=sigmoid", "records.layers=true")


@pytest.mark.parametrize("more", [(), ("clip_norm=0.1",)], ids=["free", "clipped"])
def test_both_engines_record_what_autograd_finds_at_the_first_weights(train, more):
    from descent.training import build

    problem = build.problem(settings(*DEEP, "precision=64"))
    problem.loss(*problem.data("train")).backward()
    expected = [p.grad.norm().item() for p in problem.parameters() if p.ndim == 2]
    for run in both(train, *DEEP, "batch=full", "max_steps=1", *more):
        assert all(math.isnan(run.rows[0][name]) for name in NORMS)
        assert [run.rows[1][name] for name in NORMS] == pytest.approx(expected, rel=1e-9)
        assert "gradient_norm/4" not in run.rows[0]


def test_both_engines_agree_on_the_way_and_train_as_without(train):
    torchs, ours = both(train, *DEEP, "optimizer=adam", "max_steps=40")
    for name in NORMS:
        np.testing.assert_allclose(ours.column(name), torchs.column(name), rtol=1e-9)
    assert (np.sum(np.square([ours.column(name)[1:] for name in NORMS]), 0) < np.square(ours.column("gradient_norm")[1:])).all()
    (plain, _) = both(train, *DEEP, "optimizer=adam", "max_steps=40", "records.layers=false")
    assert plain.column("train/loss") == torchs.column("train/loss")
    assert not set(NORMS) & set(plain.rows[0])
    assert plain.result["id"] != torchs.result["id"]


def test_a_convolution_is_a_layer(train):
    run = train("problem=mnist_cnn", "problem.dataset=stand_in", "records.examples=100", "records.layers=true", "max_steps=1")
    layers = [m for m in torch.nn.Sequential(*_network("mnist_cnn")).modules() if hasattr(m, "weight")]
    assert sum(name.startswith("gradient_norm/") for name in run.rows[0]) == len(layers)


def _network(name):
    from descent.training import build

    return build.problem(settings(f"problem={name}", "problem.dataset=stand_in")).network


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("problem=quadratic",), "records.layers=true: has no effect: quadratic has no layers."),
        (("problem=quadratic", "engine=numpy"), "records.layers=true: has no effect: quadratic has no layers."),
        (("records.layers=some",), "records.layers=some: must be true or false."),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_where_there_are_none_it_is_refused_in_one_line(tmp_path, arguments, line):
    from descent.training.run import run

    with pytest.raises(InputError) as refused:
        run(settings(f"output_dir={tmp_path}", "records.layers=true", *arguments))
    assert str(refused.value) == line
    assert not list(tmp_path.iterdir())
