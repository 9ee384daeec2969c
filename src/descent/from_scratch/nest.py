"""Nests: arrays in dicts, lists and tuples, as deep as one likes. Parameters and gradients are nests of one structure."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Nest = Any  # np.ndarray | dict[str, Nest] | list[Nest] | tuple[Nest, ...]; mypy has no good name for it


def leaves(nest: Nest, path: str = "params") -> Iterator[tuple[str, np.ndarray]]:
    """Yield (path, array) for every array, as in ``("params['w']", w)``.

    Raises:
        TypeError: a leaf that is not an array of float32 or float64, which could not be updated in place.
    """
    if isinstance(nest, np.ndarray):
        if nest.dtype not in (np.float32, np.float64):
            raise TypeError(f"{path} has dtype {nest.dtype}: must be float32 or float64. Try {path}.astype(float).")
        yield path, nest
    elif isinstance(nest, (dict, list, tuple)):
        for key, branch in _branches(nest):
            yield from leaves(branch, f"{path}[{key!r}]")
    else:
        raise TypeError(f"{path} is a {type(nest).__name__}: must be a NumPy array, or a dict, list or tuple of them.")


def pairs(params: Nest, grads: Nest, path: str = "params") -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (parameter, gradient) for every array of two nests of one structure.

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


def transform(function: Callable[[np.ndarray], Any], nest: Nest) -> Nest:
    """Return the nest of ``function(array)``."""
    if isinstance(nest, dict):
        return {key: transform(function, branch) for key, branch in nest.items()}
    if isinstance(nest, (list, tuple)):
        return sequence(nest, [transform(function, branch) for branch in nest])
    return function(nest)


def sequence(like: Any, branches: list[Nest]) -> Nest:
    """Return branches as a list or tuple of the type of `like`, which may be a named tuple."""
    return type(like)(*branches) if hasattr(like, "_fields") else type(like)(branches)


def _branches(nest: Nest) -> Iterator[tuple[Any, Nest]]:
    yield from nest.items() if isinstance(nest, dict) else enumerate(nest)
