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
    if how not in ("seed", "fixed"):
        raise one_of("problem.split", how, ("seed", "fixed"))
    rng = generator(seed if how == "seed" else FIXED, "split")
    rows = np.arange(len(inputs))
    val_size, test_size = (round(share * len(inputs)) for share in shares)
    labels = targets if stratify else None
    train, rest = _parts(rows, labels, val_size + test_size, int(rng.integers(2**31)))
    val, test = _parts(rest, labels, test_size, int(rng.integers(2**31)))
    return {name: (inputs[chosen], targets[chosen]) for name, chosen in (("train", train), ("val", val), ("test", test))}


def _parts(rows: np.ndarray, labels: np.ndarray | None, size: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split rows into a part and `size` others, in random order; each has the classes of the `labels` ``[N]`` in the same share.

    Draws the same as `sklearn.model_selection.train_test_split`, which takes almost as long to import as PyTorch.
    """
    rng = np.random.RandomState(seed)
    if labels is None:
        order = rng.permutation(len(rows))
        return rows[order[size:]], rows[order[:size]]
    _, inverse, counts = np.unique(labels[rows], return_inverse=True, return_counts=True)
    members = np.split(np.argsort(inverse, kind="stable"), np.cumsum(counts)[:-1])
    first = _shares(counts, len(rows) - size, rng)
    second = _shares(counts - first, size, rng)
    drawn = [of_class[rng.permutation(len(of_class))] for of_class in members]
    one = [of_class[:end] for of_class, end in zip(drawn, first, strict=True)]
    other = [of_class[start : start + number] for of_class, start, number in zip(drawn, first, second, strict=True)]
    return rows[rng.permutation(np.concatenate(one))], rows[rng.permutation(np.concatenate(other))]


def _shares(counts: np.ndarray, total: int, rng: np.random.RandomState) -> np.ndarray:
    """Return how many of each class to draw, `total` in all: its share rounded down, and one more for the largest remainders."""
    exact = counts / counts.sum() * total
    drawn = np.floor(exact)
    remainders, missing = exact - drawn, int(total - drawn.sum())
    for remainder in np.unique(remainders)[::-1]:
        tied = np.flatnonzero(remainders == remainder)
        if missing > 0:
            drawn[rng.choice(tied, min(len(tied), missing), replace=False)] += 1
            missing -= len(tied)
    return drawn.astype(int)


def limited(splits: Mapping[str, Arrays], examples: int | None) -> dict[str, Arrays]:
    """Return splits with the first `examples` rows of the training split alone (None: all).

    Raises:
        InputError: there are not so many.
    """
    inputs, targets = splits["train"]
    if examples is not None and examples > len(inputs):
        raise InputError("problem.examples", examples, f"must be <= {len(inputs)}, the training examples there are, or null")
    return {**splits, "train": (inputs[:examples], targets[:examples])}
