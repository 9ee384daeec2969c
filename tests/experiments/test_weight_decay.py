"""L2 against decoupled decay, and what either changes where labels are wrong."""

import pytest
from studies import write_run

from descent.analysis.load import load
from descent.analysis.settings import varied
from descent.experiments import conclude, weight_decay
from descent.records.folders import run_folders


def concluded(folder, effect, norms=(4.0, 40.0), seeds=6, rounding=0.0):
    """Write runs in which decay changes the validation loss by `effect`, and the last seed by the opposite of a tenth of it."""
    for seed in range(1, seeds + 1):
        for decay, decoupled, norm in ((0.0, None, 50.0), (0.1, None, norms[0]), (0.1, True, norms[1])):
            change = (effect if seed < seeds else -effect / 10) if decay else 0.0
            config = {"optimizer": {"weight_decay": decay, "decoupled_weight_decay": decoupled}, "problem": {"label_noise": 0.4}}
            loss = (2.0, 1.0, 1.0, 1.0, 0.5 + 0.01 * seed + change)
            columns = {"val/loss": loss, "val/accuracy": tuple(1 - x / 4 for x in loss), "weight_norm": (9.0,) * 4 + (norm,)}
            write_run(folder, optimizer="adam", seed=seed, config=config, columns=columns)
    for decoupled in (None, True):
        config = {"optimizer": {"weight_decay": 0.1, "decoupled_weight_decay": decoupled}, "problem": {"label_noise": 0.4}}
        columns = {"weight_norm": (9.0,) * 5}
        write_run(
            folder, optimizer="sgd", config=config, columns=columns, losses=(2.0, 1.0 + (rounding if decoupled else 0), 1, 1, 1)
        )
    return conclude("weight_decay", folder, run_folders(folder))


def changes(finding):
    return {(row["kind"], row["metric"]): row["difference"]["change"] for row in finding["changes"]}


def expected(loss, accuracy):
    return {
        (kind, metric): change
        for kind in ("L2", "decoupled")
        for metric, change in (("validation loss", loss), ("validation accuracy", accuracy))
    }


def test_it_can_find_that_decay_helps_and_that_it_harms(tmp_path):
    done = concluded(tmp_path / "helps", -0.2)
    assert done.figure.exists()
    assert done.finding["sgd"] == {"difference": 0, "differ": False}
    assert done.finding["adam"] == {"decay": 0.1, "L2": 4, "decoupled": 40, "differ": True}
    assert (done.finding["noise"], done.finding["seeds"]) == (0.4, 4)
    assert changes(done.finding) == expected("unclear", "unclear")
    harms = concluded(tmp_path / "harms", 0.2, seeds=30).finding
    assert changes(harms) == expected("higher", "lower")
    better = concluded(tmp_path / "better", -0.2, seeds=30).finding
    assert changes(better) == expected("lower", "higher")


def test_it_can_find_the_opposite_of_theory_and_says_what_lacks(tmp_path):
    finding = concluded(tmp_path / "all", -0.2, norms=(30.0, 30.1), rounding=0.01).finding
    assert finding["sgd"] == {"difference": pytest.approx(0.01, rel=0.02), "differ": True}
    assert finding["adam"] == {"decay": 0.1, "L2": 30, "decoupled": pytest.approx(30.1), "differ": False}
    few = concluded(tmp_path / "few", 0.1, seeds=3).finding
    assert few == {"missing": "it takes 2 seeds that choose the decay, and two that judge"}


@pytest.mark.slow
def test_sgds_two_kinds_are_one_and_adams_are_two(experiment):
    finding, folder = experiment("weight_decay")
    assert finding["sgd"]["difference"] < 1e-12
    assert finding["adam"]["decoupled"] > 3 * finding["adam"]["L2"]
    assert finding["adam"]["decay"] == 0.03
    runs = varied(load(folder), decay="optimizer.weight_decay", decoupled="optimizer.decoupled_weight_decay")
    runs = runs[(runs["optimizer"] == "adam") & (runs["seed"] > weight_decay.TUNING)].set_index("seed")
    without = runs.loc[runs["decay"] == 0, "final:val/loss"]
    for row in (row for row in finding["changes"] if row["metric"] == "validation loss"):
        own = runs[(runs["decay"] == row["decay"]) & (runs["decoupled"].eq(True) == (row["kind"] == "decoupled"))]
        assert row["difference"]["mean"] == pytest.approx((own["final:val/loss"] - without).mean())
