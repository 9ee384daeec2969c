"""Record a run with any engine: the clock, the records, the checkpoints, and when to stop."""

import math
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from descent import stopping
from descent.batching import UNBOUNDED, Batches, Timeline
from descent.outside import replacing
from descent.problems.base import Problem
from descent.records.curve import Curve, Row
from descent.records.judging import diverged_at
from descent.training.engine import Engine, Sink
from descent.training.observer import Observer

CHECKPOINT_EVERY = 2.0  # seconds between two checkpoints, and before the first: a shorter run starts again instead


class Recorder:
    """Measure the full objective at the record points, off the clock.

    Args:
        problem: is measured.
        batches: the run's batches.
        timeline: where the records lie.
        curve: takes the rows; holds those of an earlier start.
        checkpoint: the file of the last checkpoint.
        examples: that a record measures (None: all).
        chunk: examples measured at once.
        sharpness: also record the sharpness.
        loss_scale: see `diverged_at`.
        max_seconds: of training (None: no limit).
        observer: notified of the progress.
        open_sinks: makes further sinks for the rows, given those of an earlier start.

    Attributes:
        diverged_at: the step of the record that showed divergence, or None.
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
        observer: Observer,
        open_sinks: Callable[[list[Row]], list[Sink]],
        devices: int = 1,
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
        self.limit = max_seconds
        self.max_seconds = math.inf if max_seconds is None else max_seconds
        self.observer = observer
        self.open_sinks = open_sinks
        self.devices = devices
        self.sinks: list[Sink] = []
        self.diverged_at: int | None = None
        self._saved = 0.0

    def begin(self, engine: Engine) -> None:
        """Start the clock, after the record of step 0 where the run is new."""
        self.sinks = self.open_sinks(self.curve.rows)
        self._begun = time.perf_counter() - engine.position.wall_seconds
        if not self.curve.rows:
            self._record(engine)
        engine.history[:] = [(row["epoch"], row["train/loss"]) for row in self.curve.rows]
        self.observer.start(self.curve.rows[-1], self._last(), self.limit)
        self._resumed = self._saved = time.perf_counter()

    def _last(self) -> int | None:
        """Return the number of examples that the run will process; None if only its seconds are limited."""
        horizon = self.timeline.horizon
        return self.batches.examples_after(horizon) if horizon < UNBOUNDED else None

    def block_ended(self, engine: Engine) -> bool:
        """Record and checkpoint after a block if due; return whether the run must stop."""
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
        stops = bool(stopping.asked())
        now = time.perf_counter()
        position.wall_seconds, position.ended = now - self._begun, ends
        if ends:
            position.state_bytes = engine.state_bytes()
        last = ends and (self.devices > 1 or self.checkpoint.exists())
        if last or stops or now - self._saved > CHECKPOINT_EVERY:
            self._save(engine)
        examples = self.batches.examples_after(position.step)
        self.observer.update(position.step, examples, position.seconds, self.curve.rows[-1], always=bool(ends))
        self._resumed = time.perf_counter()
        return ends or stops

    def close(self) -> None:
        """Stop the observer and close the sinks."""
        self.observer.stop()
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
        with engine.evaluated():
            for split in self.problem.splits:
                if split != "test":
                    row |= engine.measure(split, self.chunk, self.examples)
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
        """Measure the training loss of the optimizer's weight average, if it keeps one; restore the weights bit for bit."""
        average = engine.average()
        if average is None:
            return {}
        parameters = list(self.problem.parameters())
        weights = [parameter.clone() for parameter in parameters]
        try:
            _put(average, parameters)
            measured = engine.measure("train", self.chunk, self.examples)
        finally:
            _put(weights, parameters)
        return {f"train/average_{name}": measured[f"train/{name}"] for name in ("loss", "gap") if f"train/{name}" in measured}

    def _save(self, engine: Engine) -> None:
        """Replace the last checkpoint, once the curve that it counts on is on disk, whole or not at all.

        Only at a block's edge do the counter and the weights agree.
        """
        self._saved = time.perf_counter()
        engine.position.rows, engine.position.curve = self.curve.settle()
        with replacing(self.checkpoint) as fresh:
            engine.save(fresh)


def _put(values: list[Tensor], parameters: list[nn.Parameter]) -> None:
    for parameter, value in zip(parameters, values, strict=True):
        parameter.copy_(value)
