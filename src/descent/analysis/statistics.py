"""Summarise a metric over seeds, and test differences. Pure functions on arrays.

A run that diverged, or whose value is not finite, counts as infinitely bad in medians. A stalled run keeps its value and
counts as a failure too.
"""

import math
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import special  # all of scipy.stats would take 50 MB

from descent.analysis.load import metric_of

Array = NDArray[np.float64]

ALPHA = 0.05
RESAMPLES = 2000
SEARCHES = 3  # from which on intervals speak of the search too
HUGE = 1e150  # stands for infinity where quantiles would subtract it from itself


def values(runs: pd.DataFrame, metric: str) -> "pd.Series[float]":
    """Return the final value of a metric per run of one problem, ``test/…`` too; diverged runs count as the worst."""
    final = runs[metric.replace("/", ":") if metric.startswith("test/") else f"final:{metric}"]
    return final.where(np.isfinite(final) & (runs["status"] != "diverged"), metric_of(runs, metric).worst)


def medians(runs: pd.DataFrame, metric: str, by: list[str]) -> "pd.Series[float]":
    """Return the median of `values` over the runs that share the columns `by`."""
    return values(runs, metric).groupby([runs[name] for name in by]).median()


@cache
def wilson(count: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, `count` of `n`.

        (count + z^2/2 -+ z sqrt(count (n - count)/n + z^2/4)) / (n + z^2),    z = 1.96

    Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference (1927).
    """
    z = -special.ndtri(ALPHA / 2)
    middle, reach = count + z**2 / 2, z * math.sqrt(count * (n - count) / n + z**2 / 4)
    return max(0.0, (middle - reach) / (n + z**2)), min(1.0, (middle + reach) / (n + z**2))


def median_interval(sample: ArrayLike, searches: ArrayLike | None = None) -> tuple[float, float]:
    """Return the 95 % percentile bootstrap interval of a median; descriptive, and nan for a single value.

    Percentiles, as BCa corrects by a jackknife, which does not converge for medians. With three searches or more, these are
    drawn anew first, and then as many values from each that was drawn. Seeded: the same values give the same interval.

    Source: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), sections 11.6 and 13.3.

    Args:
        sample: values [N], infinite ones among them.
        searches: [N], the number of the search behind each value.
    """
    data = np.clip(np.asarray(sample, dtype=float), -HUGE, HUGE)
    if len(data) < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    of = np.zeros(len(data)) if searches is None else np.asarray(searches)
    several = len(np.unique(of)) >= SEARCHES
    drawn = _drawn(data, of, rng) if several else data[rng.integers(len(data), size=(RESAMPLES, len(data)))]
    low, high = np.percentile(np.median(drawn, axis=1), [2.5, 97.5])
    return _infinite(low), _infinite(high)


def _drawn(data: Array, of: NDArray[np.generic], rng: np.random.Generator) -> Array:
    """Draw searches, then values from each drawn one, as many as the largest has: [resamples, searches x values]."""
    groups = [data[of == search] for search in np.unique(of)]
    sizes = np.array([len(group) for group in groups])
    padded = np.array([np.resize(group, sizes.max()) for group in groups])
    search = rng.integers(len(groups), size=(RESAMPLES, len(groups), 1))
    value = (rng.random((RESAMPLES, len(groups), sizes.max())) * sizes[search]).astype(int)
    return np.asarray(padded[search, value].reshape(RESAMPLES, -1))


def _infinite(value: float) -> float:
    return math.copysign(math.inf, value) if abs(value) > HUGE / 100 else float(value)


def summary(runs: pd.DataFrame, metric: str, by: str = "name") -> pd.DataFrame:
    """Return one row a setting: how its runs ended, and the spread of a final metric over seeds.

    Args:
        runs: rows of a study.
        by: the column that tells settings apart.

    Returns:
        Indexed by `by`: ``n``; ``median``, ``low``, ``high`` (`median_interval`); ``iqm`` (the mean of the middle half);
        ``mean``, ``min``, ``max``; ``diverged``, ``stalled``, ``failed`` (either), and for each of these three
        ``<it>_share``, ``<it>_low``, ``<it>_high`` (`wilson`).
    """
    rows = {name: _summary(group, metric) for name, group in runs.groupby(by)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(by)


def _summary(runs: pd.DataFrame, metric: str) -> dict[str, float]:
    sample, n = values(runs, metric).to_numpy(), len(runs)
    low, high = median_interval(sample, runs["search"])
    middle = np.sort(sample)[n // 4 : n - n // 4]
    row = {"n": n, "median": float(np.median(sample)), "low": low, "high": high, "iqm": float(middle.mean())}
    row |= {"mean": float(sample.mean()), "min": float(sample.min()), "max": float(sample.max())}
    counts = {status: int((runs["status"] == status).sum()) for status in ("diverged", "stalled")}
    for status, count in {**counts, "failed": sum(counts.values())}.items():
        below, above = wilson(count, n)
        row |= {status: count, f"{status}_share": count / n, f"{status}_low": below, f"{status}_high": above}
    return row
