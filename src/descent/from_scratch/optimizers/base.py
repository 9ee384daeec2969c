"""What all hand-written optimizers share: stepping over a nest of arrays, and weight decay."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from descent.errors import InputError
from descent.from_scratch.nest import Nest, pairs

State = SimpleNamespace  # what an optimizer remembers of one array: arrays of its shape, and numbers


@dataclass
class Optimizer:
    """Update parameters by their gradients: a subclass says how, one array at a time.

    Weight decay enters before the update, in one of two ways (Loshchilov and Hutter 2019):

        L2:         g <- g + weight_decay w           the gradient of (weight_decay/2) |w|^2; adaptive methods rescale it
        decoupled:  w <- w - lr weight_decay w        past the gradient

    As in torch and Keras, the decoupled decay is multiplied with lr; the paper's is not.

    Args:
        lr: learning rate alpha, >= 0. It may be set anew before each step, as schedules do.
        weight_decay: >= 0.
        decoupled_weight_decay: decoupled instead of L2.

    Attributes:
        steps: how many steps were taken; t in the equations, which count from 1.
        state: what is remembered of each array, in the order of the nest.

    Raises:
        InputError: a value out of its range, a ValueError.
    """

    lr: float
    weight_decay: float = field(default=0.0, kw_only=True)
    decoupled_weight_decay: bool = field(default=False, kw_only=True)
    steps: int = field(default=0, init=False)
    state: list[State] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        self.require("lr", 0)
        self.require("weight_decay", 0)

    def step(self, params: Nest, grads: Nest) -> Nest:
        """Update the arrays of `params` in place by one step, and return `params`.

        Args:
            params: float32 or float64 arrays, in any nest of dicts, lists and tuples.
            grads: their gradients, in a nest of the same structure.

        Raises:
            TypeError: a parameter that is not such an array.
            ValueError: gradients of another structure, or another number of arrays than at the first step.
        """
        arrays = [(params, grads)] if _is_plain(params, grads) else list(pairs(params, grads))
        if self.steps == 0:
            self.state = [self.start(w) for w, _ in arrays]
        if len(arrays) != len(self.state):
            raise ValueError(
                f"params has {len(arrays)} arrays, and had {len(self.state)} at the first step: make a new optimizer."
            )
        self.steps += 1
        for (w, g), state in zip(arrays, self.state, strict=True):
            decayed = w
            if self.weight_decay and self.decoupled_weight_decay:
                decayed = w * (1 - self.lr * self.weight_decay)
            elif self.weight_decay:
                g = g + self.weight_decay * w
            w[...] = self.update(decayed, g, state)
        return params

    def start(self, w: np.ndarray) -> State:
        """Return what is remembered of `w` before the first step."""
        return State()

    def update(self, w: np.ndarray, g: np.ndarray, s: State) -> np.ndarray:
        """Return the new w, from the old one and its gradient; remember in `s` what the next step needs."""
        raise NotImplementedError

    def require(self, name: str, low: float, high: float = np.inf, value: float | None = None) -> None:
        """Refuse an argument that is not in ``[low, high)``."""
        value = getattr(self, name) if value is None else value
        if not low <= value < high:
            bounds = f">= {low:g}" + (f" and < {high:g}" if high < np.inf else "")
            raise InputError(f"optimizer.{name}", value, f"must be {bounds}")

    def choose(self, name: str, *allowed: object) -> None:
        """Refuse an argument that is not one of the `allowed` values."""
        if getattr(self, name) not in allowed:
            raise InputError(f"optimizer.{name}", getattr(self, name), f"must be {' or '.join(map(str, allowed))}")


def _is_plain(params: Nest, grads: Nest) -> bool:
    """Say whether both are one array that can be updated: the short way, for the smallest steps."""
    return (
        type(params) is np.ndarray
        and type(grads) is np.ndarray
        and params.dtype == grads.dtype
        and params.dtype.char in "fd"
        and params.shape == grads.shape
    )
