"""Find each problem's target: `python scripts/targets.py [PROBLEM ...] [--root data] [--write]`.

A target is what 80 % of 20 fresh seeds of the best reference optimizer have reached at 75 % of the problem's budget, with
mini-batches of its default size, rounded to two digits on the easy side. Which optimizer and learning rate that is, three other
seeds decide: the best median of the problem's metric at the end of the budget, of ties the one that was better at 75 % of it.

Trains what is missing of the study `targets`, with engine=numpy; a second call only reads. `--write` puts a line into each
problem's yaml: the target and how it was found, or why there is none.
"""

import argparse
import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from itertools import product
from pathlib import Path
from statistics import median

from descent.config.command import conf
from descent.config.compose import compose
from descent.errors import InputError
from descent.terminal.console import say
from descent.training.run import run

OPTIMIZERS = ("sgd", "momentum", "adam")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
TUNING, FRESH = range(101, 104), range(201, 221)  # seeds; not those that a study begins with
SEEDS, BUDGET = 0.8, 0.75  # the share of the fresh seeds that reach a target, and at which share of the budget
EASIER = Context(prec=2, rounding=ROUND_CEILING)
ROUNDING = 2.0**-23  # of single precision, times `problem.loss_scale`: what is below tells numbers apart, not optimizers
FALLEN = 0.1  # of the gap at the start: an optimizer that leaves more ends in whatever local minimum is near


@dataclass(frozen=True)
class Run:
    """How far a run came, the smaller the better (accuracies with a minus): at the start, at the end, and reached in time."""

    start: float
    final: float
    reached: float


@dataclass(frozen=True)
class Found:
    """A problem's target, or why there is none; the reference optimizer that says so and its learning rate."""

    metric: str
    value: float
    optimizer: str
    lr: float
    why: str = ""

    def __str__(self) -> str:
        who = f"{len(FRESH)} seeds of {self.optimizer} with lr={self.lr:g}"
        if self.why:
            return f"target: null  # none: {who} {self.why}"
        how = f"reached by {100 * SEEDS:g} % of {who} at {100 * BUDGET:g} % of the budget"
        return f"target: {{metric: {self.metric}, value: {self.value:g}}}  # {how}"


def find(problem: str, studies: Path, *more: str) -> Found:
    """Train the reference optimizers on a problem, what is missing, and return its target.

    Args:
        problem: its name.
        studies: the folder of the study `targets`.
        more: overrides that all runs share.

    Raises:
        InputError: its data are not there, or there is no gradient by hand.
    """
    chosen = compose(f"problem={problem}").problem
    metric, sign = chosen.metric, _sign(chosen.metric)

    def train(optimizer: str, lr: float, seeds: range) -> list[Run]:
        given = (f"problem={problem}", f"optimizer={optimizer}", f"optimizer.lr={lr}", f"output_dir={studies}", *more)
        return [_trained(metric, *given, f"seed={seed}") for seed in seeds]

    tried = {}
    for setting in product(OPTIMIZERS, RATES):
        runs = train(*setting, TUNING)
        tried[setting] = median(run.final for run in runs), median(run.reached for run in runs)
    optimizer, lr = min(tried, key=lambda setting: tried[setting])
    runs = train(optimizer, lr, FRESH)
    worst = sorted(run.reached for run in runs)[math.ceil(SEEDS * len(FRESH)) - 1]  # of those that count
    start, why = median(run.start for run in runs), ""
    if worst == math.inf:
        return Found(metric, worst, optimizer, lr, f"fail in more than {100 * (1 - SEEDS):g} %")
    if metric.endswith(("/loss", "/gap")) and worst <= ROUNDING * chosen.loss_scale:
        why = f"reach {worst:.1g}, which is rounding"
    if metric.endswith("/gap") and worst > FALLEN * start:
        why = f"reach {worst:.2g} from {start:.2g}, no more than a local minimum"
    return Found(metric, sign * float(EASIER.create_decimal(repr(worst))), optimizer, lr, why)


def _trained(metric: str, *overrides: str) -> Run:
    done = run(compose("study=targets", "engine=numpy", "logger=csv", *overrides))
    rows = done.rows
    values = [_sign(metric) * row[metric] for row in rows]
    if done.result.status != "finished":
        return Run(values[0], math.inf, math.inf)
    return Run(values[0], values[-1], reached(values, [row["examples"] / rows[-1]["examples"] for row in rows]))


def reached(values: Sequence[float], budget: Sequence[float]) -> float:
    """Return the hardest target that was reached in time: two consecutive records meet it, the first at 75 % or before.

    Args:
        values: of the records, the smaller the better.
        budget: the share of it at each record.
    """
    return min(max(now, then) for now, then, share in zip(values, values[1:], budget, strict=False) if share <= BUDGET)


def _sign(metric: str) -> int:
    return -1 if metric.endswith("/accuracy") else 1


def write(path: Path, found: Found) -> None:
    """Put a target into a problem's yaml, after its metric, in place of the one before."""
    text = re.sub(r"^target:.*\n", "", path.read_text(), flags=re.M)
    path.write_text(re.sub(r"^(metric:.*\n)", lambda line: f"{line[1]}{found}\n", text, flags=re.M))


def main() -> int:
    known = sorted(path.stem for path in (conf() / "problem").glob("*.yaml"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("problem", nargs="*", help="only these; default: all")
    parser.add_argument("--root", type=Path, help="the folder that holds MNIST/raw; default: leave out what needs such data")
    parser.add_argument("--studies", type=Path, default=Path("outputs"), help="the folder of the studies; default: outputs")
    parser.add_argument("--write", action="store_true", help="put what is found into conf/problem/")
    given = parser.parse_args()
    if unknown := sorted(set(given.problem) - set(known)):
        parser.error(f"{unknown[0]}: must be one of {', '.join(known)}")
    for problem in given.problem or known:
        needs_data = "root" in compose(f"problem={problem}").problem.arguments
        if needs_data and not given.root:
            say(f"{problem}: left as it was; --root must name the folder of its data")
            continue
        try:
            found = find(problem, given.studies, *([f"problem.root={given.root}"] if needs_data else []))
        except InputError as error:
            say(f"{problem}: left as it was; {error}")
            continue
        edge = "; at the edge of the learning rates that were tried" if found.lr in (RATES[0], RATES[-1]) else ""
        say(f"{problem}: {found}{edge}")
        if given.write:
            write(conf() / "problem" / f"{problem}.yaml", found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
