"""Array operations that a compiler needs in a second form, as loops: each stands behind its first, and does the same."""

from collections.abc import Callable
from typing import Any

import numpy as np

Elementwise = Callable[[Any], Any]


def choose(condition: Any, yes: Any, no: Any) -> Any:
    """Return `yes` where the condition holds, else `no`."""
    return np.where(condition, yes, no)


def choose_one(condition: bool, yes: float, no: float) -> float:
    return yes if condition else no


def apply(function: Elementwise, a: np.ndarray) -> None:
    """Put ``function(a)`` in the place of a ``[B, D]``."""
    a[...] = function(a)


def apply_one_by_one(function: Elementwise, a: np.ndarray) -> None:
    flat = a.reshape(-1)
    for i in range(flat.size):
        flat[i] = function(flat[i])


def chain(slope: Elementwise, delta: np.ndarray, a: np.ndarray) -> None:
    """Put ``delta * slope(a)``, the chain rule, in the place of a ``[B, D]``."""
    np.multiply(delta, slope(a), out=a)


def chain_one_by_one(slope: Elementwise, delta: np.ndarray, a: np.ndarray) -> None:
    flat, factors = a.reshape(-1), delta.reshape(-1)
    for i in range(flat.size):
        flat[i] = factors[i] * slope(flat[i])


def sum_rows(a: np.ndarray, out: np.ndarray) -> None:
    """Put the sum of the rows of a ``[B, D]`` into out ``[D]``."""
    np.add.reduce(a, axis=0, out=out)


def sum_rows_one_by_one(a: np.ndarray, out: np.ndarray) -> None:
    out[:] = a[0]
    for i in range(1, len(a)):
        for j in range(len(out)):
            out[j] += a[i, j]


def softmax(z: np.ndarray) -> None:
    """Put ``exp(z_ij) / sum_k exp(z_ik)`` in the place of z ``[B, K]``; subtracting a row's largest first, nothing overflows."""
    z -= np.maximum.reduce(z, axis=1, keepdims=True)
    np.exp(z, out=z)
    z /= np.add.reduce(z, axis=1, keepdims=True)


def softmax_one_by_one(z: np.ndarray) -> None:
    for i in range(len(z)):
        row = z[i]
        largest, total = row[0], row[0] - row[0]
        for k in range(1, len(row)):
            largest = max(largest, row[k])
        for k in range(len(row)):
            row[k] = np.exp(row[k] - largest)
            total += row[k]
        for k in range(len(row)):
            row[k] /= total


def subtract_targets(z: np.ndarray, y: np.ndarray) -> None:
    """Subtract from z ``[B, K]`` targets ``[B, K]``, or the one-hot form of labels ``[B]``."""
    if y.ndim == 2:
        z -= y
    else:
        z[np.arange(len(y)), y] -= 1


def subtract_targets_one_by_one(z: np.ndarray, y: np.ndarray) -> None:
    if y.ndim == 2:
        z -= y
    else:
        for i in range(len(y)):
            z[i, y[i]] -= 1


SECOND: dict[Callable[..., Any], Callable[..., Any]] = {
    choose: choose_one,
    apply: apply_one_by_one,
    chain: chain_one_by_one,
    sum_rows: sum_rows_one_by_one,
    softmax: softmax_one_by_one,
    subtract_targets: subtract_targets_one_by_one,
}
