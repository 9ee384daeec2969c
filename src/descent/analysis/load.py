"""Read a study as two frames: one row a run, and, when it is asked for, one row a record."""

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from descent.analysis import groups
from descent.config.ending import command
from descent.errors import InputError, one_of
from descent.metrics import AXES, MEASURED, Metric, metric
from descent.records import curve
from descent.records import result as results
from descent.records.folders import names, run_folders
from descent.records.folders import read as read_results
from descent.records.lock import held
from descent.records.result import Result

TEXTS = ("id", "setting", "status", "problem", "batch", "optimizer", "schedule", "engine", "metric")
COUNTED = ("steps", "examples", "gradient_evaluations", "seconds", "wall_seconds")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C, where PyYAML was built with it: a tenth of the time


class NoData(Exception):
    """A study lacks the runs that a figure or an analysis needs; says which."""


class Damaged(Exception):
    """A file that cannot be used; says why."""


@dataclass(eq=False)
class Study:
    """The runs of a study that ended, each with a result.

    Attributes:
        folder: where they lie.
        runs: one row a run, numbered over the whole study by its index. ``folder``, ``id``;
            ``setting``, which repetitions over seeds share, and its readable ``name``; ``status``, ``problem``, ``batch``,
            ``batch_size`` (nan where the batch mode says it), ``examples_per_step``, ``optimizer``, ``schedule``, ``engine``,
            ``seed``, ``lr``, ``metric``, ``steps``, ``examples``, ``gradient_evaluations``, ``seconds``, ``wall_seconds``,
            ``state_bytes``, ``diverged_at``, ``curve`` (the SHA-256 of its records' file),
            ``target`` (a mapping, or None), ``metrics`` (what the problem declares: see `metric_of`),
            ``tuning``, ``search``, ``stage``; of `groups.compared` ``variant``, ``method``, ``margin``, ``floor``;
            ``data``, the checksum of the training data; ``environment``, what the run was made with; and for each metric
            that was measured
            ``final:train/loss``, ``best:train/loss``, ``test:loss`` (nan: not measured, or not finite) and for each axis
            ``time:steps`` to the target (inf: never reached; nan: the problem has none, or not the same for all its runs).
        skipped: folders that cannot be used, and why: damaged, of another schema, or failed.
        waiting: how many runs have no result yet, as ``running`` or ``unfinished``.
    """

    folder: Path
    runs: pd.DataFrame
    skipped: list[tuple[Path, str]] = field(default_factory=list)
    waiting: dict[str, int] = field(default_factory=dict)

    @property
    def problems(self) -> list[str]:
        return sorted(self.runs["problem"].unique())

    @property
    def problem(self) -> str:
        """The only problem of the study."""
        (problem,) = self.problems
        return problem

    def part(self, chosen: "pd.Series[bool]") -> "Study":
        """Return the study with only the `chosen` runs: a value for each row of `runs`."""
        part = replace(self, runs=self.runs[chosen])
        if "records" in vars(self):
            part.records = self.records_of(part.runs)
        return part

    def only(self, problem: str) -> "Study":
        """Return the study with only one problem's runs."""
        return self.part(self.runs["problem"] == problem)

    @cached_property
    def records(self) -> pd.DataFrame:
        """One row a record: ``run``, the index of its run in `runs`, and the columns of curve.csv (nan: not measured).

        Runs whose curves are damaged have no rows; they go to `skipped`.
        """
        frames = {}
        for run, folder, steps, sha256 in self.runs[["folder", "steps", "curve"]].itertuples():
            try:
                frames[run] = _curve(folder / "curve.csv", steps, sha256)
            except Damaged as error:
                self.skipped.append((folder, str(error)))
        empty = pd.DataFrame(columns=[axis.column for axis in AXES.values()], dtype=float)
        return pd.concat(frames or {-1: empty}, names=["run"]).reset_index("run").reset_index(drop=True)

    def records_of(self, runs: pd.DataFrame) -> pd.DataFrame:
        """Return the records of a part of `runs`."""
        return self.records[self.records["run"].isin(runs.index)]

    def metric(self, name: str) -> Metric:
        """Return a metric by its name; of the first run's problem, where it is the problem's own."""
        return metric_of(self.runs, name)

    @property
    def metric_names(self) -> list[str]:
        """The metrics that the runs measured: ``train/loss``, ``val/accuracy`` and so on."""
        measured = self.runs.columns[self.runs.notna().any()]
        finals = [name.partition(":")[2] for name in self.runs if name.startswith("final:")]
        return [name for name in finals if f"final:{name}" in measured or f"best:{name}" in measured]

    def require(self, metric: str) -> str:
        """Return `metric`, which the study must hold.

        Raises:
            InputError: it does not; names those that it does.
        """
        if metric not in self.metric_names:
            raise one_of("metric", metric, self.metric_names)
        return metric

    def curves(self, runs: pd.DataFrame | None = None) -> Iterator[tuple[pd.Series, pd.DataFrame]]:
        """Yield each run that has records, of all or of a part of `runs`, and its records with the columns that it measured."""
        for run, row in (self.runs if runs is None else runs).iterrows():
            if run in self._places:
                frame = self.records.iloc[self._places[run]].drop(columns="run").reset_index(drop=True)
                yield row, frame.loc[:, frame.notna().to_numpy().any(axis=0)]

    @cached_property
    def _places(self) -> Mapping[Hashable, np.ndarray]:
        """The rows of `records` that each run has."""
        return self.records.groupby("run").indices

    def config(self, run: pd.Series) -> dict[str, Any]:
        """Return the resolved configuration of a run; empty where it cannot be read."""
        return config(run["folder"])


def config(folder: Path) -> dict[str, Any]:
    """Return the resolved configuration of a run; empty where it cannot be read."""
    try:
        content = yaml.load((folder / "config.yaml").read_text(), Loader)
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def metric_of(runs: pd.DataFrame, name: str) -> Metric:
    """Return a metric by its name, given some runs of a problem, which may declare it."""
    return metric(name, runs["metrics"].iloc[0] if "metrics" in runs and len(runs) else None)


def load(folder: Path | str) -> Study:
    """Read the results of a study, which may still be running.

    Raises:
        InputError: there is no such folder, or no result in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError("study", folder, "does not exist" if not folder.exists() else "must be a folder")
    folders = run_folders(folder)
    read, skipped = read_results(folders)
    rows: list[tuple[Result, dict[str, Any]]] = []
    waiting: Counter[str] = Counter()
    refused = {path for path, _ in skipped}
    for path in folders:
        if path in read:
            rows.append((read[path], _row(path, read[path])))
        elif (path / "error.txt").exists():
            skipped.append((path, f"failed: {results.cause(path)}"))
        elif path not in refused and (path / "config.yaml").exists():
            waiting["running" if held(path) else "unfinished"] += 1
    if not rows:
        raise _nothing(folder, skipped, waiting)
    readable = names(result for result, _ in rows)
    runs = pd.DataFrame([{**row, "name": readable[result.problem, result.setting]} for result, row in rows]).rename_axis("run")
    runs = groups.compared(runs, config)
    for problem, group in runs.groupby("problem"):
        if group["target"].map(repr).nunique() > 1:
            runs.loc[group.index, [f"time:{axis}" for axis in AXES]] = math.nan
            skipped.append((folder / str(problem), "times to target, as they are to different ones: rerun=true makes them alike"))
    return Study(folder, runs, skipped, dict(waiting))


def _row(folder: Path, result: Result) -> dict[str, Any]:
    """Return a result as a row."""
    never = math.nan if result.target is None else math.inf
    return {
        "folder": folder,
        **{name: getattr(result, name) for name in TEXTS},
        **{name: float(getattr(result, name)) for name in COUNTED},
        "state_bytes": _number(result.state_bytes),
        "examples_per_step": float(result.batch_size),
        "curve": result.files.get("curve.csv"),
        "batch_size": _number(result.hyperparameters.get("batch.size")),
        "diverged_at": _number(result.diverged_at),
        "label": result.label,
        "seed": result.seed,
        "lr": _number(result.hyperparameters.get("lr")),
        "target": None if result.target is None else result.target.model_dump(),
        "metrics": result.metrics,
        "environment": result.environment,
        "data": str(result.environment.get("data_checksum", "")),
        "tuning": result.tuning,
        "search": result.search,
        "stage": result.stage,
        **{f"final:{name}": _number(value) for name, value in result.final.items() if name.startswith(MEASURED)},
        **{f"best:{name}": best.value for name, best in result.best.items()},
        **{f"test:{name}": _number(value) for name, value in result.test.items()},
        **{f"time:{axis}": _number(result.time_to_target.get(axis), never) for axis in AXES},
    }


def _number(value: Any, missing: float = math.nan) -> float:
    return missing if value is None else float(value)


def _curve(path: Path, steps: float, sha256: str | None) -> pd.DataFrame:
    try:
        rows = curve.read(path, sha256)
    except OSError as error:
        raise Damaged(f"{path.name} cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise Damaged(f"{path.name} is damaged") from error
    if not rows or rows[-1]["step"] != steps:
        raise Damaged(f"{path.name} does not end at step {steps:.0f}, where the run did")
    return pd.DataFrame(np.array([[*row.values()] for row in rows], dtype=float), columns=[*rows[0]])


def _nothing(folder: Path, skipped: list[tuple[Path, str]], waiting: Counter[str]) -> InputError:
    if skipped or waiting:
        states = [f"{count} {state}" for state, count in waiting.items()]
        states += [f"{len(skipped)} cannot be used, as {skipped[0][0]}: {skipped[0][1]}"] if skipped else []
        return InputError("study", folder, f"holds no result yet ({', '.join(states)})", f"See {command('status')}.")
    if not any(folder.iterdir()):
        return InputError("study", folder, "is empty", f"Train some runs: {command('train')} -m study=first optimizer=sgd,adam.")
    within = sorted(path.name for path in folder.iterdir() if next(path.glob("*/*/*/*/result.json"), None))
    remedy = f"Choose one of the studies in it: {', '.join(within)}." if within else ""
    return InputError("study", folder, "holds no study; that is a folder of runs, as outputs/default", remedy)
