"""Least squares where gradient descent generalises and adaptive methods do not."""

from typing import Annotated

import numpy as np
import torch
from annotated_types import Gt, Lt
from torch import Tensor

from descent.config.values import Real
from descent.errors import InputError
from descent.problems.linear_models import LinearModel
from descent.problems.splits import Points
from descent.randomness import generator


class Wilson(LinearModel):
    """Minimise ``f(w) = (1/2N) |X w - y|^2`` from w = 0; f* = 0, and w* is the solution of least norm, ``X^+ y``.

    Example i has a label y_i and, times one factor common to all that makes L = 1, the features

        x_i = (y_i, 1, 1, 0, ..., 0, block_i, 0, ..., 0),   block_i = (1, 0, 0, 0, 0) if y_i = +1, (1, 1, 1, 1, 1) if y_i = -1

    where block_i lies in columns of its own, so D = 3 + 5 points. Gradient descent finds w*, which has every unseen label
    right. Full-batch Adagrad, RMSprop and Adam stay on multiples of sign(X^T y), as ``X sign(X^T y) = c y``; on an unseen
    example w_2 + w_3 = 2 w_1 then outweigh y_i w_1, and they answer +1 to all. In mini-batches an example's own features
    are seen less often than the first three, which breaks the symmetry. The seed draws the order of the examples alone.

    Args:
        points: examples; 60 % train, 20 % validate, 20 % test.
        positive: share of labels +1 in each split, more than half; the others are -1.

    Raises:
        InputError: a split that lacks a label, or training examples without a majority of +1.

    Source: Wilson, Roelofs, Stern, Srebro and Recht 2017, The Marginal Value of Adaptive Gradient Methods in Machine
    Learning, section 3.3. There `positive` is a probability and there is no common factor.
    """

    labelled = True

    def __init__(self, *, seed: int, dtype: torch.dtype, points: Points, positive: Annotated[Real, Gt(0.5), Lt(1)]) -> None:
        held_out = round(0.2 * points)
        sizes = {"train": points - 2 * held_out, "val": held_out, "test": held_out}
        counts = {name: round(positive * size) for name, size in sizes.items()}
        if not all(0 < counts[name] < sizes[name] for name in sizes) or counts["train"] <= sizes["train"] / 2:
            raise InputError(
                "problem.positive",
                positive,
                "must leave every split both labels, and the training split more of +1",
                "Try problem.positive=0.6, or more problem.points.",
            )
        rng = generator(0, "data")
        y = np.concatenate([np.where(rng.permutation(sizes[name]) < counts[name], 1.0, -1.0) for name in sizes])
        pattern = np.where(y[:, None] > 0, [1, 0, 0, 0, 0], 1)
        blocks = (np.eye(points)[:, :, None] * pattern[:, None, :]).reshape(points, 5 * points)
        x = np.hstack([y[:, None], np.ones((points, 2)), blocks])
        train = x[: sizes["train"]]
        x /= np.linalg.norm(train, 2) / np.sqrt(len(train))
        edges = np.cumsum(list(sizes.values()))[:-1]
        splits = dict(zip(sizes, zip(np.split(x, edges), np.split(y, edges), strict=True), strict=True))
        super().__init__(splits, np.linalg.lstsq(*splits["train"])[0], 0.0, dtype)

    def metrics(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        hits = (inputs @ self.w) * targets > 0
        return {"loss": self.loss(inputs, targets), "accuracy": hits.to(self.dtype).mean()}
