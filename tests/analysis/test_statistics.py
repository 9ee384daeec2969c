"""The statistics of a comparison against values computed by hand, and what a failed run does to each of them."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from descent.analysis import flips, statistics

INFINITY = math.inf


def table(**columns):
    n = len(next(iter(columns.values())))
    return pd.DataFrame({"name": "sgd", "status": "finished", "search": 0, "seed": range(n), **columns})


@pytest.mark.parametrize("n", [1, 5, 10, 200])
def test_the_interval_of_a_share_is_scipys(n):
    for count in {0, 1, n // 3, n}:
        interval = stats.binomtest(count, n).proportion_ci(method="wilson")
        assert statistics.wilson(count, n) == pytest.approx((interval.low, interval.high), rel=1e-12)


@pytest.mark.parametrize("n", [2, 3, 10, 31])
def test_the_middle_mean_and_the_interval_of_a_median_are_scipys(n):
    sample = np.random.default_rng(n).exponential(size=n)
    row = statistics.summary(table(**{"final:train/loss": sample}), "train/loss").loc["sgd"]
    assert row["iqm"] == pytest.approx(stats.trim_mean(sample, 0.25), rel=1e-14)
    rng, resamples = np.random.default_rng(0), statistics.RESAMPLES
    expected = stats.bootstrap((sample,), np.median, n_resamples=resamples, method="percentile", rng=rng).confidence_interval
    assert (row["low"], row["high"]) == pytest.approx(tuple(expected), rel=1e-12)


def test_a_diverged_run_has_the_worst_value_and_a_stalled_one_its_own():
    runs = table(status=["finished", "diverged", "stalled", "finished"], **{"final:train/loss": [0.1, 0.0, 2.3, math.nan]})
    assert statistics.values(runs, "train/loss").tolist() == [0.1, INFINITY, 2.3, INFINITY]
    runs["final:val/accuracy"] = [0.9, 0.99, 0.1, math.nan]
    assert statistics.values(runs, "val/accuracy").tolist() == [0.9, -INFINITY, 0.1, -INFINITY]


def test_a_summary_equals_hand_computed_values():
    losses = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 80.0]
    row = statistics.summary(table(**{"final:train/loss": losses}), "train/loss").loc["sgd"]
    assert (row["n"], row["median"], row["iqm"], row["mean"], row["min"], row["max"]) == (8, 4.5, 4.5, 13.5, 1, 80)
    assert 1 <= row["low"] < 4.5 < row["high"] < 80
    assert (row["failed"], row["failed_low"]) == (0, 0)


def test_a_summary_counts_failures_and_takes_medians_with_them():
    status = ["diverged", "diverged", "stalled", "finished", "finished"]
    row = statistics.summary(table(status=status, **{"final:train/loss": [9.0, 9.0, 2.3, 0.1, 0.2]}), "train/loss").loc["sgd"]
    assert (row["median"], row["iqm"], row["mean"], row["max"]) == (2.3, INFINITY, INFINITY, INFINITY)
    assert (row["diverged"], row["stalled"], row["failed"], row["failed_share"]) == (2, 1, 3, 0.6)
    assert (row["failed_low"], row["failed_high"]) == statistics.wilson(3, 5)
    assert row["low"] < 2.3 < row["high"] == INFINITY


def test_a_median_interval_is_the_same_each_time_and_none_for_one_value():
    sample = np.random.default_rng(1).exponential(size=101)
    assert statistics.median_interval(sample) == statistics.median_interval(sample)
    assert all(map(math.isnan, statistics.median_interval([1.0])))
    assert statistics.median_interval([INFINITY] * 3) == (INFINITY, INFINITY)


def test_an_interval_over_searches_is_as_wide_as_they_differ():
    rng, searches = np.random.default_rng(0), np.repeat([1, 2, 3], 10)
    sample = 10.0 * searches + rng.normal(size=30)  # searches differ much, seeds little
    low, high = statistics.median_interval(sample, searches)
    assert low < 12 < 28 < high
    assert np.diff(statistics.median_interval(sample))[0] < high - low
    two = sample[:20], searches[:20]
    assert statistics.median_interval(*two) == statistics.median_interval(two[0])  # two searches are too few to be drawn from
    uneven = statistics.median_interval(sample[:25], searches[:25])
    assert uneven[0] < 12 < 28 < uneven[1]


def test_holm_equals_statsmodels_bit_for_bit():
    from statsmodels.stats.multitest import multipletests

    rng = np.random.default_rng(0)
    for size in (1, 2, 7, 45):
        for p in (rng.random(size), rng.random(size) ** 4, rng.integers(0, 3, size) / 2):  # ties, zeros and ones too
            assert flips.holm(p).tolist() == multipletests(p, method="holm")[1].tolist()


def test_holm_equals_its_steps_by_hand():
    assert flips.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert flips.holm([]).tolist() == []
