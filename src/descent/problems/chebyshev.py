"""A Chebyshev polynomial on a few points: small enough to follow the eigenvalues of the Hessian."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from descent.config.values import Count
from descent.errors import one_of
from descent.problems.base import Problem
from descent.problems.networks import ACTIVATIONS, initialise, mlp
from descent.problems.splits import Points
from descent.randomness import generator


class Chebyshev(Problem):
    """Minimise ``f(w) = (1/2N) sum_i (z(x_i) - T_k(x_i))^2``, z an mlp and ``T_k(x) = cos(k arccos x)``.

    The x_i are evenly spaced from -1 to 1. With full batches and a constant learning rate, the largest eigenvalue of the
    Hessian grows up to 2/lr and stays near it while the loss goes on falling ("the edge of stability").

    Args:
        seed: draws the initial weights.
        points: N, all of them training examples: inputs ``[N, 1]``, targets ``[N, 1]``.
        degree: k, of the polynomial.
        width: units per hidden layer.
        depth: hidden layers.
        activation: one of `ACTIVATIONS`.
        initialisation: one of `INITIALISATIONS`.

    Raises:
        InputError: an unknown name.

    Source: Cohen, Kaur, Li, Kolter and Talwalkar 2021, Gradient Descent on Neural Networks Typically Occurs at the Edge of
    Stability, the toy problem with N = 20. The size of the network and its first weights are ours.
    """

    def __init__(
        self,
        *,
        seed: int,
        dtype: torch.dtype,
        points: Points,
        degree: Count,
        width: Count,
        depth: Count,
        activation: str,
        initialisation: str,
    ) -> None:
        if activation not in ACTIVATIONS:
            raise one_of("problem.activation", activation, ACTIVATIONS)
        x = np.linspace(-1, 1, points)[:, None]
        super().__init__({"train": (x, np.cos(degree * np.arccos(x)))}, dtype)
        self.activation = activation
        self.network = mlp(1, 1, width=width, depth=depth, activation=activation).to(dtype)
        initialise(self.network, initialisation, generator(seed, "weights"))

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return (self.network(inputs) - targets).square().mean() / 2

    def by_hand(self) -> tuple[str, dict[str, Any]]:
        return "Network", {"loss": "squared_error", "activation": self.activation}
