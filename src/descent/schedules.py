"""Learning-rate schedules: pure functions (step, horizon, history) -> factor, for every engine.

The learning rate of step t is ``lr * factor(t, T, history)`` with t = 0, 1, ..., T - 1 and T the horizon. `history` holds the
records so far, pairs (epoch, training loss on the full objective); only `plateau` reads it. Factors are set before each
step, so step t of a schedule here is what ``torch.optim.lr_scheduler`` gives after t calls of its ``step()``.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from descent.config.values import Factor, NotNegative, Share
from descent.errors import InputError

History = Sequence[tuple[float, float]]
Function = TypeVar("Function", bound=Callable[..., float])


def open_ended(schedule: Function) -> Function:
    """Mark a schedule that does without the horizon, and so works where only a run's seconds are limited."""
    schedule.open_ended = True  # type: ignore[attr-defined]
    return schedule


def over_steps(schedule: Function) -> Function:
    """Mark a schedule that takes an array of steps as well: a block's factors are then computed in one call."""
    schedule.over_steps = True  # type: ignore[attr-defined]
    return schedule


def factors(schedule: Any, first: int, last: int, horizon: int, history: History) -> list[float]:
    """Return the factors of the steps ``[first, last)``."""
    if not getattr(getattr(schedule, "func", schedule), "over_steps", False):
        return [float(schedule(step, horizon, history)) for step in range(first, last)]
    factors: list[float] = np.broadcast_to(schedule(np.arange(first, last), horizon, history), last - first).tolist()
    return factors


@over_steps
@open_ended
def constant(step: Any, horizon: int, history: History) -> Any:
    """Return 1."""
    return 1.0


@over_steps
def step(step: Any, horizon: int, history: History, *, milestones: Sequence[Share], factor: Factor) -> Any:
    """Return ``factor^n`` after n milestones, which are shares of the horizon. Like torch's MultiStepLR."""
    return factor ** np.searchsorted(sorted(milestones), step / horizon, side="right")


@over_steps
def exponential(step: Any, horizon: int, history: History, *, final_factor: Factor) -> Any:
    """Return ``final_factor^(t/T)``. Like torch's ExponentialLR with gamma = final_factor^(1/T)."""
    return final_factor ** (step / horizon)


@over_steps
def linear(step: Any, horizon: int, history: History, *, final_factor: Share) -> Any:
    """Return ``1 - (1 - final_factor) t/T``. Like torch's LinearLR from 1 to final_factor."""
    return 1 - (1 - final_factor) * step / horizon


@over_steps
def cosine(step: Any, horizon: int, history: History, *, final_factor: Share) -> Any:
    """Return ``final_factor + (1 - final_factor) (1 + cos(pi t/T))/2`` (Loshchilov and Hutter 2017, equation 5, one cycle)."""
    return final_factor + (1 - final_factor) * (1 + np.cos(math.pi * step / horizon)) / 2


@over_steps
def warmup_cosine(step: Any, horizon: int, history: History, *, warmup: Share, final_factor: Share) -> Any:
    """Rise as ``(t + 1)/W`` for the first W = warmup T steps, then fall as `cosine` over the rest (Goyal et al. 2017)."""
    rise = warmup * horizon
    falling = cosine(np.floor(step - rise), max(1, int(horizon - rise)), history, final_factor=final_factor)
    return np.where(step < rise, np.minimum(1.0, (step + 1) / (rise or 1.0)), falling)[()]


@over_steps
def inverse_sqrt(step: Any, horizon: int, history: History, *, warmup: Share) -> Any:
    """Return ``min((t + 1)/W, sqrt(W/(t + 1)))`` with W = max(1, warmup T) (Vaswani et al. 2017, equation 3, peak 1)."""
    rise = max(1.0, warmup * horizon)
    return np.minimum((step + 1) / rise, np.sqrt(rise / (step + 1)))


@over_steps
def inverse_time(step: Any, horizon: int, history: History, *, half: Factor) -> Any:
    """Return ``1/(1 + t/(half T))``: 1/2 after ``half T`` steps, then ever closer to ``half T/t``.

    Its sum grows without bound and the sum of its squares does not, so that gradient descent with noisy gradients converges
    (Robbins and Monro 1951, A stochastic approximation method, section 2). Like Keras' InverseTimeDecay.
    """
    return 1 / (1 + step / (half * horizon))


@over_steps
def one_cycle(step: Any, horizon: int, history: History, *, warmup: Share, start_factor: Share, final_factor: Share) -> Any:
    """Rise from start_factor to 1 over the first ``warmup T`` steps, then fall to final_factor, both along half a cosine.

    Source: Smith and Topin 2019, as in torch's OneCycleLR (its div_factor is 1/start_factor); the momentum stays.
    """
    peak, last = warmup * horizon - 1, horizon - 1
    rises = step < peak
    low, high = np.where(rises, start_factor, 1.0), np.where(rises, 1.0, final_factor)
    share = np.where(rises, step / (peak or 1.0), (step - peak) / max(1, last - peak))
    return (high + (low - high) * (1 + np.cos(math.pi * share)) / 2)[()]


@over_steps
def range_test(step: Any, horizon: int, history: History, *, start_factor: Factor) -> Any:
    """Return ``start_factor^(1 - t/(T - 1))``: the learning rates from start_factor to 1, in equal ratios, within one run.

    Source: Smith 2017, section 3.3, the "LR range test"; there the learning rate rises in a straight line.
    """
    return start_factor ** (1 - step / max(1, horizon - 1))


@over_steps
@open_ended
def plateau(step: Any, horizon: int, history: History, *, factor: Factor, patience: NotNegative, threshold: Share) -> Any:
    """Return ``factor^n`` after n plateaus: spans of `patience` epochs without a record below ``(1 - threshold) best``.

    Like torch's ReduceLROnPlateau in relative mode, on the training loss; patience counts epochs, as records are not
    evenly spaced. What a run does therefore depends on its grid of records, which is part of its identity.
    """
    reductions, best, since = 0, math.inf, 0.0
    for epoch, loss in history:
        if loss < best - threshold * abs(best) or best == math.inf:
            best, since = loss, epoch
        elif epoch - since > patience:
            reductions, since = reductions + 1, epoch
    return factor**reductions


def require_horizon(schedule: Any, name: str) -> None:
    """Refuse a schedule that decays over a horizon where only the seconds are limited.

    Raises:
        InputError: `schedule` is not marked as `open_ended`.
    """
    if not getattr(getattr(schedule, "func", schedule), "open_ended", False):
        raise InputError(
            "schedule", name, "needs a horizon in steps, and only max_seconds is set", "Set epochs or max_steps too."
        )
