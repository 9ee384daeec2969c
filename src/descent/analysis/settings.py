"""Select and aggregate the runs of an experiment by the settings that it varies."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from descent.analysis.findings import Difference, difference
from descent.analysis.load import NoData, Study, metric_of
from descent.analysis.selection import best_of_each
from descent.analysis.statistics import medians, values


def varied(study: Study, **keys: str) -> pd.DataFrame:
    """Return `Study.runs` with more columns, each a setting: ``varied(study, momentum="optimizer.momentum")``; None if unset."""
    configs = [study.config(run) for _, run in study.runs.iterrows()]
    return study.runs.assign(**{name: [_value(config, key) for config in configs] for name, key in keys.items()})


def median(runs: pd.DataFrame, metric: str, *keys: str) -> pd.Series:
    """Return the median of a metric at the end over runs, for each choice of `keys`; diverged runs count as the worst.

    Raises:
        NoData: no run measured it.
    """
    require_metric(runs, metric)
    return medians(runs, metric, list(keys))


def paired(runs: pd.DataFrame, metric: str, key: str, choice: Any, baseline: Any) -> Difference:
    """Return how much higher a metric ends with one choice of a setting than with another, over their common seeds.

    Raises:
        NoData: no run has one of the choices, or none measured the metric.
    """
    require_metric(runs, metric)
    table = values(runs, metric).groupby([runs["seed"], runs[key]]).first().unstack()
    require(table.T, choice, baseline)
    both = table[[choice, baseline]].dropna()
    return difference(both[choice].sub(both[baseline]).where(np.isfinite(both).all(axis=1)))


def rose(study: Study, runs: pd.DataFrame) -> "pd.Series[bool]":
    """Return whether the training loss rose at each run's last record; on a quadratic no step does that below lr = 2/L."""
    ends = {run["folder"]: not (frame["train/loss"].diff().iloc[-1] <= 0) for run, frame in study.curves(runs)}
    return runs["folder"].map(ends).fillna(True).astype(bool)


def steps_to(frame: pd.DataFrame, column: str, share: float) -> float:
    """Return the first recorded step at which a column is at most a share of its first value; infinite if it never is."""
    below = frame.loc[frame[column] <= share * frame[column].iloc[0], "step"]
    return float(below.iloc[0]) if len(below) else math.inf


@dataclass(frozen=True)
class Tuned:
    """Choices of a setting, each with the value of another that was best on the tuning seeds, and its runs on the others.

    Attributes:
        best: the value by choice, the best choice first.
        tuning: the runs of the tuning seeds.
        judged: the runs of the other seeds: at the best value where there are some, else at whatever value they have.
    """

    best: pd.Series
    tuning: pd.DataFrame
    judged: pd.DataFrame

    def at_best(self, key: str) -> "Tuned":
        """Return itself, if each choice is judged at its best value.

        Raises:
            NoData: a choice is not; the message names it.
        """
        if others := set(self.best.index) - set(self.judged[key]) | {row["choice"] for row in self.missed(key)}:
            raise NoData(f"{', '.join(map(str, sorted(others)))} has no run at its best learning rate on the seeds that judge")
        return self

    def missed(self, key: str, over: str = "lr") -> list[dict[str, Any]]:
        """Return the choices that are judged at another value than the best in tuning: ``choice``, ``judged`` and ``best``."""
        pairs = self.judged[[key, over]].drop_duplicates().itertuples(index=False)
        return [
            {"choice": choice, "judged": value, "best": self.best[choice]}
            for choice, value in pairs
            if choice in self.best and value != self.best[choice]
        ]


def first_seeds(runs: pd.DataFrame, count: int) -> "pd.Series[bool]":
    """Return which runs have one of the first `count` seeds, those that tune."""
    return runs["seed"].isin(sorted(runs["seed"].unique())[:count])


def swept_seeds(runs: pd.DataFrame, key: str, over: str = "lr") -> "pd.Series[bool]":
    """Return which runs have a seed on which a choice of `key` has several values of another setting, those that tune."""
    counts = runs.groupby([key, "seed"])[over].nunique()
    return runs["seed"].isin(counts.index[counts > 1].get_level_values("seed"))


def tune(runs: pd.DataFrame, tuning: "pd.Series[bool]", key: str, metric: str, over: str = "lr") -> Tuned:
    """Choose the best value of a setting for each choice of another on some seeds, by median; select its runs on the others.

    Args:
        runs: of all seeds.
        tuning: which of them are for tuning.
        key: the column of the choices that are compared.
        metric: what is best, as ``train/loss``.
        over: the column of the values that are tuned.
    """
    if not tuning.any():
        return Tuned(pd.Series(dtype=float), runs[tuning], runs)
    best = best_of_each(median(runs[tuning], metric, key, over), metric_of(runs, metric))
    others = runs[~tuning]
    at_best = others[over] == others[key].map(best)
    return Tuned(best, runs[tuning], others[at_best | ~others[key].isin(others.loc[at_best, key])])


def require_metric(runs: pd.DataFrame, metric: str) -> None:
    """Raise `NoData` unless some runs measured a metric."""
    if runs.empty or not {f"final:{metric}", metric.replace("/", ":")} & set(runs):
        raise NoData(f"no run measured {metric}")


def require(table: pd.Series | pd.DataFrame, *choices: Any) -> None:
    """Raise `NoData` unless the index of a table holds each of `choices`."""
    missing = [str(value) for value in choices if value not in table.index]
    if missing:
        raise NoData(f"the runs lack {', '.join(missing)}")


def curve(study: Study, runs: pd.DataFrame, column: str, axis: str = "step") -> tuple[np.ndarray, np.ndarray]:
    """Return the median curve of some runs over an axis, both medians ``[records]`` at the steps that all of them recorded.

    A run that diverged ends early, and with it the curve.

    Raises:
        NoData: none of them has records.
    """
    frames = [frame.set_index("step", drop=False) for _, frame in study.curves(runs)]
    if not frames:
        raise NoData(f"no run measured {column}")
    shared = [pd.concat([frame[name] for frame in frames], axis=1, join="inner").sort_index() for name in (axis, column)]
    return shared[0].median(axis=1).to_numpy(dtype=float), shared[1].median(axis=1).to_numpy(dtype=float)


def _value(config: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        config = config.get(part) if isinstance(config, dict) else None  # type: ignore[assignment]
    return config
