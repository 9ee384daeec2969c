"""Muon for weight matrices and AdamW for all other weights, as parameter groups of one optimizer."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor


class Muon(torch.optim.Optimizer):
    """Orthogonalised momentum for 2-D weights ``W [out, in]``; AdamW for the rest (biases, convolutions, vectors).

    At step t, with gradient G_t::

        B_t = momentum B_{t-1} + (1 - momentum) G_t
        U_t = (1 - momentum) G_t + momentum B_t   (nesterov; else U_t = B_t)
        O_t = NewtonSchulz(U_t), about U V^T of the singular value decomposition U_t = U S V^T
        W_t = (1 - lr weight_decay) W_{t-1} - lr adjust O_t

    with adjust = sqrt(max(1, out/in)) for ``adjust_lr_fn="original"``. Both parts are torch's own: ``torch.optim.Muon``, whose
    Newton-Schulz iteration runs in bfloat16, and ``torch.optim.AdamW``. A schedule scales both learning rates.

    Args:
        params: tensors to optimize; those with two dimensions go to Muon.
        lr, weight_decay, momentum, nesterov, ns_coefficients, eps, ns_steps, adjust_lr_fn: of Muon.
        adamw_lr, adamw_betas, adamw_eps, adamw_weight_decay: of AdamW.

    Raises:
        ValueError: a hyperparameter out of range.

    Fails: its steps do not shrink with the gradient: at a constant lr it does not settle. Only matrices are made orthogonal: on
    problems that have none, such as functions of two variables, it is AdamW.

    Source: K. Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks. There the first and last layers
    are left to AdamW; here every matrix is Muon's.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
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
        tensors = list(params)
        matrices = [p for p in tensors if p.ndim == 2]
        others = [p for p in tensors if p.ndim != 2]
        a, b, c = ns_coefficients
        self._parts: list[torch.optim.Optimizer] = []
        if matrices:
            self._parts.append(
                torch.optim.Muon(matrices, lr, weight_decay, momentum, nesterov, (a, b, c), eps, ns_steps, adjust_lr_fn)
            )
        if others:
            beta1, beta2 = adamw_betas
            self._parts.append(
                torch.optim.AdamW(others, adamw_lr, (beta1, beta2), adamw_eps, adamw_weight_decay, fused=_fusible(others))
            )
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
