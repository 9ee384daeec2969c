"""Relatives of Adam: the largest gradient in place of the second moment, Nesterov's look ahead, and a rectified first phase."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from descent.from_scratch.optimizers.adam import Moments, averages
from descent.from_scratch.optimizers.base import Numbers, Weights


def adamax(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    m, u = state
    beta1, rest1, beta2, scale, inside, outside = numbers
    m = beta1 * m + rest1 * g
    u = np.maximum(beta2 * u, np.abs(g) + inside)
    return w - scale * m / (u + outside), (m, u)


def nadam(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    m, v = state
    of_average, of_gradient, lr, correction, eps = numbers[4:]
    m, v = averages(g, m, v, numbers[:4])
    return w - lr * (of_average * m + of_gradient * g) / (np.sqrt(v / correction) + eps), (m, v)


def radam(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    m, v = state
    scale, of_root, eps = numbers[4:]
    m, v = averages(g, m, v, numbers[:4])
    return w - scale * m / (of_root * np.sqrt(v) + eps), (m, v)


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

    rule = staticmethod(adamax)
    remembers = ("m", "u")

    lr: float = 0.002
    eps_outside: bool = False

    def numbers(self, t: Any, lr: Any) -> Numbers:
        beta1, beta2 = self.betas
        inside, outside = (0.0, self.eps) if self.eps_outside else (self.eps, 0.0)
        return beta1, 1 - beta1, beta2, lr / (1 - beta1**t), inside, outside


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

    rule = staticmethod(nadam)

    lr: float = 0.002
    momentum_decay: float = 0.004
    constant_momentum: bool = False
    product: float = field(default=1.0, init=False, repr=False)  # P_t

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("momentum_decay", 0)

    def momentum(self, t: Any) -> Any:
        """Return mu_t."""
        warmup = 1.0 if self.constant_momentum else 1 - 0.5 * 0.96 ** (t * self.momentum_decay)
        return self.betas[0] * warmup

    def numbers(self, t: Any, lr: Any) -> Numbers:
        now, ahead = self.momentum(t), self.momentum(t + 1)
        products = self.product * np.cumprod(np.broadcast_to(now, np.shape(t)))
        self.product = float(products[-1])
        averaged = ahead / (1 - products * ahead), (1 - now) / (1 - products)
        return *super().numbers(t, lr), *averaged, lr, 1 - self.betas[1] ** t, self.eps


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

    rule = staticmethod(radam)

    lr: float = 0.001
    threshold: float = 5.0
    eps_placement: str = "uncorrected"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require("threshold", 4)
        self.choose("eps_placement", "uncorrected", "corrected")

    def numbers(self, t: Any, lr: Any) -> Numbers:
        beta1, beta2 = self.betas
        correction, limit = 1 - beta2**t, 2 / (1 - beta2) - 1
        rho = limit - 2 * t * beta2**t / correction
        lr, root = lr / (1 - beta1**t), np.sqrt(correction)
        rectified = rho > self.threshold
        if limit <= self.threshold:  # never
            return *super().numbers(t, lr), lr, 0.0, 1.0
        rho = np.where(rectified, rho, limit)
        r = np.sqrt((rho - 4) * (rho - 2) * limit / ((limit - 4) * (limit - 2) * rho))
        eps = self.eps * root if self.eps_placement == "corrected" else self.eps
        scale = np.where(rectified, lr * r * root, lr)
        return *super().numbers(t, lr), scale, np.where(rectified, 1.0, 0.0), np.where(rectified, eps, 1.0)
