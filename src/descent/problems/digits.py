"""1,797 real handwritten digits of 8x8 pixels with values 0 to 16, which scikit-learn embeds: no download."""

from functools import cache
from typing import Any

import torch

from descent.problems.base import Arrays
from descent.problems.classification import Classification
from descent.problems.splits import split as draw_split


@cache
def _digits() -> Arrays:
    from sklearn.datasets import load_digits  # a second and a half, not before a problem is made

    images, labels = load_digits(return_X_y=True)
    return images, labels


class Digits(Classification):
    """Recognise the digits; 1,257 train, 270 validate, 270 test, in stratified splits.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits (UCI), the test part, as in scikit-learn.
    """

    def __init__(self, *, seed: int, dtype: torch.dtype, split: str, **network: Any) -> None:
        images, labels = _digits()
        splits = draw_split(images, labels, seed=seed, how=split, shares=(0.15, 0.15))
        super().__init__(splits, seed=seed, dtype=dtype, largest=16, **network)
