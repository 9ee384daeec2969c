"""`minimize`: run an optimizer on a function and keep the trajectory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from numbers import Real

import numpy as np

from descent import schedules
from descent.batching import Batches, parts
from descent.from_scratch.optimizers import Optimizer
from descent.from_scratch.pytree import PyTree, leaves, sequence, transform

Schedule = Callable[[int, int, list[tuple[float, float]]], float]


@dataclass(frozen=True)
class Trajectory:
    """The trajectory of an optimizer.

    Attributes:
        points: the parameters after 0, 1, ..., T steps: the pytree of x0, each array with a first axis of T + 1.
        values: ``[T + 1]``, the function at these points.
        lrs: ``[T]``, the learning rate of each step.
    """

    points: PyTree
    values: np.ndarray
    lrs: np.ndarray


def minimize(
    function: Callable[..., float],
    gradient: Callable[..., PyTree],
    x0: PyTree,
    optimizer: Optimizer,
    steps: int,
    *,
    data: Sequence[np.ndarray] = (),
    batch_size: int | None = None,
    seed: int = 0,
    replacement: bool = False,
    schedule: Schedule = schedules.constant,
) -> Trajectory:
    """Minimise a function from `x0`: in step t, ``w_t = optimizer.step(w_{t-1}, gradient(w_{t-1}))``.

    With `data`, N examples, the function is a mean over examples, called as ``function(w, *data)``, and `batch_size` chooses
    the batch mode: all N in each step is batch gradient descent, one is stochastic, k is mini-batch gradient descent. Each
    epoch visits every example once, in an order that `seed` draws anew for every epoch; or, with `replacement`, every example of
    every step is drawn independently.

    A run that diverges goes on to its end, with infinite or undefined values.

    Args:
        function: of the parameters, and of `data` where there are any; returns a number.
        gradient: of the parameters, and of rows of `data`; returns a pytree like `x0`.
        x0: the start: a number, lists of numbers, an array, or a pytree of arrays. It is not changed.
        optimizer: takes the steps; its lr is the schedule's peak. A fresh one, as it remembers its steps.
        steps: T, >= 0.
        data: arrays of N rows, as in ``(X, y)``.
        batch_size: k, 1 to N; None is N.
        seed: draws the order of the examples.
        replacement: draw them with replacement.
        schedule: one of `descent.schedules`, ``(step, horizon, history) -> factor`` of the learning rate; its further
            arguments by functools.partial. The history holds (epochs, function value), one pair for each step.

    Raises:
        TypeError: parameters that are not floats; an optimizer or data of another kind.
        ValueError: a number of steps or a batch size that cannot be, or an optimizer that has already taken steps.

    Example:
        >>> from descent.from_scratch import Momentum, minimize, quadratic
        >>> f, gradient = quadratic(np.diag([1.0, 0.1]))
        >>> path = minimize(f, gradient, [1.0, 1.0], Momentum(lr=0.5, momentum=0.5), steps=100)
        >>> path.points.shape, bool(path.values[-1] < 1e-4)
        ((101, 2), True)

        Mini-batches of 8 examples, with a learning rate that falls; objectives take a list of parameters:

        >>> from functools import partial
        >>> from descent.from_scratch import SGD, LinearRegression, schedules
        >>> X = np.random.default_rng(0).standard_normal((64, 2))
        >>> y, model = X @ [3.0, -1.0], LinearRegression()
        >>> falling = partial(schedules.cosine, final_factor=0.01)
        >>> sgd = SGD(lr=0.1)
        >>> path = minimize(model.loss, model.gradient, [np.zeros(2)], sgd, 400, data=(X, y), batch_size=8, schedule=falling)
        >>> path.points[0][-1].round(3)
        array([ 3., -1.])
    """
    if not isinstance(steps, int) or steps < 0:
        raise ValueError(f"steps={steps}: must be a whole number >= 0.")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer={optimizer}: must be an optimizer, as in Adam(lr=0.01).")
    if not isinstance(data, (list, tuple)):
        raise TypeError(f"data is a {type(data).__name__}: must be a tuple of arrays, as in data=(X, y).")
    if optimizer.steps:
        raise ValueError(f"optimizer has taken {optimizer.steps} steps: must be a fresh one.")
    if batch_size is not None and not data:
        raise ValueError(f"batch_size={batch_size}: has no effect without data. Pass data=(X, y).")
    if replacement and batch_size is None:
        raise ValueError("replacement=True: has no effect without batch_size. Pass data=(X, y) and batch_size=1.")
    params = _start(x0)
    dict(leaves(params, "x0"))  # refuses what is no array
    batches = _batches([len(array) for array in data], batch_size, seed, replacement) if data else None
    epochs = 1 / batches.steps_per_epoch if batches else 1.0

    peak = optimizer.lr
    points, values, lrs = [transform(np.copy, params)], [float(function(params, *data))], []
    history = [(0.0, values[0])]
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            seen = batches.steps(0, steps, data, np.ndarray.__getitem__, parts) if batches else repeat((), steps)
            for step, examples in enumerate(seen):
                optimizer.lr = peak * float(schedule(step, steps, history))
                optimizer.step(params, gradient(params, *examples))
                points.append(transform(np.copy, params))
                values.append(float(function(params, *data)))
                lrs.append(optimizer.lr)
                history.append(((step + 1) * epochs, values[-1]))
    finally:
        optimizer.lr = peak
    return Trajectory(_stack(points), np.array(values), np.array(lrs))


def _start(x0: PyTree) -> PyTree:
    """Return a copy of x0 whose leaves are arrays; a number or lists of numbers become one array of float64."""
    return np.array(x0, np.float64) if _numbers(x0) else transform(np.array, x0)


def _numbers(x0: PyTree) -> bool:
    if isinstance(x0, (list, tuple)) and not hasattr(x0, "_fields"):
        return len(x0) > 0 and all(_numbers(x) for x in x0)
    return isinstance(x0, Real)


def _batches(lengths: list[int], batch_size: int | None, seed: int, replacement: bool) -> Batches:
    """Return the batches of N examples, k at a time."""
    examples = lengths[0]
    if set(lengths) != {examples}:
        raise ValueError(f"data has arrays of {', '.join(map(str, lengths))} rows: must all have the same.")
    if batch_size is not None and not 1 <= batch_size <= examples:
        raise ValueError(f"batch_size={batch_size}: must be 1 to N, and N is {examples} here.")
    return Batches(examples, batch_size or examples, seed, shuffle=batch_size is not None, replacement=replacement)


def _stack(points: list[PyTree]) -> PyTree:
    """Return the pytree of arrays ``[T + 1, ...]``."""
    first = points[0]
    if isinstance(first, dict):
        return {key: _stack([point[key] for point in points]) for key in first}
    if isinstance(first, (list, tuple)):
        return sequence(first, [_stack([point[i] for point in points]) for i in range(len(first))])
    return np.stack(points)
