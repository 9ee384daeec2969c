"""Gradient clipping: a bound on how far a wall in the landscape can throw the weights."""

import math

import numpy as np

EPS = 1e-6  # what torch adds to the norm


def clipped(gradient: np.ndarray, largest: float) -> np.ndarray:
    """Return ``g min(1, c / (|g| + 1e-6))``: the gradient, scaled down where its Euclidean norm exceeds c.

    Args:
        gradient: g, of all parameters, an array of any shape.
        largest: c, > 0.

    Source: Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural networks, algorithm 1, without the
    1e-6, which torch.nn.utils.clip_grad_norm_ has.
    """
    factor = clip_factor(gradient, largest)
    return gradient if factor == 1 else gradient * factor


def clip_factor(gradient: np.ndarray, largest: float) -> float:
    """Return ``min(1, c / (|g| + 1e-6))``; nan where the norm is."""
    factor = largest / (math.sqrt(float(np.vdot(gradient, gradient))) + EPS)
    return 1.0 if factor >= 1 else factor
