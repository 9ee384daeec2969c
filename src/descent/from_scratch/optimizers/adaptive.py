"""A learning rate for each weight, from the size or the sign of its gradients: Adagrad, RMSprop, Adadelta, Rprop."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from descent.from_scratch.forms import choose
from descent.from_scratch.optimizers.base import Numbers, Optimizer, State, Weights


def adagrad(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    (s,) = state
    lr, inside, outside = numbers
    s = s + g * g
    return w - lr * g / (np.sqrt(s + inside) + outside), (s,)


def rmsprop(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    s, z = state
    alpha, rest, momentum, push, move, inside, outside = numbers
    s = alpha * s + rest * g * g
    z = momentum * z + push * g / (np.sqrt(s + inside) + outside)
    return w - move * z, (s, z)


def centered_rmsprop(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    s, m, z = state
    alpha, rest, momentum, push, move, inside, outside = numbers
    s = alpha * s + rest * g * g
    m = alpha * m + rest * g
    z = momentum * z + push * g / (np.sqrt(np.maximum(s - m * m, 0) + inside) + outside)
    return w - move * z, (s, m, z)


def adadelta(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    s, u = state
    rho, rest, eps, lr = numbers
    s = rho * s + rest * g * g
    d = np.sqrt(u + eps) / np.sqrt(s + eps) * g
    u = rho * u + rest * d * d
    return w - lr * d, (s, u)


def rprop(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    size, before = state
    shrink, grow, smallest, largest = numbers
    change = g * before
    size = choose(change > 0, size * grow, choose(change < 0, size * shrink, size))
    size = np.minimum(np.maximum(size, smallest), largest)
    g = choose(change < 0, 0 * size, g)
    return w - size * np.sign(g), (size, g)


@dataclass
class Adagrad(Optimizer):
    """Divide by the root of the sum of all squared gradients: weights with rare gradients take large steps.

        s_t = s_{t-1} + g_t^2,    s_0 = initial_accumulator_value
        w_t = w_{t-1} - lr_t g_t / (sqrt(s_t) + eps),    lr_t = lr / (1 + (t - 1) lr_decay)

    Args:
        lr_decay: >= 0.
        initial_accumulator_value: >= 0; Keras and optax start at 0.1.
        eps: >= 0, added to the root.
        eps_inside_root: divide by ``sqrt(s_t + eps)``, as Keras and optax do.

    Fails: its steps die. Along a constant gradient they fall as 1/sqrt(t), and after one gradient 1,000 times as large as the
    others no step is longer than lr/1,000.

    Source: J. Duchi, E. Hazan, Y. Singer 2011, Adaptive subgradient methods, figure 1 (diagonal). As torch.optim.Adagrad.
    """

    rule = staticmethod(adagrad)
    remembers = ("s",)

    lr: float = 0.01
    lr_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10
    eps_inside_root: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("lr_decay", 0)
        self.require("eps", 0)
        self.require("initial_accumulator_value", 0)

    def start(self, w: np.ndarray) -> State:
        return State(s=np.full_like(w, self.initial_accumulator_value))

    def numbers(self, t: Any, lr: Any) -> Numbers:
        return lr / (1 + (t - 1) * self.lr_decay), *beside_root(self.eps, self.eps_inside_root)


@dataclass
class RMSprop(Optimizer):
    """Divide by the root of an average of squared gradients, which forgets.

        s_t = alpha s_{t-1} + (1 - alpha) g_t^2
        m_t = alpha m_{t-1} + (1 - alpha) g_t                         where centered, else m_t = 0
        d_t = g_t / (sqrt(max(0, s_t - m_t^2)) + eps)
        z_t = momentum z_{t-1} + d_t
        w_t = w_{t-1} - lr z_t

    Rounding can take s_t - m_t^2 below 0 where a gradient stays the same; torch does not clip it, and its weight becomes nan.
    The averages start at 0 and are not corrected for it: the first steps are up to 1/sqrt(1 - alpha) times lr.

    Args:
        alpha: decay of the averages, in [0, 1).
        eps: >= 0, added to the root.
        momentum: of the scaled gradients, in [0, 1).
        centered: divide by the standard deviation of the gradients.
        eps_inside_root: divide by ``sqrt(s_t - m_t^2 + eps)``, as Keras and optax do. With squared gradients smaller than
            eps this is another algorithm: eps = 1e-8 there acts like 1e-4 here.
        velocity: what the momentum carries: ``gradient``, as above, in torch; or ``step``, ``z_t = momentum z_{t-1} + lr d_t``
            and ``w_t = w_{t-1} - z_t``, as Keras and optax do. The two differ only where lr changes.

    Fails: at a constant lr it does not settle: near a minimum it goes on jumping over it, by about lr. Its first step is
    1/sqrt(1 - alpha) times lr, ten times at alpha = 0.99, whatever the gradient.

    Source: T. Tieleman and G. Hinton 2012, Lecture 6.5; centred: A. Graves 2013, Generating sequences with recurrent neural
    networks, equations 38 to 41. As torch.optim.RMSprop.
    """

    lr: float = 0.01
    alpha: float = 0.99
    eps: float = 1e-8
    momentum: float = 0.0
    centered: bool = False
    eps_inside_root: bool = False
    velocity: str = "gradient"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rule = centered_rmsprop if self.centered else rmsprop  # type: ignore[misc]
        self.remembers = ("s", "m", "z") if self.centered else ("s", "z")  # type: ignore[misc]
        self.choose("velocity", "gradient", "step")
        self.require("alpha", 0, 1)
        self.require("eps", 0)
        self.require("momentum", 0, 1)

    def numbers(self, t: Any, lr: Any) -> Numbers:
        push, move = (lr, 1.0) if self.velocity == "step" else (1.0, lr)
        return self.alpha, 1 - self.alpha, self.momentum, push, move, *beside_root(self.eps, self.eps_inside_root)


@dataclass
class Adadelta(Optimizer):
    """RMSprop whose steps have the size of the last steps, so that lr has no unit and 1 is a fair choice.

        s_t = rho s_{t-1} + (1 - rho) g_t^2
        d_t = sqrt(u_{t-1} + eps) / sqrt(s_t + eps) g_t
        u_t = rho u_{t-1} + (1 - rho) d_t^2
        w_t = w_{t-1} - lr d_t

    Args:
        rho: decay of both averages, in [0, 1).
        eps: >= 0, inside both roots; it sets the size of the first steps.

    Fails: where the way is long. Its first step is sqrt(eps / (1 - rho)), 0.003 at the defaults, whatever the gradient, and along
    a constant one it speeds up slowly: 7.6 units in 1,000 steps.

    Source: M. Zeiler 2012, ADADELTA: an adaptive learning rate method, algorithm 1 (lr = 1). As torch.optim.Adadelta.
    """

    rule = staticmethod(adadelta)
    remembers = ("s", "u")

    lr: float = 1.0
    rho: float = 0.9
    eps: float = 1e-6

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("rho", 0, 1)
        self.require("eps", 0)

    def numbers(self, t: Any, lr: Any) -> Numbers:
        return self.rho, 1 - self.rho, self.eps, lr


@dataclass
class Rprop(Optimizer):
    """A step size for each weight, which grows while its gradient keeps its sign and shrinks when that changes.

        c_t = g_t g_{t-1}
        d_t = clip(d_{t-1} (etas[1] if c_t > 0, etas[0] if c_t < 0, else 1), step_sizes[0], step_sizes[1]),    d_0 = lr
        g_t = 0 where c_t < 0: that weight waits a step
        w_t = w_{t-1} - d_t sign(g_t)

    Only the sign of a gradient counts, so it is meant for exact gradients, full batches. It has no weight decay.

    Args:
        lr: first step size of every weight.
        etas: factors < 1 and > 1.
        step_sizes: smallest and largest step size.

    Fails: on mini-batches. Nine gradients of 0.1 and one of -0.9 average to 0, but it counts nine signs to one and runs away
    (G. Hinton's example, in the lecture that introduced RMSprop).

    Source: M. Riedmiller and H. Braun 1993, A direct adaptive method for faster backpropagation learning; waiting instead of
    taking the step back is C. Igel and M. Huesken's Rprop-, 2000. As torch.optim.Rprop.
    """

    rule = staticmethod(rprop)
    remembers = ("size", "g")

    lr: float = 0.01
    etas: tuple[float, float] = (0.5, 1.2)
    step_sizes: tuple[float, float] = (1e-6, 50.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("etas[0]", 0, 1, self.etas[0])
        self.require("etas[1]", 1, value=self.etas[1])
        self.choose("weight_decay", 0)

    def start(self, w: np.ndarray) -> State:
        return State(size=np.full_like(w, self.lr), g=np.zeros_like(w))

    def numbers(self, t: Any, lr: Any) -> Numbers:
        return *self.etas, *self.step_sizes


def beside_root(eps: float, inside: bool) -> tuple[float, float]:
    """Return what is added to a square before its root is taken, and what after it."""
    return (eps, 0.0) if inside else (0.0, eps)
