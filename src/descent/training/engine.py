"""Engines, which compute a run; their steps, and the training progress."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from torch import Tensor

from descent.problems.base import Problem
from descent.records.curve import Row
from descent.schedules import factors

Schedule = Callable[[int, int, list[tuple[float, float]]], float]
Array = TypeVar("Array", bound=Any)  # np.ndarray or torch.Tensor
Batch = TypeVar("Batch")


@dataclass
class Position:
    """Training progress, saved in checkpoints beside weights and optimizer.

    Attributes:
        step: parameter updates done.
        gradient_evaluations: per-example gradients computed.
        seconds: of training; the clock stops while a record is made.
        wall_seconds: in all, since the first step.
        state_bytes: size of the optimizer's state, at the end.
        ended: the budget is used up, or the run diverged.
        hardware: what computed the last steps.
        data_checksum: of the training data that the steps saw.
        run: the key of the run that this is a position of.
        rows, curve: how many records there were, and the SHA-256 of the curve that ends with them.
    """

    step: int = 0
    gradient_evaluations: int = 0
    seconds: float = 0.0
    wall_seconds: float = 0.0
    ended: bool = False
    state_bytes: int = 0
    hardware: str = "cpu"
    data_checksum: str = ""
    run: str = ""
    rows: int = 0
    curve: str = ""


class Steps(ABC, Generic[Array]):
    """Take steps: apply the schedule to each, and describe the last one of a block, which a record may follow.

    Args:
        problem: its parameters are changed by the steps.
        schedule: (step, horizon, history) -> factor of the learning rate.
        horizon: steps of the whole run.
        layers: also describe the last step by layer.

    Attributes:
        position: the progress of the run.
        history: the (epoch, training loss) of the records so far, which schedules may read.
        layers: indices of the parameters that are matrices or kernels, if they are described.
        before: the weights before the last step, an array a parameter; empty before the first step.
    """

    def __init__(self, problem: Problem, schedule: Schedule, horizon: int, layers: bool) -> None:
        self.problem = problem
        self.schedule = schedule
        self.horizon = horizon
        self.layers = [i for i, p in enumerate(problem.parameters()) if p.ndim >= 2] if layers else []
        self.position = Position()
        self.history: list[tuple[float, float]] = []
        self.before: list[Array] = []

    def factors(self, first: int, last: int) -> list[float]:
        """Return the schedule's factors of the learning rate at steps ``[first, last)``; no record lies between them."""
        return factors(self.schedule, first, last, self.horizon, self.history)

    def paced(self, first: int, last: int, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yield the batch of each step in ``[first, last)`` once its learning rate is set; keep the weights before the last."""
        for step, (factor, batch) in enumerate(zip(self.factors(first, last), batches, strict=True), start=first):
            self.scale_lr(factor)
            if step == last - 1:
                self.keep()
            yield batch
        self.position.step = last

    def last_step(self) -> Row:
        """Describe the last step: its learning rate, and the Euclidean norms of its gradient, its update and the weights.

        The gradient is that before clipping; where that was asked for, ``gradient_norm/1`` and so on are those of each layer's
        weights. Before the first step there is no gradient and no update: nan.
        """
        weights, gradient = self.weights(), self.gradient()
        return {
            "lr": self.lr(),
            "gradient_norm": self.norm(gradient),
            "update_norm": self.norm([now - then for now, then in zip(weights, self.before, strict=bool(self.before))]),
            "weight_norm": self.norm(weights),
            **{f"gradient_norm/{layer}": self.norm(gradient[i : i + 1]) for layer, i in enumerate(self.layers, start=1)},
        }

    def measure(self, split: str, chunk: int, examples: int | None = None) -> Row:
        """Measure the full objective; see `Problem.numbers`."""
        return self.problem.numbers(split, chunk, examples)

    @abstractmethod
    def scale_lr(self, factor: float) -> None:
        """Set the learning rate to `factor` times its peak."""

    @abstractmethod
    def lr(self) -> float:
        """Return the learning rate."""

    @abstractmethod
    def keep(self) -> None:
        """Set `before` to a copy of the weights."""

    @abstractmethod
    def weights(self) -> list[Array]:
        """Return the weights, an array a parameter."""

    @abstractmethod
    def gradient(self) -> list[Array]:
        """Return the last step's gradient before clipping, an array a parameter; empty before the first step."""

    @abstractmethod
    def norm(self, arrays: list[Array]) -> float:
        """Return the Euclidean norm over all entries, summed in float64; nan where there are no arrays."""

    @abstractmethod
    def average(self) -> list[Tensor] | None:
        """Return the average of the weights that the optimizer keeps, in the order and shapes of the problem's parameters.

        None: it keeps none. Before the first step it is the weights themselves.
        """


class Engine(Protocol):
    """Compute a run by changing the weights of its problem; `Steps` describes the steps."""

    @property
    def position(self) -> Position: ...
    @property
    def history(self) -> list[tuple[float, float]]: ...
    def last_step(self) -> Row: ...
    def average(self) -> list[Tensor] | None: ...
    def measure(self, split: str, chunk: int, examples: int | None = None) -> Row: ...

    def evaluated(self) -> AbstractContextManager[None]:
        """Hold the weights to evaluate in the problem within, where they are not those to train."""

    def state_bytes(self) -> int:
        """Return the size of what the optimizer keeps from step to step."""

    def fit(self) -> None:
        """Train from `position` to the end of the budget, and notify the recorder of each block."""

    def wait(self) -> None:
        """Wait until all computations have finished."""

    def save(self, path: Path) -> None:
        """Write a checkpoint."""

    def peek(self, path: Path) -> Position:
        """Return the position that a checkpoint holds; damaged bytes raise any exception."""

    def load(self, path: Path) -> None:
        """Load a checkpoint, from which `fit` continues. Damaged bytes raise before anything is changed."""


class Sink(Protocol):
    """Receive records, besides curve.csv."""

    def record(self, row: Row) -> None: ...
    def close(self) -> None: ...
