"""The condition number, for gradient descent and for Adam."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import conditioning

SLOW, FAST = (1.0, 0.8, 0.5, 0.2, 0.1), (1.0, 0.1, 0.01, 1e-3, 1e-4)


def steps(finding):
    """Return Adam's steps by valley and condition number."""
    return {valley["way"]: {row["kappa"]: row["steps"] for row in valley["rows"]} for valley in finding["adam"]}


@pytest.mark.slow
def test_steps_grow_with_the_condition_number_but_for_adam_along_the_axes(experiment):
    finding, _ = experiment("conditioning")
    descent, adam = finding["descent"], steps(finding)
    assert [row["kappa"] for row in descent["folds"]] == [9, 999]
    assert [row["steps"] for row in descent["folds"]] == [pytest.approx(4.48, rel=0.01), pytest.approx(499.5, rel=0.01)]
    assert descent["runs"] == 30
    assert descent["error"] < 0.02
    assert len(set(adam["axis-aligned"].values())) == 1
    assert adam["axis-aligned"][9] < 400
    assert 2 * adam["rotated"][9] < adam["rotated"][99]
    assert adam["rotated"][999] is None


def valley(folder, optimizer, kappa, rotated, distance, lr=0.1):
    config = {"problem": {"condition": kappa, "rotated": rotated}}
    columns = {"distance": distance}
    write_run(folder, problem="quadratic", batch="full", optimizer=optimizer, lr=lr, columns=columns, config=config)


def test_adam_may_notice_the_condition_number_along_the_axes_and_not_after_rotation(tmp_path):
    for kappa, aligned in ((10, FAST), (100, SLOW)):
        valley(tmp_path, "adam", kappa, False, aligned)
        valley(tmp_path, "adam", kappa, True, FAST)
    finding = conditioning.analyse(load(tmp_path))
    assert not finding["descent"]
    assert steps(finding) == {"axis-aligned": {10: 2, 100: None}, "rotated": {10: 2, 100: 2}}
    assert finding["budget"] == 8


def test_gradient_descent_may_be_far_from_theory(tmp_path):
    valley(tmp_path, "sgd", 9, True, tuple(0.9**step for step in (0, 1, 2, 4, 8)), lr=1.8)  # theory's rho is 0.8
    finding = conditioning.analyse(load(tmp_path))
    assert not finding["adam"]
    assert finding["descent"]["ways"] == ["rotated"]
    assert finding["descent"]["folds"] == [{"kappa": 9, "steps": pytest.approx(9.49, abs=0.01)}]
    assert finding["descent"]["error"] == pytest.approx(1.12, abs=0.01)


def test_others_say_nothing(tmp_path):
    valley(tmp_path, "momentum", 9, True, FAST)
    with pytest.raises(NoData, match="neither gradient descent nor adam"):
        conditioning.analyse(load(tmp_path))
