"""The Lightning callback that records a run: the clock, the records, the checkpoints, and when to stop."""

import math
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Protocol

import lightning.pytorch as pl
import torch

from descent.batching import Batches, Timeline
from descent.display import Display
from descent.module import DescentModule
from descent.problems.base import Problem
from descent.records.curve import Curve, Row
from descent.records.verdict import diverged_at

CHECKPOINT_EVERY = 2.0  # seconds between two checkpoints


class Sink(Protocol):
    """Where records go besides curve.csv."""

    def record(self, row: Row) -> None: ...
    def close(self) -> None: ...


class Recording(pl.Callback):
    """Measures the full objective at the record points, off the clock.

    Args:
        problem: what is measured.
        batches: the run's batches.
        timeline: where the records lie.
        curve: takes the rows; holds those of an earlier start.
        checkpoint: the file of the last checkpoint.
        examples: that a record measures (None: all).
        chunk: examples measured at once.
        loss_scale: see `diverged_at`.
        max_seconds: of training (None: no limit).
        display: shows a person how far the run is.

    Attributes:
        sinks: take the rows too.
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
        loss_scale: float,
        max_seconds: float | None,
        display: Display,
    ) -> None:
        self.problem = problem
        self.batches = batches
        self.timeline = timeline
        self.curve = curve
        self.sinks: list[Sink] = []
        self.checkpoint = checkpoint
        self.examples = examples
        self.chunk = chunk
        self.loss_scale = loss_scale
        self.max_seconds = math.inf if max_seconds is None else max_seconds
        self.display = display
        self.diverged_at: int | None = None
        self.interrupted = False
        self._saved = -math.inf
        self._handler: Callable[[int, FrameType | None], Any] | int | None = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        module = _descent(pl_module)
        self._begun = time.perf_counter() - module.position.wall_seconds
        if not self.curve.rows:
            self._record(module)
            self._save(trainer, module)
        module.history[:] = [(row["epoch"], row["train/loss"]) for row in self.curve.rows]
        self._listen()
        self.display.start(self.curve.rows[-1])
        self._resumed = time.perf_counter()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        module = _descent(pl_module)
        position = module.position
        record = self.timeline.is_record(position.step)
        if record and module.device.type == "cuda":
            torch.cuda.synchronize()
        position.seconds += time.perf_counter() - self._resumed
        out_of_time = position.seconds >= self.max_seconds
        if record or out_of_time:
            self._record(module)
            self.diverged_at = diverged_at(self.curve.rows, self.problem.optimum, self.loss_scale)
        ends = out_of_time or self.diverged_at is not None or position.step == self.timeline.horizon
        if ends or self.interrupted or time.perf_counter() - self._saved > CHECKPOINT_EVERY:
            self._save(trainer, module, ended=ends)
        trainer.should_stop = trainer.should_stop or ends or self.interrupted
        examples = self.batches.examples_after(position.step)
        self.display.update(position.step, examples, position.seconds, self.curve.rows[-1], always=bool(ends))
        self._resumed = time.perf_counter()

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.close()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.close()

    def close(self) -> None:
        """Give back the terminal, Ctrl-C and the files."""
        self.display.stop()
        if self._handler is not None:
            signal.signal(signal.SIGINT, self._handler)
        for sink in self.sinks:
            sink.close()

    def _record(self, module: DescentModule) -> None:
        position = module.position
        examples = self.batches.examples_after(position.step)
        row: Row = {
            "step": position.step,
            "examples": examples,
            "gradient_evaluations": position.gradient_evaluations,
            "epoch": examples / self.batches.examples_per_epoch,
            "seconds": position.seconds,
        }
        last = module.last_step()
        row["lr"] = last.pop("lr")
        for split in self.problem.splits:
            if split != "test":
                row |= self.problem.measure(split, self.chunk, self.examples)
        row |= last | self.problem.position()
        self.curve.append(row)
        module.history.append((row["epoch"], row["train/loss"]))
        for sink in self.sinks:
            sink.record(row)

    def _save(self, trainer: pl.Trainer, module: DescentModule, ended: bool = False) -> None:
        """Replace the last checkpoint, whole or not at all. Only at a block's edge do the counter and the weights agree."""
        self._saved = time.perf_counter()
        module.position.wall_seconds = self._saved - self._begun
        module.position.ended = ended
        fresh = self.checkpoint.with_suffix(".tmp")
        trainer.save_checkpoint(fresh)
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


def _descent(module: pl.LightningModule) -> DescentModule:
    assert isinstance(module, DescentModule)
    return module
