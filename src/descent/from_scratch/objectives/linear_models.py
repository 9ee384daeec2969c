"""Linear and logistic regression with their gradients. Parameters: one array ``w [D]``; inputs ``X [B, D]``."""

from typing import Any

import numpy as np

from descent.from_scratch.objectives.base import Arrays, Functions, Objective


def linear_regression_gradient(
    w: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    out: np.ndarray,
    scratch: np.ndarray,
    constants: tuple[Any, ...],
    functions: Functions,
) -> None:
    residuals = scratch[: len(x)]
    np.dot(x, w, residuals)
    residuals -= y
    np.dot(x.T, residuals, out)
    out /= len(x)


def logistic_regression_gradient(
    w: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    out: np.ndarray,
    scratch: np.ndarray,
    constants: tuple[Any, ...],
    functions: Functions,
) -> None:
    (regularisation,) = constants
    errors = scratch[: len(x)]
    np.dot(x, w, errors)
    errors[:] = sigmoid(errors) - y.astype(w.dtype)
    np.dot(x.T, errors, out)
    out /= len(x)
    out += regularisation * w


class LinearRegression(Objective):
    """``f(w) = (1/2B) |X w - y|^2``, gradient ``X^T (X w - y) / B``, for targets ``y [B]``."""

    flat_gradient = staticmethod(linear_regression_gradient)

    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        residuals = inputs @ params[0] - targets
        return residuals @ residuals / (2 * len(inputs))

    def room(self, params: Arrays, examples: int) -> int:
        return examples


class LogisticRegression(Objective):
    """``f(w) = (1/B) sum_i log(1 + exp(-s_i z_i)) + (regularisation/2) |w|^2`` with ``z = X w`` and ``s = 2 y - 1``.

    Its gradient is ``X^T (sigmoid(z) - y) / B + regularisation w``, for labels ``y [B]`` in {0, 1}.

    Args:
        regularisation: >= 0.
    """

    flat_gradient = staticmethod(logistic_regression_gradient)
    labelled = True

    def __init__(self, regularisation: float) -> None:
        self.regularisation = regularisation

    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        (w,) = params
        signs = 2 * targets.astype(w.dtype) - 1
        return np.logaddexp(0, -signs * (inputs @ w)).mean() + self.regularisation / 2 * (w @ w)

    def measure(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        hits = (inputs @ params[0] > 0) == (targets > 0)
        return super().measure(params, inputs, targets) | {"accuracy": float(hits.mean())}

    def constants(self, params: Arrays) -> tuple[Any, ...]:
        return (self.regularisation,)

    def room(self, params: Arrays, examples: int) -> int:
        return examples


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return ``1 / (1 + exp(-z))``, as ``(1 + tanh(z/2)) / 2``, which never overflows."""
    return (1 + np.tanh(z / 2)) / 2
