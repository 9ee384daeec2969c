"""Pytrees: arrays in dicts, lists and tuples of any depth. Parameters and gradients are pytrees of one structure."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

PyTree = Any  # np.ndarray | dict[str, PyTree] | list[PyTree] | tuple[PyTree, ...]; mypy has no good name for it


def leaves(tree: PyTree, path: str = "params") -> Iterator[tuple[str, np.ndarray]]:
    """Yield (path, array) for every array, as in ``("params['w']", w)``.

    Raises:
        TypeError: a leaf that is not an array of float32 or float64, which could not be updated in place.
    """
    if isinstance(tree, np.ndarray):
        if tree.dtype not in (np.float32, np.float64):
            raise TypeError(f"{path} has dtype {tree.dtype}: must be float32 or float64. Try {path}.astype(float).")
        yield path, tree
    elif isinstance(tree, (dict, list, tuple)):
        for key, branch in _branches(tree):
            yield from leaves(branch, f"{path}[{key!r}]")
    else:
        raise TypeError(f"{path} is a {type(tree).__name__}: must be a NumPy array, or a dict, list or tuple of them.")


def pairs(params: PyTree, grads: PyTree, path: str = "params") -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (parameter, gradient) for every array of two pytrees of one structure.

    Raises:
        TypeError: see `leaves`.
        ValueError: the two differ in structure or in the shape of an array.
    """
    if isinstance(params, (dict, list, tuple)):
        branches = dict(_branches(grads)) if isinstance(grads, (dict, list, tuple)) else None
        if branches is None or branches.keys() != dict(_branches(params)).keys():
            raise ValueError(f"the gradient of {path} has another structure: must have an entry for each of the parameters.")
        for key, branch in _branches(params):
            yield from pairs(branch, branches[key], f"{path}[{key!r}]")
        return
    for name, w in leaves(params, path):
        if np.shape(grads) != w.shape:
            raise ValueError(f"the gradient of {name} has shape {np.shape(grads)}: must be {w.shape}, that of the parameter.")
        yield w, np.asarray(grads, w.dtype)


def transform(function: Callable[[np.ndarray], Any], tree: PyTree) -> PyTree:
    """Return the pytree of ``function(array)``."""
    if isinstance(tree, dict):
        return {key: transform(function, branch) for key, branch in tree.items()}
    if isinstance(tree, (list, tuple)):
        return sequence(tree, [transform(function, branch) for branch in tree])
    return function(tree)


def sequence(like: Any, branches: list[PyTree]) -> PyTree:
    """Return branches as a list or tuple of the type of `like`, which may be a named tuple."""
    return type(like)(*branches) if hasattr(like, "_fields") else type(like)(branches)


def _branches(tree: PyTree) -> Iterator[tuple[Any, PyTree]]:
    yield from tree.items() if isinstance(tree, dict) else enumerate(tree)
