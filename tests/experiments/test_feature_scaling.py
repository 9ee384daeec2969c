"""The scale of the inputs and the learning rates that work."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import feature_scaling


@pytest.mark.slow
def test_the_learning_rates_that_work_shrink_with_the_square_of_the_scale_and_standardizing_helps(experiment):
    finding, _ = experiment("feature_scaling")
    limits = {row["scaling"]: row for row in finding["limits"]}
    for scaling in ("none", "unit", "standardize"):
        assert limits[scaling]["works"] < 2 < limits[scaling]["fails"]
    assert 200 < limits["none"]["curvature"] / limits["unit"]["curvature"] < 256  # 16^2, but for the bias
    assert finding["best"] == "standardize"
    differences = {row["other"]: row["difference"] for row in finding["differences"]}
    assert differences["none"]["mean"] > 1
    assert differences["unit"]["low"] > 0
    assert not finding["missed"]


def scaled(folder, scaling, seed, lr, last, **more):
    config = {"problem": {"scaling": scaling}, "records": {"sharpness": "columns" in more}}
    write_run(folder, batch="full", seed=seed, lr=lr, losses=(2.0, 1.9, 1.8, 1.7, last), config=config, **more)


def test_two_over_l_may_not_be_the_limit_and_scaling_may_make_no_difference(tmp_path):
    scaled(tmp_path, "unit", 1, 1e-5, 1.7, columns={"sharpness": (4.0,) * 5})
    for lr, last in ((0.5, 1.8), (0.25, 1.0), (1.0, 3.0)):
        scaled(tmp_path, "unit", 1, lr, last)
    for seed, noise in ((11, 0.1), (12, 0.0), (13, -0.1)):
        scaled(tmp_path, "unit", seed, 0.25, 1.0 + noise)
        scaled(tmp_path, "standardize", seed, 0.25, 1.0)
    finding = feature_scaling.analyse(load(tmp_path))
    assert finding["limits"] == [{"scaling": "unit", "curvature": 4, "works": 1, "fails": 2}]
    assert [(row["scaling"], row["rates"], row["loss"]) for row in finding["losses"]] == [
        ("unit", [0.25], 1),
        ("standardize", [0.25], 1),
    ]
    assert finding["seeds"] == 3
    (row,) = finding["differences"]
    assert {finding["best"], row["other"]} == {"unit", "standardize"}
    assert row["difference"]["change"] == "unclear"
    assert (row["difference"]["low"], row["difference"]["high"]) == pytest.approx((-0.248, 0.248), abs=5e-4)


def test_it_names_a_scaling_that_is_not_judged_at_its_best(tmp_path):
    for lr, last in ((0.5, 0.5), (0.25, 1.0)):
        scaled(tmp_path, "unit", 1, lr, last)
    for seed in (11, 12):
        scaled(tmp_path, "unit", seed, 0.25, 1.0 + seed / 100)
        scaled(tmp_path, "none", seed, 0.1, 1.5)
    finding = feature_scaling.analyse(load(tmp_path))
    (row,) = finding["differences"]
    assert (finding["best"], row["other"], row["difference"]["change"]) == ("unit", "none", "higher")
    assert row["difference"]["mean"] == pytest.approx(0.385)
    assert (row["difference"]["low"], row["difference"]["high"]) == pytest.approx((0.321, 0.449), abs=1e-3)
    assert finding["missed"] == [{"choice": "unit", "judged": 0.25, "best": 0.5}]


def test_seeds_that_were_tuned_on_do_not_judge(tmp_path):
    for scaling in ("unit", "none"):
        for lr in (0.1, 0.2):
            scaled(tmp_path, scaling, 1, lr, lr)
    with pytest.raises(NoData, match="nor two scalings on seeds that were not tuned on"):
        feature_scaling.analyse(load(tmp_path))
