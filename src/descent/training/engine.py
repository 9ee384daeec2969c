"""What a run is computed by, and how far it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from torch import Tensor

from descent.records.curve import Row


@dataclass
class Position:
    """How far a run is: what a checkpoint must remember beside weights and optimizer.

    Attributes:
        step: parameter updates done.
        gradient_evaluations: per-example gradients computed.
        seconds: of training; the clock stops while a record is made.
        wall_seconds: in all, since the first step.
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
    hardware: str = "cpu"
    data_checksum: str = ""
    run: str = ""
    rows: int = 0
    curve: str = ""


class Engine(Protocol):
    """What computes a run: the weights of the problem are its to change.

    Attributes:
        history: the (epoch, training loss) of the records so far, which schedules may read.
    """

    history: list[tuple[float, float]]

    @property
    def position(self) -> Position: ...

    def fit(self) -> None:
        """Train from `position` to the end of the budget, and tell the recorder of each block."""

    def wait(self) -> None:
        """Return when what was begun is computed."""

    def last_step(self) -> Row:
        """Describe the last step: its learning rate, and the Euclidean norms of its gradient, its update and the weights.

        The gradient is that before clipping; where that was asked for, ``gradient_norm/1`` and so on are those of each layer's
        weights. Before the first step there is no gradient and no update: nan.
        """

    def average(self) -> list[Tensor] | None:
        """Return the average of the weights that the optimizer keeps, in the order and shapes of the problem's parameters.

        None: it keeps none. Before the first step it is the weights themselves.
        """

    def save(self, path: Path) -> None:
        """Write a checkpoint."""

    def peek(self, path: Path) -> Position:
        """Return the position that a checkpoint holds; damaged bytes raise whatever they will."""

    def load(self, path: Path) -> None:
        """Take up a checkpoint: `fit` goes on from there. Damaged bytes raise before anything is changed."""


class Sink(Protocol):
    """Where records go besides curve.csv."""

    def record(self, row: Row) -> None: ...
    def close(self) -> None: ...
