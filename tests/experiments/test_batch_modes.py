"""Batch modes at equal examples, and the full batch carried on."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import batch_modes


@pytest.mark.slow
def test_equal_examples_are_not_equal_steps_and_smaller_batches_get_further_on_them(experiment):
    finding, _ = experiment("batch_modes")
    full, mini, single = finding["modes"]
    assert finding["examples"] == [25_140]
    assert [mode["steps"] for mode in finding["modes"]] == [20, 800, 25_140]
    assert 10 * mini["loss"] < full["loss"]
    assert 3 * single["loss"] < mini["loss"]
    assert finding["longer"]["epochs"] == 200
    assert finding["longer"]["loss"] < full["loss"] / 4


@pytest.mark.parametrize(
    ("full", "change", "interval"),
    [(0.6, "higher", (0.026, 0.274)), (0.2, "lower", (-0.374, -0.126)), (0.45, "unclear", (-0.124, 0.124))],
)
def test_it_compares_the_full_batch_on_more_epochs_with_mini_batches(tmp_path, full, change, interval):
    for seed, noise in enumerate((-0.05, 0.0, 0.05), 1):
        for batch, epochs, loss in (("full", 20, 0.9), ("full", 200, full), ("mini", 20, 0.45 + noise)):
            write_run(tmp_path, batch=batch, seed=seed, losses=(1.0, 0.9, 0.9, 0.9, loss), config={"epochs": epochs})
    longer = batch_modes.analyse(load(tmp_path))["longer"]
    assert (longer["epochs"], longer["mini_epochs"], longer["loss"]) == (200, 20, full)
    difference = longer["difference"]
    assert difference["change"] == change
    assert difference["mean"] == pytest.approx(full - 0.45)
    assert (difference["low"], difference["high"]) == pytest.approx(interval, abs=5e-4)


def test_one_seed_cannot_tell(tmp_path):
    for batch, epochs in (("full", 20), ("full", 200), ("mini", 20)):
        write_run(tmp_path, batch=batch, config={"epochs": epochs})
    assert batch_modes.analyse(load(tmp_path))["longer"]["difference"]["change"] == "unknown"


def test_one_batch_mode_is_no_comparison(tmp_path):
    write_run(tmp_path, config={"epochs": 20})
    with pytest.raises(NoData, match="hold one batch mode"):
        batch_modes.analyse(load(tmp_path))
