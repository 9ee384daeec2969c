"""The capabilities that an optimizer needs beside ``step()``: stated by its class or by its yaml, never known by its name."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether `optimizer.step` needs a closure that evaluates loss and gradient.

    An attribute ``needs_closure`` states it; without one, a ``closure`` in its signature that has no default.
    """
    stated: bool | None = getattr(optimizer, "needs_closure", None)
    if stated is not None:
        return stated
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    return closure is not None and closure.default is closure.empty


def needs_graph(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether it differentiates the gradient once more, as an attribute ``needs_graph`` states."""
    return bool(getattr(optimizer, "needs_graph", False))


def evaluates_other_weights(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether it keeps weights to evaluate beside those to train: it has ``eval()`` and ``train()``."""
    return callable(getattr(optimizer, "eval", None)) and callable(getattr(optimizer, "train", None))


@contextmanager
def evaluated(optimizer: torch.optim.Optimizer, weights: list[Tensor]) -> Iterator[None]:
    """Hold the weights to evaluate in `weights` within; those to train are put back bit for bit, as its ``train()`` rounds."""
    if not evaluates_other_weights(optimizer):
        yield
        return
    kept = [weight.detach().clone() for weight in weights]
    optimizer.eval()  # type: ignore[attr-defined]
    try:
        yield
    finally:
        optimizer.train()  # type: ignore[attr-defined]
        with torch.no_grad():
            for weight, value in zip(weights, kept, strict=True):
                weight.copy_(value)


def state_bytes(optimizer: torch.optim.Optimizer) -> int:
    """Return the size of the tensors that an optimizer keeps from step to step, in bytes."""
    return _bytes(optimizer.state_dict())


def _bytes(value: object) -> int:
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(map(_bytes, value.values()))
    return sum(map(_bytes, value)) if isinstance(value, (list, tuple)) else 0
