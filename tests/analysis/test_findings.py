"""Findings: numbers as data, and the sentences made of them."""

import json
import math

import numpy as np
import pytest

from descent.analysis.findings import Change, Difference, Finding, Missing, adjusted, difference, render


def test_a_finding_is_plain_json_and_what_is_not_finite_is_none():
    finding = Finding(
        count=np.int64(3), rows=[{"loss": np.float64(0.5)}, {"loss": math.inf}], difference=difference([1.0, 2.0, 3.0])
    )
    assert json.loads(json.dumps(finding, allow_nan=False)) == finding
    assert finding["rows"] == [{"loss": 0.5}, {"loss": None}]
    assert finding["difference"] == {
        "mean": 2,
        "low": pytest.approx(-0.484, abs=1e-3),
        "high": pytest.approx(4.484, abs=1e-3),
        "change": "unclear",
    }
    assert Missing("adam") == {"missing": "adam"}


@pytest.mark.parametrize(
    ("pairs", "change"),
    [([1.0, 1.1, 1.2], "higher"), ([-1.0, -1.1, -1.2], "lower"), ([-1.0, 1.0], "unclear"), ([0.0, 0.0], "unclear")],
)
def test_a_difference_is_clear_where_its_interval_excludes_zero(pairs, change):
    assert difference(pairs).change == change


@pytest.mark.parametrize("pairs", [[], [1.0], [1.0, math.inf, 2.0]])
def test_a_difference_of_too_few_or_of_a_diverged_run_is_unknown(pairs):
    assert difference(pairs).change == Change.UNKNOWN


def test_many_differences_are_corrected_for_their_number():
    pairs = [0.1, 1.0, 1.2, 0.9]
    assert difference(pairs).change == Change.HIGHER
    noise = [-1.0, 1.0, -2.0, 2.1]
    assert [each.change for each in adjusted([pairs, noise, noise, noise])] == [Change.UNCLEAR] * 4
    alike = [[0.0, 0.0], [1.0, 1.0], [1.0], [1.0, math.inf]]
    assert [each.change for each in adjusted(alike)] == [Change.UNCLEAR, Change.HIGHER, Change.UNKNOWN, Change.UNKNOWN]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (25_140, "25,140"),
        (25_140.4, "25,140"),
        (0.011949, "0.0119"),
        (1.995, "2"),
        (999.4, "999"),
        (-0.0438, "-0.0438"),
        (7.078e-7, "7.08e-07"),
        (1.61e7, "1.61e+07"),
        (0, "0"),
        ("mini-batch", "mini-batch"),
    ],
)
def test_a_number_has_three_digits_and_a_count_all_of_its_own(value, shown):
    assert render("{{ value }}", {"value": value}) == shown


def test_lists_ranges_shares_and_differences_have_a_form():
    numbers = {
        "rates": [0.3, 0.1, 1.0],
        "share": 0.4,
        "change": Finding(it=Difference(0.0257, 0.00939, 0.0421, Change.HIGHER))["it"],
    }
    assert render("{{ rates | listed }}; {{ rates | span }}", numbers) == "0.3, 0.1 and 1; 0.1 to 1"
    assert render("{{ share | percent }} ; {{ [2, 2] | span }} .", numbers) == "40 %; 2."
    assert render("{{ change | change }}", numbers) == "higher (difference 0.0257, 95 % interval 0.00939 to 0.0421)"
    unclear = numbers | {"change": numbers["change"] | {"change": "unclear"}}
    assert render("{{ change | change }}", unclear).startswith("not clearly different (difference 0.0257")
    unknown = {"change": Finding(it=difference([]))["it"]}
    assert render("{{ change | change }}", unknown) == "not comparable, as a run diverged or seeds are missing"
