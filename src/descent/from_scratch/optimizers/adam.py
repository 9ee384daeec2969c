"""Adam and its variants: momentum, and a learning rate for each weight."""

import math
from dataclasses import dataclass, field

import numpy as np

from descent.errors import InputError
from descent.from_scratch.optimizers.base import Optimizer, State


@dataclass
class Moments(Optimizer):
    """Averages of the gradients and of their squares, which Adam and its variants share.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,      m_0 = 0
        v_t = beta2 v_{t-1} + (1 - beta2) g_t^2,    v_0 = 0

    Args:
        betas: beta1 and beta2, in [0, 1).
        eps: >= 0; keeps the division by sqrt(v) finite.
    """

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.betas, (list, tuple)) or len(self.betas) != 2:
            raise InputError("optimizer.betas", self.betas, "must be two numbers, as in (0.9, 0.999)")
        self.require("betas[0]", 0, 1, self.betas[0])
        self.require("betas[1]", 0, 1, self.betas[1])
        self.require("eps", 0)

    def start(self, w: np.ndarray) -> State:
        return State(m=np.zeros_like(w), v=np.zeros_like(w))

    def average(self, g: np.ndarray, s: State) -> None:
        """Take a gradient into both averages."""
        beta1, beta2 = self.betas
        s.m = beta1 * s.m + (1 - beta1) * g
        s.v = beta2 * s.v + (1 - beta2) * g * g


@dataclass
class Adam(Moments):
    """Average the gradients and their squares, correct both for their start at 0, divide.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t
        v_t = beta2 v_{t-1} + (1 - beta2) g_t^2
        w_t = w_{t-1} - lr (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + eps)

    Whatever the scale of a constant gradient, each step is lr |g| / (|g| + eps), from the first one on.

    Args:
        eps_placement: ``corrected``, as above, in torch, optax and algorithm 1 of the paper; or ``uncorrected``,

                w_t = w_{t-1} - lr sqrt(1 - beta2^t) / (1 - beta1^t) m_t / (sqrt(v_t) + eps)

            as in Keras, and at the end of section 2 of the paper ("epsilon hat"). At step t this is the first with
            eps / sqrt(1 - beta2^t): for the first steps a larger eps, 32 times at t = 1 and beta2 = 0.999.
        bias_correction: without it both averages are used as they are: the first step is (1 - beta1)/sqrt(1 - beta2) = 3.16
            times lr.

    Fails: where a large gradient is rare and small ones are frequent, it may go against their mean: with gradients of 3, -1, -1
    in turn and betas of (0, 0.1) it goes up (S. Reddi et al. 2018). It helps in a narrow valley that lies along the axes, not in
    one that is turned. An L2 penalty is divided by sqrt(v) too: see `AdamW`.

    Source: D. Kingma and J. Ba 2015, Adam: a method for stochastic optimization, algorithm 1. As torch.optim.Adam.
    """

    lr: float = 0.001
    eps_placement: str = field(default="corrected", kw_only=True)
    bias_correction: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.choose("eps_placement", "corrected", "uncorrected")

    def update(self, w: np.ndarray, g: np.ndarray, s: State) -> np.ndarray:
        self.average(g, s)
        return w - self.adapted(s.m, s.v)

    def adapted(self, m: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Return the step that the averages m and v make."""
        t, (beta1, beta2) = self.steps, self.betas
        correction1, correction2 = (1 - beta1**t, 1 - beta2**t) if self.bias_correction else (1.0, 1.0)
        if self.eps_placement == "uncorrected":
            return self.lr * math.sqrt(correction2) / correction1 * m / (np.sqrt(v) + self.eps)
        return self.lr / correction1 * m / (np.sqrt(v) / math.sqrt(correction2) + self.eps)


@dataclass
class AMSGrad(Adam):
    """Adam that divides by the largest v so far, so that the learning rate of a weight never grows.

        m_t, v_t as in `Adam`,    u_t = max(u_{t-1}, v_t)
        w_t = w_{t-1} - lr (m_t / (1 - beta1^t)) / (sqrt(u_t / (1 - beta2^t)) + eps)

    Args:
        maximum: of which v. ``uncorrected``, as above, in torch and Keras; or ``corrected``, in optax:

                u_t = max(u_{t-1}, v_t / (1 - beta2^t)),    and divide by sqrt(u_t) + eps

            The paper corrects neither average (`bias_correction=False`).

    Fails: one outlier counts for ever. After one gradient 1,000 times as large as the others its steps stay 32 times too small;
    those of `Adam` recover once v has forgotten it.

    Source: S. Reddi, S. Kale, S. Kumar 2018, On the convergence of Adam and beyond, algorithm 2. As torch.optim.Adam with
    amsgrad=True.
    """

    maximum: str = field(default="uncorrected", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.choose("maximum", "uncorrected", "corrected")

    def start(self, w: np.ndarray) -> State:
        return State(m=np.zeros_like(w), v=np.zeros_like(w), u=np.zeros_like(w))

    def update(self, w: np.ndarray, g: np.ndarray, s: State) -> np.ndarray:
        self.average(g, s)
        correction = 1 - self.betas[1] ** self.steps if self.maximum == "corrected" else 1.0
        s.u = np.maximum(s.u, s.v / correction)
        return w - self.adapted(s.m, s.u * correction)


@dataclass
class AdamW(Adam):
    """Adam with decoupled weight decay: every weight decays at the same rate, however large its gradients are.

        w   <- w_{t-1} - lr weight_decay w_{t-1}
        w_t  = w - lr (m_t / (1 - beta1^t)) / (sqrt(v_t / (1 - beta2^t)) + eps)

    Fails: no weight can end beyond 1/weight_decay, wherever the minimum is: there the decay equals the longest step that steady
    gradients give (S. Xie and Z. Li 2024). Else as `Adam`.

    Source: I. Loshchilov and F. Hutter 2019, Decoupled weight decay regularization, algorithm 2, where the decay is not
    multiplied with lr but only with the schedule's factor. As torch.optim.AdamW.
    """

    weight_decay: float = field(default=0.01, kw_only=True)
    decoupled_weight_decay: bool = field(default=True, kw_only=True)


@dataclass
class Adamax(Moments):
    """Adam with the largest recent |g| in the place of the root mean square.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t
        u_t = max(beta2 u_{t-1}, |g_t| + eps)
        w_t = w_{t-1} - lr / (1 - beta1^t) m_t / u_t

    Args:
        eps_outside: ``u_t = max(beta2 u_{t-1}, |g_t|)``, and divide by ``u_t + eps``, as Keras does; optax does as torch;
            the paper has no eps.

    Fails: the maximum forgets slowly: after one gradient 100 times as large as the others, ln(100)/(1 - beta2) = 4,600 steps are
    too small; 1,000 steps later they are still 37 times too small, those of `Adam` 2.6 times. Else as `Adam`.

    Source: D. Kingma and J. Ba 2015, algorithm 2. As torch.optim.Adamax.
    """

    lr: float = 0.002
    eps_outside: bool = False

    def start(self, w: np.ndarray) -> State:
        return State(m=np.zeros_like(w), u=np.zeros_like(w))

    def update(self, w: np.ndarray, g: np.ndarray, s: State) -> np.ndarray:
        beta1, beta2 = self.betas
        inside, outside = (0.0, self.eps) if self.eps_outside else (self.eps, 0.0)
        s.m = beta1 * s.m + (1 - beta1) * g
        s.u = np.maximum(beta2 * s.u, np.abs(g) + inside)
        return w - self.lr / (1 - beta1**self.steps) * s.m / (s.u + outside)


@dataclass
class NAdam(Moments):
    """Adam with Nesterov's look-ahead, and a momentum that warms up.

        mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)
        m_t, v_t as in `Adam`;    P_t = mu_1 mu_2 ... mu_t
        a_t = mu_{t+1} m_t / (1 - P_{t+1}) + (1 - mu_t) g_t / (1 - P_t)
        w_t = w_{t-1} - lr a_t / (sqrt(v_t / (1 - beta2^t)) + eps)

    Args:
        momentum_decay: >= 0; how fast mu rises from beta1/2 to beta1: 0.004 in torch by default, always 1 in Keras 3.
        constant_momentum: mu_t = beta1 always, as in optax's nadam; momentum_decay = 0 would give beta1/2.

    Fails: at large lr. The look-ahead takes the gradient itself into the step: where v is constant it is stable to a tenth of the
    lr of `Adam` while the momentum warms up, and to a third after it. Else as `Adam`.

    Source: T. Dozat 2016, Incorporating Nesterov momentum into Adam, algorithm 2; the warm-up from I. Sutskever et al. 2013.
    As torch.optim.NAdam.
    """

    lr: float = 0.002
    momentum_decay: float = 0.004
    constant_momentum: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("momentum_decay", 0)

    def start(self, w: np.ndarray) -> State:
        return State(m=np.zeros_like(w), v=np.zeros_like(w), product=1.0)

    def momentum(self, t: int) -> float:
        """Return mu_t."""
        warmup = 1.0 if self.constant_momentum else 1 - 0.5 * 0.96 ** (t * self.momentum_decay)
        return self.betas[0] * warmup

    def update(self, w: np.ndarray, g: np.ndarray, s: State) -> np.ndarray:
        self.average(g, s)
        now, ahead = self.momentum(self.steps), self.momentum(self.steps + 1)
        s.product = s.product * now
        look_ahead = ahead / (1 - s.product * ahead) * s.m + (1 - now) / (1 - s.product) * g
        return w - self.lr * look_ahead / (np.sqrt(s.v / (1 - self.betas[1] ** self.steps)) + self.eps)


@dataclass
class RAdam(Moments):
    """Adam that takes momentum's steps until the variance of its divisor is tractable.

        m_t, v_t as in `Adam`
        rho_inf = 2/(1 - beta2) - 1,    rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t)
        where rho_t > threshold:
            r_t = sqrt((rho_t - 4)(rho_t - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho_t))
            w_t = w_{t-1} - lr r_t (m_t / (1 - beta1^t)) sqrt(1 - beta2^t) / (sqrt(v_t) + eps)
        else:
            w_t = w_{t-1} - lr m_t / (1 - beta1^t)

    Args:
        eps_placement: ``uncorrected``, as above, in torch; or ``corrected``, ``sqrt(v_t / (1 - beta2^t)) + eps``, as in optax.
        threshold: >= 4, below which r_t has no value; 5 in torch and optax, 4 in the paper.

    Fails: on badly scaled functions. At beta2 = 0.999 the first five steps are lr times the mean gradient, not divided: 1,000
    times as long where the loss is multiplied by 1,000. The sixth is 0.026 times that of `Adam`. Else as `Adam`.

    Source: L. Liu et al. 2020, On the variance of the adaptive learning rate and beyond, algorithm 2. As torch.optim.RAdam.
    """

    lr: float = 0.001
    threshold: float = 5.0
    eps_placement: str = "uncorrected"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("threshold", 4)
        self.choose("eps_placement", "uncorrected", "corrected")

    def update(self, w: np.ndarray, g: np.ndarray, s: State) -> np.ndarray:
        self.average(g, s)
        t, (beta1, beta2) = self.steps, self.betas
        correction = 1 - beta2**t
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / correction
        lr = self.lr / (1 - beta1**t)
        if rho <= self.threshold:
            return w - lr * s.m
        r = math.sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
        eps = self.eps * math.sqrt(correction) if self.eps_placement == "corrected" else self.eps
        return w - lr * r * math.sqrt(correction) * s.m / (np.sqrt(s.v) + eps)
