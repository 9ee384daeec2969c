"""Functions of a weight vector, made into finite sums so that every batch mode means something.

    f_i(w) = (1 + c_i) f(w) + e_i . w,   sum_i c_i = 0 and sum_i e_i = 0 exactly

A batch B therefore has the loss ``(1 + mean c_i) f(w) + (mean e_i) . w``; the full batch is f itself, bit for bit, as the c_i
and e_i are pairs of opposite multiples of 2^-10 (of a smaller power of two where the noise is small). The e_i are additive
gradient noise: with a constant learning rate SGD ends in a noise floor. The c_i are multiplicative noise: it vanishes at a
minimum with f = 0 (interpolation).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from descent.config.values import Condition, Count, NotNegative, Positive, Real, Share
from descent.errors import InputError, one_of
from descent.problems.base import Problem
from descent.randomness import generator

QUANTUM = 2.0**-10


class FiniteSum(Problem):
    """Minimise f over ``w [D]``, from `start` plus, per seed, a Gaussian displacement.

    Args:
        start: ``[D]``, where w begins; the default of the problem's yaml.
        start_spread: standard deviation of the displacement that the seed draws.
        examples: N, even, as the noise comes in pairs.
        additive: standard deviation of each entry of e_i.
        multiplicative: c_i is uniform in [-multiplicative, multiplicative], in [0, 1].

    Raises:
        InputError: an odd N.
    """

    def __init__(
        self,
        start: np.ndarray,
        *,
        seed: int,
        dtype: torch.dtype,
        start_spread: NotNegative,
        examples: Count,
        additive: NotNegative,
        multiplicative: Share,
        optimum: float | None = 0.0,
    ) -> None:
        if examples < 2 or examples % 2:
            raise InputError("problem.examples", examples, "must be an even number >= 2, as the noise comes in +- pairs")
        rng = generator(0, "data")
        c = _pairs(multiplicative * rng.uniform(-1, 1, examples // 2))
        e = _pairs(additive * rng.standard_normal((examples // 2, len(start))))
        super().__init__({"train": (c, e)}, dtype, optimum)
        displacement = generator(seed, "weights").standard_normal(len(start))
        self.w = nn.Parameter(self.tensor(start + start_spread * displacement))

    def f(self) -> Tensor:
        """Return f(w), the full objective."""
        raise NotImplementedError

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return (1 + inputs.mean()) * self.f() + targets.mean(0) @ self.w


def _pairs(half: np.ndarray) -> np.ndarray:
    """Return opposite pairs of multiples of a power of two, 2^-10 or, for noise below 1/8, finer by as much."""
    largest = np.abs(half).max()
    quantum = QUANTUM * (2.0 ** min(0, math.ceil(math.log2(8 * largest))) if largest else 1.0)
    rounded = np.round(half / quantum) * quantum
    return np.concatenate([rounded, -rounded])


class Quadratic(FiniteSum):
    """``f(w) = w^T H w / 2``: eigenvalues log-spaced from 1/condition to L = 1, minimum f(0) = 0.

    Args:
        dimension: D.
        condition: kappa = L/mu, >= 1.
        rotated: turn the eigenvectors away from the axes at random. On an axis-aligned quadratic Adam, which scales
            each coordinate on its own, ignores the condition number.
    """

    def __init__(
        self, *, dimension: Count, condition: Condition, rotated: bool, start: Real, **noise: float | int | torch.dtype
    ) -> None:
        super().__init__(np.full(dimension, start), **noise)  # type: ignore[arg-type]
        eigenvalues = np.geomspace(1 / condition, 1, dimension) if dimension > 1 else np.ones(1)
        hessian = np.diag(eigenvalues)
        if rotated:
            rotation = np.linalg.qr(generator(0, "rotation").standard_normal((dimension, dimension)))[0]
            hessian = rotation @ hessian @ rotation.T
        self.register_buffer("hessian", self.tensor((hessian + hessian.T) / 2), persistent=False)

    def f(self) -> Tensor:
        return self.w @ (self.get_buffer("hessian") @ self.w) / 2

    def by_hand(self) -> tuple[str, dict[str, Any]]:
        return "Quadratic", {"hessian": self.get_buffer("hessian").cpu().numpy()}

    def position(self) -> dict[str, float]:
        """Return ``distance = |w|`` to the minimum at 0."""
        return {"distance": self.w.detach().norm().item()}


def rosenbrock(x: Tensor, y: Tensor) -> Tensor:
    """Return ``(1 - x)^2 + 100 (y - x^2)^2``: a bent valley, minimum 0 at (1, 1) (Rosenbrock 1960)."""
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def beale(x: Tensor, y: Tensor) -> Tensor:
    """Return ``(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2``: plateaus, minimum 0 at (3, 0.5) (Beale 1958)."""
    return (1.5 - x + x * y) ** 2 + (2.25 - x + x * y**2) ** 2 + (2.625 - x + x * y**3) ** 2


def himmelblau(x: Tensor, y: Tensor) -> Tensor:
    """Return ``(x^2 + y - 11)^2 + (x + y^2 - 7)^2``: four minima of value 0, saddles between (Himmelblau 1972)."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def rastrigin(x: Tensor, y: Tensor) -> Tensor:
    """Return ``20 + x^2 - 10 cos(2 pi x) + y^2 - 10 cos(2 pi y)``: many local minima, the lowest 0 at (0, 0) (Rastrigin 1974)."""
    return 20 + x**2 - 10 * torch.cos(2 * torch.pi * x) + y**2 - 10 * torch.cos(2 * torch.pi * y)


def saddle(x: Tensor, y: Tensor) -> Tensor:
    """Return ``x^2/2 - y^2/2 + y^4/4 + 1/4``: a saddle of value 1/4 at (0, 0), the two minima 0 at (0, -1) and (0, 1)."""
    return x**2 / 2 - y**2 / 2 + y**4 / 4 + 1 / 4


SURFACES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "rosenbrock": rosenbrock,
    "beale": beale,
    "himmelblau": himmelblau,
    "rastrigin": rastrigin,
    "saddle": saddle,
}


class Surface(FiniteSum):
    """``f(w) = scale * surface(w_1, w_2)``, a function of two variables with minimum 0, most of them classical.

    Args:
        surface: one of `SURFACES`.
        scale: multiplies the function, so that its curvature L near the start is about 1 and learning rates mean what
            they mean elsewhere; 1 is the textbook's function.

    Raises:
        InputError: an unknown surface, or a start that is not a point of the plane.
    """

    def __init__(self, *, surface: str, scale: Positive, start: list[Real], **noise: float | int | torch.dtype) -> None:
        if surface not in SURFACES:
            raise one_of("problem.surface", surface, SURFACES)
        if len(start) != 2:
            raise InputError("problem.start", start, "must be two numbers, as in problem.start=[-1.5,2]")
        super().__init__(np.asarray(start, float), **noise)  # type: ignore[arg-type]
        self.surface = surface
        self.scale = scale

    def f(self) -> Tensor:
        x, y = self.w.unbind()
        return self.scale * SURFACES[self.surface](x, y)

    def by_hand(self) -> tuple[str, dict[str, Any]]:
        return "Surface", {"surface": self.surface, "scale": self.scale}

    def position(self) -> dict[str, float]:
        """Return the coordinates ``w/0`` and ``w/1``, so that a trajectory can be drawn on the contours."""
        return {f"w/{axis}": value for axis, value in enumerate(self.w.tolist())}
