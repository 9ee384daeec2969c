"""Choosing settings on some seeds and judging them on others."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.analysis.settings import first_seeds, paired, swept_seeds, tune


def study(folder, ends):
    """Write runs whose training loss ends as `ends` says by (optimizer, lr, seed)."""
    for (optimizer, lr, seed), end in ends.items():
        write_run(folder, optimizer=optimizer, lr=lr, seed=seed, losses=(2.0, 1.0, 0.9, 0.8, end))
    return load(folder).runs


def test_each_choice_is_tuned_on_the_first_seeds_and_judged_on_the_others(tmp_path):
    ends = {("sgd", lr, seed): lr if seed < 3 else 1 - lr for lr in (0.1, 0.2) for seed in (1, 2, 3, 4)}
    ends |= {("adam", lr, seed): 0.3 - lr for lr in (0.1, 0.2) for seed in (1, 2, 3, 4)}
    runs = study(tmp_path, ends)
    tuned = tune(runs, first_seeds(runs, 2), "optimizer", "train/loss").at_best("optimizer")
    assert dict(tuned.best) == {"sgd": 0.1, "adam": 0.2}
    assert set(tuned.tuning["seed"]) == {1, 2}
    assert {*tuned.judged[["optimizer", "lr", "seed"]].itertuples(index=False, name=None)} == {
        ("sgd", 0.1, 3),
        ("sgd", 0.1, 4),
        ("adam", 0.2, 3),
        ("adam", 0.2, 4),
    }
    assert tuned.missed("optimizer") == []


def test_a_choice_that_was_not_run_at_its_best_value_is_named(tmp_path):
    ends = {("sgd", 0.1, 1): 0.1, ("sgd", 0.2, 1): 0.2, ("sgd", 0.2, 2): 0.2}
    runs = study(tmp_path, ends)
    tuned = tune(runs, swept_seeds(runs, "optimizer"), "optimizer", "train/loss")
    assert set(tuned.judged["seed"]) == {2}
    assert tuned.missed("optimizer") == [{"choice": "sgd", "judged": 0.2, "best": 0.1}]
    with pytest.raises(NoData, match="sgd has no run at its best learning rate on the seeds that judge"):
        tuned.at_best("optimizer")


def test_a_diverged_run_cannot_be_paired(tmp_path):
    for optimizer, status in (("sgd", "finished"), ("adam", "diverged")):
        for seed in (1, 2):
            write_run(tmp_path, optimizer=optimizer, seed=seed, status=status)
    runs = load(tmp_path).runs
    assert paired(runs, "train/loss", "optimizer", "sgd", "adam").change == "unknown"
    with pytest.raises(NoData, match="the runs lack muon"):
        paired(runs, "train/loss", "optimizer", "sgd", "muon")
