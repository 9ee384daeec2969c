"""Times to targets that are nearer or further than the problem's."""

import math

import pytest
from studies import write_run

from descent.analysis.load import load
from descent.analysis.target_distance import moved, times
from descent.metrics import metric

TARGET = {"metric": "train/loss", "value": 0.01}


def test_a_loss_is_moved_in_its_logarithm_an_accuracy_as_it_is():
    loss, accuracy = metric("train/loss"), metric("val/accuracy")
    assert moved(0.01, 1.0, 0.5, loss) == pytest.approx(0.1)
    assert moved(0.01, 1.0, 1.5, loss) == pytest.approx(0.001)
    assert moved(0.9, 0.1, 0.5, accuracy) == pytest.approx(0.5)
    assert all(moved(value, 0.4, 1, kind) == pytest.approx(value) for value in (0.2, 0.9) for kind in (loss, accuracy))


def test_a_nearer_target_is_met_earlier(tmp_path):
    reached = {"steps": 4, "examples": 128, "gradient_evaluations": 128, "seconds": 0.04}
    write_run(tmp_path, losses=(1.0, 0.1, 0.02, 0.01, 0.009), target=TARGET, time_to_target=reached)
    write_run(tmp_path, seed=2, losses=(1.0, 0.01, 0.01, 0.01, 0.0001), target=TARGET, time_to_target=reached)
    study = load(tmp_path)
    at = {share: times(study, study.runs, share)["time:steps"].to_list() for share in (0.5, 0.84, 1.0, 1.1)}
    assert at == {0.5: [1, 1], 0.84: [2, 1], 1.0: [4, 1], 1.1: [math.inf, math.inf]}
