"""A dozen kills of what `scripts/kills.py` does by the hundred."""

import signal

import pytest
from checks.kills import KILLS, kill

ALL = [(number, group) for number, group in KILLS if not group]
ALONE_AND_GROUP = [(signal.SIGTERM, True), (signal.SIGKILL, False)]


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize(
    ("launcher", "engine", "kills"),
    [
        ("none", "torch", ALL),
        ("basic", "numpy", ALL),
        ("joblib", "numpy", ALONE_AND_GROUP),
        ("submitit_local", "numpy", ALONE_AND_GROUP),
    ],
)
def test_a_study_that_is_killed_ends_like_an_undisturbed_one(tmp_path, launcher, engine, kills):
    case = kill(launcher, engine, kills, tmp_path)
    assert (case.different, case.lost, case.misled, case.left) == (0, 0, [], 0)
    assert sum(case.kills.values()) == len(kills)
    assert case.compared >= 2
