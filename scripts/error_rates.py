"""Count what a report says wrongly of simulated studies: `python scripts/error_rates.py [--write docs/accuracy.md]`.

Each study is judged by the code that a report uses. 2,000 studies a row take about half an hour.
"""

import itertools
import math
import time
from collections.abc import Callable

from checks import page
from rich.console import Console
from simulated.planning import planning
from simulated.rates import measure
from simulated.studies import Scenario, clusters, ladder, one_best, two_top

from descent.config.flags import Parser, leave_with, require_file_to_write
from descent.config.values import Count, File
from descent.errors import InputError

NOISES = ("normal", "skewed", "heavy-tailed", "contaminated")
CLAIMS = [
    *(Scenario("all equal", noise=noise) for noise in NOISES),
    *(Scenario("two equally best, others 5 behind", two_top(5.0), noise=noise) for noise in NOISES),
    *(Scenario("two halves, 2 apart: the margin", clusters(2.0), noise=noise) for noise in NOISES),
    *(Scenario("a ladder in steps of 1.5: the margin", ladder(1.5, 1.5), candidates=4, margin=1.5, noise=n) for n in NOISES),
    Scenario("all equal", groups=1, candidates=2),
    Scenario("two equally best, others 5 behind", two_top(5.0), groups=6, candidates=4),
    Scenario("all equal", groups=6),
    Scenario("all equal", groups=12, candidates=10),
    Scenario("two equally best, others 5 behind", two_top(5.0), groups=12, candidates=10),
    Scenario("all equal", seeds=20),
    Scenario("two equally best, others 5 behind", two_top(5.0), seeds=20),
    Scenario("all equal, seeds shift all by 2, candidates unlike", shared=2.0),
    Scenario("two halves, 2 apart, seeds shift all by 2, candidates unlike", clusters(2.0), shared=2.0),
    Scenario("all equal, each without 2 of the seeds", seeds=14, missing=2, candidates=4),
    Scenario("two equally best, each without 2 of the seeds", two_top(5.0), seeds=14, missing=2, candidates=4),
    Scenario("all equal, spreads 1:8", spreads=8.0),
    Scenario("two halves, 2 apart, spreads 1:3", clusters(2.0), spreads=3.0),
    Scenario("all equal, spreads 1:3", noise="slightly skewed", spreads=3.0),
    Scenario("the limit: two halves, 2 apart, spreads 1:3", clusters(2.0), noise="slightly skewed", spreads=3.0),
    Scenario("the limit: all equal, spreads 1:8", noise="skewed", spreads=8.0),
    Scenario("the limit: two halves, 2 apart, spreads 1:8", clusters(2.0), noise="skewed", spreads=8.0),
    Scenario("all equal, 10 % fail", candidates=4, failures=(0.1,) * 4),
    Scenario("two equally best, 10 % fail", two_top(5.0), candidates=4, failures=(0.1,) * 4),
    Scenario("survivors: equal, but the worst 27 % of one fail", groups=1, candidates=2, failures=(0.27, 0.0), survivors=True),
]
POWER = [
    Scenario("the best ahead by 1", one_best(1.0), expected={"best": 10, "pairs": 14}),
    Scenario("the best ahead by 1.5", one_best(1.5), expected={"best": 69, "pairs": 74}),
    Scenario("a ladder, the second behind by 1", ladder(1.0), expected={"second": 75}),
    Scenario("a ladder, the second behind by 1.5", ladder(1.5), expected={"second": 99}),
    Scenario("the best ahead by 1", one_best(1.0), candidates=4, expected={"best": 25, "pairs": 36}),
    Scenario("the best ahead by 1.5", one_best(1.5), candidates=4, expected={"best": 83, "pairs": 90}),
    Scenario("a ladder, the second behind by 1", ladder(1.0), candidates=4, expected={"second": 73}),
    Scenario("the best ahead by 1.5", one_best(1.5), groups=12, candidates=10, expected={"best": 18, "pairs": 26}),
    Scenario("a ladder, the second behind by 1", ladder(1.0), groups=12, candidates=10, expected={"second": 43}),
    Scenario("the best ahead by 1", one_best(1.0), groups=1, candidates=4, expected={"best": 49, "pairs": 59}),
    Scenario("the best ahead by 1", one_best(1.0), groups=1, candidates=2, expected={"best": 78}),
    Scenario("the best ahead by 1.5", one_best(1.5), groups=1, candidates=2, expected={"best": 99}),
    Scenario("the best ahead by 1", one_best(1.0), seeds=20, expected={"best": 81, "pairs": 86}),
    Scenario("the best ahead by 1", one_best(1.0), candidates=4, seeds=20, expected={"best": 90, "pairs": 94}),
    # Where noise is not normal, what was wanted had another unit: by both noises and both cases 1.4 of the one here.
    Scenario("the best ahead by 2.1", one_best(2.12), noise="heavy-tailed", expected={"best": 21}),
    Scenario("the best ahead by 2.1", one_best(2.12), noise="contaminated", expected={"best": 7}),
    Scenario("a ladder, the second behind by 2.1", ladder(2.12, 5.66), noise="heavy-tailed", expected={"second": 74}),
    Scenario("a ladder, the second behind by 2.1", ladder(2.12, 5.66), noise="contaminated", expected={"second": 58}),
    Scenario("two halves, 2 apart", clusters(2.0), expected={"pairs": 73}),
    Scenario(
        "ahead by 2, 20 % of the others fail", one_best(2.0), candidates=4, failures=(0.0, 0.2, 0.2, 0.2), expected={"pairs": 98}
    ),
    Scenario("ahead by 2, 10 % of all fail", one_best(2.0), candidates=4, failures=(0.1,) * 4, expected={"pairs": 37}),
    Scenario("equal, 60 % of the others fail", candidates=4, failures=(0, 0.6, 0.6, 0.6), expected={"pairs": 23}),
    Scenario("all equal, margin 1", groups=1, candidates=2, margin=1.0, expected={"equal": 80}),
    Scenario("all equal, margin 1.3", candidates=4, margin=1.3, expected={"equal": 80}),
    Scenario("all equal, margin 1.55", margin=1.55, expected={"equal": 80}),
    Scenario("all equal, margin 1.9", groups=12, candidates=10, margin=1.9, expected={"equal": 80}),
    Scenario("all equal, margin 0.97", seeds=20, margin=0.97, expected={"equal": 80}),
]
PLANS = [
    Scenario("margin 0.7", groups=1, candidates=2, margin=0.7),
    Scenario("margin 0.5", groups=1, candidates=2, margin=0.5),
    Scenario("margin 0.7", candidates=4, margin=0.7),
    Scenario("margin 0.5", candidates=4, margin=0.5),
    Scenario("margin 1", margin=1.0),
    Scenario("margin 0.7", margin=0.7),
    Scenario("margin 0.7", candidates=4, margin=0.7, noise="skewed"),
]
HEADER = f"""{page.ERROR_RATES}
`python scripts/error_rates.py --write docs/accuracy.md` writes this part: simulated studies, judged by the code that a report
uses; shares in percent, with standard errors. Noise is that of the logarithms of the losses; the unit of distances and margins
is the standard deviation of the paired difference of two candidates (before spreads are made unequal; of heavy tails, Student's
t with 2 degrees of freedom, the scale; contaminated: 10 % of the runs are ten times as noisy). Skewed noise is exponential,
slightly skewed has a skewness of 1. "Wanted" is what a simulation found before the procedure was written, known to two percent.
"""


SIZE = "| what is true | groups x candidates | seeds | noise | studies |"
POWERS = ("best", "pairs", "second", "equal")
LIMIT = 0.05  # of reports


def cell(rate: float, error: float) -> str:
    """Return a share in percent with its standard error; a dash where there is none."""
    return "-" if math.isnan(rate) else f"{100 * rate:.1f} ± {100 * error:.1f}"


def claims(scenario: Scenario, studies: int) -> list[str]:
    """Return how often something is said wrongly, and whether that is within two standard errors of 5 %."""
    means, errors = measure(scenario, scenario.count(studies))
    names = ("false_better", "false_equal", "missed")
    shares = [(getattr(means, name), getattr(errors, name)) for name in names]
    holds = not any(rate > LIMIT + 2 * error for rate, error in shares[:2])
    return [*(cell(*share) for share in shares), "yes" if holds else "**no**"]


def power(scenario: Scenario, studies: int) -> list[str]:
    """Return what is found, and whether it is what was wanted, which is known to two percent."""
    means, errors = measure(scenario, scenario.count(studies))
    shares = {name: (getattr(means, name), getattr(errors, name)) for name in POWERS}
    short = any(shares[name][0] + 2 * shares[name][1] < share / 100 - 0.02 for name, share in scenario.expected.items())
    expected = ", ".join(f"{name} {share}" for name, share in scenario.expected.items())
    return [*(cell(*share) for share in shares.values()), expected, "**no**" if short else "yes"]


def plans(scenario: Scenario, studies: int) -> list[str]:
    """Return how many seeds are planned and needed, and whether the median is within 25 % and the range holds in 80 %."""
    plan = planning(scenario, studies // 2)
    ratio, shares = plan.median / plan.needed, [f"{100 * share:.0f}" for share in (plan.inside, plan.near, plan.power)]
    holds = abs(ratio - 1) <= 0.25 and plan.inside >= 0.8 - 2 * math.sqrt(0.16 / studies)
    return [f"{plan.needed:.1f}", f"{plan.median:.1f}", f"{ratio:.2f}", *shares, "yes" if holds else "**no**"]


Row = Callable[[Scenario, int], list[str]]
TABLES: list[tuple[str, str, list[Scenario], Row]] = [
    (
        "Reports that hold a false claim: at most 5 % of each kind",
        "false *better* | false *equal* | an interval misses | holds |",
        CLAIMS,
        claims,
    ),
    (
        "What is found: no less than wanted",
        "the best of a group | pairs that differ | the best against the second | equal pairs | wanted | holds |",
        POWER,
        power,
    ),
    (
        "Seeds that show the margin between the two best, others 5 behind, in 4 of 5 studies: planned from ten seeds, and needed",
        "needed | planned, median | ratio | range holds needed, % | within 25 %, % | power at the median, % | holds |",
        PLANS,
        plans,
    ),
]


def main() -> int:
    parser = Parser(__doc__)
    parser.add("--studies", Count, default=2000, help="a row, a quarter of them in large ones")
    parser.add("--write", File, help="write the tables to this file too, below what it holds of checks")
    parser.add("--only", default="", help="only rows whose first cell contains this")
    arguments = parser.read()
    if arguments.write and arguments.only:
        raise InputError(
            "--write", arguments.write, "cannot be given with --only, as the tables are of all rows", "Leave one out."
        )
    if not any(arguments.only in scenario.name for _, _, scenarios, _ in TABLES for scenario in scenarios):
        raise InputError(
            "--only", arguments.only, "must be part of a row's first cell, as in 'ladder'", "--write lists all of them."
        )
    if arguments.write:
        require_file_to_write("--write", arguments.write)
    out, begun, text = Console(highlight=False), time.perf_counter(), [HEADER]
    for title, columns, scenarios, measured in TABLES:
        chosen = [scenario for scenario in scenarios if arguments.only in scenario.name]
        shape = f"|---|---|--:|---|--:|{'--:|' * (columns.count('|') - 1)}---|"
        lines = [f"\n### {title}\n", f"{SIZE} {columns}", shape] if chosen else []
        for line in itertools.chain(lines, (row(scenario, arguments.studies, measured) for scenario in chosen)):
            out.print(line, soft_wrap=True, markup=False)
            text.append(line + "\n")
    out.print(f"\n{time.perf_counter() - begun:.0f} s")
    if arguments.write:
        page.write(arguments.write, page.ERROR_RATES, "".join(text))
    return 0


def row(scenario: Scenario, studies: int, measured: Row) -> str:
    """Return a line of a table."""
    size, count = f"{scenario.groups} x {scenario.candidates}", f"{scenario.count(studies):,}"
    return f"| {' | '.join([scenario.name, size, str(scenario.seeds), scenario.noise, count, *measured(scenario, studies)])} |"


if __name__ == "__main__":
    leave_with(main)
