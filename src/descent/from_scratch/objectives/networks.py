"""Multi-layer perceptrons with backpropagation by hand; with no hidden layer they are softmax regression.

Parameters: ``[W_1, b_1, W_2, b_2, ..., W_n, b_n]`` with ``W_l [out, in]`` and ``b_l [out]``, as torch.nn.Linear has them. The
gradient is written over one flat array of them, in which each layer lies behind the one below it.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from descent.errors import one_of
from descent.from_scratch.forms import apply, chain, softmax, subtract_targets, sum_rows
from descent.from_scratch.objectives.base import Arrays, Functions, Objective, flat
from descent.from_scratch.objectives.linear_models import sigmoid


def relu(z: Any) -> Any:
    return np.maximum(z, 0)


def relu_slope(a: Any) -> Any:
    return a > 0


def tanh(z: Any) -> Any:
    return np.tanh(z)


def tanh_slope(a: Any) -> Any:
    return 1 - a * a


def sigmoid_slope(a: Any) -> Any:
    return a * (1 - a)


# The activation a(z), and its slope a'(z) as a function of a, which forward propagation has kept.
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "relu": (relu, relu_slope),
    "tanh": (tanh, tanh_slope),
    "sigmoid": (sigmoid, sigmoid_slope),
}


def cross_entropy(z: np.ndarray, y: np.ndarray) -> float:
    """Return ``(1/B) sum_i -log softmax(z_i)[y_i]`` for outputs z ``[B, K]`` and labels y ``[B]``."""
    shifted = z - z.max(1, keepdims=True)
    return float(np.mean(np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(y)), y]))


def cross_entropy_slope(z: np.ndarray, y: np.ndarray) -> None:
    """Put ``(softmax(z_i) - onehot(y_i)) / B`` in the place of z."""
    softmax(z)
    subtract_targets(z, y)
    z /= len(z)


def squared_error(z: np.ndarray, y: np.ndarray) -> float:
    """Return ``(1/2B) sum_i |z_i - t_i|^2`` for outputs z ``[B, K]``; t is the targets ``[B, K]``, or onehot(labels ``[B]``)."""
    errors = z.copy()
    subtract_targets(errors, y)
    return float(np.square(errors).sum() / (2 * len(z)))


def squared_error_slope(z: np.ndarray, y: np.ndarray) -> None:
    """Put ``(z_i - t_i) / B`` in the place of z."""
    subtract_targets(z, y)
    z /= len(z)


def sigmoid_squared_error(z: np.ndarray, y: np.ndarray) -> float:
    """Return ``(1/2B) sum_i |a_i - t_i|^2`` for ``a = sigmoid(z)`` and outputs z ``[B, K]``: sigmoids as outputs."""
    return squared_error(sigmoid(z), y)


def sigmoid_squared_error_slope(z: np.ndarray, y: np.ndarray) -> None:
    """Put ``(a_i - t_i) a_i (1 - a_i) / B`` in the place of z (Nielsen, chapter 2, equation BP1)."""
    apply(sigmoid, z)
    a = z.copy()
    squared_error_slope(z, y)
    z *= a
    z *= 1 - a


def sigmoid_cross_entropy(z: np.ndarray, y: np.ndarray) -> float:
    """Return ``-(1/B) sum_i sum_j [t_ij ln a_ij + (1 - t_ij) ln(1 - a_ij)]`` for ``a = sigmoid(z)``, outputs z ``[B, K]``."""
    signed = z.copy()
    signed[np.arange(len(y)), y] *= -1
    return float(np.logaddexp(0, signed).sum() / len(z))


def sigmoid_cross_entropy_slope(z: np.ndarray, y: np.ndarray) -> None:
    """Put ``(a_i - t_i) / B`` in the place of z (Nielsen, chapter 3, equation 68)."""
    apply(sigmoid, z)
    squared_error_slope(z, y)


# The loss of outputs z and targets y, and the gradient with respect to z that takes the place of z.
LOSSES: dict[str, tuple[Callable[..., float], Callable[..., None]]] = {
    "cross_entropy": (cross_entropy, cross_entropy_slope),
    "squared_error": (squared_error, squared_error_slope),
    "sigmoid_squared_error": (sigmoid_squared_error, sigmoid_squared_error_slope),
    "sigmoid_cross_entropy": (sigmoid_cross_entropy, sigmoid_cross_entropy_slope),
}


def layer(w: np.ndarray, index: int, sizes: Sequence[int], starts: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return the weights ``[out, in]`` and biases ``[out]`` of a layer: views of w, or of a gradient."""
    below, units, start = sizes[index], sizes[index + 1], starts[index]
    middle = start + below * units
    return w[start:middle].reshape(units, below), w[middle : middle + units]


def outputs(scratch: np.ndarray, index: int, examples: int, sizes: Sequence[int], before: Sequence[int]) -> np.ndarray:
    """Return where the outputs of a layer lie ``[B, out]``."""
    start, units = examples * before[index], sizes[index + 1]
    return scratch[start : start + examples * units].reshape(examples, units)


def forward(
    w: np.ndarray, x: np.ndarray, scratch: np.ndarray, constants: tuple[Any, ...], activation: Callable[..., Any]
) -> None:
    """Put ``a_1, ..., a_{n-1}, z_n`` into scratch."""
    sizes, starts, before = constants
    last = len(sizes) - 2
    below = x
    for index in range(last + 1):
        weight, bias = layer(w, index, sizes, starts)
        z = outputs(scratch, index, len(x), sizes, before)
        np.dot(below, weight.T, z)
        z += bias
        if index < last:
            apply(activation, z)
        below = z


def network_gradient(
    w: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    out: np.ndarray,
    scratch: np.ndarray,
    constants: tuple[Any, ...],
    functions: Functions,
) -> None:
    """Go back through the layers, with ``delta_l`` the gradient with respect to z_l (Rumelhart, Hinton, Williams 1986).

    dL/dW_l = delta_l^T a_{l-1},    dL/db_l = sum_i delta_l,i,    delta_{l-1} = (delta_l W_l) * activation'(z_{l-1})
    """
    sizes, starts, before = constants
    activation, slope, loss_slope = functions
    examples, last = len(x), len(sizes) - 2
    forward(w, x, scratch, constants, activation)
    delta = outputs(scratch, last, examples, sizes, before)
    loss_slope(delta, y)
    end = examples * before[last + 1]
    for index in range(last, 0, -1):
        weight_gradient, bias_gradient = layer(out, index, sizes, starts)
        below = outputs(scratch, index - 1, examples, sizes, before)
        np.dot(delta.T, below, weight_gradient)
        sum_rows(delta, bias_gradient)
        weight, _ = layer(w, index, sizes, starts)
        back = scratch[end : end + examples * sizes[index]].reshape(examples, sizes[index])
        np.dot(delta, weight, back)
        chain(slope, back, below)
        delta = below
    weight_gradient, bias_gradient = layer(out, 0, sizes, starts)
    np.dot(delta.T, x, weight_gradient)
    sum_rows(delta, bias_gradient)


class Network(Objective):
    """A network and a loss between its outputs and the targets.

        a_0 = x,    z_l = a_{l-1} W_l^T + b_l,    a_l = activation(z_l) for l < n,    outputs z_n

    Args:
        loss: one of `LOSSES`.
        activation: ``relu``, ``tanh`` or ``sigmoid``; None where there is no hidden layer.

    Raises:
        InputError: an unknown name.
    """

    flat_gradient = staticmethod(network_gradient)
    propagate = staticmethod(forward)
    labelled = True

    def __init__(self, loss: str, activation: str | None = None) -> None:
        if loss not in LOSSES:
            raise one_of("loss", loss, LOSSES)
        if activation is not None and activation not in ACTIVATIONS:
            raise one_of("activation", activation, ACTIVATIONS)
        self.criterion, loss_slope = LOSSES[loss]
        self.functions = (*ACTIVATIONS[activation or "relu"], loss_slope)

    def constants(self, params: Arrays) -> tuple[Any, ...]:
        """Return the width of each layer, where it begins in the flat array, and how many outputs lie before its own."""
        sizes = (params[0].shape[1], *(weight.shape[0] for weight in params[::2]))
        starts = accumulate(((below + 1) * units for below, units in pairwise(sizes)), initial=0)
        return sizes, tuple(starts), tuple(accumulate(sizes[1:], initial=0))

    def room(self, params: Arrays, examples: int) -> int:
        sizes, _, before = self.constants(params)
        return int(examples * (before[-1] + max(sizes[1:-1], default=0)))

    def forward(self, params: Arrays, inputs: np.ndarray) -> Arrays:
        """Return ``[a_0, a_1, ..., a_{n-1}, z_n]``: the inputs, each hidden layer, the outputs."""
        w, constants = flat(params), self.constants(params)
        sizes, _, before = constants
        scratch = np.empty(self.room(params, len(inputs)), w.dtype)
        self.propagate(w, inputs, scratch, constants, self.functions[0])
        return [inputs, *(outputs(scratch, index, len(inputs), sizes, before) for index in range(len(sizes) - 1))]

    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        return self.criterion(self.forward(params, inputs)[-1], targets)

    def measure(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        z = self.forward(params, inputs)[-1]
        return {"loss": self.criterion(z, targets), "accuracy": float((z.argmax(1) == targets).mean())}
