"""Two interleaving half circles in the plane."""

from typing import Any

import torch

from descent.config.values import NotNegative
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
        from sklearn.datasets import make_moons  # a second and a half, not before a problem is made

        draw = int(generator(0, "data").integers(2**31))
        inputs, labels = make_moons(points, noise=noise, random_state=draw)
        splits = draw_split(inputs, labels, seed=seed, how=split, shares=(0.2, 0.2))
        super().__init__(splits, seed=seed, dtype=dtype, **network)
