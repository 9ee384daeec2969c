"""The base class of all hand-written optimizers: stepping over a pytree of arrays, and weight decay."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from descent.errors import InputError
from descent.from_scratch.pytree import PyTree, pairs

State = SimpleNamespace  # what an optimizer remembers of one array: arrays of its shape
Weights = Any  # an array, or one weight of it: what an elementwise function is written for
Numbers = Sequence[Any]


def undecayed(w: Weights, g: Weights, decay: float) -> tuple[Weights, Weights]:
    """Leave the weights to the gradient."""
    return w, g


def l2(w: Weights, g: Weights, decay: float) -> tuple[Weights, Weights]:
    """Add the gradient of ``(decay/2) |w|^2``."""
    return w, g + decay * w


def decoupled(w: Weights, g: Weights, decay: float) -> tuple[Weights, Weights]:
    """Keep a share of every weight, past the gradient."""
    return w * decay, g


def unwritten(w: Weights, g: Weights, state: Any, numbers: Numbers) -> tuple[Weights, Any]:
    """Stand for the update of a class that has none."""
    raise NotImplementedError


def no_matrices(w: np.ndarray, g: np.ndarray, momentum: np.ndarray, numbers: Numbers) -> None:
    """Stand for the update of whole matrices where the rule updates all weights."""


@dataclass
class Optimizer:
    """Update parameters by their gradients.

    An optimizer is its `numbers` at step t, and an elementwise update, its `rule`: the new weight from the old one, its
    gradient, what is remembered of it, and the numbers. The rule is written once: NumPy applies it to whole arrays here, and
    ``engine=compiled`` compiles it into one loop over the weights.

    Weight decay enters before the update, in one of two ways (Loshchilov and Hutter 2019):

        L2:         g <- g + weight_decay w           the gradient of (weight_decay/2) |w|^2; adaptive methods rescale it
        decoupled:  w <- w - lr weight_decay w        past the gradient

    As in torch and Keras, the decoupled decay is multiplied with lr; the paper's is not.

    Args:
        lr: learning rate alpha, >= 0. It may be set anew before each step, as schedules do.
        weight_decay: >= 0.
        decoupled_weight_decay: decoupled instead of L2.

    Attributes:
        rule: ``(w, g, state, numbers) -> w, state`` for arrays as for single weights.
        remembers: the names of what is remembered of each weight that the rule updates.
        matrix_rule: ``(w, g, momentum, numbers)`` updates a matrix and its momentum in place, where the rule does not.
        package: that has the optimizer for PyTorch, under the same name.
        steps: how many steps were taken; t in the equations, which count from 1.
        spared: which weights of the one array that is stepped weight decay leaves alone; None: it leaves none.
        shapes: of the arrays that lie one behind the other in the one that is stepped; None: it is as it stands.
        state: what is remembered of each array, in the order of the pytree.

    Raises:
        InputError: a value out of its range, a ValueError.
    """

    rule: "ClassVar[staticmethod[..., Any]]" = staticmethod(unwritten)  # noqa: RUF009
    remembers: ClassVar[Sequence[str]] = ()
    matrix_rule: "ClassVar[staticmethod[..., None]]" = staticmethod(no_matrices)  # noqa: RUF009
    package: ClassVar[str] = "torch.optim"
    prefix: ClassVar[str] = ""  # of its arguments in messages

    lr: float
    weight_decay: float = field(default=0.0, kw_only=True)
    decoupled_weight_decay: bool = field(default=False, kw_only=True)
    steps: int = field(default=0, init=False)
    spared: np.ndarray | None = field(default=None, init=False, repr=False, compare=False)
    shapes: Sequence[tuple[int, ...]] | None = field(default=None, init=False, repr=False, compare=False)
    state: list[State] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        self.require("lr", 0)
        self.require("weight_decay", 0)

    def step(self, params: PyTree, grads: PyTree) -> PyTree:
        """Update the arrays of `params` in place by one step, and return `params`.

        Args:
            params: float32 or float64 arrays, in any pytree of dicts, lists and tuples.
            grads: their gradients, in a pytree of the same structure.

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
        self._numbers = [n if type(n) is float else _number(n) for n in self.numbers(self.steps, self.lr)]
        for (w, g), state in zip(arrays, self.state, strict=True):
            self.advance(w, g, state, self.spared)
        return params

    def advance(self, w: np.ndarray, g: np.ndarray, state: State, spared: np.ndarray | None) -> None:
        """Update one array in place: decay, then the update."""
        decayed, slope = self.decay(w, g, self.decay_factor(self.lr))
        if spared is not None:
            decayed, slope = np.where(spared, w, decayed), np.where(spared, g, slope)
        w[...] = self.update(decayed, slope, state)

    def spans(self, w: np.ndarray) -> np.ndarray:
        """Return the spans of an array's weights that are updated alike, ``[S, 4]``.

        Columns: the end of the span, whether weight decay spares it, and rows and columns of a matrix for `matrix_rule`; else 0.
        """
        if self.spared is None:
            return np.array([[w.size, 0, 0, 0]])
        ends = np.append(np.flatnonzero(np.diff(self.spared)) + 1, w.size)
        return np.stack([ends, self.spared[ends - 1], 0 * ends, 0 * ends], axis=1)

    def numbers(self, t: Any, lr: Any) -> Numbers:
        """Return the numbers of step t = 1, 2, ...; called once for each step, in order.

        Args:
            t: the step, or consecutive steps ``[n]``.
            lr: the learning rate at each.
        """
        return ()

    def table(self, lrs: np.ndarray) -> np.ndarray:
        """Return the numbers for `decay` and `rule` in the next n steps, ``[n, 1 + K]`` in float64, and count the steps as taken.

        Args:
            lrs: the learning rates of the steps ``[n]``.
        """
        t = np.arange(self.steps + 1, self.steps + 1 + len(lrs))
        self.steps += len(lrs)
        columns = self.decay_factor(lrs), *self.numbers(t, lrs)
        table = np.empty((len(lrs), len(columns)))
        for index, column in enumerate(columns):
            table[:, index] = column
        return table

    def progress(self) -> dict[str, Any]:
        """Return the numbers saved beside `state`: the steps taken, and what the class accumulates over steps."""
        kept = [one.name for one in fields(self) if not one.init and one.name not in ("state", "spared", "shapes")]
        return {name: getattr(self, name) for name in kept}

    @property
    def decay(self) -> Callable[[Weights, Weights, float], tuple[Weights, Weights]]:
        """Return how weight decay enters: `undecayed`, `l2` or `decoupled`."""
        return undecayed if not self.weight_decay else decoupled if self.decoupled_weight_decay else l2

    def decay_factor(self, lr: Any) -> Any:
        """Return the number that `decay` takes."""
        return 1 - lr * self.weight_decay if self.decoupled_weight_decay else self.weight_decay

    @property
    def no_decay(self) -> float:
        """The number with which `decay` changes nothing."""
        return 1.0 if self.decoupled_weight_decay else 0.0

    def start(self, w: np.ndarray) -> State:
        """Return the state of `w` before the first step."""
        return State(**{name: np.zeros_like(w) for name in self.remembers})

    def update(self, w: np.ndarray, g: np.ndarray, s: State) -> np.ndarray:
        """Return the new w, from the old one and its gradient; remember in `s` what the next step needs."""
        memory = vars(s)
        new, state = self.rule(w, g, list(memory.values()), self._numbers)
        memory.update(zip(self.remembers, state, strict=True))
        return new

    def require(self, name: str, low: float, high: float = np.inf, value: float | None = None) -> None:
        """Refuse an argument that is not in ``[low, high)``."""
        value = getattr(self, name) if value is None else value
        if not low <= value < high:
            bounds = f">= {low:g}" + (f" and < {high:g}" if high < np.inf else "")
            raise InputError(f"optimizer.{self.prefix}{name}", value, f"must be {bounds}")

    def choose(self, name: str, *allowed: object) -> None:
        """Refuse an argument that is not one of the `allowed` values."""
        if getattr(self, name) not in allowed:
            raise InputError(f"optimizer.{name}", getattr(self, name), f"must be {' or '.join(map(str, allowed))}")


def _is_plain(params: PyTree, grads: PyTree) -> bool:
    """Return whether both are one array that can be updated in place: quicker for the smallest steps."""
    return (
        type(params) is np.ndarray
        and type(grads) is np.ndarray
        and params.dtype == grads.dtype
        and params.dtype.char in "fd"
        and params.shape == grads.shape
    )


def _number(value: Any) -> float:
    """Return a number of Python's, which takes part in any dtype; of NumPy's, one would make float64 of float32."""
    return value.item() if isinstance(value, (np.ndarray, np.generic)) else value
