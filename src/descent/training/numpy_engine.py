"""The NumPy engine: the same run with hand-written gradients and updates, from the same weights, in the same order."""

import json
import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from descent.batching import Batches, Timeline, parts
from descent.from_scratch.clipping import clipped
from descent.from_scratch.objectives import Objective
from descent.from_scratch.objectives.base import flat, views
from descent.from_scratch.optimizers import ASGD, Optimizer
from descent.problems.base import Problem
from descent.records.curve import Row
from descent.training.engine import Position, Schedule, Steps
from descent.training.recorder import Recorder

Rows = tuple[np.ndarray, np.ndarray]


class NumpyEngine(Steps[np.ndarray]):
    """Train with `descent.from_scratch` on the CPU; PyTorch only measures the records.

    All parameters lie in one flat array ``[P]``, which the optimizer steps on at once. The parameters of the problem are
    made views of it, so a record measures the weights that NumPy has computed.

    Args:
        problem: gives the data and the initial weights.
        objective: its loss, with a gradient by hand.
        optimizer: steps on the flat array; its lr is the schedule's peak.
        schedule: (step, horizon, history) -> factor of the learning rate.
        batches: the run's batches.
        timeline: where the blocks and records lie.
        recorder: notified of each block.
        threads: that NumPy's matrix products may use.
        clip_norm: the largest norm of a step's gradient; see `clipped`. None: no limit.
        layers: also describe the last step by layer.
    """

    def __init__(
        self,
        problem: Problem,
        objective: Objective,
        optimizer: Optimizer,
        schedule: Schedule,
        batches: Batches,
        timeline: Timeline,
        recorder: Recorder,
        threads: int,
        clip_norm: float | None = None,
        layers: bool = False,
    ) -> None:
        super().__init__(problem, schedule, timeline.horizon, layers)
        self.data: Rows = tuple(part.numpy() for part in problem.data("train"))  # type: ignore[assignment]
        self.flat, self.params = _share(problem)
        self.objective = objective
        self.constants = objective.constants(self.params)
        self.scratch = np.empty(objective.room(self.params, min(batches.size, batches.micro_size)), self.flat.dtype)
        self.optimizer = optimizer
        self.peak = optimizer.lr
        self.batches = batches
        self.timeline = timeline
        self.recorder = recorder
        self.threads = threads
        self.clip_norm = clip_norm
        self.last_gradient: np.ndarray | None = None
        self.measures = _measures(problem, objective)
        self.scale_lr(*self.factors(0, 1))

    def fit(self) -> None:
        with libraries().limit(limits=self.threads), np.errstate(all="ignore"):  # a run may diverge
            try:
                self.recorder.begin(self)
                for index in range(self.timeline.block_at(self.position.step), self.timeline.blocks):
                    self._block(*self.timeline.block(index))
                    if self.recorder.block_ended(self):
                        break
            finally:
                self.recorder.close()

    def _block(self, first: int, last: int) -> None:
        """Take the steps ``[first, last)``: the gradient, then the update."""
        steps = self.batches.steps(first, last, self.data, np.ndarray.__getitem__, parts)
        for inputs, targets in self.paced(first, last, steps):
            self.last_gradient = gradient = self._gradient(inputs, targets)
            self.optimizer.step(self.flat, clipped(gradient, self.clip_norm) if self.clip_norm else gradient)
            self.position.gradient_evaluations += len(inputs)

    def _gradient(self, inputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return the gradient of the mean loss ``[P]``, accumulated over micro-batches where the batch is large."""
        gradient = np.empty_like(self.flat)
        size, micro = len(inputs), self.batches.micro_size
        if size <= micro:
            self._put_gradient(inputs, targets, gradient)
            return gradient
        total = np.zeros_like(self.flat)
        for start in range(0, size, micro):
            part = slice(start, min(start + micro, size))
            self._put_gradient(inputs[part], targets[part], gradient)
            total += (part.stop - part.start) / size * gradient
        return total

    def _put_gradient(self, inputs: np.ndarray, targets: np.ndarray, out: np.ndarray) -> None:
        objective = self.objective
        objective.flat_gradient(self.flat, inputs, targets, out, self.scratch, self.constants, objective.functions)

    def measure(self, split: str, chunk: int, examples: int | None = None) -> Row:
        """Measure by hand where that is the same: torch takes five times as long for a small problem, and on a large one its
        threads and those of the steps' matrix products wait for each other.
        """
        if not self.measures:
            return self.problem.numbers(split, chunk, examples)
        inputs, targets = (part.numpy()[:examples] for part in self.problem.data(split))
        totals: Row = {}
        for rows in zip(parts(inputs, chunk), parts(targets, chunk), strict=True):
            for name, value in self.objective.measure(self.params, *rows).items():
                totals[name] = totals.get(name, 0.0) + value * (len(rows[0]) / len(inputs))
        if split == "train" and self.problem.optimum is not None:
            totals["gap"] = totals["loss"] - self.problem.optimum
        return {f"{split}/{name}": value for name, value in totals.items()}

    def wait(self) -> None:
        """NumPy has computed what it returns."""

    def scale_lr(self, factor: float) -> None:
        self.optimizer.lr = self.peak * factor

    def lr(self) -> float:
        return self.optimizer.lr

    def keep(self) -> None:
        self.before = [array.copy() for array in self.params]

    def weights(self) -> list[np.ndarray]:
        return self.params

    def gradient(self) -> list[np.ndarray]:
        return [] if self.last_gradient is None else views(self.last_gradient, self.params)

    def norm(self, arrays: list[np.ndarray]) -> float:
        if not arrays:
            return math.nan
        return float(np.linalg.norm(flat(arrays).astype(np.float64)))

    def average(self) -> list[torch.Tensor] | None:
        if not isinstance(self.optimizer, ASGD):
            return None
        average = self.optimizer.state[0].average if self.optimizer.steps else self.flat
        return [torch.from_numpy(view) for view in views(average, self.params)]

    def evaluated(self) -> AbstractContextManager[None]:
        return nullcontext()

    def state_bytes(self) -> int:
        values = (value for state in self.optimizer.state for value in vars(state).values())
        return sum(np.asarray(value).nbytes for value in values)

    def save(self, path: Path) -> None:
        position = json.dumps({"position": asdict(self.position), "optimizer": self.optimizer.progress()})
        state = {f"state_{name}": value for state in self.optimizer.state for name, value in vars(state).items()}
        with open(path, "wb") as file:
            np.savez(file, position=position, weights=self.flat, **state)

    def peek(self, path: Path) -> Position:
        with open(path, "rb") as file, np.load(file) as archive:  # np.load leaves a damaged file open
            return Position(**json.loads(str(archive["position"]))["position"])

    def load(self, path: Path) -> None:
        with open(path, "rb") as file, np.load(file) as archive:
            arrays = dict(archive)  # all of it, before anything is changed: damage raises here
        saved = json.loads(str(arrays.pop("position")))
        self.flat[...] = arrays.pop("weights")
        self.position = Position(**saved["position"])
        vars(self.optimizer).update(saved["optimizer"])
        self.optimizer.state = [SimpleNamespace(**{name.removeprefix("state_"): value for name, value in arrays.items()})]


def _measures(problem: Problem, objective: Objective) -> bool:
    """Return whether the objective measures what the problem does: neither is a user's, and both classify, or neither does."""
    ours = all(type(one).__module__.startswith("descent.") for one in (problem, objective))
    return ours and type(problem).measure is Problem.measure and problem.labelled == objective.labelled


def _share(problem: Problem) -> tuple[np.ndarray, list[np.ndarray]]:
    """Lay the parameters of `problem` into one flat array; return it, and views of it in the parameters' shapes."""
    parameters = list(problem.parameters())
    arrays = [p.detach().numpy() for p in parameters]
    weights = flat(arrays).copy()
    shaped = views(weights, arrays)
    for parameter, view in zip(parameters, shaped, strict=True):
        parameter.data = torch.from_numpy(view)
    return weights, shaped


@cache
def libraries() -> ThreadpoolController:
    """Return the controller of the linear algebra libraries' threads; finding them takes 4 ms."""
    return ThreadpoolController()
