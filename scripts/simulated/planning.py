"""How many seeds a report plans for, and how many it takes."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from descent.analysis.estimates import POWER
from descent.analysis.paired_tests import Answer, judge
from simulated.rates import measure
from simulated.studies import Scenario, two_top

FAR = 5.0  # how far the others are behind the two that are compared
GRID = (0.6, 0.8, 1.0, 1.2)  # of the planned number of seeds, at which power is measured


@dataclass(frozen=True)
class Planning:
    """Planned and needed seeds of two best candidates that differ by the margin.

    Attributes:
        needed: where 4 of 5 studies show the difference.
        median: of what pilots of ten seeds plan, in which the two are equal and not told apart.
        inside: the share of these whose printed range holds the needed number.
        near: the share of these that are within 25 % of it.
        power: of studies with the median planned number of seeds.
    """

    needed: float
    median: float
    inside: float
    near: float
    power: float


def planning(scenario: Scenario, count: int) -> Planning:
    """Return how planned and needed seeds compare.

    Args:
        scenario: its margin is the difference, its groups, candidates and noise are those of the studies.
        count: of pilots; a third as many studies for each of four numbers of seeds.
    """
    pilot = replace(scenario, means=two_top(FAR))
    pairs = [finding.pairs[0] for number in range(count) for finding in judge(pilot.study(number))]
    plans = np.array([(pair.seeds, pair.seeds_low, pair.seeds_high) for pair in pairs if pair.answer is Answer.OPEN])
    median = float(np.median(plans[:, 0]))
    seeds = np.unique([max(10, round(part * median)) for part in GRID])
    apart = replace(scenario, means=two_top(FAR, scenario.margin))
    power = [measure(replace(apart, seeds=int(n)), max(count // 3, 2))[0].second for n in seeds]
    slope, start = np.polyfit(np.sqrt(seeds), stats.norm.ppf(np.clip(power, 0.01, 0.99)), 1)
    needed = float(((stats.norm.ppf(POWER) - start) / slope) ** 2)
    return Planning(
        needed,
        median,
        float(((plans[:, 1] <= needed) & (needed <= plans[:, 2])).mean()),
        float((np.abs(plans[:, 0] / needed - 1) <= 0.25).mean()),
        float(stats.norm.cdf(start + slope * np.sqrt(median))),
    )
