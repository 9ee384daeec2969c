"""The batch modes of an optimizer, compared at the most examples that all reach."""

import math

import pytest
from studies import GRID, write_run

from descent.analysis.load import load
from descent.analysis.modes import across_modes
from descent.analysis.verdicts import judge

SEEDS = range(1, 11)
NOISE = dict(zip(SEEDS, (1.0, 1.01, 0.99, 1.02, 0.98, 1.03, 0.97, 1.015, 0.985, 1.0), strict=True))


def write(study, batch, level, size=32, seeds=SEEDS, **more):
    for seed in seeds:
        losses = tuple(level * NOISE[seed] ** (1 + size % 3) * 2.0**-place for place in range(len(GRID)))
        write_run(study, batch=batch, size=size, seed=seed, losses=losses, **more)


def modes(study, metric=None):
    return judge(load(study), metric).modes


def test_the_better_mode_of_each_optimizer_is_told_with_its_ratio(tmp_path):
    for optimizer, ratio in (("sgd", 2), ("adam", 4)):
        write(tmp_path, "mini", 1, size=64, optimizer=optimizer)
        write(tmp_path, "full", ratio, optimizer=optimizer)
    adam, sgd = modes(tmp_path)
    for verdict, ratio in ((adam, 4), (sgd, 2)):
        (pair,) = verdict.ranking.finding.pairs
        assert verdict.ranking.finding.best == pair.one == "mini (64)"
        assert math.exp(pair.difference) == pytest.approx(ratio, rel=0.05)
        assert pair.n == 10
    assert adam.ranking.modes_of == "adam"


def test_values_are_those_at_the_most_examples_that_all_reach(tmp_path):
    write(tmp_path, "mini", 1, size=8)  # ends at 64 examples
    write(tmp_path, "mini", 1, size=32)  # ends at 256, and is at 64 with its record of step 2
    (ranking,) = across_modes(load(tmp_path))
    assert ranking.batch == "batch modes of sgd at 64 examples"
    medians = dict(ranking.table["median"])
    assert medians["mini (8)"] == pytest.approx(2.0**-4, rel=0.01)
    assert medians["mini (32)"] == pytest.approx(2.0**-2, rel=0.01)


def test_a_mode_that_fails_more_often_is_never_better(tmp_path):
    write(tmp_path, "full", 1)
    write(tmp_path, "mini", 0.1, size=64, seeds=range(1, 7))
    write(tmp_path, "mini", 0.1, size=64, seeds=range(7, 11), status="diverged")
    (verdict,) = modes(tmp_path)
    assert verdict.ranking.finding.best != "mini (64)"


def test_budgets_that_differ_are_named(tmp_path):
    problem = {"_target_": "a"}
    write(tmp_path, "full", 1, config={"problem": problem, "epochs": 200})
    write(tmp_path, "mini", 1, size=64, config={"problem": problem, "epochs": 20})
    (ranking,) = across_modes(load(tmp_path))
    assert set(ranking.candidates) == {"full, epochs=200", "mini (64), epochs=20"}


def test_other_problems_and_other_data_are_not_compared(tmp_path):
    write(tmp_path / "problems", "full", 1, config={"problem": {"width": 16}})
    write(tmp_path / "problems", "mini", 1, config={"problem": {"width": 32}})
    assert across_modes(load(tmp_path / "problems")) == []
    write(tmp_path / "data", "full", 1, environment={"data_checksum": "one"})
    write(tmp_path / "data", "mini", 1, environment={"data_checksum": "other"})
    assert across_modes(load(tmp_path / "data")) == []


def test_modes_are_tests_of_the_one_family(tmp_path):
    """More tests make each p-value at most larger."""
    write(tmp_path / "one", "mini", 1, size=64)
    write(tmp_path / "one", "mini", 1.02, size=64, optimizer="adam")
    write(tmp_path / "two", "mini", 1, size=64)
    write(tmp_path / "two", "mini", 1.02, size=64, optimizer="adam")
    write(tmp_path / "two", "full", 1)
    write(tmp_path / "two", "full", 1.5, optimizer="adam")
    (alone,) = judge(load(tmp_path / "one")).verdicts[0].ranking.finding.pairs
    among = next(v for v in judge(load(tmp_path / "two")).verdicts if v.ranking.batch.startswith("mini"))
    assert among.ranking.finding.pairs[0].p >= alone.p


def test_fewer_than_ten_seeds_are_described(tmp_path):
    write(tmp_path, "full", 1, seeds=range(1, 4))
    write(tmp_path, "mini", 2, size=64, seeds=range(1, 4))
    (verdict,) = modes(tmp_path)
    assert not verdict.ranking.tested
    assert verdict.sentence.startswith("Descriptive only (n = 3")
