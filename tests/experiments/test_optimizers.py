"""Optimizers, each tuned on some seeds and judged on others."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import optimizers


@pytest.mark.slow
def test_the_finding_is_what_the_runs_hold(experiment):
    finding, folder = experiment("optimizers")
    judged = load(folder).runs.loc[lambda runs: runs["seed"] > 2]
    medians = judged.groupby("optimizer")["final:train/loss"].median()
    assert (finding["first"], finding["seeds"]) == (medians.idxmin(), 11)
    assert finding["median"] == pytest.approx(medians.min())
    assert finding["verdict"] is None
    assert {"name": "adagrad", "ranks": [8, 8]} in finding["ranks"]
    assert finding["edges"] == []


def tuned(folder, ends, best=0.2):
    """Return the finding on some optimizers with three learning rates each on seed 1, and one each on eleven others."""
    for name, (low, noise) in ends.items():
        for lr in (0.1, 0.2, 0.3):
            write_run(folder, optimizer=name, seed=1, lr=lr, losses=(1.0, 0.9, 0.8, 0.7, 0.1 if lr == best else 0.2))
        for seed in range(2, 13):
            last = low + noise * (-1) ** seed + 1e-4 * seed
            write_run(folder, optimizer=name, seed=seed, lr=0.2, losses=(1.0, 0.9, 0.8, 0.7, last))
    return optimizers.analyse(load(folder))


def test_it_finds_who_is_first_and_who_is_no_worse(tmp_path):
    finding = tuned(tmp_path, {"sgd": (0.5, 0.0), "adam": (0.2, 0.0), "adamw": (0.2001, 0.01)})
    assert (finding["first"], finding["better"], finding["equal"], finding["worse"]) == ("adam", [], ["adamw"], ["sgd"])
    assert (finding["median"], finding["seeds"]) == (pytest.approx(0.2007), 11)
    assert {row["name"]: row["ranks"] for row in finding["ranks"]} == {"adam": [1, 2], "adamw": [1, 2], "sgd": [3, 3]}


def test_it_names_a_learning_rate_at_the_edge_and_one_that_is_not_the_best_in_tuning(tmp_path):
    finding = tuned(tmp_path, {"sgd": (0.5, 0.0), "adam": (0.2, 0.0)}, best=0.3)
    assert {"name": "adam", "best": 0.3, "side": "upper", "low": 0.1, "high": 0.3} in finding["edges"]
    assert {"choice": "adam", "judged": 0.2, "best": 0.3} in finding["missed"]


def test_seeds_that_were_tuned_on_do_not_judge(tmp_path):
    for lr in (0.1, 0.2):
        write_run(tmp_path, lr=lr)
    with pytest.raises(NoData, match="none is left to judge"):
        optimizers.analyse(load(tmp_path))
