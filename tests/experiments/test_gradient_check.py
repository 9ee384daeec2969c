"""Gradients against the loss that they are of."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import gradient_check


@pytest.mark.slow
def test_both_gradients_are_those_of_the_loss_and_agree(experiment):
    finding, _ = experiment("gradient_check")
    assert finding["decided"]
    assert finding["right"]
    for precision, error in zip(finding["precisions"], (0.01, 1e-6), strict=True):
        assert [row["engine"] for row in precision["engines"]] == ["numpy", "torch"]
        assert all(row["error"] < error for row in precision["engines"])
    assert {row["bits"]: row["difference"] for row in finding["norms"]}[32] < 1e-5


def step(folder, engine, norm, fall, h=1e-6, bits=64):
    """A step on a gradient of a norm, after which the loss has fallen by a multiple of what that says."""
    losses = (1.0, 1.0 - fall * h * norm**2)
    columns = {"gradient_norm": (float("nan"), norm)}
    config = {"precision": bits}
    write_run(folder, batch="full", engine=engine, lr=h, losses=losses, columns=columns, config=config)


@pytest.mark.parametrize(("fall", "right"), [(1.0, True), (0.5, False), (-1.0, False)])  # one that is twice too long, or half
def test_it_finds_a_gradient_that_is_not_that_of_the_loss(tmp_path, fall, right):
    for h, rounding in ((1e-8, 0.3), (1e-6, 0.0), (1e-4, 0.0)):
        step(tmp_path, "numpy", 1.0, 1.0 - rounding, h)
        step(tmp_path, "torch", 1.0, fall - rounding, h)
    finding = gradient_check.analyse(load(tmp_path))
    assert (finding["right"], finding["decided"]) == (right, True)


def test_a_large_step_alone_cannot_tell(tmp_path):
    for h, fall in ((0.1, 0.9), (0.01, 0.99)):
        step(tmp_path, "numpy", 1.0, fall, h)
    finding = gradient_check.analyse(load(tmp_path))
    assert (finding["right"], finding["decided"]) == (False, False)
    (precision,) = finding["precisions"]
    assert (precision["bits"], precision["sqrt_eps"]) == (64, pytest.approx(1.49e-8, rel=0.01))
    assert precision["engines"] == [{"engine": "numpy", "error": pytest.approx(0.01), "h": 0.01}]


def test_it_finds_how_far_the_engines_differ(tmp_path):
    step(tmp_path, "numpy", 1.001, 1.0)
    step(tmp_path, "torch", 1.0, 1.0)
    assert gradient_check.analyse(load(tmp_path))["norms"] == [{"bits": 64, "difference": pytest.approx(1e-3)}]


def test_longer_runs_are_no_check(tmp_path):
    write_run(tmp_path, batch="full", config={"precision": 64})
    with pytest.raises(NoData, match="hold no single step"):
        gradient_check.analyse(load(tmp_path))
