"""Optimizers around another one, which takes the steps: an average of its weights, or gradients from elsewhere."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from descent.optimizers.capabilities import evaluates_other_weights, needs_closure, needs_graph

Closure = Callable[[], Any]


class Wrapper(torch.optim.Optimizer):
    """An optimizer around another one, whose parameter groups it shares.

    Args:
        optimizer: takes the steps.

    Raises:
        ValueError: `optimizer` keeps weights to evaluate of its own.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        if evaluates_other_weights(optimizer):
            raise ValueError(f"{type(optimizer).__name__} keeps weights to evaluate of its own")
        super().__init__(optimizer.param_groups, {})
        self.inner = optimizer
        self.needs_closure = needs_closure(optimizer)
        self.needs_graph = needs_graph(optimizer)
        self.param_groups = optimizer.param_groups

    @property
    def weights(self) -> list[Tensor]:
        """The parameters of all groups."""
        return [weight for group in self.param_groups for weight in group["params"]]

    def state_dict(self) -> dict[str, Any]:
        return {"inner": self.inner.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.inner.load_state_dict(state_dict["inner"])
        self.param_groups = self.inner.param_groups

    def _inner_step(self, closure: Closure | None) -> Any:
        return self.inner.step() if closure is None else self.inner.step(closure)


class _Averaging(Wrapper):
    """Evaluates other weights than it trains; they begin as the weights themselves."""

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        super().__init__(optimizer)
        self.steps = 0
        self.average = [weight.detach().clone() for weight in self.weights]
        self.trained: list[Tensor] = []

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"steps": self.steps, "average": self.average}

    @torch.no_grad()
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        self.steps = state_dict["steps"]
        for average, value in zip(self.average, state_dict["average"], strict=True):
            average.copy_(value)

    @torch.no_grad()
    def eval(self) -> None:
        """Put the average in the place of the weights."""
        self.trained = [weight.clone() for weight in self.weights]
        torch._foreach_copy_(self.weights, self.average)

    @torch.no_grad()
    def train(self) -> None:
        """Put the trained weights back."""
        if self.trained:
            torch._foreach_copy_(self.weights, self.trained)
            self.trained = []

    def step(self, closure: Closure | None = None) -> Any:
        loss = self._inner_step(closure)
        self.steps += 1
        with torch.no_grad():
            self._update()
        return loss

    def _update(self) -> None:
        raise NotImplementedError


class EMA(_Averaging):
    """Exponential moving average of the weights, which is what is evaluated; the steps are those of the optimizer alone.

    After step t with weights W_t::

        A_t = A_{t-1} + (1 - decay) / (1 - decay^t) (W_t - A_{t-1})

    so that W_i has the weight decay^(t-i) of their sum, and W_0 none: Adam's bias correction (Kingma and Ba 2015, section 3).

    Args:
        optimizer: takes the steps.
        decay: in [0, 1); the average is over about 1 / (1 - decay) steps.

    Raises:
        ValueError: `decay` is out of range.

    Source: Polyak and Juditsky 1992 average all weights alike; torch's ``swa_utils`` starts from W_1 and corrects no bias.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, decay: float = 0.99) -> None:
        if not 0 <= decay < 1:
            raise ValueError("must be in [0, 1)")
        super().__init__(optimizer)
        self.decay = decay

    def _update(self) -> None:
        torch._foreach_lerp_(self.average, self.weights, (1 - self.decay) / (1 - self.decay**self.steps))


class Lookahead(_Averaging):
    """Slow weights that follow the optimizer's every `period` steps, from which it then goes on; the slow ones are evaluated.

    After every period-th step, with slow weights S and the optimizer's W::

        S = S + alpha (W - S);   W = S

    Args:
        optimizer: takes the steps; its state stays as it is.
        period: k, steps between two updates of the slow weights.
        alpha: in (0, 1], the slow weights' share of the way.

    Raises:
        ValueError: an argument out of range.

    Source: Zhang, Lucas, Hinton and Ba 2019, Lookahead optimizer: k steps forward, 1 step back, algorithm 1.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, period: int = 5, alpha: float = 0.5) -> None:
        if period < 1:
            raise ValueError("period must be at least 1")
        if not 0 < alpha <= 1:
            raise ValueError("alpha must be in (0, 1]")
        super().__init__(optimizer)
        self.period, self.alpha = period, alpha

    def _update(self) -> None:
        if self.steps % self.period == 0:
            torch._foreach_lerp_(self.average, self.weights, self.alpha)
            torch._foreach_copy_(self.weights, self.average)


class SAM(Wrapper):
    """Sharpness-aware minimization: the optimizer steps from W with the gradient at a worse point nearby.

    With the gradient g at W, over all parameters::

        e = rho g / |g|   (adaptive: rho W^2 g / |W g|);   step with the gradient at W + e

    Two gradients a step, both of the same batch.

    Args:
        optimizer: takes the steps.
        rho: length of e, >= 0.
        adaptive: scale e by the size of each weight.

    Raises:
        ValueError: `rho` is negative, or `optimizer` needs a closure itself.

    Source: Foret et al. 2021, equations 2 and 3; adaptive: Kwon et al. 2021, ASAM, equation 9 without eta. Where g is 0, e is.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, rho: float = 0.05, adaptive: bool = False) -> None:
        if rho < 0:
            raise ValueError("must be >= 0")
        super().__init__(optimizer)
        if self.needs_closure:
            raise ValueError(f"{type(optimizer).__name__} evaluates gradients where it likes")
        self.needs_closure = True
        self.rho, self.adaptive = rho, adaptive

    def step(self, closure: Closure) -> Any:  # type: ignore[override]
        loss = closure()
        weights = [weight for weight in self.weights if weight.grad is not None]
        with torch.no_grad():
            kept = [weight.clone() for weight in weights]
            gradients = [weight.grad for weight in weights if weight.grad is not None]
            scaled = [g * w if self.adaptive else g for g, w in zip(gradients, weights, strict=True)]
            norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in scaled]))
            factor = self.rho / norm.clamp(min=torch.finfo(norm.dtype).tiny)
            for weight, part in zip(weights, scaled, strict=True):
                weight += factor * (part * weight if self.adaptive else part)
        with torch.enable_grad():
            closure()
        with torch.no_grad():
            torch._foreach_copy_(weights, kept)
        self.inner.step()
        return loss


def sam(
    params: Any,
    lr: float = 0.05,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
    nesterov: bool = False,
    rho: float = 0.05,
    adaptive: bool = False,
) -> SAM:
    """Return `SAM` around ``torch.optim.SGD``, as in its paper; ``wrapper=sam`` puts it around any optimizer."""
    sgd = torch.optim.SGD(params, lr, momentum, weight_decay=weight_decay, nesterov=nesterov)
    return SAM(sgd, rho, adaptive)
