"""The capabilities that an optimizer needs beside ``step()``."""

import inspect

import torch


def needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether `optimizer.step` cannot do without a closure that evaluates the loss."""
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    return closure is not None and closure.default is closure.empty
