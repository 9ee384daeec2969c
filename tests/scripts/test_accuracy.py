"""What theory and PyTorch say, held against both engines: the checks behind docs/accuracy.md."""

import re

import pytest
from accuracy import CHECKS
from checks.kills import SECTION
from conftest import ROOT

pytestmark = pytest.mark.xdist_group("accuracy")  # checks share their runs, with those of questions

TABLES = (ROOT / "docs" / "accuracy.md").read_text().partition(SECTION)[0]
ROWS = [line.split(" | ") for line in TABLES.splitlines() if line.endswith(" |")]


@pytest.mark.parametrize(
    "check",
    [pytest.param(check, marks=pytest.mark.slow if check.slow else (), id=f"{check.engine}: {check.claim}") for check in CHECKS],
)
def test_the_claim_holds(check):
    assert check.expected.low <= check.measure() <= check.expected.high


def test_the_table_has_every_check_and_says_what_holds():
    shown = [(row[0].removeprefix("| "), row[2], row[3]) for row in ROWS if row[0] not in ("| claim", "|---")]
    assert shown == [(check.claim, check.engine, check.expected.expected) for check in CHECKS]
    assert {row[5] for row in ROWS} == {"holds |", "yes |"}


def test_the_table_names_the_command_that_writes_it():
    text = (ROOT / "docs" / "accuracy.md").read_text()
    assert re.search(r"python scripts/accuracy.py --write docs/accuracy.md", text)
