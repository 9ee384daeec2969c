"""The tests of a report: every pair of candidates of every group, as one family.

At most 5 % of reports hold a false *better*, and 5 % a false *equal*, where a difference is as likely as its negative under the
hypothesis. Half of the error of *better* goes to who is best in its group. docs/accuracy.md has the error rates as measured.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

import numpy as np

from descent.analysis.differences import Differences, Flags, Group, differences
from descent.analysis.estimates import Interval, estimates
from descent.analysis.family import better, equal, searches_needed
from descent.analysis.flips import ALPHA, Array

SEEDS = 10  # in common, from which on a pair is tested


class Answer(StrEnum):
    """The answer to which candidate of a pair is better; `Pair.one` is ahead by value."""

    BETTER = "better"
    BETTER_WITHIN = "better, by less than the margin"
    EQUAL = "equal within the margin"
    OPEN = "not told apart"
    FAILED_MORE = "ahead by value, but failed more often"
    SAME = "the same values on all seeds"
    REPEATED = "values repeat over seeds"
    FEW = "fewer than ten common seeds"


@dataclass(frozen=True)
class Pair:
    """Two candidates of a group, and the answer to which is better.

    Attributes:
        one: the one ahead: in its favour is the sum of differences, where a failure counts as the pair's largest one.
        p, p_equal: adjusted for all pairs of the report; nan where not tested. ``p`` of what follows from other claims is theirs.
        n: seeds in common.
        failures: of `one` and `other` in the runs that they have in common, and `runs`, how many these are.
        difference: mean of other - one over seeds on which both finished; its exponential is the ratio, of logarithms.
        low, high: its interval, of the kind `interval`.
        typical: the Hodges-Lehmann estimate of the difference, and `disagrees`, whether it is a standard error or more off.
        ahead: on how many of the seeds on which both finished `one` is better.
        seeds, seeds_low, seeds_high: about how many seeds would show a difference of the margin in 4 of 5 studies, and the 80 %
            range of that; nan where the standard deviation is not known, or intervals are over searches.
        only_seeds: whether `one` is better over seeds, with the settings that searches found, but not over searches.
        searches: about how many would show a difference like this one; nan where there are fewer than three.
        equal_within: the margin within which truly equal candidates of this spread would be called equal in 4 of 5 studies.
    """

    one: str
    other: str
    answer: Answer
    p: float
    p_equal: float
    n: int
    failures: tuple[int, int]
    runs: int
    difference: float
    low: float
    high: float
    interval: Interval
    typical: float
    disagrees: bool
    ahead: int
    seeds: float
    seeds_low: float
    seeds_high: float
    equal_within: float
    only_seeds: bool
    searches: float


@dataclass(frozen=True)
class GroupFinding:
    """The pairs of a group, in the order of `itertools.combinations`, and the candidate that is better than all others."""

    candidates: tuple[str, ...]
    pairs: tuple[Pair, ...]
    best: str


def judge(groups: Sequence[Group]) -> list[GroupFinding]:
    """Test all pairs of all groups of a report together; return one finding a group.

    Raises:
        ValueError: a margin is not above 0.
    """
    if any(not group.margin > 0 for group in groups):
        raise ValueError("margins must be above 0")
    if not groups:
        return []
    d = differences(groups)
    tested = (d.n >= SEEDS) & ~d.repeated & d.filled.any(axis=1)
    whole = tested & ~d.failures.any(axis=1)
    p, over_seeds, level = better(d, tested)
    p_equal, equal_level = equal(d, whole)
    gated = (d.sign[:, None] * (d.failures - d.failures[:, ::-1]))[:, 0] > 0
    p, over_seeds = (_what_follows(d, each, tested & ~gated) for each in (p, over_seeds))
    won, same = (p <= ALPHA) & ~gated, p_equal <= ALPHA
    answers = np.select(
        [d.repeated, d.n < SEEDS, ~d.filled.any(axis=1), won & same, won, same, gated],
        [Answer.REPEATED, Answer.FEW, Answer.SAME, Answer.BETTER_WITHIN, Answer.BETTER, Answer.EQUAL, Answer.FAILED_MORE],
        Answer.OPEN,
    )
    columns = estimates(d, tested, won, level, equal_level) | {
        "answer": [Answer(answer) for answer in answers],
        "p": p.tolist(),
        "p_equal": p_equal.tolist(),
        "only_seeds": ((answers == Answer.OPEN) & (over_seeds <= ALPHA)).tolist(),
        "searches": searches_needed(d.searched, max(1, int(tested.sum()))).tolist(),
        "n": d.n.tolist(),
        "runs": d.runs.tolist(),
    }
    turned = np.where(d.sign < 0, -1, 1).tolist()
    names = [(groups[g].candidates[i], groups[g].candidates[j]) for g, i, j in zip(d.group, d.one, d.other, strict=True)]
    columns["failures"] = [tuple(pair[::turn]) for pair, turn in zip(d.failures.tolist(), turned, strict=True)]
    rows = zip(names, turned, *columns.values(), strict=True)
    pairs = [Pair(*both[::turn], **dict(zip(columns, row, strict=True))) for both, turn, *row in rows]
    ends = np.cumsum([len(group.candidates) * (len(group.candidates) - 1) // 2 for group in groups])
    return [_finding(group.candidates, pairs[slice(*at)]) for group, at in zip(groups, pairwise([0, *ends]), strict=True)]


def _finding(candidates: tuple[str, ...], pairs: Sequence[Pair]) -> GroupFinding:
    """Return the finding of a group: its best candidate is better than all others that were tested."""
    tested = [pair for pair in pairs if not math.isnan(pair.p)]
    judged = {name for pair in tested for name in (pair.one, pair.other)}
    wins = Counter(pair.one for pair in tested if pair.answer in (Answer.BETTER, Answer.BETTER_WITHIN))
    best = [name for name, count in wins.items() if count == len(judged) - 1]
    return GroupFinding(candidates, tuple(pairs), best[0] if best else "")


def _what_follows(d: Differences, p: Array, may_win: Flags) -> Array:
    """Return p-values, of A and C at most the larger one of A and B, and of B and C: if those two are claimed, so is the third.

    Only where the one ahead may win; what follows from true claims is true, and needs no test.
    """
    p = p.copy()
    for number in np.unique(d.group):
        rows = np.flatnonzero((d.group == number) & may_win)
        if not len(rows):
            continue
        ahead = np.where(d.sign[rows] > 0, d.one[rows], d.other[rows])
        behind = d.one[rows] + d.other[rows] - ahead
        chain = np.full((behind.max() + ahead.max() + 1,) * 2, math.inf)
        chain[ahead, behind] = p[rows]
        for through in range(len(chain)):
            chain = np.minimum(chain, np.maximum(chain[:, [through]], chain[[through]]))
        p[rows] = chain[ahead, behind]
    return p
