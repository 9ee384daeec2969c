"""What an optimizer needs beside ``step()``."""

import inspect

import torch


def needs_closure(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether `optimizer.step` cannot do without a closure that evaluates the loss."""
    return inspect.signature(optimizer.step).parameters["closure"].default is inspect.Parameter.empty
