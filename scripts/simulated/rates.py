"""How often what a report says of simulated studies is wrong, and how much of what is true it finds."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np

from descent.analysis.estimates import Interval
from descent.analysis.paired_tests import Answer, GroupFinding, judge
from simulated.studies import Scenario

BETTER = (Answer.BETTER, Answer.BETTER_WITHIN)
EQUAL = (Answer.EQUAL, Answer.BETTER_WITHIN)


@dataclass(frozen=True)
class Rates:
    """Shares of one study, or their means over studies; nan where there is nothing to count.

    Attributes:
        false_better, false_equal: whether the report holds one.
        missed: whether not all simultaneous intervals hold the true difference.
        best: the share of groups in which the true best is said to be best.
        pairs: the share of truly different pairs that are told apart the right way.
        second: the share of groups in which the best is better than the second.
        equal: the share of truly equal pairs that are called equal.
    """

    false_better: float
    false_equal: float
    missed: float
    best: float
    pairs: float
    second: float
    equal: float


def rates(scenario: Scenario, findings: list[GroupFinding]) -> Rates:
    """Return what is wrong and what was found in a report of one study."""
    true, fails = scenario.true, scenario.failures or (0.0,) * scenario.candidates
    false_better, false_equal, misses = False, False, False
    different, same, tops = [], [], []
    for pair in (pair for finding in findings for pair in finding.pairs):
        one, other = int(pair.one), int(pair.other)
        gap, won, equal = true[other] - true[one], pair.answer in BETTER, pair.answer in EQUAL
        false_better |= won and not _better(scenario, one, other)
        false_equal |= equal and abs(gap) >= scenario.margin
        misses |= pair.interval is Interval.SIMULTANEOUS and not pair.low - 1e-9 <= gap <= pair.high + 1e-9
        if _better(scenario, one, other) or _better(scenario, other, one):
            different.append(won and _better(scenario, one, other))
            tops += different[-1:] if {one, other} == {0, 1} else []
        elif not gap and fails[one] == fails[other]:
            same.append(equal)
    clear = all(_better(scenario, 0, other) for other in range(1, scenario.candidates))
    return Rates(
        float(false_better),
        float(false_equal) if (np.abs(true[:, None] - true) >= scenario.margin).any() else math.nan,
        float(misses),
        _mean([finding.best == "0" for finding in findings] if clear else []),
        _mean(different),
        _mean(tops),
        _mean(same),
    )


def _better(scenario: Scenario, one: int, other: int) -> bool:
    """Return whether one is truly better: by its mean or by its failures, and no worse by the other of these."""
    fails = scenario.failures or (0.0,) * scenario.candidates
    gap, fewer = scenario.true[other] - scenario.true[one], fails[other] - fails[one]
    return min(gap, fewer) >= 0 and max(gap, fewer) > 0


def measure(scenario: Scenario, count: int) -> tuple[Rates, Rates]:
    """Return mean rates over the first studies of a scenario, and their standard errors."""
    rows = np.array([[getattr(each, part.name) for part in fields(Rates)] for each in _each(scenario, count)])
    means = rows.mean(axis=0)
    return Rates(*means.tolist()), Rates(*(rows.std(axis=0) / math.sqrt(count)).tolist())


def _each(scenario: Scenario, count: int) -> Iterable[Rates]:
    return (rates(scenario, judge(scenario.study(number))) for number in range(count))


def _mean(values: list[bool]) -> float:
    return float(np.mean(values)) if values else math.nan
