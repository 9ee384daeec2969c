"""The grid of an experiment: its runs beside the settings that it varies."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from descent.analysis.load import Study, metric_of
from descent.analysis.nothing import Nothing
from descent.analysis.statistics import medians, t_interval, values


def varied(study: Study, *keys: str) -> pd.DataFrame:
    """Return `Study.runs` with a column for each of `keys`, settings such as ``optimizer.momentum``; unknown ones are None."""
    configs = [study.config(run) for _, run in study.runs.iterrows()]
    return study.runs.assign(**{key: [_value(config, key) for config in configs] for key in keys})


def median(runs: pd.DataFrame, quantity: str, *keys: str) -> pd.Series:
    """Return the median over runs of a quantity such as ``final:train/loss``, for each choice of `keys`; diverged counts worst.

    Raises:
        Nothing: no run measured it.
    """
    if quantity not in runs or runs.empty:
        raise Nothing(f"no run measured {quantity.partition(':')[2]}")
    return medians(runs, quantity.removeprefix("final:").replace(":", "/"), list(keys))


def paired(runs: pd.DataFrame, metric: str, key: str, one: Any, other: Any) -> tuple[float, float, float]:
    """Return how much higher a metric ends with one choice of a setting than with another, over their common seeds.

    Returns:
        the mean of the differences and its 95 % interval by Student's t; nan where a run diverged, limits also where seeds lack.

    Raises:
        Nothing: no run has one of the choices, or none measured the metric.
    """
    if f"final:{metric}" not in runs or runs.empty:
        raise Nothing(f"no run measured {metric}")
    table = values(runs, metric).groupby([runs["seed"], runs[key]]).first().unstack()
    require(table.T, one, other)
    both = table[[one, other]].dropna()
    if not np.isfinite(both).all(axis=None):
        return math.nan, math.nan, math.nan
    mean, low, high = t_interval(both[one] - both[other])
    return float(mean[0]), float(low[0]), float(high[0])


def rose(study: Study, runs: pd.DataFrame) -> "pd.Series[bool]":
    """Return whether the training loss rose at each run's last record; on a quadratic no step does that below lr = 2/L."""
    ends = {run["folder"]: not (frame["train/loss"].diff().iloc[-1] <= 0) for run, frame in study.curves(runs)}
    return runs["folder"].map(ends).fillna(True).astype(bool)


def apart(runs: pd.DataFrame, key: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the runs of tuning, on seeds on which a choice of `key` has several learning rates, and those of the others."""
    rates = runs.groupby([key, "seed"])["lr"].nunique()
    tuned = set(rates.index[rates > 1].get_level_values("seed"))
    return runs[runs["seed"].isin(tuned)], runs[~runs["seed"].isin(tuned)]


def untuned(tuning: pd.DataFrame, judged: pd.DataFrame, key: str, metric: str) -> list[str]:
    """Return which choices of `key` are judged at another learning rate than the one with the best median in tuning."""
    found = []
    for choice, own in groups(tuning, key):
        best = (median(own, f"final:{metric}", "lr") * metric_of(own, metric).sign).idxmax()
        others = sorted(set(judged.loc[judged[key] == choice, "lr"]) - {best})
        found += [f"{choice} is judged at lr = {lr:g}, and {best:g} is better in tuning" for lr in others]
    return found


def require(found: pd.Series | pd.DataFrame, *wanted: Any) -> None:
    """Raise `Nothing` unless the index of `found` holds each of `wanted`."""
    missing = [str(value) for value in wanted if value not in found.index]
    if missing:
        raise Nothing(f"the runs lack {', '.join(missing)}")


def curve(study: Study, runs: pd.DataFrame, quantity: str, axis: str = "step") -> tuple[np.ndarray, np.ndarray]:
    """Return the median curve of some runs: positions ``[records]`` that all of them share, and the median there.

    A run that diverged ends early, and with it the curve.

    Raises:
        Nothing: none of them has records.
    """
    frames = [frame.set_index(axis)[quantity] for _, frame in study.curves(runs)]
    if not frames:
        raise Nothing(f"no run measured {quantity}")
    joined = pd.concat(frames, axis=1, join="inner").sort_index()
    return joined.index.to_numpy(dtype=float), joined.median(axis=1).to_numpy()


def groups(runs: pd.DataFrame, key: str) -> Iterator[tuple[Any, pd.DataFrame]]:
    """Yield each choice of a setting with its runs."""
    yield from runs.groupby(key, sort=True)


def _value(config: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, dict) else None  # type: ignore[assignment]
    return config
