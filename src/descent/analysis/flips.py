"""Joint sign flips of many paired comparisons, and stepwise tests by the most extreme of them. Pure functions on arrays.

One matrix of signs flips the differences of all comparisons at once, seed by seed, so what they share stays shared. The
statistic is T = sum(d)/sqrt(sum(d^2)), whose square root does not change under flips: it is Student's t = T sqrt((n-1)/(n-T^2)),
and the p-value of that t makes comparisons of unequal n alike.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Array = NDArray[np.float64]

ALPHA = 0.05
EXACT = 14  # seeds up to which all flips are tried that differ in more than all signs: 8,192
EXACT_ONE_SIDED = 12  # seeds up to which all flips are tried: 4,096
FLIPS = 10_000  # beyond: the values as they are, and 9,999 random flips
POINTS = 20_000  # of a table of p-values, to either side of 0
TINY = 1e-300  # the smallest p-value that has a logarithm
TIE = 1e-9  # logarithms of p-values that are this close are one


@cache
def signs(n: int, one_sided: bool = False) -> Array:
    """Return flips of `n` seeds [F, n], the first all ones: every one up to 14 seeds (12 if one-sided), else random, seeded.

    Where a statistic does not change when all signs do, the first sign stays +1: half of the flips, the same share of extremes.
    """
    if n > (EXACT_ONE_SIDED if one_sided else EXACT):
        flips = np.random.default_rng(0).choice([-1.0, 1.0], size=(FLIPS, n))
        flips[0] = 1
        return flips
    fixed = 0 if one_sided else min(n, 1)
    bits = (np.arange(2 ** (n - fixed))[:, None] >> np.arange(n - fixed)) & 1
    return np.hstack([np.ones((len(bits), fixed)), 1.0 - 2 * bits])


def flipped(differences: Array, flips: Array) -> Array:
    """Return T of each comparison under each flip [M, F]; 0 where all differences are zero.

    Args:
        differences: paired [M, N]; zero where a seed is no pair.
        flips: of `signs` [F, N].
    """
    norm = np.sqrt((differences**2).sum(axis=1, keepdims=True))
    return np.divide(differences, norm, out=np.zeros_like(differences), where=norm > 0) @ flips.T


def log_p(statistics: Array, n: NDArray[np.int64]) -> Array:
    """Return the logarithm of the one-sided p-value of Student's t, where T [M, F] and the number of pairs n [M] are given.

    p = I_(1-x)((n-1)/2, 1/2)/2 for T > 0, with x = T^2/n, read from a table over T/sqrt(n) (`scipy.special` takes twenty times as
    long). The table is monotone, so flips keep their order, and the test its level.
    """
    out = np.empty_like(statistics)
    for count in np.unique(n):
        rows = slice(None) if (n == count).all() else n == count
        table = _table(int(count))
        place = np.clip(statistics[rows] * (POINTS / np.sqrt(count)) + POINTS, 0, 2 * POINTS - 1e-6)
        left = place.astype(np.int32)
        place -= left
        out[rows] = table[0].take(left) + table[1].take(left) * place
    return out


@cache
def _table(n: int) -> tuple[Array, Array]:
    """Return log p from T/sqrt(n) = -1 to 1, and its steps."""
    part = np.linspace(-1, 1, 2 * POINTS + 1)
    two_sided = special.betainc((n - 1) / 2, 0.5, 1 - part**2)
    p = np.log(np.maximum(np.where(part > 0, two_sided / 2, 1 - two_sided / 2), TINY))
    return p, np.diff(p)


def step_down(log_ps: Array, keys: Array | None = None) -> tuple[Array, float]:
    """Return p-values adjusted for one another, by the smallest p-value of those not yet rejected, and the level that is left.

    Sorted by key, the r-th p-value is the share of flips under which the smallest of the r-th to the last is at most the r-th
    key, and no smaller than the one before. The rate of reports with a false rejection is at most alpha.

    Sources: P. H. Westfall and S. S. Young, Resampling-Based Multiple Testing (1993), algorithm 2.8; J. P. Romano and M. Wolf,
    Exact and approximate stepdown methods for multiple hypothesis testing, JASA 100 (2005).

    Args:
        log_ps: logarithms of the (weighted) p-values under each flip [M, F]; the first column is of the values as they are.
        keys: what the hypotheses are sorted and judged by [M], if not the first column.

    Returns:
        The adjusted p-values [M], and the logarithm of the (weighted) p-value at which the first one that is not rejected
        would be.
    """
    keys = log_ps[:, 0] if keys is None else keys
    order = np.argsort(keys)
    smallest = log_ps[order]
    for row in range(len(smallest) - 2, -1, -1):  # five times as fast as np.minimum.accumulate
        np.minimum(smallest[row], smallest[row + 1], out=smallest[row])
    p = np.maximum.accumulate((smallest <= keys[order, None] + TIE).mean(axis=1))
    adjusted = np.empty_like(p)
    adjusted[order] = p
    return adjusted, lowest(smallest[min(int((p <= ALPHA).sum()), len(p) - 1)])


def holm(p: ArrayLike, share: Array | None = None, keys: Array | None = None) -> Array:
    """Return p-values [M] adjusted for one another by Holm's step-down method, with weights.

        adjusted p_(i) = max_(j <= i) min(1, q_(j) sum_(l >= j) share_l),    q = p / share,    q_(1) <= ... <= q_(M)

    Source: S. Holm, A simple sequentially rejective multiple test procedure (1979).

    Args:
        p: p-values [M].
        share: of the error [M], up to a factor; None: equal ones.
        keys: what the hypotheses are sorted and judged by [M], if not q.
    """
    raw = np.asarray(p, dtype=float)
    share = np.ones_like(raw) if share is None else share
    keys = raw / share if keys is None else keys
    order = np.argsort(keys, kind="stable")
    left = np.cumsum(share[order][::-1])[::-1]
    adjusted = np.empty_like(raw)
    adjusted[order] = np.maximum.accumulate(np.minimum(keys[order] * left, 1.0))
    return adjusted


def lowest(values: Array) -> float:
    """Return the largest of the lowest 5 % of the values."""
    return float(np.sort(values)[max(int(ALPHA * len(values)) - 1, 0)])
