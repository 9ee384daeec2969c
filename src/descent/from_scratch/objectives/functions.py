"""Functions of a weight vector with their gradients: the quadratic, and functions of two variables."""

from collections.abc import Callable
from typing import Any

import numpy as np

from descent.from_scratch.forms import sum_rows
from descent.from_scratch.objectives.base import Arrays, Functions, Objective

Function = Callable[[np.ndarray], float]
Gradient = Callable[[np.ndarray], np.ndarray]


def quadratic(hessian: np.ndarray) -> tuple[Function, Gradient]:
    """Return ``f(w) = w^T H w / 2`` and its gradient ``H w``, for a symmetric H ``[D, D]``."""
    return lambda w: w @ (hessian @ w) / 2, lambda w: hessian @ w


def rosenbrock(w: np.ndarray) -> float:
    """Return ``(1 - x)^2 + 100 (y - x^2)^2``; minimum 0 at (1, 1)."""
    x, y = w
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def rosenbrock_gradient(w: np.ndarray) -> np.ndarray:
    """Return ``[-2 (1 - x) - 400 x (y - x^2), 200 (y - x^2)]``."""
    x, y = w
    return np.array([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)])


def beale(w: np.ndarray) -> float:
    """Return ``(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2``; minimum 0 at (3, 0.5)."""
    x, y = w
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def beale_gradient(w: np.ndarray) -> np.ndarray:
    """Return ``sum_k 2 r_k [y^k - 1, k x y^(k-1)]`` with the three residuals r_k of the function, k = 1, 2, 3."""
    x, y = w
    r1, r2, r3 = 1.5 - x + x * y, 2.25 - x + x * y**2, 2.625 - x + x * y**3
    return np.array(
        [2 * (r1 * (y - 1) + r2 * (y**2 - 1) + r3 * (y**3 - 1)), 2 * x * (r1 + 2 * r2 * y + 3 * r3 * y**2)],
    )


def himmelblau(w: np.ndarray) -> float:
    """Return ``(x^2 + y - 11)^2 + (x + y^2 - 7)^2``; four minima of value 0."""
    x, y = w
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def himmelblau_gradient(w: np.ndarray) -> np.ndarray:
    """Return ``[4 x a + 2 b, 2 a + 4 y b]`` with ``a = x^2 + y - 11`` and ``b = x + y^2 - 7``."""
    x, y = w
    a, b = x**2 + y - 11, x + y**2 - 7
    return np.array([4 * x * a + 2 * b, 2 * a + 4 * y * b])


def rastrigin(w: np.ndarray) -> float:
    """Return ``20 + x^2 - 10 cos(2 pi x) + y^2 - 10 cos(2 pi y)``; many local minima, the lowest 0 at (0, 0)."""
    return 20 + np.sum(w**2 - 10 * np.cos(2 * np.pi * w))


def rastrigin_gradient(w: np.ndarray) -> np.ndarray:
    """Return ``2 w + 20 pi sin(2 pi w)``."""
    return 2 * w + 20 * np.pi * np.sin(2 * np.pi * w)


def saddle(w: np.ndarray) -> float:
    """Return ``x^2/2 - y^2/2 + y^4/4 + 1/4``; a saddle of value 1/4 at (0, 0), the two minima 0 at (0, -1) and (0, 1)."""
    x, y = w
    return x**2 / 2 - y**2 / 2 + y**4 / 4 + 1 / 4


def saddle_gradient(w: np.ndarray) -> np.ndarray:
    """Return ``[x, y^3 - y]``."""
    x, y = w
    return np.array([x, y**3 - y])


SURFACES: dict[str, tuple[Function, Gradient]] = {
    "rosenbrock": (rosenbrock, rosenbrock_gradient),
    "beale": (beale, beale_gradient),
    "himmelblau": (himmelblau, himmelblau_gradient),
    "rastrigin": (rastrigin, rastrigin_gradient),
    "saddle": (saddle, saddle_gradient),
}


def finite_sum_gradient(
    w: np.ndarray,
    c: np.ndarray,
    e: np.ndarray,
    out: np.ndarray,
    scratch: np.ndarray,
    constants: tuple[Any, ...],
    functions: Functions,
) -> None:
    """Return the mean of ``(1 + c_i) scale f'(w) + e_i``."""
    (scale,) = constants
    slope = functions[0]
    sum_rows(e, out)
    out /= len(e)
    out += (1 + c.mean()) * scale * slope(w)


def quadratic_gradient(
    w: np.ndarray,
    c: np.ndarray,
    e: np.ndarray,
    out: np.ndarray,
    scratch: np.ndarray,
    constants: tuple[Any, ...],
    functions: Functions,
) -> None:
    """Return the mean of ``(1 + c_i) H w + e_i``."""
    (hessian,) = constants
    np.dot(hessian, w, scratch)
    sum_rows(e, out)
    out /= len(e)
    out += (1 + c.mean()) * scratch


class FiniteSum(Objective):
    """``f_i(w) = (1 + c_i) f(w) + e_i . w``: a function made into a sum over examples, with noise that sums to zero.

    Its gradient is ``(1 + c_i) f'(w) + e_i``: inputs c ``[B]`` are multiplicative noise, targets e ``[B, D]`` additive.

    Args:
        function: f, of w ``[D]``.
        gradient: f'.
        scale: multiplies both.
    """

    flat_gradient = staticmethod(finite_sum_gradient)

    def __init__(self, function: Function, gradient: Gradient, scale: float = 1.0) -> None:
        self.function = function
        self.functions = (gradient,)
        self.scale = scale

    def loss(self, params: Arrays, inputs: np.ndarray, targets: np.ndarray) -> float:
        (w,) = params
        return (1 + inputs.mean()) * self.scale * self.function(w) + targets.mean(0) @ w

    def constants(self, params: Arrays) -> tuple[Any, ...]:
        return (self.scale,)


class Quadratic(FiniteSum):
    """The finite sum over ``w^T H w / 2``."""

    flat_gradient = staticmethod(quadratic_gradient)

    def __init__(self, hessian: np.ndarray) -> None:
        super().__init__(*quadratic(hessian))
        self.functions = ()
        self.hessian = hessian

    def constants(self, params: Arrays) -> tuple[Any, ...]:
        return (self.hessian,)

    def room(self, params: Arrays, examples: int) -> int:
        return len(self.hessian)


class Surface(FiniteSum):
    """The finite sum over one of `SURFACES`, times `scale`."""

    def __init__(self, surface: str, scale: float) -> None:
        super().__init__(*SURFACES[surface], scale)
