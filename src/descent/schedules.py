"""Learning-rate schedules: pure functions (step, horizon, history) -> factor, for every engine.

The learning rate of step t is ``lr * factor(t, T, history)`` with t = 0, 1, ..., T - 1 and T the horizon. `history` holds the
records so far, pairs (epoch, training loss on the full objective); only `plateau` reads it. Factors are set before each
step, so step t of a schedule here is what ``torch.optim.lr_scheduler`` gives after t calls of its ``step()``.
"""

import math
from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from descent.config.values import Factor, NotNegative, Share
from descent.errors import InputError

History = Sequence[tuple[float, float]]
Function = TypeVar("Function", bound=Callable[..., float])


def open_ended(schedule: Function) -> Function:
    """Mark a schedule that does without the horizon, and so works where only a run's seconds are limited."""
    schedule.open_ended = True  # type: ignore[attr-defined]
    return schedule


@open_ended
def constant(step: int, horizon: int, history: History) -> float:
    """Return 1."""
    return 1.0


def step(step: int, horizon: int, history: History, *, milestones: Sequence[Share], factor: Factor) -> float:
    """Return ``factor^n`` after n milestones, which are shares of the horizon. Like torch's MultiStepLR."""
    return factor ** bisect_right(sorted(milestones), step / horizon)


def exponential(step: int, horizon: int, history: History, *, final_factor: Factor) -> float:
    """Return ``final_factor^(t/T)``. Like torch's ExponentialLR with gamma = final_factor^(1/T)."""
    return final_factor ** (step / horizon)


def linear(step: int, horizon: int, history: History, *, final_factor: Share) -> float:
    """Return ``1 - (1 - final_factor) t/T``. Like torch's LinearLR from 1 to final_factor."""
    return 1 - (1 - final_factor) * step / horizon


def cosine(step: int, horizon: int, history: History, *, final_factor: Share) -> float:
    """Return ``final_factor + (1 - final_factor) (1 + cos(pi t/T))/2`` (Loshchilov and Hutter 2017, equation 5, one cycle)."""
    return final_factor + (1 - final_factor) * (1 + math.cos(math.pi * step / horizon)) / 2


def warmup_cosine(step: int, horizon: int, history: History, *, warmup: Share, final_factor: Share) -> float:
    """Rise as ``(t + 1)/W`` for the first W = warmup T steps, then fall as `cosine` over the rest (Goyal et al. 2017)."""
    rise = warmup * horizon
    if step < rise:
        return min(1.0, (step + 1) / rise)
    return cosine(int(step - rise), max(1, int(horizon - rise)), history, final_factor=final_factor)


def inverse_sqrt(step: int, horizon: int, history: History, *, warmup: Share) -> float:
    """Return ``min((t + 1)/W, sqrt(W/(t + 1)))`` with W = max(1, warmup T) (Vaswani et al. 2017, equation 3, peak 1)."""
    rise = max(1.0, warmup * horizon)
    return min((step + 1) / rise, math.sqrt(rise / (step + 1)))


def inverse_time(step: int, horizon: int, history: History, *, half: Factor) -> float:
    """Return ``1/(1 + t/(half T))``: 1/2 after ``half T`` steps, then ever closer to ``half T/t``.

    Its sum grows without bound and the sum of its squares does not, so that gradient descent with noisy gradients converges
    (Robbins and Monro 1951, A stochastic approximation method, section 2). Like Keras' InverseTimeDecay.
    """
    return 1 / (1 + step / (half * horizon))


def one_cycle(step: int, horizon: int, history: History, *, warmup: Share, start_factor: Share, final_factor: Share) -> float:
    """Rise from start_factor to 1 over the first ``warmup T`` steps, then fall to final_factor, both along half a cosine.

    Source: Smith and Topin 2019, as in torch's OneCycleLR (its div_factor is 1/start_factor); the momentum stays.
    """
    peak, last = warmup * horizon - 1, horizon - 1
    if step < peak:
        low, high, share = start_factor, 1.0, step / peak
    else:
        low, high, share = 1.0, final_factor, (step - peak) / max(1, last - peak)
    return high + (low - high) * (1 + math.cos(math.pi * share)) / 2


def range_test(step: int, horizon: int, history: History, *, start_factor: Factor) -> float:
    """Return ``start_factor^(1 - t/(T - 1))``: the learning rates from start_factor to 1, in equal ratios, within one run.

    Source: Smith 2017, section 3.3, the "LR range test"; there the learning rate rises in a straight line.
    """
    return start_factor ** (1 - step / max(1, horizon - 1))


@open_ended
def plateau(step: int, horizon: int, history: History, *, factor: Factor, patience: NotNegative, threshold: Share) -> float:
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
