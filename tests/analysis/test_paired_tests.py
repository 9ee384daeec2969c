"""The tests of a report: against the plain form, by hand, and what must not change them."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis import plain_family as plain
from analysis.plain_family import TENTH, group
from descent.analysis.differences import Group, scores
from descent.analysis.estimates import Interval, hodges_lehmann, planned
from descent.analysis.flips import flipped, log_p, signs, step_down
from descent.analysis.paired_tests import Answer, judge


def pair(finding, one, other):
    return next(each for each in finding.pairs if {each.one, each.other} == {one, other})


def messy(seed):
    """Two groups with missing runs, failures, ties and unequal spreads."""
    rng = np.random.default_rng(seed)
    groups = []
    for k in (3, 4):
        spread = np.exp(rng.normal(size=(k, 1)))
        values = 1.2 * rng.normal(size=(k, 1)) + spread * rng.standard_t(2, size=(k, 12))
        values[1, 3] = values[0, 3]
        failed = rng.random((k, 12)) < 0.05
        values[failed | (rng.random((k, 12)) < 0.04)] = math.nan
        groups.append(Group(tuple("abcd"[:k]), values, failed, rng.permutation(12), 2.0))
    return groups


@pytest.mark.parametrize("seed", range(8))
def test_the_fast_form_is_the_plain_one(seed):
    groups = messy(seed)
    p, p_equal = plain.what_follows(groups, plain.better(groups)), plain.equal(groups)
    whole, seeds = [], range(12)
    for g, (each, finding) in enumerate(zip(groups, judge(groups), strict=True)):
        for (i, j), computed in zip(itertools.combinations(range(len(each.candidates)), 2), finding.pairs, strict=True):
            d, failures = plain.common(each, i, j)
            turn = 1 if sum(d.values()) >= 0 else -1
            assert (computed.one, computed.other) == (each.candidates[i], each.candidates[j])[::turn]
            assert computed.failures == tuple(failures[::turn])
            assert computed.n == len(d)
            if (g, i, j) in p:
                assert computed.p == pytest.approx(p[g, i, j])
                if not any(failures):
                    whole.append((d, computed, turn))
                    assert computed.p_equal == pytest.approx(p_equal[g, i, j])
            else:
                assert computed.answer is Answer.FEW
    level = plain.simultaneous_level([d for d, _, _ in whole], seeds)
    for d, computed, turn in whole:
        mean, reach = plain.interval(d, level)
        assert computed.difference == pytest.approx(turn * mean)
        better = computed.answer in (Answer.BETTER, Answer.BETTER_WITHIN)
        low, high = computed.difference - reach, computed.difference + reach
        expected = (max(low, 0), high) if better else (min(low, 0), max(high, 0))
        assert (computed.low, computed.high) == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_one_pair_has_the_p_value_of_all_flips():
    d = np.array([0.3, 0.1, 0.4, -0.1, 0.5, 0.9, 0.2, 0.6, 0.5, 0.3])
    extreme = np.mean([abs(np.dot(d, e)) >= abs(d.sum()) - 1e-9 for e in itertools.product([1, -1], repeat=10)])
    computed = judge([Group(("a", "b"), np.stack([np.zeros(10), d]), np.zeros((2, 10), bool), np.arange(10), TENTH)])[0]
    assert extreme == 6 / 1024
    assert computed.pairs[0].p == pytest.approx(extreme)
    assert (computed.best, computed.pairs[0].answer, computed.pairs[0].ahead) == ("a", Answer.BETTER, 9)
    assert computed.pairs[0].difference == pytest.approx(0.37)


def test_the_table_of_p_values_is_students():
    t = np.array([0.0, 0.5, 1.8331129, 2.2621572, 5.0, 12.0])
    for n in (10, 11, 40):
        statistic = t * np.sqrt(n / (n - 1 + t**2))
        assert np.exp(log_p(statistic[None], np.array([n])))[0] == pytest.approx(stats.t.sf(t, n - 1), rel=1e-4)
        assert np.exp(log_p(-statistic[None], np.array([n])))[0] == pytest.approx(stats.t.cdf(t, n - 1), rel=1e-4)


def test_flips_are_all_there_are_or_seeded():
    assert len({tuple(row) for row in signs(10)}) == 512
    assert len({tuple(row) for row in signs(12, one_sided=True)}) == 4096
    assert signs(15).shape == (10_000, 15)
    for flips in (signs(10), signs(10, one_sided=True), signs(15)):
        assert (flips[0] == 1).all()
        assert (np.abs(flips) == 1).all()
    assert flipped(np.zeros((1, 10)), signs(10)).tolist() == [[0.0] * 512]


def test_a_single_hypothesis_is_not_adjusted_and_the_smallest_of_two_is():
    log_ps = np.log(np.array([[0.01, 0.5, 0.005, 0.8], [0.3, 0.009, 0.2, 0.9]]))
    assert step_down(log_ps[:1])[0].tolist() == [0.5]
    assert step_down(log_ps)[0].tolist() == [0.75, 0.75]  # at or below .01: flips 0, 1 and 2; then .3: 0, 1, 2 by one's own


def test_the_best_is_better_than_all_and_the_middle_follows():
    finding = judge([group([0.0, 1.0, 2.0])])[0]
    assert finding.best == "a"
    assert [each.answer for each in finding.pairs] == [Answer.BETTER] * 3
    assert [(each.one, each.other) for each in finding.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert pair(finding, "a", "c").difference == pytest.approx(2, abs=0.03)


def test_equal_within_the_margin_and_better_by_less_than_it():
    same = judge([group([0.0, 0.0], spread=0.03)])[0].pairs[0]
    assert (same.answer, same.p_equal) == (Answer.EQUAL, 1 / 1024)
    assert same.low < 0 < same.high < TENTH
    less = judge([group([0.0, 0.03], spread=0.01)])[0].pairs[0]
    assert less.answer is Answer.BETTER_WITHIN
    assert less.one == "a"
    assert 0 < less.low < less.high < TENTH
    assert judge([group([0.0, 0.03], spread=0.01, margin=0.01)])[0].pairs[0].answer is Answer.BETTER


def test_not_told_apart_says_how_many_seeds_would_show_the_margin():
    computed = judge([group([0.0, 0.0], spread=0.2)])[0].pairs[0]
    assert computed.answer is Answer.OPEN
    deviation = (computed.high - computed.low) / 2 / stats.t.isf(0.025, 9) * math.sqrt(10)
    z = stats.norm.isf(0.025)
    assert computed.seeds == pytest.approx(((z + 0.8416) * deviation / TENTH) ** 2 + z**2 / 2, rel=0.1)
    assert computed.seeds_low < computed.seeds < computed.seeds_high
    assert computed.equal_within == pytest.approx((stats.t.isf(0.025, 9) + 1.2816) * deviation / math.sqrt(10), rel=0.1)
    assert computed.equal_within > TENTH


def test_planned_seeds_are_those_of_the_formula():
    middle, low, high = planned(np.array([0.2]), np.array([10]), np.array([0.1]), np.array([0.05]))
    assert middle[0] == pytest.approx((1.95996 + 0.84162) ** 2 * 4 + 1.95996**2 / 2, rel=1e-5)
    assert (low[0] - 1.92073, high[0] - 1.92073) == pytest.approx(
        (31.396 * 9 / 16.9190, 31.396 * 9 / 3.32511), rel=1e-4
    )  # the 95 % and 5 % quantiles of chi-squared with 9 degrees of freedom


def test_fewer_than_ten_common_seeds_are_described_and_fewer_than_six_have_a_range():
    nine, five = (judge([group([0.0, 1.0], n=n)])[0].pairs[0] for n in (9, 5))
    for computed in (nine, five):
        assert computed.answer is Answer.FEW
        assert math.isnan(computed.p)
        assert math.isnan(computed.p_equal)
        assert math.isnan(computed.seeds)
    d = np.diff(group([0.0, 1.0], n=9).scores, axis=0)[0]
    assert nine.interval is Interval.ALONE
    assert (nine.low, nine.high) == pytest.approx(stats.t.interval(0.95, 8, d.mean(), stats.sem(d)))
    assert five.interval is Interval.RANGE
    d = np.diff(group([0.0, 1.0], n=5).scores, axis=0)[0]
    assert (five.low, five.high) == (d.min(), d.max())
    one = judge([group([0.0, 1.0], n=1)])[0].pairs[0]
    assert (one.answer, one.low, one.high) == (Answer.FEW, one.difference, one.difference)


def test_only_common_seeds_count():
    whole = group([0.0, 1.0, 2.0], n=14)
    values = whole.scores.copy()
    values[0, :3], values[1, 12:] = math.nan, math.nan
    finding = judge([replace(whole, scores=values)])[0]
    assert [each.n for each in finding.pairs] == [9, 11, 12]
    assert [each.answer for each in finding.pairs] == [Answer.FEW, Answer.BETTER, Answer.BETTER]


def test_nothing_in_common_is_described():
    values = np.full((2, 20), math.nan)
    values[0, :10], values[1, 10:] = 1.0 + np.arange(10), 2.0 + np.arange(10)
    computed = judge([Group(("a", "b"), values, np.zeros((2, 20), bool), np.arange(20), TENTH)])[0].pairs[0]
    assert (computed.answer, computed.n) == (Answer.FEW, 0)
    assert math.isnan(computed.difference)


def test_values_that_repeat_are_not_tested():
    copies = np.repeat(np.array([[0.0], [1.0], [0.5]]), 12, axis=1)
    copies[2] += np.linspace(0, 0.1, 12) ** 2
    finding = judge([Group(("a", "b", "c"), copies, np.zeros((3, 12), bool), np.arange(12), TENTH)])[0]
    assert pair(finding, "a", "b").answer is Answer.REPEATED
    assert math.isnan(pair(finding, "a", "b").p)
    assert pair(finding, "a", "c").answer is Answer.BETTER
    assert judge([Group(("a", "b"), copies[:2], np.zeros((2, 12), bool), np.arange(12), TENTH)])[0].best == ""
    few = judge([Group(("a", "b"), copies[:2, :3], np.zeros((2, 3), bool), np.arange(3), TENTH)])[0].pairs[0]
    assert few.answer is Answer.REPEATED


def test_the_same_values_of_two_candidates_are_not_tested():
    twice = group([0.0, 0.0])
    computed = judge([replace(twice, scores=np.stack([twice.scores[0]] * 2))])[0].pairs[0]
    assert (computed.answer, computed.difference) == (Answer.SAME, 0)


def test_a_failure_is_the_pairs_worst():
    failed = [(1, seed) for seed in range(8)]
    computed = judge([group([0.0, 0.1], failed=failed)])[0]
    assert computed.best == "a"
    assert computed.pairs[0].failures == (0, 8)
    assert computed.pairs[0].answer is Answer.BETTER
    assert computed.pairs[0].interval is Interval.RANGE  # of the two seeds on which both finished
    assert computed.pairs[0].p == 2 / 1024
    assert math.isnan(computed.pairs[0].p_equal)
    some = judge([group([0.0, 0.1], n=12, failed=failed[:4])])[0].pairs[0]
    assert some.interval is Interval.FINISHED


def test_failures_count_where_all_values_are_the_same():
    values = np.tile(np.arange(14.0), (2, 1))
    failed = np.zeros((2, 14), dtype=bool)
    failed[1, :8] = True
    computed = judge([Group(("a", "b"), values, failed, np.arange(14), TENTH)])[0].pairs[0]
    assert (computed.answer, computed.one, computed.p) == (Answer.BETTER, "a", 2 / 256)


def test_all_failed_on_both_sides_says_nothing():
    computed = judge([group([0.0, 0.1], failed=[(k, seed) for k in (0, 1) for seed in range(10)])])[0].pairs[0]
    assert (computed.answer, computed.failures) == (Answer.SAME, (10, 10))


def test_nobody_wins_who_failed_more_often():
    survivor = group([0.0, 5.0], n=14, spread=1.0, failed=[(0, 0)])
    computed = judge([survivor])[0]
    assert computed.best == ""
    assert computed.pairs[0].p <= 0.05
    assert (computed.pairs[0].answer, computed.pairs[0].one, computed.pairs[0].failures) == (Answer.FAILED_MORE, "a", (1, 0))


def test_who_failed_more_often_is_not_best_through_others():
    chain = group([0.0, 5.0, 10.0], n=14, spread=0.1, failed=[(0, 0), (1, 0), (2, 0), (0, 1)])
    finding = judge([chain])[0]
    assert finding.best == ""
    assert pair(finding, "b", "c").answer is Answer.BETTER
    assert pair(finding, "a", "c").answer is Answer.FAILED_MORE


def test_three_searches_must_agree():
    rng = np.random.default_rng(0)
    shift = np.repeat([0.05, 1.5, 3.0], 10)  # what one search found, another did not: not three that agree
    values = np.stack([np.zeros(30), shift]) + 0.1 * rng.normal(size=(2, 30))
    seeds, searches = np.tile(np.arange(10), 3), np.repeat([1, 2, 3], 10)
    apart = judge([Group(("a", "b"), values, np.zeros((2, 30), bool), seeds, TENTH, searches)])[0].pairs[0]
    means = (values[1] - values[0]).reshape(3, 10).mean(axis=1)
    assert apart.p == pytest.approx(stats.ttest_1samp(means, 0).pvalue)
    assert (apart.answer, apart.n) == (Answer.OPEN, 10)
    assert apart.only_seeds  # the settings found do differ
    ratio = means.mean() / means.std(ddof=1)
    p = {count: 2 * stats.t.sf(ratio * math.sqrt(count), count - 1) for count in range(4, 50)}
    assert apart.searches == next(count for count in p if p[count] <= 0.05)
    assert apart.high >= stats.t.interval(0.95, 2, means.mean(), stats.sem(means))[1] - 1e-9
    values[1] += 5
    agree = judge([Group(("a", "b"), values, np.zeros((2, 30), bool), seeds, TENTH, searches)])[0].pairs[0]
    assert (agree.answer, agree.only_seeds) == (Answer.BETTER, False)


def test_claims_over_searches_are_one_family():
    rng, seeds, searches = np.random.default_rng(0), np.tile(np.arange(10), 3), np.repeat([1, 2, 3], 10)
    names, none = tuple("abcdefgh"), np.zeros((8, 30), bool)
    false = 0
    for _ in range(40):  # eight that are alike, whose searches differ more than seeds do: a t-test for each pair errs in 6 of 10
        values = np.repeat(rng.normal(size=(8, 3)), 10, axis=1) + 0.3 * rng.normal(size=(8, 30))
        pairs = judge([Group(names, values, none, seeds, TENTH, searches)])[0].pairs
        false += any(pair.answer is Answer.BETTER for pair in pairs)
    assert false <= 5
    values[0] -= 20
    clear = judge([Group(names, values, none, seeds, TENTH, searches)])[0]
    assert clear.best == "a"
    assert {pair.interval for pair in clear.pairs} == {Interval.SEARCHES}
    assert all(math.isnan(pair.seeds) for pair in clear.pairs)  # more seeds would not help


def shape(findings):
    return [(f.best, sorted((p.one, p.other, p.answer, round(p.p, 9), round(p.low, 9)) for p in f.pairs)) for f in findings]


def test_neither_order_nor_names_nor_scale_change_what_is_said():
    groups = [group([0.0, 0.1, 0.1, 0.5], spread=0.1, seed=seed, failed=[(2, 3)]) for seed in (1, 2)]
    expected = shape(judge(groups))
    assert shape(judge(groups[::-1])) == expected[::-1]
    order = [2, 0, 3, 1]
    turned = [
        Group(tuple(one.candidates[k] for k in order), one.scores[order], one.failed[order], one.seeds, one.margin)
        for one in groups
    ]
    assert shape(judge(turned)) == expected
    seeds = np.random.default_rng(3).permutation(10)
    mixed = [replace(one, scores=one.scores[:, seeds], failed=one.failed[:, seeds], seeds=one.seeds[seeds]) for one in groups]
    assert shape(judge(mixed)) == expected
    shifted = [replace(one, scores=one.scores + 100 + np.sin(one.seeds)) for one in groups]
    assert shape(judge(shifted)) == expected


def test_more_groups_need_more_evidence():
    one = group([0.0, 0.15], spread=0.1, seed=4)
    alone = judge([one])[0].pairs[0]
    among = judge([one, *(group([0.0] * 6, seed=seed) for seed in range(5, 11))])[0].pairs[0]
    assert alone.p < among.p
    assert among.high - among.low > alone.high - alone.low


def test_scores_are_logarithms_of_losses_and_turn_what_is_better_high():
    assert scores(np.array([1.0, math.e, 0.0, -1.0]), True, False, 1e-3) == pytest.approx([0, 1, math.log(1e-3), math.log(1e-3)])
    assert scores(np.array([0.9, 0.8]), False, True, 0.0).tolist() == [-0.9, -0.8]


def test_the_typical_seed_is_the_median_of_all_means_of_two():
    x = np.array([[1.0, 2.0, 10.0, math.nan], [4.0, 1.0, math.nan, math.nan], [math.nan] * 4])
    means = [1, 1.5, 2, 5.5, 6, 10]
    assert hodges_lehmann(x)[:2].tolist() == [np.median(means), 2.5]
    assert math.isnan(hodges_lehmann(x)[2])


def test_an_outlier_makes_the_typical_seed_disagree():
    values = group([0.0, 0.1], spread=0.01)
    far = values.scores.copy()
    far[1, 0] += 5
    computed = judge([replace(values, scores=far)])[0].pairs[0]
    assert computed.difference == pytest.approx(0.6, abs=0.02)
    assert computed.typical == pytest.approx(0.1, abs=0.02)
    assert not judge([values])[0].pairs[0].disagrees


def test_a_margin_is_above_zero_and_no_group_is_no_finding():
    with pytest.raises(ValueError, match="above 0"):
        judge([group([0.0, 1.0], margin=0.0)])
    assert judge([]) == []
    assert judge([group([0.0])])[0].pairs == ()
