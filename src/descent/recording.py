"""Records a run, whatever computes it: the clock, the records, the checkpoints, and when to stop."""

import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from descent.batching import Batches, Timeline
from descent.display import Display
from descent.problems.base import Problem
from descent.records.curve import Curve, Row
from descent.records.verdict import diverged_at

CHECKPOINT_EVERY = 2.0  # seconds between two checkpoints


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
    """

    step: int = 0
    gradient_evaluations: int = 0
    seconds: float = 0.0
    wall_seconds: float = 0.0
    ended: bool = False
    hardware: str = "cpu"
    data_checksum: str = ""


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


class Recorder:
    """Measures the full objective at the record points, off the clock.

    Args:
        problem: what is measured.
        batches: the run's batches.
        timeline: where the records lie.
        curve: takes the rows; holds those of an earlier start.
        checkpoint: the file of the last checkpoint.
        examples: that a record measures (None: all).
        chunk: examples measured at once.
        sharpness: whether records hold the sharpness too.
        loss_scale: see `diverged_at`.
        max_seconds: of training (None: no limit).
        display: shows a person how far the run is.
        open_sinks: makes what takes the rows too, from those of an earlier start.

    Attributes:
        diverged_at: the step of the record that showed divergence, or None.
        interrupted: whether Ctrl-C ended the run at a block edge.
    """

    def __init__(
        self,
        problem: Problem,
        batches: Batches,
        timeline: Timeline,
        curve: Curve,
        checkpoint: Path,
        *,
        examples: int | None,
        chunk: int,
        sharpness: bool,
        loss_scale: float,
        max_seconds: float | None,
        display: Display,
        open_sinks: Callable[[list[Row]], list[Sink]],
    ) -> None:
        self.problem = problem
        self.batches = batches
        self.timeline = timeline
        self.curve = curve
        self.checkpoint = checkpoint
        self.examples = examples
        self.chunk = chunk
        self.sharpness = sharpness
        self.loss_scale = loss_scale
        self.max_seconds = math.inf if max_seconds is None else max_seconds
        self.display = display
        self.open_sinks = open_sinks
        self.sinks: list[Sink] = []
        self.diverged_at: int | None = None
        self.interrupted = False
        self._saved = -math.inf
        self._handler: Callable[[int, FrameType | None], Any] | int | None = None

    def begin(self, engine: Engine) -> None:
        """Start the clock, after the record of step 0 where the run is new."""
        self.sinks = self.open_sinks(self.curve.rows)
        self._begun = time.perf_counter() - engine.position.wall_seconds
        if not self.curve.rows:
            self._record(engine)
            self._save(engine)
        engine.history[:] = [(row["epoch"], row["train/loss"]) for row in self.curve.rows]
        self._listen()
        self.display.start(self.curve.rows[-1])
        self._resumed = time.perf_counter()

    def block_ended(self, engine: Engine) -> bool:
        """Record and save what is due after a block; say whether the run must stop."""
        position = engine.position
        record = self.timeline.is_record(position.step)
        if record:
            engine.wait()
        position.seconds += time.perf_counter() - self._resumed
        out_of_time = position.seconds >= self.max_seconds
        if record or out_of_time:
            self._record(engine)
            self.diverged_at = diverged_at(self.curve.rows, self.problem.optimum, self.loss_scale)
        ends = out_of_time or self.diverged_at is not None or position.step == self.timeline.horizon
        if ends or self.interrupted or time.perf_counter() - self._saved > CHECKPOINT_EVERY:
            self._save(engine, ended=ends)
        examples = self.batches.examples_after(position.step)
        self.display.update(position.step, examples, position.seconds, self.curve.rows[-1], always=bool(ends))
        self._resumed = time.perf_counter()
        return ends or self.interrupted

    def close(self) -> None:
        """Give back the terminal, Ctrl-C and the files."""
        self.display.stop()
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        for sink in self.sinks:
            sink.close()

    def _record(self, engine: Engine) -> None:
        position = engine.position
        examples = self.batches.examples_after(position.step)
        row: Row = {
            "step": position.step,
            "examples": examples,
            "gradient_evaluations": position.gradient_evaluations,
            "epoch": examples / self.batches.examples_per_epoch,
            "seconds": position.seconds,
        }
        last = engine.last_step()
        row["lr"] = last.pop("lr")
        for split in self.problem.splits:
            if split != "test":
                row |= self.problem.measure(split, self.chunk, self.examples)
        row |= self._average(engine)
        row |= last | self.problem.position()
        if self.sharpness:
            row["sharpness"] = self.problem.sharpness(self.chunk, self.examples)
        self.curve.append(row)
        engine.history.append((row["epoch"], row["train/loss"]))
        for sink in self.sinks:
            sink.record(row)

    @torch.no_grad()
    def _average(self, engine: Engine) -> Row:
        """Measure the training loss of the average of the weights, where there is one; the weights are put back, bit for bit."""
        average = engine.average()
        if average is None:
            return {}
        parameters = list(self.problem.parameters())
        weights = [parameter.clone() for parameter in parameters]
        try:
            _put(average, parameters)
            measured = self.problem.measure("train", self.chunk, self.examples)
        finally:
            _put(weights, parameters)
        return {f"train/average_{name}": measured[f"train/{name}"] for name in ("loss", "gap") if f"train/{name}" in measured}

    def _save(self, engine: Engine, ended: bool = False) -> None:
        """Replace the last checkpoint, whole or not at all. Only at a block's edge do the counter and the weights agree."""
        self._saved = time.perf_counter()
        engine.position.wall_seconds = self._saved - self._begun
        engine.position.ended = ended
        fresh = self.checkpoint.with_suffix(".tmp")
        engine.save(fresh)
        os.replace(fresh, self.checkpoint)

    def _listen(self) -> None:
        """Let Ctrl-C end the run after the current block; a second one ends it at once."""

        def stop(number: int, frame: FrameType | None) -> None:
            self.interrupted = True
            signal.signal(signal.SIGINT, self._handler or signal.default_int_handler)

        try:
            self._handler = signal.signal(signal.SIGINT, stop)
        except ValueError:  # not the main thread, where no Ctrl-C arrives
            self._handler = None


def _put(values: list[Tensor], parameters: list[nn.Parameter]) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)
