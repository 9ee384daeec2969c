"""Find a problem's target: what most fresh seeds of the best reference optimizer reach in good time.

A target is what 80 % of 20 fresh seeds of the best reference optimizer have reached at 75 % of the problem's budget, with
mini-batches of its default size, rounded to two digits on the easy side. Which optimizer and learning rate that is, three other
seeds decide: the best median of the problem's metric at the end of the budget, of ties the one that was better at 75 % of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Context
from itertools import product
from pathlib import Path
from statistics import median

from descent.config.compose import compose
from descent.metrics import metric
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
class TargetEstimate:
    """A problem's target, or why it has none, with the reference optimizer that reached it and its learning rate."""

    metric: str
    value: float
    optimizer: str
    lr: float
    why: str = ""

    @property
    def at_the_edge(self) -> bool:
        """Whether the learning rate is the smallest or the largest of those that were tried."""
        return self.lr in (RATES[0], RATES[-1])

    @property
    def target(self) -> dict[str, str | float] | None:
        """Return the target as a line of the problem's yaml."""
        return None if self.why else {"metric": self.metric, "value": self.value}

    def __str__(self) -> str:
        """Return the line of a problem's yaml; its comment is for people, no program reads it."""
        who = f"{len(FRESH)} seeds of {self.optimizer} with lr={self.lr:g}"
        if self.why:
            return f"target: null  # none: {who} {self.why}"
        how = f"reached by {100 * SEEDS:g} % of {who} at {100 * BUDGET:g} % of the budget"
        return f"target: {{metric: {self.metric}, value: {_number(self.value)}}}  # {how}"


def find(problem: str, studies: Path, *more: str) -> TargetEstimate:
    """Train the missing runs of the reference optimizers on a problem and return its target.

    Args:
        problem: its name.
        studies: the folder of the study `targets`.
        more: overrides that all runs share.

    Raises:
        InputError: its data are missing, or it has no gradient by hand.
    """
    chosen = compose(f"problem={problem}").problem
    name, sign = chosen.metric, -metric(chosen.metric, chosen.metrics).sign

    def train(optimizer: str, lr: float, seeds: range) -> list[Run]:
        overrides = (f"problem={problem}", f"optimizer={optimizer}", f"optimizer.lr={lr}", f"output_dir={studies}", *more)
        return [_trained(name, sign, *overrides, f"seed={seed}") for seed in seeds]

    tried = {}
    for setting in product(OPTIMIZERS, RATES):
        runs = train(*setting, TUNING)
        tried[setting] = median(run.final for run in runs), median(run.reached for run in runs)
    optimizer, lr = min(tried, key=lambda setting: tried[setting])
    runs = train(optimizer, lr, FRESH)
    worst = sorted(run.reached for run in runs)[math.ceil(SEEDS * len(FRESH)) - 1]  # of those that count
    start, why = median(run.start for run in runs), ""
    if worst == math.inf:
        return TargetEstimate(name, worst, optimizer, lr, f"fail in more than {100 * (1 - SEEDS):g} %")
    if name.endswith(("/loss", "/gap")) and worst <= ROUNDING * chosen.loss_scale:
        why = f"reach {worst:.1g}, which is rounding"
    if name.endswith("/gap") and worst > FALLEN * start:
        why = f"reach {worst:.2g} from {start:.2g}, no more than a local minimum"
    return TargetEstimate(name, sign * float(EASIER.create_decimal(repr(worst))), optimizer, lr, why)


def _trained(name: str, sign: int, *overrides: str) -> Run:
    done = run(compose("study=targets", "engine=compiled", "logger=csv", *overrides))
    rows = done.rows
    values = [sign * row[name] for row in rows]
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


def _number(value: float) -> str:
    """Return a number as YAML reads it: with a point in its mantissa, else 3e-06 is a text."""
    mantissa, e, exponent = f"{value:g}".partition("e")
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else f"{value:g}"
