"""Multi-layer perceptrons with backpropagation by hand; with no hidden layer they are softmax regression.

Parameters: ``[W_1, b_1, W_2, b_2, ..., W_n, b_n]`` with ``W_l [out, in]`` and ``b_l [out]``, as torch.nn.Linear has them.
"""

from collections.abc import Callable

import numpy as np

from descent.errors import one_of
from descent.from_scratch.objectives.base import Arrays, Objective
from descent.from_scratch.objectives.linear_models import sigmoid

# The activation a(z), and its slope a'(z) as a function of a, which forward propagation has kept.
ACTIVATIONS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray], np.ndarray]]] = {
    "relu": (lambda z: np.maximum(z, 0), lambda a: a > 0),
    "tanh": (np.tanh, lambda a: 1 - a * a),
    "sigmoid": (sigmoid, lambda a: a * (1 - a)),
}


class CrossEntropy:
    """``(1/B) sum_i -log softmax(z_i)[y_i]`` for outputs z ``[B, K]`` and labels y ``[B]``."""

    def loss(self, z: np.ndarray, y: np.ndarray) -> float:
        shifted = z - z.max(1, keepdims=True)
        return float(np.mean(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(y)), y]))

    def gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return ``(softmax(z_i) - onehot(y_i)) / B``."""
        p = np.exp(z - np.maximum.reduce(z, axis=1, keepdims=True))
        p /= np.add.reduce(p, axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        p /= len(y)
        return p


class SquaredError:
    """``(1/2B) sum_i |z_i - t_i|^2`` for outputs z ``[B, K]``; t is the targets ``[B, K]``, or onehot(labels ``[B]``)."""

    def loss(self, z: np.ndarray, y: np.ndarray) -> float:
        return float(np.square(self._errors(z, y)).sum() / (2 * len(z)))

    def gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return ``(z_i - t_i) / B``."""
        return self._errors(z, y) / len(z)

    def _errors(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        if y.ndim == 2:
            return z - y
        errors = z.copy()
        errors[np.arange(len(y)), y] -= 1
        return errors


class SigmoidSquaredError(SquaredError):
    """``(1/2B) sum_i |a_i - t_i|^2`` for ``a = sigmoid(z)`` and outputs z ``[B, K]``: the output layer is of sigmoids too."""

    def loss(self, z: np.ndarray, y: np.ndarray) -> float:
        return super().loss(sigmoid(z), y)

    def gradient(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return ``(a_i - t_i) a_i (1 - a_i) / B`` (Nielsen, chapter 2, equation BP1)."""
        a = sigmoid(z)
        return super().gradient(a, y) * a * (1 - a)


LOSSES: dict[str, type[CrossEntropy] | type[SquaredError]] = {
    "cross_entropy": CrossEntropy,
    "squared_error": SquaredError,
    "sigmoid_squared_error": SigmoidSquaredError,
}


class Network(Objective):
    """A network and a loss between its outputs and the targets.

        a_0 = x,    z_l = a_{l-1} W_l^T + b_l,    a_l = activation(z_l) for l < n,    outputs z_n

    Args:
        loss: one of `LOSSES`.
        activation: ``relu``, ``tanh`` or ``sigmoid``; None where there is no hidden layer.

    Raises:
        InputError: an unknown name.
    """

    def __init__(self, loss: str, activation: str | None = None) -> None:
        if loss not in LOSSES:
            raise one_of("loss", loss, LOSSES)
        if activation is not None and activation not in ACTIVATIONS:
            raise one_of("activation", activation, ACTIVATIONS)
        self.criterion = LOSSES[loss]()
        self.activation, self.slope = ACTIVATIONS[activation or "relu"]

    def forward(self, params: Arrays, inputs: np.ndarray) -> Arrays:
        """Return ``[a_0, a_1, ..., a_{n-1}, z_n]``: the inputs, each hidden layer, the outputs."""
        layers = [inputs]
        last = len(params) - 2
        for i in range(0, last + 1, 2):
            z = layers[-1] @ params[i].T
            z += params[i + 1]
            layers.append(self.activation(z) if i < last else z)
        return layers

    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        return self.criterion.loss(self.forward(params, inputs)[-1], targets)

    def gradient(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> Arrays:
        """Go back through the layers, with ``delta_l`` the gradient with respect to z_l (Rumelhart, Hinton, Williams 1986).

        dL/dW_l = delta_l^T a_{l-1},    dL/db_l = sum_i delta_l,i,    delta_{l-1} = (delta_l W_l) * activation'(z_{l-1})
        """
        layers = self.forward(params, inputs)
        delta = self.criterion.gradient(layers.pop(), targets)
        grads: Arrays = []
        for i in range(len(params) - 2, -1, -2):
            below = layers.pop()
            grads += [np.add.reduce(delta), delta.T @ below]
            if i:
                delta = delta @ params[i]
                delta *= self.slope(below)
        return grads[::-1]
