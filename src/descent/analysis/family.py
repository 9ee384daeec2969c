"""The tests of a report as arrays over its pairs: who is better, and who is equal; each one family."""

import math

import numpy as np
from scipy import special

from descent.analysis.differences import Differences, Flags, Indices
from descent.analysis.flips import ALPHA, Array, flipped, log_p, signs, step_down

BEST = 0.5  # the share of the error that goes to who is best in its group
SEARCHES = 3  # from which on a claim must hold over searches too


def better(d: Differences, tested: Flags) -> tuple[Array, Array]:
    """Return adjusted p-values of the hypotheses that differences are as likely as their negatives, and the next levels.

    Half of the error goes to the hardest pair of each group's winner (`hardest`), half to all others. If the winner is better
    than its hardest opponent it is better than all, so their p-values are at most that one. From three searches on a p-value is
    at least that of a t-test of the searches' means: what holds for these searches alone is no difference.

    Args:
        d: of all pairs [P].
        tested: which pairs are tested [P].

    Returns:
        [P] p-values; nan where not tested. [P] the p-value of the pair's own t-test below which it would be better, next.
    """
    p, level = np.full(len(tested), math.nan), np.full(len(tested), math.nan)
    if not tested.any():
        return p, level
    seen, n, group = d.filled[tested], d.n[tested], d.group[tested]
    log_ps = log_p(np.abs(flipped(seen, signs(seen.shape[1]))), n) + math.log(2)
    first, winners = hardest(log_ps[:, 0], d.sign[tested], group, d.one[tested], d.other[tested])
    share = np.full(len(n), 1 / len(n))
    if 0 < first.sum() < len(n):
        share = np.where(first, BEST / first.sum(), (1 - BEST) / (~first).sum())
    log_ps -= np.log(share)[:, None]
    keys = log_ps[:, 0].copy()
    for pair in np.flatnonzero(first):
        of_winner = winners & (group == group[pair])
        keys[of_winner] = np.minimum(keys[of_winner], keys[pair])
    p[tested], left = step_down(log_ps, keys)
    level[tested] = np.minimum(share * np.exp(left), ALPHA)
    return np.maximum(p, _over_searches(d.searched * d.sign[:, None], tails=2)), level


def hardest(log_ps: Array, sign: Array, group: Indices, one: Indices, other: Indices) -> tuple[Flags, Flags]:
    """Return which pairs are a group's winner's with its hardest opponent, and which are a winner's at all.

    The winner is ahead of all others of its group; where nobody is, there is none. Its hardest pair has the largest p-value.

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
    for side in (1, -1):
        p = np.maximum(p, _over_searches(d.margin[:, None] - side * d.searched, tails=1))
    return p, math.exp(log_p(np.array([[-left]]), n[:1])[0, 0] if alike else left)


def _over_searches(means: Array, tails: int) -> Array:
    """Return p-values of Student's t-test that means over searches [P, S] are above 0; 0 where there are fewer than three."""
    count = (~np.isnan(means)).sum(axis=1)
    enough = np.flatnonzero(count >= SEARCHES)
    p = np.zeros(len(means))
    if len(enough):
        mean, deviation = np.nanmean(means[enough], axis=1), np.nanstd(means[enough], axis=1, ddof=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = mean / (deviation / np.sqrt(count[enough]))
        p[enough] = np.minimum(1, tails * special.stdtr(count[enough] - 1, -np.nan_to_num(t)))
    return p
