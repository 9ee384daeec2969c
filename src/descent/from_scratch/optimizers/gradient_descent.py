"""Gradient descent, with momentum, with Nesterov's look-ahead, with averaging."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from descent.from_scratch.optimizers.base import Numbers, Optimizer, State, Weights


def sgd(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    (lr,) = numbers
    return w - lr * g, state


def heavy_ball(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    (z,) = state
    momentum, push, move = numbers
    z = momentum * z + push * g
    return w - move * z, (z,)


def nesterov(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    (z,) = state
    momentum, push, move = numbers
    z = momentum * z + push * g
    return w - move * (push * g + momentum * z), (z,)


def averaged_sgd(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    (average,) = state
    keep, eta, mu = numbers
    w = keep * w - eta * g
    return w, (average + mu * (w - average),)


@dataclass
class SGD(Optimizer):
    """Gradient descent: go downhill by a step in proportion to the slope.

        w_t = w_{t-1} - lr g_t

    It is called batch, mini-batch or stochastic gradient descent after the examples that g_t is a mean over: all N, k, or 1.

    Fails: with lr > 2/L, L the largest curvature, it diverges. With less it is slow in a narrow valley: at the best lr, kappa/2
    steps for a factor of e, kappa the ratio of the largest to the smallest curvature.

    Source: A. Cauchy 1847; H. Robbins and S. Monro 1951, A stochastic approximation method. As torch.optim.SGD.
    """

    rule = staticmethod(sgd)

    lr: float = 0.001

    def numbers(self, t: Any, lr: Any) -> Numbers:
        return (lr,)


@dataclass
class Momentum(Optimizer):
    """Heavy ball: keep a share of the last step's velocity.

        z_t = momentum z_{t-1} + (1 - dampening) g_t,    z_1 = g_1
        w_t = w_{t-1} - lr z_t

    Steps along a constant gradient add up to lr (1 - dampening) / (1 - momentum).

    Args:
        momentum: in [0, 1).
        dampening: in [0, 1). With dampening = momentum, z is an average of gradients, as in Adam.
        dampen_first: z_1 = (1 - dampening) g_1, as if z_0 = 0; torch does not dampen the first gradient.
        velocity: what the momentum carries. ``gradient``, the equations above, as in torch and optax; or ``step``,

                v_t = momentum v_{t-1} - lr (1 - dampening) g_t,    w_t = w_{t-1} + v_t

            as in Keras and in Sutskever et al. 2013. The two differ only where lr changes: there torch's velocity follows
            the new lr at once.

    Fails: with too much of it. No direction shrinks faster than sqrt(momentum) a step, so that 0.99 needs 458 steps for a factor
    of 10 even where the function is round, and overshoots on the way. With lr > 2 (1 + momentum)/L it diverges.

    Source: B. Polyak 1964, Some methods of speeding up the convergence of iteration methods. As torch.optim.SGD.
    """

    rule = staticmethod(heavy_ball)
    remembers = ("z",)

    lr: float = 0.001
    momentum: float = 0.9
    dampening: float = 0.0
    dampen_first: bool = False
    velocity: str = "gradient"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("momentum", 0, 1)
        self.require("dampening", 0, 1)
        self.choose("velocity", "gradient", "step")

    def numbers(self, t: Any, lr: Any) -> Numbers:
        push = 1 - self.dampening * (t > (0 if self.dampen_first else 1))
        if self.velocity == "step":
            return self.momentum, push * lr, 1.0
        return self.momentum, push, lr


@dataclass
class Nesterov(Momentum):
    """Nesterov's momentum: take the gradient's own step, and look ahead along the velocity.

        z_t = momentum z_{t-1} + g_t
        w_t = w_{t-1} - lr (g_t + momentum z_t)

    In the textbook, x_t = y_{t-1} - lr g(y_{t-1}) and y_t = x_t + momentum (x_t - x_{t-1}): the gradient is taken at the
    look-ahead point y. Torch's w is that y, and so is this one; the textbook's x is ``w + lr momentum z``, which
    ``optimizer.iterate(w, optimizer.state[0])`` returns. With a constant momentum and lr both converge alike.

    Args:
        velocity: as in `Momentum`; ``step`` is Keras' form, ``w_t = w_{t-1} + momentum v_t - lr g_t``.

    Raises:
        InputError: dampening, which torch refuses too.

    Fails: with lr > 2 (1 + momentum) / ((1 + 2 momentum) L) it diverges: 1.36/L for 0.9, less than the 2/L of gradient descent.
    Along a curvature c it oscillates and shrinks by sqrt(momentum (1 - lr c)) a step, so that too much momentum is slow where the
    function is flat, as in `Momentum`.

    Source: Y. Nesterov 1983; in this form I. Sutskever et al. 2013, On the importance of initialization and momentum,
    equations 3 and 4, after Y. Bengio et al. 2012. As torch.optim.SGD with nesterov=True.
    """

    rule = staticmethod(nesterov)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.choose("dampening", 0)

    def iterate(self, w: np.ndarray, s: State) -> np.ndarray:
        """Return the textbook's x, where the weights w are its look-ahead point y."""
        return w + self.momentum * (s.z if self.velocity == "step" else self.lr * s.z)


@dataclass
class ASGD(Optimizer):
    """Averaged SGD: gradient descent with a decaying step, and the average of its later weights.

        w_t   = (1 - lambd eta_{t-1}) w_{t-1} - eta_{t-1} g_t,    eta_0 = lr
        avg_t = avg_{t-1} + mu_{t-1} (w_t - avg_{t-1}),           mu_0 = 1
        eta_t = lr / (1 + lambd lr t)^alpha,    mu_t = 1 / max(1, t - t0)

    The average of the weights has less noise than the weights: with lambd = 0 and t0 = 0 its variance falls as 1/t
    whatever lr is. It is in ``optimizer.state[i].average``; w itself goes on without it.

    Args:
        lambd: decay of the weights and of the step, >= 0.
        alpha: power of the step's decay.
        t0: step after which weights are averaged; up to there the average is w itself.

    Fails: at the default t0 a run of less than a million steps averages nothing: the average is w. With a small t0 it keeps the
    way from the start: on a function without noise it is far behind w.

    Source: B. Polyak and A. Juditsky 1992, Acceleration of stochastic approximation by averaging; the schedule of eta from
    L. Bottou's sgd 2.0. As torch.optim.ASGD, which keeps eta and mu in torch's default dtype.
    """

    rule = staticmethod(averaged_sgd)
    remembers = ("average",)

    lr: float = 0.01
    lambd: float = 1e-4
    alpha: float = 0.75
    t0: float = 1e6
    eta: float | None = field(default=None, init=False, repr=False)  # of the next step; None: lr, as before the first one

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("lambd", 0)

    def numbers(self, t: Any, lr: Any) -> Numbers:
        first = np.ravel(lr)[:1] if self.eta is None else [self.eta]
        etas = np.append(first, lr / (1 + self.lambd * lr * t) ** self.alpha)
        self.eta = float(etas[-1])
        mu = 1 / np.where(t == 1, 1.0, np.maximum(1, t - 1 - self.t0))
        return 1 - self.lambd * etas[:-1], etas[:-1], mu
