"""How often a report is wrong about simulated studies: a small part of the table in docs/accuracy.md, and its counting."""

import math
from dataclasses import replace

import numpy as np
import pytest
from checks import page
from conftest import ROOT
from error_rates import CLAIMS, POWER, TABLES
from simulated.planning import planning
from simulated.rates import measure, rates
from simulated.studies import Scenario, clusters, ladder, one_best, two_top

from descent.analysis.paired_tests import Answer, judge


def within(share, wanted, studies):
    """Return whether a share of studies is at most one wanted, but for three standard errors."""
    return share <= wanted + 3 * math.sqrt(wanted * (1 - wanted) / studies)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario",
    [
        Scenario("equal", groups=3, candidates=4),
        Scenario("two best", two_top(5.0), candidates=4, noise="skewed"),
        Scenario("halves", clusters(2.0), candidates=4, noise="contaminated"),
        Scenario("ladder", ladder(1.5, 1.5), candidates=4, margin=1.5),
        Scenario("failures", two_top(5.0), candidates=4, failures=(0.1,) * 4),
        Scenario("shifted", clusters(2.0), candidates=4, shared=2.0),
        Scenario("survivors", groups=1, candidates=2, failures=(0.27, 0.0), survivors=True),
    ],
    ids=lambda scenario: scenario.name,
)
def test_false_claims_are_rare(scenario):
    means, _ = measure(scenario, 400)
    assert within(means.false_better, 0.05, 400)
    assert within(0 if math.isnan(means.false_equal) else means.false_equal, 0.05, 400)
    assert within(means.missed, 0.05, 400)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scenario", "name", "least"),
    [
        (Scenario("best", one_best(1.5), candidates=4), "best", 0.83),
        (Scenario("best", one_best(1.5), candidates=4), "pairs", 0.90),
        (Scenario("ladder", ladder(1.0), candidates=4), "second", 0.73),
        (Scenario("equal", candidates=4, margin=1.3), "equal", 0.80),
    ],
)
def test_what_is_true_is_found(scenario, name, least):
    means, errors = measure(scenario, 300)
    assert getattr(means, name) + 3 * getattr(errors, name) >= least


@pytest.mark.slow
def test_planned_seeds_are_those_needed():
    found = planning(Scenario("plan", groups=1, candidates=2, margin=0.7), 900)
    assert found.median / found.needed == pytest.approx(1, abs=0.25)
    assert found.inside > 0.7


def test_a_study_is_the_same_for_the_same_number():
    scenario = Scenario("halves", clusters(2.0), groups=2, candidates=4, shared=1.0, failures=(0.3,) * 4)
    one, again, other = scenario.study(0), scenario.study(0), scenario.study(1)
    assert all((a.failed == b.failed).all() for a, b in zip(one, again, strict=True))
    assert np.array_equal(one[1].scores, again[1].scores, equal_nan=True)
    assert not np.array_equal(one[1].scores, other[1].scores, equal_nan=True)


def test_studies_are_what_they_are_said_to_be():
    many = Scenario("halves", clusters(2.0), groups=1, candidates=4, seeds=20_000).study(0)[0]
    assert many.scores.mean(axis=1) == pytest.approx([0, 0, 2, 2], abs=0.03)
    assert np.std(many.scores[1] - many.scores[0]) == pytest.approx(1, abs=0.03)
    spread = Scenario("spreads", groups=1, candidates=3, seeds=20_000, spreads=9.0).study(0)[0].scores.std(axis=1)
    assert spread / spread[0] == pytest.approx([1, 3, 9], rel=0.05)
    for noise in ("skewed", "slightly skewed", "contaminated"):
        values = Scenario(noise, groups=1, candidates=2, seeds=50_000, noise=noise).study(0)[0].scores
        assert values.mean(axis=1) == pytest.approx([0, 0], abs=0.05)
    lost = Scenario("lost", groups=1, candidates=3, seeds=14, missing=2, failures=(0.5, 0.0, 0.0)).study(0)[0]
    assert (np.isnan(lost.scores) & ~lost.failed).sum(axis=1).tolist() == [2, 2, 2]
    assert lost.failed.sum(axis=1)[1:].tolist() == [0, 0]
    worst = Scenario("worst", groups=1, candidates=2, seeds=9_000, failures=(0.27, 0.0), survivors=True).study(0)[0]
    assert worst.failed.mean(axis=1) == pytest.approx([0.27, 0], abs=0.02)
    assert np.nanmax(worst.scores[0]) < np.nanmax(worst.scores[1])


def test_wrong_claims_are_counted_as_wrong_and_right_ones_as_found():
    scenario = Scenario("ladder", ladder(3.0, 3.0), groups=1, candidates=3, margin=3.0)
    finding = judge(scenario.study(0))[0]
    right = rates(scenario, [finding])
    assert (right.false_better, right.false_equal, right.missed, right.best, right.pairs, right.second) == (0, 0, 0, 1, 1, 1)
    assert math.isnan(right.equal)
    pairs = list(finding.pairs)
    turned = replace(pairs[0], one=pairs[0].other, other=pairs[0].one)
    wrong = rates(scenario, [replace(finding, pairs=(turned, *pairs[1:]), best="1")])
    assert (wrong.false_better, wrong.missed, wrong.best, wrong.second) == (1, 1, 0, 0)
    assert wrong.pairs == pytest.approx(2 / 3)
    called = rates(scenario, [replace(finding, pairs=(replace(pairs[0], answer=Answer.EQUAL), *pairs[1:]))])
    assert (called.false_better, called.false_equal) == (0, 1)


def test_who_fails_more_is_not_truly_better():
    scenario = Scenario("fails", one_best(2.0), groups=1, candidates=2, failures=(0.5, 0.0))
    pair = judge(Scenario("whole", one_best(5.0), groups=1, candidates=2).study(0))[0]
    assert rates(scenario, [pair]).false_better == 1
    assert rates(replace(scenario, failures=(0.0, 0.5)), [pair]).false_better == 0


def test_a_rate_has_its_standard_error():
    means, errors = measure(Scenario("equal", groups=1, candidates=2, margin=0.9), 40)
    assert 0 < means.equal < 1
    assert errors.equal == pytest.approx(math.sqrt(means.equal * (1 - means.equal) / 40))


def test_the_page_has_every_row():
    text = page.parts(ROOT / "docs" / "accuracy.md")[page.ERROR_RATES]
    rows = [line.split(" | ")[:4] for line in text.splitlines() if line.startswith("| ") and not line.startswith("| what")]
    shown = [(name.removeprefix("| "), size, int(seeds), noise) for name, size, seeds, noise in rows]
    assert shown == [
        (one.name, f"{one.groups} x {one.candidates}", one.seeds, one.noise) for *_, scenarios, _ in TABLES for one in scenarios
    ]
    assert "python scripts/error_rates.py --write docs/accuracy.md" in text


def test_rows_of_a_table_differ():
    for scenarios in (CLAIMS, POWER):
        assert len({scenario.title for scenario in scenarios}) == len(scenarios)


def test_each_script_leaves_the_other_parts_of_the_page(tmp_path):
    file = tmp_path / "accuracy.md"
    written = {page.KILLS: f"{page.KILLS}kills\n", page.CHECKS: "# Accuracy\n", page.ERROR_RATES: f"{page.ERROR_RATES}rates\n"}
    for part, text in written.items():
        page.write(file, part, text)
    assert file.read_text() == written[page.CHECKS] + written[page.ERROR_RATES] + written[page.KILLS]
    page.write(file, page.CHECKS, "# Accuracy\n\nchecks\n")
    assert page.parts(file) == {**written, page.HONESTY: "", page.CHECKS: "# Accuracy\n\nchecks\n"}
