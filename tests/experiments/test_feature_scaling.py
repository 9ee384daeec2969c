"""The scale of the inputs and the learning rates that work."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import feature_scaling


@pytest.mark.slow
def test_the_learning_rates_that_work_shrink_with_the_square_of_the_scale_and_standardizing_helps(experiment):
    said, _ = experiment("feature_scaling")
    curvature = {}
    for scaling in ("none", "unit", "standardize"):
        curvature[scaling] = number(rf"{scaling} L = ([\d.]+),", said)
        assert number(rf"{scaling} L = [\d.]+, and learning rates work up to ([\d.]+)/L", said) < 2
        assert number(rf"{scaling} L = [^;]+, not ([\d.]+)/L", said) > 2
    assert 200 < curvature["none"] / curvature["unit"] < 256  # 16^2, but for the bias
    assert number(r"standardize below none by ([\d.]+)", said) > 1
    assert number(r"standardize below unit by [\d.]+ \(95 % interval ([\d.]+)", said) > 0
    assert "is better in tuning" not in said


def scaled(folder, scaling, seed, lr, last, **more):
    config = {"problem": {"scaling": scaling}, "records": {"sharpness": "columns" in more}}
    write_run(folder, batch="full", seed=seed, lr=lr, losses=(2.0, 1.9, 1.8, 1.7, last), config=config, **more)


def test_it_says_where_two_over_l_is_not_the_limit_and_where_scaling_makes_no_difference(tmp_path):
    scaled(tmp_path, "unit", 1, 1e-5, 1.7, columns={"sharpness": (4.0,) * 5})
    for lr, last in ((0.5, 1.8), (0.25, 1.0), (1.0, 3.0)):
        scaled(tmp_path, "unit", 1, lr, last)
    for seed, noise in ((11, 0.1), (12, 0.0), (13, -0.1)):
        scaled(tmp_path, "unit", seed, 0.25, 1.0 + noise)
        scaled(tmp_path, "standardize", seed, 0.25, 1.0)
    assert feature_scaling.sentence(load(tmp_path)) == (
        "The curvature of the loss: unit L = 4, and learning rates work up to 1/L, not 2/L; theory's limit is 2/L. "
        "Each at one learning rate on other seeds, unit (lr = 0.25) comes to 1 and standardize (lr = 0.25) comes to 1 (n = 3): "
        "unit is indistinguishable from standardize (95 % interval -0.248 to 0.248)."
    )


def test_it_says_where_a_scaling_is_not_judged_at_its_best(tmp_path):
    for lr, last in ((0.5, 0.5), (0.25, 1.0)):
        scaled(tmp_path, "unit", 1, lr, last)
    for seed in (11, 12):
        scaled(tmp_path, "unit", seed, 0.25, 1.0 + seed / 100)
        scaled(tmp_path, "none", seed, 0.1, 1.5)
    said = feature_scaling.sentence(load(tmp_path))
    assert "unit below none by 0.385 (95 % interval 0.321 to 0.449)" in said
    assert said.endswith("; unit is judged at lr = 0.25, and 0.5 is better in tuning.")


def test_seeds_that_were_tuned_on_do_not_judge(tmp_path):
    for scaling in ("unit", "none"):
        for lr in (0.1, 0.2):
            scaled(tmp_path, scaling, 1, lr, lr)
    with pytest.raises(NoData, match="nor two scalings on seeds that were not tuned on"):
        feature_scaling.sentence(load(tmp_path))
