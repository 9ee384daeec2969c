"""Muon: momentum that is made orthogonal, matrix by matrix, and AdamW for all other weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from descent.errors import InputError
from descent.from_scratch.optimizers.adam import AdamW, adam
from descent.from_scratch.optimizers.base import Numbers, Optimizer, State, Weights

# How lr depends on a matrix [rows, columns]: factor sqrt(columns^power max(least, rows / columns)), as (factor, least, power).
ADJUSTMENTS = {"original": (1.0, 1.0, 0.0), "match_rms_adamw": (0.2, 1.0, 1.0), "spectral_unclamped": (1.0, 0.0, 0.0)}


def orthogonalise(u: np.ndarray, eps: float, steps: float, a: float, b: float, c: float) -> np.ndarray:
    """Return u ``[rows, columns]`` with its singular values brought to about 1, by Newton-Schulz iterations.

        X <- u / max(|u|_F, eps),    then `steps` times    X <- a X + (b A + c A A) X    with A = X X^T

    Singular vectors stay as they are, and each iteration maps a singular value s to a s + b s^3 + c s^5.
    """
    tall = u.shape[0] > u.shape[1]
    x = np.ascontiguousarray(u.T) if tall else u  # A is the smaller of the two squares
    x = x / np.maximum(np.sqrt(np.sum(x * x)), eps)
    for _ in range(int(steps)):
        square = np.dot(x, x.T)
        x = a * x + np.dot(b * square + c * np.dot(square, square), x)
    return np.ascontiguousarray(x.T) if tall else x


def muon(w: np.ndarray, g: np.ndarray, momentum: np.ndarray, numbers: Numbers) -> None:
    """Update a matrix and its momentum in place; the first seven numbers are AdamW's."""
    keep, beta, rest, of_g, of_momentum, lr, factor, least, power, eps, steps, a, b, c = numbers[7:]
    rows, columns = w.shape
    momentum[:] = beta * momentum + rest * g
    step = orthogonalise(of_g * g + of_momentum * momentum, eps, steps, a, b, c)
    adjusted = lr * factor * math.sqrt(columns**power * max(least, rows / columns))
    w[:] = keep * w - w.dtype.type(adjusted) * step


def adam_of_others(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    return adam(w, g, state, numbers[:7])


@dataclass
class Others(AdamW):
    """AdamW of the weights that lie in no matrix."""

    prefix = "adamw_"


@dataclass
class Muon(Optimizer):
    """Orthogonalise the momentum of each matrix ``W [rows, columns]``; leave all other weights to AdamW.

    At step t, with gradient G_t:

        B_t = momentum B_{t-1} + (1 - momentum) G_t,    B_0 = 0
        U_t = (1 - momentum) G_t + momentum B_t         (nesterov; else U_t = B_t)
        O_t = NewtonSchulz(U_t), about U V^T of the singular value decomposition U_t = U S V^T
        W_t = (1 - lr weight_decay) W_{t-1} - lr adjust O_t

    NewtonSchulz starts from X = U_t / max(|U_t|, eps) and takes ns_steps times X <- a X + b (X X^T) X + c (X X^T)^2 X, which maps
    each singular value s to a s + b s^3 + c s^5 and keeps the singular vectors. It runs in the weights' own precision here, and
    in bfloat16, of 8 bits, in ``engine=torch``: their steps differ by some hundredths of their length.

    Args:
        lr, weight_decay: of the matrices; the decay is decoupled. lr > 0: a schedule scales adamw_lr in the same proportion.
        momentum: in [0, 1).
        nesterov: look ahead along the momentum.
        ns_coefficients: a, b, c.
        eps: smallest norm that U_t is divided by, >= 0.
        ns_steps: iterations, 0 to 99.
        adjust_lr_fn: the factor adjust. ``original`` or None: sqrt(max(1, rows/columns)); ``match_rms_adamw``:
            0.2 sqrt(max(rows, columns)); ``spectral_unclamped``: sqrt(rows/columns).
        adamw_lr, adamw_betas, adamw_eps, adamw_weight_decay: see `AdamW`.

    Fails: its steps do not shrink with the gradient: at a constant lr it does not settle. Only matrices are made orthogonal: on
    problems that have none, such as functions of two variables, it is AdamW.

    Source: K. Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks. There the first and last layers
    are left to AdamW; here every matrix is Muon's. As torch.optim.Muon and torch.optim.AdamW.
    """

    rule = staticmethod(adam_of_others)
    remembers = ("m", "v")
    matrix_rule = staticmethod(muon)
    package = "descent.optimizers.muon"
    decoupled_weight_decay: ClassVar[bool] = True  # type: ignore[misc]

    lr: float = 0.01
    momentum: float = 0.95
    nesterov: bool = True
    ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315)
    eps: float = 1e-7
    ns_steps: int = 5
    adjust_lr_fn: str | None = "original"
    adamw_lr: float = field(default=0.003, kw_only=True)
    adamw_betas: tuple[float, float] = field(default=(0.9, 0.999), kw_only=True)
    adamw_eps: float = field(default=1e-8, kw_only=True)
    adamw_weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.lr:
            raise InputError("optimizer.lr", self.lr, "must be > 0, as a schedule scales adamw_lr in the same proportion")
        if not isinstance(self.ns_coefficients, (list, tuple)) or len(self.ns_coefficients) != 3:
            raise InputError("optimizer.ns_coefficients", self.ns_coefficients, "must be three numbers")
        self.require("momentum", 0, 1)
        self.require("eps", 0)
        self.require("ns_steps", 0, 100)
        self.choose("adjust_lr_fn", None, *ADJUSTMENTS)
        self._others = Others(self.adamw_lr, self.adamw_betas, self.adamw_eps, weight_decay=self.adamw_weight_decay)
        self._peak = self.lr

    def numbers(self, t: Any, lr: Any) -> Numbers:
        beta, rest = self.momentum, 1 - self.momentum
        mixed = (rest, beta) if self.nesterov else (0.0, 1.0)
        adjustment = ADJUSTMENTS[self.adjust_lr_fn or "original"]
        of_matrices = 1 - lr * self.weight_decay, beta, rest, *mixed, lr, *adjustment
        return (
            *self._others.numbers(t, self.adamw_lr * (lr / self._peak)),
            *of_matrices,
            self.eps,
            self.ns_steps,
            *self.ns_coefficients,
        )

    @property
    def decay(self) -> Callable[[Weights, Weights, float], tuple[Weights, Weights]]:
        """Return how weight decay enters outside of matrices."""
        return self._others.decay

    def decay_factor(self, lr: Any) -> Any:
        return self._others.decay_factor(self.adamw_lr * (lr / self._peak))

    def spans(self, w: np.ndarray) -> np.ndarray:
        """Return the spans of the arrays that lie in w: see `Optimizer.spans`."""
        spans, end = [], 0
        for shape in self.shapes or [w.shape]:
            end += math.prod(shape)
            spared = self.spared is not None and self.spared[end - 1]
            spans.append((end, spared, *(shape if len(shape) == 2 else (0, 0))))
        return np.array(spans, np.int64)

    def start(self, w: np.ndarray) -> State:
        """Return the momentum of the matrices' weights in w, and m and v of all others, each one flat array."""
        matrices = sum(rows * columns for *_, rows, columns in self.spans(w))
        others = np.zeros(w.size - matrices, w.dtype)
        return State(momentum=np.zeros(matrices, w.dtype), m=others, v=others.copy())

    def advance(self, w: np.ndarray, g: np.ndarray, state: State, spared: np.ndarray | None) -> None:
        new, gradient, low, taken = w.flatten(), g.ravel(), 0, 0
        for high, _, rows, columns in self.spans(w).tolist():
            if rows:
                arrays = new[low:high], gradient[low:high], state.momentum[taken : taken + high - low]
                matrix, slope, momentum = (array.reshape(rows, columns) for array in arrays)
                muon(matrix, slope, momentum, self._numbers)
                taken += high - low
            else:
                of = slice(low - taken, high - taken)
                others = State(m=state.m[of], v=state.v[of])
                super().advance(new[low:high], gradient[low:high], others, None if spared is None else spared[low:high])
                state.m[of], state.v[of] = others.m, others.v
            low = high
        w[...] = new.reshape(w.shape)
