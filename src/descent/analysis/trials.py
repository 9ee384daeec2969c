"""Tell from the trials of a search how good the best of fewer would be, and whether the range was too wide. Pure functions."""

import math

import numpy as np
from numpy.typing import ArrayLike

RANGE = (0.05, 0.95)  # quantiles of the best of k trials
NEAR = 0.2  # share of the trials that come near the best, below which a range is flagged as too wide
Quantiles = tuple[float, float, float]  # the median and the ends of `RANGE`


def near(ends: ArrayLike, margin: float) -> int:
    """Return how many trials are nearer to the best than to the worst that finished.

    None is, where some failed and all others end alike: nothing was found.

    Args:
        ends: scores, infinite where a run failed.
        margin: up to which they are alike.
    """
    scored = np.asarray(ends, dtype=float)
    finished = scored[np.isfinite(scored)]
    if len(finished) < 2 or (len(finished) < len(scored) and np.ptp(finished) <= margin):
        return 0
    return int((finished <= (finished.min() + finished.max()) / 2).sum())


def too_wide(count: int, trials: int) -> bool:
    """Return whether too few of some trials came near the best."""
    return count < NEAR * trials


def best_of(losses: ArrayLike, k: int) -> Quantiles:
    """Return the median and a 90 % range of the best of `k` of some trials, drawn from them without replacement.

        P(the best of k is among the i lowest of n) = 1 - C(n - i, k) / C(n, k)

    Source: J. Dodge et al., Show your work: improved reporting of experimental results (2019), who take the mean.
    """
    ordered = np.sort(np.asarray(losses, dtype=float))
    n = len(ordered)
    within = 1 - np.array([math.comb(n - i, k) for i in range(1, n + 1)]) / math.comb(n, k)
    median, low, high = (float(ordered[np.searchsorted(within, share - 1e-12)]) for share in (0.5, *RANGE))
    return median, low, high
