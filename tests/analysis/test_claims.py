"""The sentences about a group's pairs: what each answer says, and no claim that was not made."""

import math
from dataclasses import replace

import numpy as np

from analysis.plain_family import TENTH, group
from descent.analysis.claims import Terms, notes, verdict
from descent.analysis.differences import Group
from descent.analysis.paired_tests import judge

LOSS = Terms("training loss", ratio=True, higher_is_better=False, margin=TENTH)


def said(*args, terms=LOSS, **options):
    finding = judge([group(*args, **{"margin": terms.margin, **options})])[0]
    return [verdict(finding, terms), *notes(finding, terms)]


def steady(*means, n=10):
    """A group whose differences are the same on all seeds but for a little."""
    values = np.array(means)[:, None] + 0.001 * np.array([[1, -1] * (n // 2)]) * np.arange(len(means))[:, None]
    return Group(tuple("abcd"[: len(means)]), values + np.arange(n), np.zeros(values.shape, bool), np.arange(n), TENTH)


def test_the_best_is_ahead_of_each_other_by_a_ratio():
    finding = judge([steady(0.0, math.log(2), math.log(4.6))])[0]
    assert (
        verdict(finding, LOSS)
        == "a is best: training loss 2 times lower than b's (2 to 2) and 4.6 times lower than c's (4.59 to 4.61)."
    )
    assert notes(finding, LOSS) == []


def test_accuracies_are_higher_by_points():
    terms = Terms("validation accuracy", ratio=False, higher_is_better=True, margin=0.005)
    assert said([-0.95, -0.93], spread=1e-9, terms=terms) == ["a is best: validation accuracy 2 points higher than b's (2 to 2)."]
    assert said([-0.95, -0.95], spread=1e-4, terms=terms)[0] == "a and b are equal within 0.5 points in validation accuracy."


def test_less_than_the_margin_is_said():
    assert said([0.0, 0.03], spread=0.005)[1] == "Better, by less than the margin of 10 %: a than b."


def test_equal_ones_are_equal_within_the_margin():
    assert said([0.0, 0.0], spread=0.01) == ["a and b are equal within 10 % in training loss."]
    best, *more = said([0.0, 0.001, 1.0], spread=0.01)
    assert best.startswith("No best in training loss: a and b are beaten by nobody; ")
    assert "better than c, 2.73 times lower (2.7 to 2.76)" in best
    assert more == ["Equal within 10 %: b and a."]  # b is ahead by value


def test_not_told_apart_says_how_many_seeds_would_show_the_margin():
    first, seeds, equal = said([0.0, 0.0], spread=0.1)
    assert first.startswith("Not told apart in training loss: ")
    assert seeds.startswith("About ")
    assert seeds.endswith(") would show a difference of 10 % in 4 of 5 studies.")
    assert equal == "10 seeds cannot show equality within 10 % here."
    assert "More than 200 seeds would show a difference of 10 % in 4 of 5 studies." in said([0.0, 0.0], spread=1.0)


def test_failures_are_counted():
    first = said([0.0, 0.1], failed=[(1, seed) for seed in range(9)])[0]
    assert first.startswith("a is best: training loss ")
    assert "; failed on 0 of 10 seeds, b on 9)" in first
    _, note = said([0.0, 5.0], n=14, spread=1.0, failed=[(0, 0)])
    assert note == "a is ahead of b by value, but failed more often (1 against 0): not ranked."


def test_what_was_not_tested_is_named():
    assert said([0.0, 1.0], n=9) == ["", "Fewer than ten common seeds, not tested: a with b."]
    copies = group([0.0, 1.0])
    finding = judge([replace(copies, scores=np.array([[0.0], [1.0]]).repeat(10, axis=1))])[0]
    assert notes(finding, LOSS) == ["Values repeat over seeds, not tested: a with b."]
    finding = judge([replace(copies, scores=copies.scores[:1].repeat(2, axis=0))])[0]
    assert notes(finding, LOSS) == ["The same values on all seeds, not tested: a with b."]


def test_what_holds_for_the_settings_found_alone_is_told_from_what_holds_over_searches():
    rng = np.random.default_rng(0)
    over = np.repeat([[0.0, 0.0, 0.0], [0.1, 1.5, 3.0], [0.1, 3.0, 2.0]], 10, axis=1)
    seeds, searches = np.tile(np.arange(10), 3), np.repeat([1, 2, 3], 10)
    values = over + 0.01 * rng.normal(size=over.shape)
    finding = judge([Group(("a", "b", "c"), values, np.zeros(values.shape, bool), seeds, TENTH, searches)])[0]
    assert verdict(finding, LOSS).startswith("Not told apart")
    assert verdict(finding, LOSS).endswith("a is best.")
    counts = sorted(int(pair.searches) for pair in finding.pairs if pair.searches > 0)
    assert any(str(counts[0]) in line and "searches" in line for line in notes(finding, LOSS))


def test_the_typical_seed_is_named_where_it_disagrees():
    values = group([0.0, 0.5], spread=0.01)
    far = values.scores.copy()
    far[1, :2] += 9
    finding = judge([replace(values, scores=far)])[0]
    assert "typical seed 1.65" in verdict(finding, LOSS)
    assert "typical" not in verdict(judge([values])[0], LOSS)


def test_nothing_is_said_to_be_no_difference():
    for seed in range(20):
        text = " ".join(said([0.0, 0.02, 0.3], spread=0.1, seed=seed))
        assert not any(word in text for word in ("indistinguishable", "No difference", "beats", "significant"))
