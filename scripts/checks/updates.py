"""The length of Adam's steps, the two forms of weight decay, and the batch modes that are the same."""

import math
from collections.abc import Iterator
from functools import partial

import numpy as np

from checks.base import ENGINES, Check, above, below, distance, near, trained, weights
from descent.from_scratch import Adam, minimize

LINE = (  # a gradient of 1e9 that a step hardly changes
    *("problem=quadratic", "problem.dimension=1", "problem.condition=1", "problem.start=1e9", "problem.start_spread=0"),
    *("problem.additive=0", "batch=full", "epochs=null", "max_steps=60", "optimizer=adam", "optimizer.lr=1"),
)


def adam_step(step: int, eps: float, engine: str, *more: str) -> float:
    """Return the length of Adam's step, with lr = 1."""
    rows = trained(*LINE, f"optimizer.eps={eps!r}", f"engine={engine}", *more).rows
    return next(row["update_norm"] for row in rows if row["step"] == step)


def constant_gradient(eps: float) -> float:
    """Return the largest relative deviation of Adam's steps from lr abs(g)/(abs(g) + eps)."""
    g = np.array([3.0, -0.02, 1e-6])
    path = minimize(lambda w: float(g @ w), lambda _: g, np.zeros(3), Adam(lr=0.01, eps=eps), steps=50)
    steps = np.abs(np.diff(path.points, axis=0))
    return float(np.abs(steps / (0.01 * np.abs(g) / (np.abs(g) + eps)) - 1).max())


def decays_differ(optimizer: str, engine: str) -> float:
    """Return by how much the weights differ between L2 and decoupled weight decay, after 20 epochs."""
    chosen = ("problem=logistic_regression", f"optimizer={optimizer}", "epochs=20", "++optimizer.weight_decay=0.1")
    kinds = (f"++optimizer.decoupled_weight_decay={kind}" for kind in ("false", "true"))
    return distance(*(weights(trained(*chosen, kind, f"engine={engine}")) for kind in kinds))


def batches_differ(engine: str, *other: str) -> float:
    """Return by how much the weights differ from full-batch gradient descent's after 30 steps."""
    chosen = ("optimizer=momentum", "epochs=null", "max_steps=30", f"engine={engine}")
    return distance(weights(trained(*chosen, *other)), weights(trained(*chosen, "batch=full")))


def checks() -> Iterator[Check]:
    source = "Kingma and Ba 2015, section 2.1"
    for engine in ENGINES:
        for step in (1, 60):
            for eps, value in ((1e-8, 1.0), (2.5e8, 0.8)):
                claim = f"Adam's step {step} along a constant gradient is lr abs(g)/(abs(g) + eps), over lr, "
                claim += f"g = 1e9, eps = {eps:g}"
                yield Check(claim, source, engine, near(value, 1e-6), partial(adam_step, step, eps, engine))
    claim = "Adam's steps 1 to 50 along constant gradients of 3, 0.02 and 1e-6: largest deviation"
    yield Check(claim, source, "numpy", below(1e-10), partial(constant_gradient, 1e-8))
    claim = "without bias correction Adam's first step is (1 - beta1)/sqrt(1 - beta2), over lr"
    measure = partial(adam_step, 1, 0.0, "numpy", "+optimizer.bias_correction=false")
    yield Check(claim, "Kingma and Ba 2015, section 3", "numpy", near(0.1 / math.sqrt(0.001), 1e-6), measure)

    source = "Loshchilov and Hutter 2019, in torch's convention"
    claim = "plain SGD: decoupled weight decay and L2, difference of the weights"
    yield Check(claim, source, "numpy", below(1e-12), partial(decays_differ, "sgd", "numpy"))
    for optimizer, engine in (("momentum", "numpy"), ("adam", "numpy"), ("adam", "torch")):
        claim = f"{optimizer}: decoupled weight decay and L2 differ"
        yield Check(claim, source, engine, above(0.01), partial(decays_differ, optimizer, engine))

    for engine in ENGINES:
        claim, measure = "full batch and mini-batches of k = N, difference", partial(batches_differ, engine, "batch.size=1257")
        yield Check(claim, "definition", engine, below(1e-11), measure)
        claim, measure = (
            "full batch and accumulated micro-batches, difference",
            partial(batches_differ, engine, "batch=full", "problem.micro_size=100"),
        )
        yield Check(claim, "the gradient is linear", engine, below(1e-11), measure)
