"""The compiled engine: the run of the NumPy engine, from the same lines, with a block of steps as one compiled call."""

from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np

from descent.from_scratch.objectives.base import views
from descent.training import compilation
from descent.training.numpy_engine import NumpyEngine, libraries

libraries.cache_clear()  # compiled code has matrix products of its own, in a library that is loaded only now


class CompiledEngine(NumpyEngine):
    """Train with compiled `descent.from_scratch`; its arguments are those of `NumpyEngine`."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        with self.recorder.observer.loading("the compiled steps; new ones take some seconds"):
            if not self.optimizer.state:
                self.optimizer.state = [self.optimizer.start(self.flat)]
            self._spans = self.optimizer.spans(self.flat)
            self._work = [np.empty_like(self.flat) for _ in range(3)]
            self._before = views(self._work[2], self.params)  # once, as a block of a small network takes a millisecond
            table = copy(self.optimizer).table(np.array([self.optimizer.lr]))
            self._run = compilation.block(self.objective, self.optimizer, table.shape[1])
            compilation.compile_for(self._run, self._arguments(table, *self._rows(0, 1)))
            if self.objective.propagate and self.measures and self.threads > 1:
                self.objective.propagate = self._propagation(self.objective.propagate)

    def _propagation(self, plain: Callable[..., None]) -> Callable[..., None]:
        """Return `Objective.propagate`, compiled: in records, threads of NumPy's own matrix products wait for the steps'."""
        constants = tuple(_constant(constant, self.flat.dtype) for constant in self.constants)
        run = compilation.propagation(plain, self.objective.functions[0])
        compilation.compile_for(run, (self.flat, self.data[0], self.scratch, constants))
        return lambda w, inputs, scratch, *_: run(w, inputs, scratch, constants)

    def _block(self, first: int, last: int) -> None:
        lrs = self.peak * np.array(self.factors(first, last))
        rows, edges = self._rows(first, last)
        self._run(*self._arguments(self.optimizer.table(lrs), rows, edges))
        self.optimizer.lr = float(lrs[-1])
        self.last_gradient, self.before = self._work[0], self._before
        self.position.gradient_evaluations += len(rows) or (last - first) * self.batches.examples
        self.position.step = last

    def _rows(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """Return `Batches.block`, without rows where each step sees the data as they are."""
        if self.batches.whole:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        return self.batches.block(first, last)

    def _arguments(self, table: np.ndarray, rows: np.ndarray, edges: np.ndarray) -> tuple[Any, ...]:
        """Return the arguments of `compilation`'s block."""
        dtype = self.flat.dtype
        remembered = self.optimizer.state[0]
        states = tuple(getattr(remembered, name) for name in self.optimizer.remembers)
        momentum = getattr(remembered, "momentum", self.flat[:0])  # of matrices that are updated as a whole
        size, micro = min(self.batches.size, self.batches.micro_size) if len(rows) else 0, self.batches.micro_size
        gathered = (np.empty((size, *part.shape[1:]), part.dtype) for part in self.data)
        constants = tuple(_constant(constant, dtype) for constant in self.constants)
        sees = (*self.data, rows, edges, micro, *gathered)
        alike = self._spans, dtype.type(self.optimizer.no_decay)
        step = states, momentum, table.astype(dtype), float(self.clip_norm or 0)
        return self.flat, *self._work, *step, *sees, self.scratch, constants, alike


def _constant(value: Any, dtype: np.dtype) -> Any:
    """Return a number in the weights' precision, whole numbers as an array, so that networks of any depth share their code."""
    return np.array(value, np.int64) if isinstance(value, tuple) else dtype.type(value) if isinstance(value, float) else value
