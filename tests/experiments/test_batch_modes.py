"""Batch modes at equal examples, and the full batch carried on."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import batch_modes


@pytest.mark.slow
def test_equal_examples_are_not_equal_steps_and_smaller_batches_get_further_on_them(experiment):
    said, _ = experiment("batch_modes")
    assert said.startswith("From 25,140 examples full takes 20 steps, to ")
    full, mini, one = (number(rf"{mode} takes [\d,]+ steps, to ([\d.]+)", said) for mode in ("full", "mini", "stochastic"))
    assert number(r"mini takes ([\d,]+) steps", said) == 800
    assert number(r"stochastic takes ([\d,]+) steps", said) == 25_140
    assert 10 * mini < full
    assert 3 * one < mini
    assert number(r"Carried on to 200 epochs the full batch comes to ([\d.]+\d)", said) < full / 4


@pytest.mark.parametrize(
    ("full", "verdict"),
    [
        (0.6, "more than mini's after 20 (difference 0.15, 95 % interval 0.026 to 0.27)"),
        (0.2, "less than mini's after 20 (difference 0.25, 95 % interval 0.13 to 0.37)"),
        (0.45, "indistinguishable from mini's after 20 (95 % interval of the difference -0.12 to 0.12)"),
    ],
)
def test_it_says_whether_the_full_batch_catches_up(tmp_path, full, verdict):
    for seed, noise in enumerate((-0.05, 0.0, 0.05), 1):
        for batch, epochs, loss in (("full", 20, 0.9), ("full", 200, full), ("mini", 20, 0.45 + noise)):
            write_run(tmp_path, batch=batch, seed=seed, losses=(1.0, 0.9, 0.9, 0.9, loss), config={"epochs": epochs})
    assert f"the full batch comes to {full:g}, {verdict}. In the" in batch_modes.sentence(load(tmp_path))


def test_it_says_that_one_seed_cannot_tell(tmp_path):
    for batch, epochs in (("full", 20), ("full", 200), ("mini", 20)):
        write_run(tmp_path, batch=batch, config={"epochs": epochs})
    assert "; whether that is less than mini's after 20 these runs cannot tell." in batch_modes.sentence(load(tmp_path))


def test_one_batch_mode_is_no_comparison(tmp_path):
    write_run(tmp_path, config={"epochs": 20})
    with pytest.raises(NoData, match="hold one batch mode"):
        batch_modes.sentence(load(tmp_path))
