"""The tests of a report as arrays over its pairs: who is better, and who is equal; each one family."""

import math

import numpy as np
from scipy import special

from descent.analysis.differences import Differences, Flags, Indices
from descent.analysis.flips import ALPHA, TINY, Array, flipped, holm, log_p, signs, step_down

BEST = 0.5  # the share of the error that goes to who is best in its group
SEARCHES = 3  # from which on a claim must hold over searches too
MANY = 100  # searches that a plan names


def better(d: Differences, tested: Flags) -> tuple[Array, Array, Array]:
    """Return adjusted p-values of the hypotheses that differences are as likely as their negatives, and the next levels.

    Two families of tests, the p-value of a pair is the larger one. Over seeds: joint flips, stepwise. Over searches, from three
    on: Student's t of the means of each, stepwise by Holm, as three means have too few flips. In both, half of the error goes to
    the hardest pair of each group's winner (`hardest`), half to all others; if the winner is better than its hardest opponent it
    is better than all, so their p-values are at most that one.

    Args:
        d: of all pairs [P].
        tested: which pairs are tested [P].

    Returns:
        [P] p-values; nan where not tested. [P] those over seeds alone. [P] the p-value of the pair's own t-test below which it
        would be better, next.
    """
    p, level = np.full(len(tested), math.nan), np.full(len(tested), math.nan)
    if not tested.any():
        return p, p, level
    seen, n = d.filled[tested], d.n[tested]
    log_ps = log_p(np.abs(flipped(seen, signs(seen.shape[1]))), n) + math.log(2)
    share, keys = _weighted(log_ps[:, 0], d, tested)
    p[tested], left = step_down(log_ps - np.log(share)[:, None], keys)
    level[tested] = np.minimum(share * np.exp(left), ALPHA)
    over_seeds, over = p.copy(), over_searches(d.searched * d.sign[:, None], tails=2)
    if (rows := tested & ~np.isnan(over)).any():
        share, keys = _weighted(np.log(np.maximum(over[rows], TINY)), d, rows)
        p[rows] = np.maximum(p[rows], holm(over[rows], share, np.exp(keys)))
    return p, over_seeds, level


def _weighted(log_ps: Array, d: Differences, rows: Flags) -> tuple[Array, Array]:
    """Return the shares of the error [R] of some pairs of `d`, and the logarithms of what they are sorted and judged by [R]."""
    group = d.group[rows]
    first, winners = hardest(log_ps, d.sign[rows], group, d.one[rows], d.other[rows])
    share = np.full(len(log_ps), 1 / len(log_ps))
    if 0 < first.sum() < len(share):
        share = np.where(first, BEST / first.sum(), (1 - BEST) / (~first).sum())
    keys = log_ps - np.log(share)
    for pair in np.flatnonzero(first):
        of_winner = winners & (group == group[pair])
        keys[of_winner] = np.minimum(keys[of_winner], keys[pair])
    return share, keys


def hardest(log_ps: Array, sign: Array, group: Indices, one: Indices, other: Indices) -> tuple[Flags, Flags]:
    """Return which pairs are a group's winner's with its hardest opponent, and which are a winner's at all.

    The winner is ahead of all others of its group; a group may have none. Its hardest pair has the largest p-value.

    Args:
        log_ps: logarithms of the p-values of the pairs' own t-tests [P].
        sign: 1 where the first candidate of the pair is ahead, -1 where the second is [P].
        group, one, other: of each pair [P], as of `Differences`.
    """
    first, winners = np.zeros(len(sign), dtype=bool), np.zeros(len(sign), dtype=bool)
    for number in np.unique(group):
        rows = np.flatnonzero(group == number)
        judged = np.unique(np.concatenate([one[rows], other[rows]]))
        wins = np.bincount(np.concatenate([one[rows][sign[rows] > 0], other[rows][sign[rows] < 0]]), minlength=1)
        if wins.max() == len(judged) - 1:
            pairs = rows[(one[rows] == wins.argmax()) | (other[rows] == wins.argmax())]
            winners[pairs] = True
            first[pairs[log_ps[pairs].argmax()]] = True
    return first, winners


def equal(d: Differences, whole: Flags) -> tuple[Array, float]:
    """Return adjusted p-values of the hypotheses that candidates differ by the margin or more, and the next p-value's limit.

    Two one-sided tests a pair, of margin - d and margin + d, all in one family.

    Args:
        d: of all pairs [P].
        whole: which pairs are tested: those without failures [P].
    """
    p = np.full(len(whole), math.nan)
    if not whole.any():
        return p, math.nan
    present, margin = ~np.isnan(d.seen[whole]), d.margin[whole, None]
    rows = np.vstack([np.where(present, margin - side * d.filled[whole], 0) for side in (1, -1)])
    statistics, n = flipped(rows, signs(rows.shape[1], one_sided=True)), np.tile(d.n[whole], 2)
    alike = bool((n == n[0]).all())  # then the largest T has the smallest p-value
    both, left = step_down(-statistics if alike else log_p(statistics, n))
    p[whole] = both.reshape(2, -1).max(axis=0)
    sides = [over_searches(d.margin[:, None] - side * d.searched, tails=1) for side in (1, -1)]
    if (searched := whole & ~np.isnan(over := np.maximum(*sides))).any():
        p[searched] = np.maximum(p[searched], holm(over[searched]))
    return p, math.exp(log_p(np.array([[-left]]), n[:1])[0, 0] if alike else left)


def over_searches(means: Array, tails: int) -> Array:
    """Return p-values of Student's t-test that means over searches [P, S] are above 0; nan where there are fewer than three."""
    count = (~np.isnan(means)).sum(axis=1)
    enough = np.flatnonzero(count >= SEARCHES)
    p = np.full(len(means), math.nan)
    if len(enough):
        mean, deviation = np.nanmean(means[enough], axis=1), np.nanstd(means[enough], axis=1, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = mean / (deviation / np.sqrt(count[enough]))
        p[enough] = np.minimum(1, tails * special.stdtr(count[enough] - 1, -np.nan_to_num(t)))
    return p


def searches_needed(means: Array, tests: int) -> Array:
    """Return how many searches, more than there are, would show differences like these [P]; nan where `MANY` would not.

    Args:
        means: of differences over the searches that there are [P, S].
        tests: among which alpha is divided.
    """
    count = (~np.isnan(means)).sum(axis=1)
    needed = np.full(len(means), math.nan)
    enough = np.flatnonzero(count >= SEARCHES)
    mean, deviation = np.abs(np.nanmean(means[enough], axis=1)), np.nanstd(means[enough], axis=1, ddof=1)
    for searches in range(MANY, SEARCHES, -1):
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * special.stdtr(searches - 1, -mean / deviation * np.sqrt(searches))
        needed[enough[(p <= ALPHA / tests) & (searches > count[enough])]] = searches
    return needed
