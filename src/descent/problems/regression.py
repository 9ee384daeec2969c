"""A network whose output is a number."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from descent.errors import one_of
from descent.problems.base import Arrays, Problem
from descent.problems.networks import initialise, made
from descent.randomness import generator


class Regression(Problem):
    """Minimise ``f(w) = (1/2N) sum_i (z(x_i) - y_i)^2``, z a network with one output.

    Args:
        splits: inputs ``[N, D]``, targets ``[N, 1]``.
        seed: draws the initial weights.
        initialisation: one of `INITIALISATIONS`.
        loss: ``squared_error``.
        network: the network and its width, depth and activation; see `made`.

    Raises:
        InputError: an unknown name, or a setting without effect.
    """

    def __init__(
        self, splits: Mapping[str, Arrays], *, seed: int, dtype: torch.dtype, initialisation: str, loss: str, **network: Any
    ) -> None:
        if loss != "squared_error":
            raise one_of("problem.loss", loss, ("squared_error",))
        super().__init__(splits, dtype)
        self.network = made(features=splits["train"][0].shape[1], outputs=1, **network).to(dtype)
        self.activation = network["activation"]
        initialise(self.network, initialisation, generator(seed, "weights"))

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return (self.network(inputs) - targets).square().mean() / 2

    def measure(self, split: str, chunk: int, examples: int | None = None) -> dict[str, float]:
        """Measure ``r2 = 1 - sum_i (z_i - y_i)^2 / sum_i (y_i - mean y)^2`` too: the share of the variance that z explains."""
        measured = super().measure(split, chunk, examples)
        variance = self.data(split)[1][:examples].var(correction=0)
        return measured | {f"{split}/r2": (1 - 2 * measured[f"{split}/loss"] / variance).item()}

    def by_hand(self) -> tuple[str, dict[str, Any]]:
        return "Network", {"loss": "squared_error", "activation": self.activation}
