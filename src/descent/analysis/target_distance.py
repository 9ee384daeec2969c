"""How the times to a target hang on it: the times to targets at other shares of its distance from the start."""

import math

import pandas as pd

from descent.analysis.load import Study
from descent.config.schema import Target
from descent.metrics import AXES, Metric
from descent.records.judging import time_to_target

SHARES = (0.9, 1.1)  # of the distance


def moved(value: float, start: float, share: float, metric: Metric) -> float:
    """Return the target at a share of the distance from the start: of losses and gaps, in their logarithm.

    ``start^(1 - share) value^share``, else ``start + share (value - start)``.
    """
    if metric.scale == "log" and start > 0 and value > 0:
        return math.exp((1 - share) * math.log(start) + share * math.log(value))
    return start + share * (value - start)


def times(study: Study, runs: pd.DataFrame, share: float) -> pd.DataFrame:
    """Return when each run met its target, moved to a share of the distance from its own start; inf: never.

    Args:
        runs: with a target and records; others have no row.

    Returns:
        a row a run, a column an axis, as ``time:examples``.
    """
    reached = {}
    for run, frame in study.curves(runs[runs["target"].notna()]):
        target, metric = run["target"], study.metric(run["target"]["metric"])
        value = moved(target["value"], float(frame[metric.name].iloc[0]), share, metric)
        rows = frame[[metric.name, *(axis.column for axis in AXES.values())]].to_dict("records")
        met = time_to_target(rows, Target(metric=metric.name, value=value), run["metrics"])
        reached[run.name] = {f"time:{axis}": math.inf if time is None else time for axis, time in met.items()}
    return pd.DataFrame.from_dict(reached, orient="index", columns=[f"time:{axis}" for axis in AXES], dtype=float)
