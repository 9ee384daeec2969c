"""A dozen kills of what `scripts/kills.py` does by the hundred."""

import signal

import pytest
from checks import page
from checks.kills import KILLS, kill
from conftest import ROOT

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


def test_the_table_is_the_last_section_of_the_accuracy_page():
    text = page.parts(ROOT / "docs" / "accuracy.md")[page.KILLS].removeprefix(page.KILLS)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")]
    head, *cases = (dict(zip(rows[0], row, strict=True)) for row in rows)
    assert len(head) == 12
    assert sum(int(case[name]) for case in cases for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGKILL")) >= 100
    assert {(case["launcher"], case["engine"]) for case in cases} >= {
        (launcher, engine) for launcher in ("none", "basic", "joblib", "submitit_local") for engine in ("torch", "numpy")
    }
    assert {case[name] for case in cases for name in ("different", "results lost", "wrong ends", "left behind")} == {"0"}
