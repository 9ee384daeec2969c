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
    train, rest = halves(rows, val_size + test_size, targets if stratify else None, int(rng.integers(2**31)))
    val, test = halves(rest, test_size, targets[rest] if stratify else None, int(rng.integers(2**31)))
    return {name: (inputs[chosen], targets[chosen]) for name, chosen in (("train", train), ("val", val), ("test", test))}


def halves(rows: np.ndarray, size: int, labels: np.ndarray | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide rows at random; return those that are left, and the part.

    Does what scikit-learn's ``train_test_split`` does, number by number: importing that takes longer than most runs.

    Args:
        rows: ``[N]``.
        size: of the part.
        labels: ``[N]``; each class has the same share in both. None: no classes.
        seed: of the permutation.
    """
    rng = np.random.RandomState(seed)  # as there
    if labels is None:
        order = rng.permutation(len(rows))
        return rows[order[size:]], rows[order[:size]]
    _, members, counts = np.unique(labels, return_inverse=True, return_counts=True)
    left = _shares(counts, len(rows) - size, rng)
    part = _shares(counts - left, size, rng)
    chosen: tuple[list[np.ndarray], list[np.ndarray]] = [], []
    classes = np.split(np.argsort(members, kind="stable"), np.cumsum(counts)[:-1])
    for indices, first, second in zip(classes, left, part, strict=True):
        shuffled = indices[rng.permutation(len(indices))]
        chosen[0].append(shuffled[:first])
        chosen[1].append(shuffled[first : first + second])
    return rows[rng.permutation(np.concatenate(chosen[0]))], rows[rng.permutation(np.concatenate(chosen[1]))]


def _shares(counts: np.ndarray, draws: int, rng: np.random.RandomState) -> np.ndarray:
    """Share draws among classes in proportion to their counts: the largest remainders get one more, ties at random."""
    exact = counts / counts.sum() * draws
    shares = np.floor(exact)
    remainders, missing = exact - shares, int(draws - shares.sum())
    for remainder in np.unique(remainders)[::-1]:
        if missing == 0:
            break
        (tied,) = np.where(remainders == remainder)
        raised = rng.choice(tied, size=min(len(tied), missing), replace=False)
        shares[raised] += 1
        missing -= len(raised)
    return shares.astype(int)


def limited(splits: Mapping[str, Arrays], examples: int | None) -> dict[str, Arrays]:
    """Return splits with the first `examples` rows of the training split alone (None: all).

    Raises:
        InputError: there are not so many.
    """
    inputs, targets = splits["train"]
    if examples is not None and examples > len(inputs):
        raise InputError("problem.examples", examples, f"must be <= {len(inputs)}, the training examples there are, or null")
    return {**splits, "train": (inputs[:examples], targets[:examples])}
