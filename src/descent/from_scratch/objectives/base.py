"""The interface of every objective: a mean of losses over examples, and its gradient, written by hand."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

Arrays = list[np.ndarray]
Functions = tuple[Callable[..., Any], ...]


class Objective(ABC):
    """``f(w) = (1/N) sum_i f_i(w)`` for parameters w, a list of arrays, and examples, rows of (inputs, targets).

    The gradient is written once, as a function of one flat array of weights: NumPy runs it here, and ``engine=compiled``
    compiles it.

    Attributes:
        flat_gradient: ``(w, inputs, targets, out, scratch, constants, functions)`` puts the gradient of the mean loss at w
            ``[P]`` into out ``[P]``.
        functions: what the gradient is made of, as a network's activation.
        propagate: ``(w, inputs, scratch, constants, activation)`` puts a network's outputs into scratch; None: it has no layers.
        labelled: whether `measure` takes labels as targets.
    """

    flat_gradient: ClassVar[Callable[..., None]]
    functions: Functions = ()
    propagate: Callable[..., None] | None = None
    labelled: ClassVar[bool] = False

    @abstractmethod
    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        """Return the mean of f_i(w) over the given examples."""

    def measure(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> dict[str, float]:
        """Return means over the given examples: ``loss``, and ``accuracy`` where the targets are labels."""
        return {"loss": float(self.loss(params, inputs, targets))}

    def constants(self, params: Arrays) -> tuple[Any, ...]:
        """Return the numbers and arrays that the gradient needs besides the weights and the examples."""
        return ()

    def room(self, params: Arrays, examples: int) -> int:
        """Return how many numbers the gradient must put down on its way."""
        return 0

    def gradient(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> Arrays:
        """Return the gradient of `loss` with respect to each array of `params`, of its shape."""
        w = flat(params)
        out, scratch = np.empty_like(w), np.empty(self.room(params, len(inputs)), w.dtype)
        self.flat_gradient(w, np.asarray(inputs, w.dtype), targets, out, scratch, self.constants(params), self.functions)
        return views(out, params)


def flat(arrays: Arrays) -> np.ndarray:
    """Return one array ``[P]`` of the numbers of all."""
    return arrays[0].ravel() if len(arrays) == 1 else np.concatenate([array.ravel() for array in arrays])


def views(w: np.ndarray, like: Arrays) -> Arrays:
    """Return views of a flat array in the shapes of others."""
    ends = np.cumsum([array.size for array in like])
    return [part.reshape(array.shape) for part, array in zip(np.split(w, ends[:-1]), like, strict=True)]
