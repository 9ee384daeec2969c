"""Muon for weight matrices and AdamW for all other weights, as parameter groups of one optimizer."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum for 2-D weights ``W [out, in]``; AdamW for the rest (biases, convolutions, vectors).

    `descent.from_scratch.optimizers.muon` has the equations and the arguments. Both parts are torch's own: ``torch.optim.Muon``,
    whose Newton-Schulz iteration runs in bfloat16, where `descent.from_scratch` keeps the weights' precision, and
    ``torch.optim.AdamW``. A schedule scales both learning rates.

    Args:
        params: tensors to optimize, or groups of them; those with two dimensions go to Muon. A group's weight_decay replaces
            adamw_weight_decay.
        lr, weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps, adjust_lr_fn: of Muon.
        adamw_lr, adamw_betas, adamw_eps, adamw_weight_decay: of AdamW.

    Raises:
        ValueError: a hyperparameter out of range.
    """

    def __init__(
        self,
        params: Iterable[Tensor] | Iterable[dict[str, Any]],
        lr: float = 0.01,
        weight_decay: float = 0.0,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: Sequence[float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = "original",
        adamw_lr: float = 0.003,
        adamw_betas: Sequence[float] = (0.9, 0.999),
        adamw_eps: float = 1e-8,
        adamw_weight_decay: float = 0.0,
    ) -> None:
        every: list[Any] = list(params)
        a, b, c = ns_coefficients
        beta1, beta2 = adamw_betas
        self._parts: list[torch.optim.Optimizer] = []
        groups: list[dict[str, Any]] = every if every and isinstance(every[0], dict) else [{"params": every}]
        for group in groups:
            decay: float = group.get("weight_decay", adamw_weight_decay)
            if matrices := [p for p in group["params"] if p.ndim == 2]:
                self._parts.append(
                    torch.optim.Muon(matrices, lr, weight_decay, momentum, nesterov, (a, b, c), eps, ns_steps, adjust_lr_fn)
                )
            if others := [p for p in group["params"] if p.ndim != 2]:
                self._parts.append(torch.optim.AdamW(others, adamw_lr, (beta1, beta2), adamw_eps, decay, fused=_fusible(others)))
        super().__init__([group for part in self._parts for group in part.param_groups], {})
        self._share()

    @staticmethod
    def without_effect(params: Iterable[Tensor]) -> str:
        """Return which argument has no effect on parameters; empty where all have one."""
        if any(p.ndim == 2 for p in params):
            return ""
        return "it has no 2-D weights for Muon: AdamW updates all of them, and optimizer.lr has no effect"

    def _share(self) -> None:
        """Let the parts work on this optimizer's own groups and state, so that its state_dict is the whole truth."""
        for part, group in zip(self._parts, self.param_groups, strict=True):
            part.param_groups = [group]
            part.state = self.state

    def __setstate__(self, state: dict[str, Any]) -> None:  # load_state_dict ends here
        super().__setstate__(state)
        self._share()

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss


def _fusible(tensors: list[Tensor]) -> bool:
    return all(tensor.is_floating_point() and tensor.device.type in ("cpu", "cuda") for tensor in tensors)
