"""Estimate differences: means, simultaneous intervals, the typical seed, and how many seeds would show the margin."""

import math
import warnings
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import numpy as np
from scipy import special

from descent.analysis.differences import Differences, Flags, Indices
from descent.analysis.family import SEARCHES
from descent.analysis.flips import ALPHA, Array, flipped, log_p, lowest, signs

INTERVAL = 6  # seeds from which on there is an interval; below it is the range
POWER = 0.8  # of studies: what planned seeds and margins are for
TAILS = (0.05, 0.95)  # of the distribution of a variance, for the range of planned seeds


class Interval(StrEnum):
    """The kind of a pair's interval."""

    SIMULTANEOUS = "95 % for all intervals of the report"
    SEARCHES = "95 % for this pair alone, over searches"
    FINISHED = "where both finished, not tested"
    ALONE = "95 % for this pair alone"
    RANGE = "range over seeds"


def estimates(d: Differences, tested: Flags, won: Flags, level: Array, equal_level: float) -> dict[str, Sequence[Any]]:
    """Return the numbers of all pairs [P], of the candidate behind less the one ahead, over seeds on which both finished.

    They are attributes of `paired_tests.Pair`, by name. Simultaneous intervals are made to agree with the answers: the near end
    of one that is better is cut at 0, and one that is not reaches to 0.

    Args:
        d: of all pairs [P].
        tested: which pairs were [P], and `won`, in which the one ahead is better [P].
        level: p-values that the pairs' own t-tests would have to reach, next [P]; `equal_level`, those of *equal*.
    """
    one_first = np.where(d.sign < 0, -1, 1)[:, None]
    x = d.finished * one_first
    whole = tested & ~d.failures.any(axis=1)
    n = (~np.isnan(x)).sum(axis=1)
    searched = whole & ((~np.isnan(d.searched)).sum(axis=1) >= SEARCHES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of pairs that never both finished
        mean, deviation, lowest_x, highest_x = np.nanmean(x, 1), np.nanstd(x, 1, ddof=1), np.nanmin(x, 1), np.nanmax(x, 1)
        error = deviation / np.sqrt(n)
        reach = t_quantile(np.where(tested, interval_level(d, whole), ALPHA) / 2, n - 1) * error
        low, high = _with_searches(d.searched * one_first, searched, mean - reach, mean + reach)
        seeds, seeds_low, seeds_high = planned(np.where(searched, math.nan, deviation), n, d.margin, level)
        equal_t = t_quantile(equal_level, n - 1) + special.ndtri((1 + POWER) / 2)
    low = np.where(whole, np.where(won, np.maximum(low, 0), np.minimum(low, 0)), low)
    high = np.where(whole & ~won, np.maximum(high, 0), high)
    ranged = (n < INTERVAL) | d.repeated | ~d.filled.any(axis=1)
    kinds = np.select(
        [ranged, searched, whole, tested],
        [Interval.RANGE, Interval.SEARCHES, Interval.SIMULTANEOUS, Interval.FINISHED],
        Interval.ALONE,
    )
    typical = hodges_lehmann(x)
    numbers = {
        "difference": mean,
        "low": np.where(ranged, lowest_x, low),
        "high": np.where(ranged, highest_x, high),
        "typical": typical,
        "disagrees": np.abs(typical - mean) > error,
        "ahead": (x > 0).sum(axis=1),
        "seeds": seeds,
        "seeds_low": seeds_low,
        "seeds_high": seeds_high,
        "equal_within": np.where(whole & ~searched, equal_t * error, math.nan),
    }
    return {"interval": [Interval(kind) for kind in kinds], **{name: array.tolist() for name, array in numbers.items()}}


def t_quantile(tail: Array | float, freedom: Indices) -> Array:
    """Return what Student's t exceeds with probability `tail`; nan without degrees of freedom."""
    return -special.stdtrit(np.where(freedom > 0, freedom, math.nan), tail)


def interval_level(d: Differences, whole: Flags) -> float:
    """Return the level of t intervals, one for each pair, that hold their means all at once in 95 % of reports.

    The differences are centred before they are flipped: flips of uncentred ones miss in more than half of the reports.
    """
    if not whole.any():
        return ALPHA
    seen, n = d.seen[whole], d.n[whole]
    centred = np.nan_to_num(seen - np.nansum(seen, axis=1, keepdims=True) / n[:, None])
    statistics, counts = np.abs(flipped(centred, signs(seen.shape[1]))), np.unique(n)
    largest = np.stack([statistics[n == count].max(axis=0) for count in counts])
    return 2 * math.exp(lowest(log_p(largest, counts).min(axis=0)))


def planned(deviation: Array, n: Indices, margin: Array, level: Array) -> tuple[Array, Array, Array]:
    """Return how many seeds show a difference of the margin in 4 of 5 studies [P], and a range that holds that number in 80 %.

    n = ((z_(1-a/2) + z_.8) s/m)^2 + z_(1-a/2)^2/2; the range is that of s, by the chi-squared distribution of s^2. Its tails are
    5 % each, not 10 %, as a is estimated too: with 10 % the range held in 74 to 82 % of simulated studies.

    Args:
        deviation: standard deviations s of differences [P].
        n: how many differences these are from [P].
        margin: the difference m to be shown [P].
        level: the p-value a to be reached [P].
    """
    z = -special.ndtri(level / 2)
    large = ((z + special.ndtri(POWER)) * deviation / margin) ** 2
    shares = [(n - 1) / special.chdtri(n - 1, tail) for tail in TAILS]
    middle, low, high = (large * share + z**2 / 2 for share in (1, *shares))
    return middle, low, high


def hodges_lehmann(paired: Array) -> Array:
    """Return the median of all means of two [M], of differences [M, N]; nan entries are left out.

    Source: J. L. Hodges and E. L. Lehmann, Estimates of location based on rank tests (1963).
    """
    left, right = np.triu_indices(paired.shape[1])
    means = np.sort((paired[:, left] + paired[:, right]) / 2, axis=1)  # nan comes last
    count = (~np.isnan(means)).sum(axis=1)
    rows, last = np.arange(len(means)), means.shape[1] - 1
    return np.asarray((means[rows, np.maximum(count - 1, 0) // 2] + means[rows, np.minimum(count // 2, last)]) / 2)


def _with_searches(means: Array, rows: Flags, low: Array, high: Array) -> tuple[Array, Array]:
    """Return the ends of intervals [P], of some rows widened to those of Student's t of the means of searches [P, S]."""
    if rows.any():
        count = (~np.isnan(means[rows])).sum(axis=1)
        mean, deviation = np.nanmean(means[rows], 1), np.nanstd(means[rows], 1, ddof=1)
        reach = t_quantile(ALPHA / 2, count - 1) * deviation / np.sqrt(count)
        low[rows], high[rows] = np.minimum(low[rows], mean - reach), np.maximum(high[rows], mean + reach)
    return low, high
