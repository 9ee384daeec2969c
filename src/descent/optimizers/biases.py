"""Weight decay that spares the biases: the parameters of one dimension."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from torch import nn


def spared(parameters: Iterable[nn.Parameter]) -> list[dict[str, Any]]:
    """Return parameter groups for a torch optimizer: matrices and kernels, and those that it is not to decay."""
    every = list(parameters)
    groups = {"params": [p for p in every if p.ndim >= 2]}, {"params": [p for p in every if p.ndim < 2], "weight_decay": 0.0}
    return [group for group in groups if group["params"]]


def mask(parameters: Iterable[nn.Parameter]) -> np.ndarray:
    """Return which weights ``[P]`` of one flat array of all parameters are biases."""
    return np.concatenate([np.full(p.numel(), p.ndim < 2) for p in parameters])
