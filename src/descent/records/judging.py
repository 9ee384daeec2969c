"""Judge a run by its records: diverged, stalled, finished; its best values; when it met its target. Pure functions."""

import math
from collections.abc import Mapping, Sequence

from descent.config.schema import Quantity, Target
from descent.metrics import AXES, measured, metric
from descent.records.curve import Row
from descent.records.result import Best

FACTOR = 1000.0  # heavy ball may overshoot 92-fold and still converge


def diverged_at(rows: Sequence[Row], optimum: float | None, loss_scale: float) -> int | None:
    """Return the step of the record that shows divergence, or None.

    A run diverged when its training loss or its weights are not finite, or when at two consecutive records

        loss - f* > 1000 max(first loss - f*, loss_scale)

    Args:
        rows: records of the *full* objective, from step 0.
        optimum: f*, taken as 0 where it is not known.
        loss_scale: a loss of this size is large for the problem.
    """
    floor = optimum or 0.0
    limit = FACTOR * max(rows[0]["train/loss"] - floor, loss_scale)
    above = False
    for row in rows:
        if not (math.isfinite(row["train/loss"]) and math.isfinite(row["weight_norm"])):
            return int(row["step"])
        if above and row["train/loss"] - floor > limit:
            return int(row["step"])
        above = row["train/loss"] - floor > limit
    return None


def stalled(rows: Sequence[Row], chance: float | None) -> bool:
    """Return whether a run that ended is no better than at its start or than chance.

    Its last training loss is not below the first, or its training accuracy is no better than the best constant answer's.
    """
    first, last = rows[0], rows[-1]
    at_chance = chance is not None and last.get("train/accuracy", 1.0) <= chance
    return last["train/loss"] >= first["train/loss"] or at_chance


def best(rows: Sequence[Row], declared: Mapping[str, Quantity] | None = None) -> dict[str, Best]:
    """Return the best finite value of each metric, and its step.

    Args:
        rows: the records.
        declared: the quantities of the problem's own.
    """
    values = {}
    for name in measured(rows[0]):
        finite = [row for row in rows if math.isfinite(row[name])]
        if finite:
            row = metric(name, declared).best_of(finite, key=lambda row: row[name])
            values[name] = Best(value=row[name], step=int(row["step"]))
    return values


def time_to_target(
    rows: Sequence[Row], target: Target | None, declared: Mapping[str, Quantity] | None = None
) -> dict[str, float | None]:
    """Return when the first of two consecutive records met the target, on each axis; None if it never did.

    Args:
        rows: the records.
        target: where high values are better, the metric must be at least its value, else at most.
        declared: the quantities of the problem's own.
    """
    if target is not None:
        sign = metric(target.metric, declared).sign
        met = [sign * row[target.metric] >= sign * target.value for row in rows]
        for row, now, then in zip(rows, met, met[1:], strict=False):
            if now and then:
                return {name: row[axis.column] for name, axis in AXES.items()}
    return dict.fromkeys(AXES)
