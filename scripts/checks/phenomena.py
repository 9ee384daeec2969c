"""Two phenomena: adaptive methods find other solutions than gradient descent, and sharpness rises to 2/lr and stays there."""

from collections.abc import Iterator
from functools import partial

import numpy as np

from checks.base import ENGINES, Check, above, below, near, trained
from descent.records.curve import Row

NEGATIVES = 0.4  # the share of -1 labels: what whoever answers +1 to all gets wrong


def test_error(optimizer: str, engine: str) -> float:
    """Return the test error on the separable least-squares problem, full batch from w = 0; nan if training was not perfect."""
    done = trained("problem=wilson", "batch=full", f"optimizer={optimizer}", f"engine={engine}")
    return 1 - done.result.test["accuracy"] if done.rows[-1]["train/accuracy"] == 1 else np.nan


def from_least_norm(optimizer: str, engine: str) -> float:
    """Return how far the solution found is from that of least norm."""
    return trained("problem=wilson", "batch=full", f"optimizer={optimizer}", f"engine={engine}").rows[-1]["distance"]


def sharpness(lr: float, engine: str) -> list[Row]:
    """Return the records of full-batch gradient descent on the Chebyshev problem."""
    chosen = ("problem=chebyshev_mlp", "batch=full", "optimizer=sgd", f"optimizer.lr={lr}", f"engine={engine}")
    return trained(*chosen, "records.sharpness=true", "records.growth=1.02").rows


def late(lr: float, engine: str) -> np.ndarray:
    """Return the sharpness over the last 40 % of the steps, in units of 2/lr."""
    rows = sharpness(lr, engine)
    return np.array([row["sharpness"] for row in rows if row["step"] >= 0.6 * rows[-1]["step"]]) * lr / 2


def edge(lr: float, engine: str) -> float:
    """Return the mean of it."""
    return float(late(lr, engine).mean())


def excursion(lr: float, engine: str) -> float:
    """Return how far it ever goes from 1."""
    return float(np.abs(late(lr, engine) - 1).max())


def falling(lr: float, engine: str) -> float:
    """Return the median loss of the last fifth of the steps over that of the third fifth."""
    rows, end = sharpness(lr, engine), sharpness(lr, engine)[-1]["step"]
    parts = [[row["train/loss"] for row in rows if low * end <= row["step"] < high * end] for low, high in ((0.4, 0.6), (0.8, 1))]
    return float(np.median(parts[1]) / np.median(parts[0]))


def sharpening(lr: float, engine: str) -> float:
    """Return the last sharpness over the first."""
    rows = sharpness(lr, engine)
    return rows[-1]["sharpness"] / rows[0]["sharpness"]


def checks() -> Iterator[Check]:
    source = "Wilson et al. 2017, section 3.3"
    for engine in ENGINES:
        for optimizer in ("sgd", "momentum"):
            claim = f"separable least squares: the test error of {optimizer}"
            yield Check(claim, source, engine, below(1e-9), partial(test_error, optimizer, engine))
            claim = f"separable least squares: the distance of {optimizer}'s solution to that of least norm"
            yield Check(claim, source, engine, below(1e-3), partial(from_least_norm, optimizer, engine))
        for optimizer in ("adagrad", "rmsprop", "adam"):
            claim = f"separable least squares: the test error of {optimizer}, the share of the rarer label"
            yield Check(claim, source, engine, near(NEGATIVES, 1e-9), partial(test_error, optimizer, engine))
            claim = f"separable least squares: the distance of {optimizer}'s solution to that of least norm"
            yield Check(claim, source, engine, above(1.0), partial(from_least_norm, optimizer, engine))
    source = "Cohen et al. 2021, section 3"
    for engine in ENGINES:
        for lr in (0.1, 0.15, 0.2):
            claim = f"edge of stability: the sharpness of full-batch gradient descent, lr = {lr}, in units of 2/lr"
            yield Check(claim, source, engine, near(1.0, 0.05), partial(edge, lr, engine), slow=True)
            for claim, expected, measure in (
                ("the largest deviation from that over the last 40 % of the steps", below(0.2), excursion),
                ("the last sharpness over the first", above(1.5), sharpening),
                ("the median loss of the last fifth of the steps over that of the third", below(0.9), falling),
            ):
                yield Check(
                    f"edge of stability: {claim}, lr = {lr}", source, engine, expected, partial(measure, lr, engine), slow=True
                )
