"""Test paired differences between candidates over common seeds, as one family."""

import itertools
import math
from enum import StrEnum

import numpy as np
import pandas as pd

from descent.analysis.statistics import ALPHA, SEARCHES, Array, holm, least_p, sign_flip, t_interval, t_test, values

SEEDS = 10  # from which on a verdict is given


class Family(StrEnum):
    """Which pairs are tested, as one family."""

    ALL = "all"
    REFERENCE = "reference"  # those with the reference
    NONE = ""


class Untested(StrEnum):
    """Why no pair is tested."""

    ALONE = "alone"  # one candidate
    SEEDS = "seeds"  # fewer than ten seeds
    MANY = "many"  # too many candidates for the seeds
    PICKED = "picked"  # settings were chosen on the runs to be compared
    APART = "apart"  # no two candidates have ten seeds in common
    NO = ""


def wide(runs: pd.DataFrame, quantity: str, entries: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Arrange runs as one row a repetition (scramble, seed) and one column a candidate: final values, and failures as 1.

    A value is nan where the run failed; both are nan where there is none.
    """
    once = runs.drop_duplicates(["entry", "scramble", "seed"])
    value, failed = values(once, quantity), once["status"] != "finished"
    once = once.assign(value=value.where(~failed & np.isfinite(value), math.nan), failed=failed.astype(float))
    table = once.set_index(["scramble", "seed", "entry"])[["value", "failed"]].unstack("entry")
    return table["value"].reindex(columns=entries), table["failed"].reindex(columns=entries)


def enough(runs: pd.DataFrame) -> list[str]:
    """Return the candidates with enough seeds for a verdict."""
    seeds = runs.groupby("entry")["seed"].nunique()
    return [str(entry) for entry in seeds.index[seeds >= SEEDS]]


def plan(failed: pd.DataFrame) -> tuple[Family, Untested]:
    """Choose the largest family of comparisons that the seeds suffice for; or none, and why.

    No exact p-value of n pairs is below 2^(1-n). Where Holm's correction for all pairs would leave none below .05 whatever the
    values say, only those with the reference are tested. This looks at how many runs there are, never at what they show.

    Args:
        failed: of `wide`.
    """
    count = failed.notna().groupby(level="seed").any().sum()
    judged = count[count >= SEEDS]
    if len(count) < 2 or len(judged) < 2:
        return Family.NONE, Untested.ALONE if len(count) < 2 else Untested.SEEDS
    least, k = float(least_p(judged.min())), len(judged)
    if least * k * (k - 1) / 2 <= ALPHA:
        return Family.ALL, Untested.NO
    return (Family.REFERENCE, Untested.NO) if least * (k - 1) <= ALPHA else (Family.NONE, Untested.MANY)


def seeds_for(comparisons: int) -> int:
    """Return the number of seeds with which one of `comparisons` can come out below .05 after Holm's correction."""
    return next(n for n in itertools.count(SEEDS) if 2.0 ** (1 - n) * comparisons <= ALPHA)


def compare(value: pd.DataFrame, failed: pd.DataFrame, family: str, against: str, high: bool) -> pd.DataFrame:
    """Estimate and test paired differences over common seeds.

    Two tests a pair, by exact flips of signs: on failures, which come first, and on the values of pairs in which both finished.
    Those that could not come out below .05 whatever happened are left out (Tarone 1990); the others are one family for Holm.
    From three searches on, what holds for these searches alone is no difference: a p-value is the larger one of the flips, over
    seeds, and of a t-test of the searches' means, of which the interval is, too. (A bootstrap of three searches would exclude
    zero whenever all three agree, a quarter of the time by chance.)

    Source: R. E. Tarone, A modified Bonferroni method for discrete data, Biometrics 46 (1990).

    Args:
        value: of `wide`; differences are of these, not of logarithms, as gaps may be zero.
        failed: of `wide`, the same columns.
        family: which pairs; of `Family.NONE` those with the reference, untested.
        against: the reference.
        high: whether high values are good.

    Returns:
        One row a pair: ``one``, ``other``; ``difference`` (positive: `one` is better), ``low``, ``high``: mean and paired t
        interval over the ``n`` pairs in which both finished; ``ahead``, in how many of these `one` is better; ``seeds`` in
        common, and ``one_failed``, ``other_failed`` on these; ``p``, ``p_failures``, adjusted, nan where not tested;
        ``winner``, or an empty name, and ``by``: ``failures`` or ``value``.
    """
    names = list(value.columns)
    pairs = itertools.combinations(range(len(names)), 2)
    chosen = [(i, j) for i, j in pairs if family == Family.ALL or against in (names[i], names[j])]
    one, other = np.array(chosen, dtype=int).reshape(-1, 2).T
    v, f = value.to_numpy().T, failed.to_numpy().T
    difference, failures = (1 if high else -1) * (v[one] - v[other]), f[other] - f[one]
    seed, search = (failed.index.get_level_values(level) for level in ("seed", "scramble"))
    searched = search.nunique() >= SEARCHES
    mean, low, end = t_interval(_means(difference, search) if searched else difference)
    both = ~np.isnan(failures)
    seeds = (~np.isnan(_means(failures, seed))).sum(axis=1)
    p, sign = zip(*(_test(d, seed, search if searched else None) for d in (failures, difference)), strict=True)
    adjusted = _family(np.where((seeds >= SEEDS) & (family != Family.NONE), p, math.nan))
    won = [np.where(kind <= ALPHA, way, 0) for kind, way in zip(adjusted, sign, strict=True)]
    winner = np.where(won[0] != 0, won[0], won[1])
    labels = np.array(names, dtype=object)
    return pd.DataFrame(
        {
            "one": labels[one],
            "other": labels[other],
            "difference": mean,
            "low": low,
            "high": end,
            "n": (~np.isnan(difference)).sum(axis=1),
            "ahead": (difference > 0).sum(axis=1),
            "seeds": seeds,
            "one_failed": np.where(both, f[one], 0).sum(axis=1).astype(int),
            "other_failed": np.where(both, f[other], 0).sum(axis=1).astype(int),
            "p": adjusted[1],
            "p_failures": adjusted[0],
            "winner": np.where(winner > 0, labels[one], np.where(winner < 0, labels[other], "")),
            "by": np.where(won[0] != 0, "failures", np.where(won[1] != 0, "value", "")),
        }
    )


def order(pairs: pd.DataFrame, entries: list[str]) -> "np.ndarray[tuple[int, int], np.dtype[np.bool_]]":
    """Return which candidate (row) beats which (column): what `compare` found, and its transitive closure.

    If A beats B and B beats C, both truly, then A beats C: no test is needed. What would follow both ways follows neither.
    """
    beats = np.zeros((len(entries), len(entries)), dtype=bool)
    for pair in pairs[pairs["winner"] != ""].itertuples():
        loser = pair.other if pair.winner == pair.one else pair.one
        beats[entries.index(str(pair.winner)), entries.index(str(loser))] = True
    for through in range(len(entries)):
        beats |= beats[:, [through]] & beats[[through]]
    return beats & ~beats.T


def _means(differences: Array, label: pd.Index) -> Array:
    """Return means over equal labels, [M, labels]; nan where there are no values."""
    return pd.DataFrame(differences).T.groupby(np.asarray(label)).mean().T.to_numpy(dtype=float)


def _test(differences: Array, seed: pd.Index, search: pd.Index | None) -> tuple[Array, Array]:
    """Return p-values, nan where none could be below .05, and the sign of the differences."""
    seeds = _means(differences, seed)
    possible = least_p((np.nan_to_num(seeds) != 0).sum(axis=1)) <= ALPHA
    p, sign = np.full(len(seeds), math.nan), np.sign(np.nansum(seeds, axis=1))
    p[possible] = sign_flip(seeds[possible])
    if search is not None:
        means = _means(differences, search)
        agree = np.sign(np.nansum(means, axis=1)) == sign
        p = np.where(agree | ~possible, np.maximum(p, t_test(means)), 1.0)
    return p, sign


def _family(p: Array) -> Array:
    """Return p-values adjusted for one another; nan stays nan."""
    adjusted = np.full(p.shape, math.nan)
    adjusted[~np.isnan(p)] = holm(p[~np.isnan(p)])
    return adjusted
