"""Stratified splits into training, validation and test examples."""

from collections.abc import Mapping
from typing import Annotated

import numpy as np
from annotated_types import Ge

from descent.config.values import Whole
from descent.errors import InputError, one_of
from descent.problems.base import Arrays
from descent.randomness import generator

Points = Annotated[Whole, Ge(20)]  # examples before a split into three parts
FIXED = 0  # the seed behind `problem.split=fixed`


def split(
    inputs: np.ndarray, targets: np.ndarray, *, seed: int, how: str, shares: tuple[float, float], stratify: bool = True
) -> dict[str, Arrays]:
    """Split examples at random into train, val and test.

    Args:
        inputs: ``[N, D]``.
        targets: ``[N]``; labels where `stratify` holds, so that every split has each class in the same share.
        seed: the run's seed.
        how: ``seed`` draws another split for each seed, ``fixed`` the same one always.
        shares: of val and of test, in (0, 1).
        stratify: keep the shares of the classes.

    Raises:
        InputError: `how` is neither.
    """
    from sklearn.model_selection import train_test_split  # a second and a half, not before a problem is made

    if how not in ("seed", "fixed"):
        raise one_of("problem.split", how, ("seed", "fixed"))
    rng = generator(seed if how == "seed" else FIXED, "split")
    rows = np.arange(len(inputs))
    val_size, test_size = (round(share * len(inputs)) for share in shares)
    train, rest = train_test_split(
        rows, test_size=val_size + test_size, stratify=targets if stratify else None, random_state=int(rng.integers(2**31))
    )
    val, test = train_test_split(
        rest, test_size=test_size, stratify=targets[rest] if stratify else None, random_state=int(rng.integers(2**31))
    )
    return {name: (inputs[chosen], targets[chosen]) for name, chosen in (("train", train), ("val", val), ("test", test))}


def limited(splits: Mapping[str, Arrays], examples: int | None) -> dict[str, Arrays]:
    """Return splits with the first `examples` rows of the training split alone (None: all).

    Raises:
        InputError: there are not so many.
    """
    inputs, targets = splits["train"]
    if examples is not None and examples > len(inputs):
        raise InputError("problem.examples", examples, f"must be <= {len(inputs)}, the training examples there are, or null")
    return {**splits, "train": (inputs[:examples], targets[:examples])}
