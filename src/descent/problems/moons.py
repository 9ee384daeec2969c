"""Two interleaving half circles in the plane."""

from typing import Any

import numpy as np
import torch

from descent.config.values import NotNegative
from descent.problems.base import Arrays
from descent.problems.classification import Classification
from descent.problems.splits import Points
from descent.problems.splits import split as draw_split
from descent.randomness import generator


class Moons(Classification):
    """Tell two noisy half circles apart; 60 % train, 20 % validate, 20 % test.

    Args:
        points: how many, both classes together.
        noise: standard deviation of the Gaussian noise on each coordinate (the circles have radius 1).
    """

    def __init__(self, *, seed: int, dtype: torch.dtype, points: Points, noise: NotNegative, split: str, **network: Any) -> None:
        inputs, labels = _moons(points, noise, int(generator(0, "data").integers(2**31)))
        splits = draw_split(inputs, labels, seed=seed, how=split, shares=(0.2, 0.2))
        super().__init__(splits, seed=seed, dtype=dtype, **network)


def _moons(points: int, noise: float, seed: int) -> Arrays:
    """Draw what ``sklearn.datasets.make_moons`` draws, without its import, which takes a second and a half."""
    rng = np.random.RandomState(seed)  # as there
    outer, inner = np.linspace(0, np.pi, points // 2), np.linspace(0, np.pi, points - points // 2)
    x = np.append(np.cos(outer), 1 - np.cos(inner))
    y = np.append(np.sin(outer), 1 - np.sin(inner) - 0.5)
    order = rng.permutation(points)
    inputs, labels = np.stack([x, y], axis=1)[order], (order >= len(outer)).astype(int)
    return inputs + rng.normal(scale=noise, size=inputs.shape), labels
