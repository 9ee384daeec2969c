"""Schedules, each at its own best learning rate."""

import math

import pytest
from studies import write_run

from descent.analysis.load import load
from descent.analysis.statistics import values
from descent.experiments import conclude, schedules
from descent.records.folders import run_folders


def concluded(folder, ends, seeds=12):
    """Write runs whose training loss ends as `ends` says by (schedule, lr), plus what the seed adds; return the finding."""
    for (schedule, lr), end in ends.items():
        for seed in range(1, seeds + 1):
            write_run(folder, lr=lr, seed=seed, schedule=schedule, losses=(2.0, 1.5, 1.2, 1.1, end(seed)))
    done = conclude("schedules", folder, run_folders(folder))
    assert bool(done.figure) != ("missing" in done.finding)
    return done.finding


def test_it_finds_which_are_worse_and_which_cannot_be_told_apart(tmp_path):
    ends = {
        ("cosine", 0.1): lambda _: 0.9,
        ("cosine", 1.0): lambda seed: 0.1 + 0.001 * seed,
        ("linear", 0.1): lambda seed: 0.1005 + 0.001 * seed + 0.01 * (-1) ** seed,  # now below cosine, now above
        ("linear", 1.0): lambda _: 0.9,
        ("constant", 0.1): lambda seed: 0.2 + 0.002 * seed,
        ("constant", 1.0): lambda _: 0.9,
    }
    finding = concluded(tmp_path, ends)
    assert finding["best"] == {"name": "cosine", "lr": 1, "loss": pytest.approx(0.1075)}
    assert (finding["seeds"], finding["tested"]) == (10, True)
    assert finding["others"] == [
        {"name": "linear", "loss": pytest.approx(0.108), "winner": None},
        {"name": "constant", "loss": pytest.approx(0.215), "winner": "best"},
    ]
    assert (finding["rates"], finding["edges"]) == ([0.1, 1], ["cosine", "linear", "constant"])


def test_it_may_find_that_the_best_in_tuning_is_not_the_best(tmp_path):
    ends = {
        ("cosine", 0.1): lambda seed: 0.1 + 0.001 * seed,
        ("constant", 0.1): lambda seed: 0.2 if seed <= schedules.TUNING else 0.05 + 0.002 * seed,
    }
    finding = concluded(tmp_path, ends)
    assert finding["best"] == {"name": "cosine", "lr": 0.1, "loss": pytest.approx(0.1075)}
    assert finding["others"] == [{"name": "constant", "loss": pytest.approx(0.065), "winner": "other"}]
    assert finding["edges"] == []


def test_few_seeds_tell_nothing(tmp_path):
    ends = {("cosine", 0.1): lambda _: 0.1, ("constant", 0.1): lambda _: 0.2}
    four = concluded(tmp_path / "four", ends, seeds=4)
    assert (four["seeds"], four["tested"], four["needed"]) == (2, False, 10)
    lost = concluded(tmp_path / "lost", {(name, 0.1): lambda _: math.inf for name in ("cosine", "constant")}, seeds=4)
    assert lost == {"missing": "every run of the seeds that judge diverged"}
    assert concluded(tmp_path / "two", ends, seeds=2)["missing"].startswith("it takes two schedules, 2 seeds that choose")


@pytest.mark.slow
def test_its_numbers_are_what_the_runs_hold(experiment):
    finding, folder = experiment("schedules")
    runs = load(folder).runs.assign(value=lambda runs: values(runs, "train/loss"))
    tuning = runs[runs["seed"] <= schedules.TUNING].groupby(["schedule", "lr"])["value"].median()
    assert (finding["best"]["name"], finding["best"]["lr"]) == tuning.idxmin()
    assert {row["name"] for row in (finding["best"], *finding["others"])} == set(runs["schedule"])
    for row in (finding["best"], *finding["others"]):
        own = runs[(runs["schedule"] == row["name"]) & (runs["lr"] == tuning[row["name"]].idxmin())]
        assert row["loss"] == pytest.approx(own.loc[own["seed"] > schedules.TUNING, "value"].median())
