"""The interface of every objective: a mean of losses over examples, and its gradient, written by hand."""

from abc import ABC, abstractmethod

import numpy as np

Arrays = list[np.ndarray]


class Objective(ABC):
    """``f(w) = (1/N) sum_i f_i(w)`` for parameters w, a list of arrays, and examples, rows of (inputs, targets)."""

    @abstractmethod
    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        """Return the mean of f_i(w) over the given examples."""

    @abstractmethod
    def gradient(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> Arrays:
        """Return the gradient of `loss` with respect to each array of `params`, of its shape."""
