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
    return 1 - done.result["test"]["accuracy"] if done.rows[-1]["train/accuracy"] == 1 else np.nan


def sharpness(lr: float, engine: str) -> list[Row]:
    """Return the records of full-batch gradient descent on the Chebyshev problem."""
    chosen = ("problem=chebyshev_mlp", "batch=full", "optimizer=sgd", f"optimizer.lr={lr}", f"engine={engine}")
    return trained(*chosen, "records.sharpness=true", "records.growth=1.02").rows


def edge(lr: float, engine: str) -> float:
    """Return the mean sharpness over the last 40 % of the steps, in units of 2/lr."""
    rows = sharpness(lr, engine)
    return float(np.mean([row["sharpness"] for row in rows if row["step"] >= 0.6 * rows[-1]["step"]])) * lr / 2


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
        for optimizer in ("adagrad", "rmsprop", "adam"):
            claim = f"separable least squares: the test error of {optimizer}, the share of the rarer label"
            yield Check(claim, source, engine, near(NEGATIVES, 1e-9), partial(test_error, optimizer, engine))
    source = "Cohen et al. 2021, section 3"
    for engine in ENGINES:
        for lr in (0.1, 0.2, 0.3):
            claim = f"edge of stability: the sharpness of full-batch gradient descent, lr = {lr}, in units of 2/lr"
            yield Check(claim, source, engine, near(1.0, 0.05), partial(edge, lr, engine), slow=True)
            claim = f"edge of stability: the last sharpness over the first, lr = {lr}"
            yield Check(claim, source, engine, above(1.5), partial(sharpening, lr, engine), slow=True)
