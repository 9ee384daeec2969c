"""Linear and logistic regression with their gradients. Parameters: one array ``w [D]``; inputs ``X [B, D]``."""

import numpy as np

from descent.from_scratch.objectives.base import Arrays, Objective


class LinearRegression(Objective):
    """``f(w) = (1/2B) |X w - y|^2``, gradient ``X^T (X w - y) / B``, for targets ``y [B]``."""

    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        residuals = inputs @ params[0] - targets
        return residuals @ residuals / (2 * len(inputs))

    def gradient(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> Arrays:
        return [inputs.T @ (inputs @ params[0] - targets) / len(inputs)]


class LogisticRegression(Objective):
    """``f(w) = (1/B) sum_i log(1 + exp(-s_i z_i)) + (regularisation/2) |w|^2`` with ``z = X w`` and ``s = 2 y - 1``.

    Its gradient is ``X^T (sigmoid(z) - y) / B + regularisation w``, for labels ``y [B]`` in {0, 1}.

    Args:
        regularisation: >= 0.
    """

    def __init__(self, regularisation: float) -> None:
        self.regularisation = regularisation

    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        (w,) = params
        signs = 2 * targets.astype(w.dtype) - 1
        return np.logaddexp(0, -signs * (inputs @ w)).mean() + self.regularisation / 2 * (w @ w)

    def gradient(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> Arrays:
        (w,) = params
        errors = sigmoid(inputs @ w) - targets.astype(w.dtype)
        return [inputs.T @ errors / len(inputs) + self.regularisation * w]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return ``1 / (1 + exp(-z))``, as ``(1 + tanh(z/2)) / 2``, which never overflows."""
    return (1 + np.tanh(z / 2)) / 2
