"""The noise floor of SGD: a quadratic with curvature 1 in 1,000 dimensions, each a replica of the same experiment."""

from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from checks.base import ENGINES, Check, average, near, trained
from descent.config.compose import compose
from descent.training import build

DIMENSION = 1000
NOISY = (
    *("problem=quadratic", f"problem.dimension={DIMENSION}", "problem.condition=1", "problem.rotated=false"),
    *("problem.start=0", "problem.start_spread=0", "problem.additive=1", "problem.examples=4096"),
    *(
        "batch.replacement=true",
        "records.examples=1",
        "epochs=null",
        "problem.loss_scale=1e3",
    ),  # a loss of 1,500 is no divergence
)


@cache
def gradient_variance() -> float:
    """Return sigma^2, the variance of one example's gradient, per dimension."""
    noise = build.problem(compose("precision=64", *NOISY, "max_steps=1")).data("train")[1]
    return noise.square().mean().item()


def stationary(optimizer: tuple[str, ...], relaxation: float, engine: str) -> float:
    """Return the variance of w around the minimum, in units of sigma^2, from 5 relaxation times on.

    Args:
        optimizer: the overrides.
        relaxation: 1/(lr lambda), steps.
        engine: that computes it.
    """
    records = ("records.first_epoch=400", "records.growth=1.01", "max_steps=4096")
    rows = trained(*NOISY, *optimizer, *records, f"engine={engine}").rows
    late = [row["distance"] ** 2 / DIMENSION for row in rows if row["step"] >= 5 * relaxation]
    return float(np.mean(late)) / gradient_variance()


def averaged(lr: float, size: int, engine: str) -> float:
    """Return T times the variance of the average of T = 1,000 weights, in units of sigma^2; the mean over 8 seeds."""
    asgd = ("optimizer=asgd", f"optimizer.lr={lr}", "optimizer.lambd=0", "optimizer.alpha=0", "optimizer.t0=0")
    chosen = (*NOISY, *asgd, f"batch.size={size}", "max_steps=1000", f"engine={engine}")
    averages = [average(trained(*chosen, f"seed={seed}")) for seed in range(8)]
    return float(1000 * np.mean(np.square(averages))) / gradient_variance()


def checks() -> Iterator[Check]:
    source = "Liu, Ziyin, Ueda 2021"
    for engine in ENGINES:
        for lr, size in ((0.1, 1), (0.5, 1), (0.5, 8), (1.5, 1)):
            claim = f"SGD: Var w / sigma^2 = lr/(B lambda (2 - lr lambda)), lr = {lr}, B = {size}"
            measure = partial(stationary, ("optimizer=sgd", f"optimizer.lr={lr}", f"batch.size={size}"), 1 / lr, engine)
            yield Check(claim, source, engine, near(lr / (size * (2 - lr)), 0.03), measure, slow=True)
        for lr, beta, dampening, size in ((0.05, 0.9, 0.0, 1), (0.2, 0.5, 0.0, 4), (0.2, 0.9, 0.5, 1)):
            a = lr * (1 - dampening)
            claim = (
                "momentum: Var w / sigma^2 = a (1 + beta)/(B lambda (1 - beta)(2 (1 + beta) - a lambda)), "
                f"a = lr (1 - dampening), lr = {lr}, beta = {beta}, dampening = {dampening}, B = {size}"
            )
            chosen = ("optimizer=momentum", f"optimizer.lr={lr}", f"optimizer.momentum={beta}")
            chosen += (f"optimizer.dampening={dampening}", f"batch.size={size}")
            value = a * (1 + beta) / (size * (1 - beta) * (2 * (1 + beta) - a))
            yield Check(claim, source, engine, near(value, 0.03), partial(stationary, chosen, 1 / a, engine), slow=True)
        for lr, size in ((0.2, 1), (0.8, 1), (0.8, 4)):
            claim = f"averaged SGD: T Var / sigma^2 = 1/(B lambda^2) whatever lr, lr = {lr}, B = {size}"
            measure = partial(averaged, lr, size, engine)
            yield Check(claim, "Polyak and Juditsky 1992, theorem 1", engine, near(1 / size, 0.03), measure, slow=True)
