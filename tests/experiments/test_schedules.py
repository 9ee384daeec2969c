"""Schedules, each at its own best learning rate."""

import math
import re

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import load
from descent.analysis.statistics import values
from descent.experiments import conclude, schedules
from descent.records.folders import run_folders


def written(folder, ends, seeds=12):
    """Write runs whose training loss ends as `ends` says by (schedule, lr), plus what the seed adds; conclude."""
    for (schedule, lr), end in ends.items():
        for seed in range(1, seeds + 1):
            write_run(folder, lr=lr, seed=seed, schedule=schedule, losses=(2.0, 1.5, 1.2, 1.1, end(seed)))
    return conclude("schedules", folder, run_folders(folder))


def test_it_says_which_are_worse_and_which_cannot_be_told_apart(tmp_path):
    ends = {
        ("cosine", 0.1): lambda _: 0.9,
        ("cosine", 1.0): lambda seed: 0.1 + 0.001 * seed,
        ("linear", 0.1): lambda seed: 0.1005 + 0.001 * seed + 0.01 * (-1) ** seed,  # now below cosine, now above
        ("linear", 1.0): lambda _: 0.9,
        ("constant", 0.1): lambda seed: 0.2 + 0.002 * seed,
        ("constant", 1.0): lambda _: 0.9,
    }
    said, figure = written(tmp_path, ends)
    assert figure.exists()
    assert said == (
        "The best schedule in tuning is cosine (lr = 1); on 10 other seeds its median training loss is 0.108; linear (0.108) "
        "cannot be told from it; constant (0.215) is worse. At an edge of the rates tried, 0.1 to 1: cosine, linear and constant."
    )


def test_it_may_find_that_the_best_in_tuning_is_not_the_best(tmp_path):
    ends = {
        ("cosine", 0.1): lambda seed: 0.1 + 0.001 * seed,
        ("constant", 0.1): lambda seed: 0.2 if seed <= schedules.TUNING else 0.05 + 0.002 * seed,
    }
    said, _ = written(tmp_path, ends)
    assert said == (
        "The best schedule in tuning is cosine (lr = 0.1); on 10 other seeds its median training loss is 0.108; "
        "constant (0.065) is better."
    )


def test_few_seeds_tell_nothing_and_one_says_so(tmp_path):
    ends = {("cosine", 0.1): lambda _: 0.1, ("constant", 0.1): lambda _: 0.2}
    assert written(tmp_path / "four", ends, seeds=4)[0].endswith(
        "on 2 other seeds its median training loss is 0.1, beside constant 0.2; it takes 10 seeds to tell them apart."
    )
    lost, _ = written(tmp_path / "lost", {(name, 0.1): lambda _: math.inf for name in ("cosine", "constant")}, seeds=4)
    assert lost == "No conclusion: every run of the seeds that judge diverged."
    assert written(tmp_path / "two", ends, seeds=2)[0].startswith("No conclusion: it takes two schedules, 2 seeds that choose")


@pytest.mark.slow
def test_what_it_says_is_what_the_runs_hold(experiment):
    said, folder = experiment("schedules")
    runs = load(folder).runs.assign(value=lambda runs: values(runs, "train/loss"))
    tuning = runs[runs["seed"] <= schedules.TUNING].groupby(["schedule", "lr"])["value"].median()
    best, lr = tuning.idxmin()
    assert said.startswith(f"The best schedule in tuning is {best} (lr = {lr:g}); on 10 other seeds ")
    fresh = runs[(runs["seed"] > schedules.TUNING) & (runs["schedule"] == best) & (runs["lr"] == lr)]
    assert number(r"median training loss is ([\d.e-]+);", said) == pytest.approx(fresh["value"].median(), rel=0.01)
    others = dict(re.findall(r"(\w+) \(([\d.e-]+)\)", said))
    assert {*others, best} == set(runs["schedule"])
    for name, shown in others.items():
        chosen = runs[(runs["schedule"] == name) & (runs["lr"] == tuning[name].idxmin()) & (runs["seed"] > schedules.TUNING)]
        assert float(shown) == pytest.approx(chosen["value"].median(), rel=0.01)
