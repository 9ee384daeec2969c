"""Adam and its variants: momentum, and a learning rate for each weight."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from descent.errors import InputError
from descent.from_scratch.optimizers.base import Numbers, Optimizer, Weights


def averages(g: Weights, m: Weights, v: Weights, numbers: Numbers) -> tuple[Weights, Weights]:
    beta1, rest1, beta2, rest2 = numbers
    return beta1 * m + rest1 * g, beta2 * v + rest2 * g * g


def adam(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    m, v = state
    scale, root, eps = numbers[4:]
    m, v = averages(g, m, v, numbers[:4])
    return w - scale * m / (np.sqrt(v) / root + eps), (m, v)


def amsgrad(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    m, v, u = state
    scale, root, eps, correction = numbers[4:]
    m, v = averages(g, m, v, numbers[:4])
    u = np.maximum(u, v / correction)
    return w - scale * m / (np.sqrt(u * correction) / root + eps), (m, v, u)


@dataclass
class Moments(Optimizer):
    """Averages of the gradients and of their squares, which Adam and its variants share.

        m_t = beta1 m_{t-1} + (1 - beta1) g_t,      m_0 = 0
        v_t = beta2 v_{t-1} + (1 - beta2) g_t^2,    v_0 = 0

    Args:
        betas: beta1 and beta2, in [0, 1).
        eps: >= 0; keeps the division by sqrt(v) finite.
    """

    remembers: ClassVar[Sequence[str]] = ("m", "v")

    lr: float
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.betas, (list, tuple)) or len(self.betas) != 2:
            raise InputError(f"optimizer.{self.prefix}betas", self.betas, "must be two numbers, as in (0.9, 0.999)")
        self.require("betas[0]", 0, 1, self.betas[0])
        self.require("betas[1]", 0, 1, self.betas[1])
        self.require("eps", 0)

    def numbers(self, t: Any, lr: Any) -> Numbers:
        """Return what `averages` needs: the decays and their complements."""
        beta1, beta2 = self.betas
        return beta1, 1 - beta1, beta2, 1 - beta2


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

    rule = staticmethod(adam)

    lr: float = 0.001
    eps_placement: str = field(default="corrected", kw_only=True)
    bias_correction: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.choose("eps_placement", "corrected", "uncorrected")

    def numbers(self, t: Any, lr: Any) -> Numbers:
        beta1, beta2 = self.betas
        correction1, correction2 = (1 - beta1**t, 1 - beta2**t) if self.bias_correction else (1.0, 1.0)
        root = np.sqrt(correction2)
        scale, root = (lr * root / correction1, 1.0) if self.eps_placement == "uncorrected" else (lr / correction1, root)
        return *super().numbers(t, lr), scale, root, self.eps


@dataclass
class AMSGrad(Adam):
    """Adam that divides by the largest v so far, so that the learning rate of a weight never grows.

        m_t, v_t as in `Adam`,    u_t = max(u_{t-1}, v_t)
        w_t = w_{t-1} - lr (m_t / (1 - beta1^t)) / (sqrt(u_t / (1 - beta2^t)) + eps)

    Args:
        maximum: over which v it is taken. ``uncorrected``, as above, in torch and Keras; or ``corrected``, in optax:

                u_t = max(u_{t-1}, v_t / (1 - beta2^t)),    and divide by sqrt(u_t) + eps

            The paper corrects neither average (`bias_correction=False`).

    Fails: one outlier counts for ever. After one gradient 1,000 times as large as the others its steps stay 32 times too small;
    those of `Adam` recover once v has forgotten it.

    Source: S. Reddi, S. Kale, S. Kumar 2018, On the convergence of Adam and beyond, algorithm 2. As torch.optim.Adam with
    amsgrad=True.
    """

    rule = staticmethod(amsgrad)
    remembers = ("m", "v", "u")

    maximum: str = field(default="uncorrected", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.choose("maximum", "uncorrected", "corrected")

    def numbers(self, t: Any, lr: Any) -> Numbers:
        return *super().numbers(t, lr), 1 - self.betas[1] ** t if self.maximum == "corrected" else 1.0


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
