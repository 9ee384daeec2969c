"""Images or points with labels, a network, and a loss: what the digits, MNIST and moons problems share."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from descent.config.values import LATER, Count, Share
from descent.errors import InputError, one_of
from descent.problems.base import Arrays, Problem
from descent.problems.networks import initialise, made
from descent.problems.splits import limited
from descent.randomness import generator


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return ``(1/2N) sum_i |z_i - onehot(y_i)|^2`` (Nielsen, chapter 1, equation 6)."""
    onehot = functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
    return (outputs - onehot).square().sum(1).mean() / 2


def sigmoid_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return ``(1/2N) sum_i |sigmoid(z_i) - onehot(y_i)|^2``: outputs that are sigmoids (Nielsen, chapter 1)."""
    return squared_error(outputs.sigmoid(), targets)


def sigmoid_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Return ``-(1/N) sum_i sum_j [t_ij ln a_ij + (1 - t_ij) ln(1 - a_ij)]``, a = sigmoid(z), t = onehot(y) (Nielsen, eq. 63)."""
    onehot = functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
    return functional.binary_cross_entropy_with_logits(outputs, onehot, reduction="sum") / len(outputs)


LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": functional.cross_entropy,  # -(1/N) sum_i log softmax(z_i)[y_i]
    "squared_error": squared_error,
    "sigmoid_squared_error": sigmoid_squared_error,
    "sigmoid_cross_entropy": sigmoid_cross_entropy,
}


class Classification(Problem):
    """A network ``z = network(x)`` that minimises a loss between its outputs and integer labels.

    Args:
        splits: inputs ``[N, D]``, labels ``[N]``.
        scaling: ``unit`` divides inputs by `largest` (the range becomes [0, 1]); ``standardize`` gives every feature mean 0
            and variance 1 on the training split (a constant feature becomes 0); ``none`` leaves them.
        largest: the largest value an input can have.
        label_noise: share of the training labels that are replaced by another class, drawn by the seed, each of them alike.
        seed: draws the initial weights, and which labels are wrong.
        network: one of `NETWORKS`; ``mlp`` and ``cnn`` need width, depth and activation, ``linear`` has none of them.
        examples: the first so many of the training examples train; None: all.

    Raises:
        InputError: an unknown name, or a setting without effect.
    """

    labelled = True

    def __init__(
        self,
        splits: Mapping[str, Arrays],
        *,
        seed: int,
        dtype: torch.dtype,
        network: str,
        initialisation: str,
        loss: str,
        scaling: str,
        largest: float = 1.0,
        label_noise: Share = 0.0,
        width: Count | None = None,
        depth: Count | None = None,
        activation: str | None = None,
        examples: Annotated[Count | None, LATER] = None,
    ) -> None:
        named: tuple[tuple[str, str, Any], ...] = (
            ("loss", loss, LOSSES),
            ("scaling", scaling, SCALINGS),
        )
        for key, name, allowed in named:
            if name not in allowed:
                raise one_of(f"problem.{key}", name, allowed)
        if scaling == "unit" and largest == 1:
            raise InputError("problem.scaling", scaling, "has no effect on these inputs", "Use standardize or none.")
        classes = int(splits["train"][1].max()) + 1
        splits = limited(splits, examples)
        train = splits["train"][0]
        precision = np.float64 if dtype == torch.float64 else np.float32
        scale = SCALINGS[scaling]
        scaled = {name: (scale(x.astype(precision), train, largest), labels) for name, (x, labels) in splits.items()}
        if label_noise:
            inputs, labels = scaled["train"]
            scaled["train"] = inputs, _mislabelled(labels, classes, label_noise, generator(seed, "labels"))
        super().__init__(scaled, dtype)
        self.network = made(network, train.shape[1], classes, width=width, depth=depth, activation=activation).to(dtype)
        initialise(self.network, initialisation, generator(seed, "weights"))
        self.criterion = LOSSES[loss]
        self.hand_written = None if network == "cnn" else {"loss": loss, "activation": activation}

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self.criterion(self.network(inputs), targets)

    def metrics(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        outputs = self.network(inputs)
        hits = (outputs.argmax(1) == targets).to(outputs.dtype)
        return {"loss": self.criterion(outputs, targets), "accuracy": hits.mean()}

    def by_hand(self) -> tuple[str, dict[str, Any]] | None:
        return None if self.hand_written is None else ("Network", self.hand_written)


def _mislabelled(labels: np.ndarray, classes: int, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return labels ``[N]``, ``round(share N)`` of them replaced by another class."""
    wrong = rng.permutation(len(labels))[: round(share * len(labels))]
    noisy = labels.copy()
    noisy[wrong] = (labels[wrong] + rng.integers(1, classes, len(wrong))) % classes
    return noisy


def _unit(inputs: np.ndarray, train: np.ndarray, largest: float) -> np.ndarray:
    return inputs / inputs.dtype.type(largest)


def _standardize(inputs: np.ndarray, train: np.ndarray, largest: float) -> np.ndarray:
    mean, deviation = train.mean(0, dtype=np.float64), train.std(0, dtype=np.float64)
    scaled = inputs - mean.astype(inputs.dtype)
    scaled /= np.where(deviation > 0, deviation, np.inf).astype(inputs.dtype)
    return scaled


def _none(inputs: np.ndarray, train: np.ndarray, largest: float) -> np.ndarray:
    return inputs


SCALINGS: dict[str, Callable[[np.ndarray, np.ndarray, float], np.ndarray]] = {
    "unit": _unit,
    "standardize": _standardize,
    "none": _none,
}
