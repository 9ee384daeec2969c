"""Gradients against the loss that they are of."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import gradient_check


@pytest.mark.slow
def test_both_gradients_are_those_of_the_loss_and_agree(experiment):
    said, _ = experiment("gradient_check")
    assert said.startswith("The loss falls by h |g|^2, as the gradients say: ")
    single, double = said.split(" in 32 bits, ")
    for engine in ("numpy", "torch"):
        assert number(rf"([\d.e-]+) at h = [\d.e-]+ \({engine}\)", single) < 0.01
        assert number(rf"([\d.e-]+) at h = [\d.e-]+ \({engine}\)", double) < 1e-6
    assert number(r"autograd's to ([\d.]+e-\d+) in 32 bits", said) < 1e-5


def step(folder, engine, norm, fall, h=1e-6, bits=64):
    """A step on a gradient of a norm, after which the loss has fallen by a multiple of what that says."""
    losses = (1.0, 1.0 - fall * h * norm**2)
    columns = {"gradient_norm": (float("nan"), norm)}
    config = {"precision": bits}
    write_run(folder, batch="full", engine=engine, lr=h, losses=losses, columns=columns, config=config)


@pytest.mark.parametrize(
    ("fall", "said"),
    [
        (1.0, "falls by h |g|^2, as the gradients say"),
        (0.5, "does not fall by h |g|^2, as a gradient says that it would"),  # one that is twice too long, or half
        (-1.0, "does not fall by h |g|^2, as a gradient says that it would"),
    ],
)
def test_it_says_where_a_gradient_is_not_that_of_the_loss(tmp_path, fall, said):
    for h, rounding in ((1e-8, 0.3), (1e-6, 0.0), (1e-4, 0.0)):
        step(tmp_path, "numpy", 1.0, 1.0 - rounding, h)
        step(tmp_path, "torch", 1.0, fall - rounding, h)
    assert gradient_check.sentence(load(tmp_path)).startswith(f"The loss {said}: the least relative error is ")


def test_it_says_that_a_large_step_alone_cannot_tell(tmp_path):
    for h, fall in ((0.1, 0.9), (0.01, 0.99)):
        step(tmp_path, "numpy", 1.0, fall, h)
    assert gradient_check.sentence(load(tmp_path)) == (
        "The loss cannot tell here, as smaller h would show less error: the least relative error is 1.0e-02 at h = 0.01 (numpy) "
        "in 64 bits, where sqrt(eps) is 1.5e-08."
    )


def test_it_says_where_the_engines_differ(tmp_path):
    step(tmp_path, "numpy", 1.001, 1.0)
    step(tmp_path, "torch", 1.0, 1.0)
    assert gradient_check.sentence(load(tmp_path)).endswith(
        "The hand-written gradient's norm is autograd's to 1.0e-03 in 64 bits."
    )


def test_longer_runs_are_no_check(tmp_path):
    write_run(tmp_path, batch="full", config={"precision": 64})
    with pytest.raises(NoData, match="hold no single step"):
        gradient_check.sentence(load(tmp_path))
