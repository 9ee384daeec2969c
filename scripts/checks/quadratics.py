"""Stability limits and rates of gradient descent, heavy ball and Nesterov's momentum on a quadratic with L = 1."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from checks.base import ENGINES, Check, near, trained
from descent.records.curve import Row

VALLEY = (
    *("problem=quadratic", "problem.additive=0", "problem.examples=2", "problem.loss_scale=1e6"),  # may grow a thousandfold
    *("batch=full", "epochs=null", "records.growth=1.02"),
)


def contraction(rows: list[Row], first: int, jordan: bool = False) -> float:
    """Return by which factor the distance to the minimum shrinks in a step: a straight line fitted to its logarithm.

    Where the slowest modes form a Jordan block, ``|x_k| ~ k rate^k``: the factor k is divided out.
    """
    late = [row for row in rows if row["step"] >= first]
    logs = [math.log(row["distance"] / (row["step"] if jordan else 1)) for row in late]
    slope, _ = np.polyfit([row["step"] for row in late], logs, 1)
    return math.exp(slope)


def descend(optimizer: str, lr: float, beta: float, *more: str) -> list[Row]:
    """Return the records of full-batch steps on the valley."""
    momentum = (f"optimizer.momentum={beta!r}",) if beta else ()
    return trained(*VALLEY, f"optimizer={optimizer}", f"optimizer.lr={lr!r}", *momentum, *more).rows


def limit(optimizer: str, beta: float, expected: float, engine: str) -> float:
    """Return lr L at which the distance neither grows nor shrinks, looked for 0.02 % below and above the expected value."""
    where = ("problem.dimension=2", "problem.condition=10", "max_steps=400", f"engine={engine}")
    below, above = (math.log(contraction(descend(optimizer, share * expected, beta, *where), 200)) for share in (0.9998, 1.0002))
    if not below < 0 < above:
        return math.nan  # it must shrink below, and grow above
    return expected * (0.9998 + 0.0004 * below / (below - above))


def rate(optimizer: str, kappa: float, lr: float, beta: float, engine: str) -> float:
    """Return the contraction per step."""
    rows = descend(optimizer, lr, beta, f"problem.condition={kappa}", "max_steps=400", f"engine={engine}")
    return contraction(rows, 200, jordan=optimizer != "sgd")


def checks() -> Iterator[Check]:
    for engine in ENGINES:
        for optimizer, beta, value, claim, source in (
            ("sgd", 0.0, 2.0, "gradient descent converges iff lr L < 2", "Nesterov 2004, section 1.2.3"),
            ("momentum", 0.5, 3.0, "heavy ball converges iff lr L < 2 + 2 beta, beta = 0.5", "Polyak 1964"),
            ("momentum", 0.9, 3.8, "heavy ball converges iff lr L < 2 + 2 beta, beta = 0.9", "Polyak 1964"),
            ("nesterov", 0.5, 1.5, "Nesterov converges iff lr L < 2 (1 + beta)/(1 + 2 beta), beta = 0.5", "Lessard et al. 2016"),
            (
                "nesterov",
                0.9,
                3.8 / 2.8,
                "Nesterov converges iff lr L < 2 (1 + beta)/(1 + 2 beta), beta = 0.9",
                "Lessard et al. 2016",
            ),
        ):
            measure = partial(limit, optimizer, beta, value, engine)
            yield Check(f"{claim}: the limit", source, engine, near(value, 2e-4), measure)
        for kappa in (10.0, 100.0):
            root = math.sqrt(kappa)
            shrink = (root - 1) / (root + 1)
            for optimizer, lr, beta, value, claim, source in (
                (
                    *("sgd", 2 / (1 + 1 / kappa), 0.0, (kappa - 1) / (kappa + 1)),
                    "gradient descent at lr = 2/(L + mu) contracts by (kappa - 1)/(kappa + 1)",
                    "Nesterov 2004, theorem 2.1.15",
                ),
                (
                    *("momentum", 4 / (1 + 1 / root) ** 2, shrink**2, shrink),
                    "heavy ball at lr = 4/(sqrt L + sqrt mu)^2, beta = ((sqrt kappa - 1)/(sqrt kappa + 1))^2 "
                    "contracts by sqrt beta",
                    "Polyak 1964",
                ),
                (
                    *("nesterov", 1.0, shrink, 1 - 1 / root),
                    "Nesterov at lr = 1/L, beta = (sqrt kappa - 1)/(sqrt kappa + 1) contracts by 1 - 1/sqrt kappa "
                    "(w is the textbook's look-ahead point)",
                    "Lessard et al. 2016, table 1",
                ),
            ):
                measure = partial(rate, optimizer, kappa, lr, beta, engine)
                yield Check(f"{claim}, kappa = {kappa:g}", source, engine, near(value, 1e-3), measure)
