"""Short runs of every optimizer, problem, batch mode and schedule give the numbers that an earlier tree wrote.

`scripts/freeze.py` holds the cases, and `python scripts/freeze.py --write` writes `runs.json`, where a change is intended.
"""

import json

import pytest
from freeze import CASES, GOLDEN, golden, read, runs

RUNS = json.loads(GOLDEN.read_text())
EXACT = ("status", "steps", "examples", "gradient_evaluations")
TOLERANCES = {"64": 1e-10, "32": 1e-4}  # relative
MUON = 1e-2  # it makes its momentum orthogonal in bfloat16, in which processors round in different ways
SLOW = {
    ("optimizers", "precision=32"),
    ("optimizers_numpy", "precision=64"),
    ("problems", "batch=full"),
    ("problems", "batch=stochastic"),
    ("schedules", "engine=torch"),
    ("options", "problem=digits_mlp"),
    ("images", "precision=32"),
}


@pytest.fixture
def numbers(train, tmp_path):
    """Train a run as users do; return its key in `runs.json` and its numbers."""

    def trained(case, overrides):
        train(f"study={case}", "logger=[]", *overrides)
        ((key, computed),) = read(tmp_path).items()
        return key, golden(computed)

    return trained


def chosen():
    """Yield the runs of all cases; not those in bf16, of which processors round in different ways."""
    for case in CASES:
        for overrides in runs(case):
            if "precision=bf16" not in overrides:
                slow = any((case, override) in SLOW for override in overrides)
                yield pytest.param(case, overrides, id=" ".join([case, *overrides]), marks=pytest.mark.slow if slow else ())


@pytest.mark.parametrize(("case", "overrides"), list(chosen()))
def test_a_run_gives_the_same_numbers_as_before(numbers, case, overrides):
    key, computed = numbers(case, overrides)
    expected, tolerance = RUNS[key], MUON if " muon " in key else TOLERANCES[key.rpartition(" ")[2]]
    wrong = {name: (computed.get(name), value) for name, value in expected.items() if name in EXACT and computed[name] != value}
    for name in expected.keys() - set(EXACT):
        if computed.get(name) != pytest.approx(expected[name], rel=tolerance, abs=0, nan_ok=True):
            wrong[name] = computed.get(name), expected[name]
    assert not wrong


def test_every_run_of_the_file_is_trained():
    assert len(RUNS) == sum("precision=bf16" not in overrides for case in CASES for overrides in runs(case))
