"""result.json: written last and atomically, so that a folder with a readable one holds a finished run."""

import hashlib
import json
import math
import os
import traceback
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from descent.config.schema import Quantity, Target
from descent.config.values import Model

SCHEMA = 2
STATUSES = ("finished", "diverged", "stalled")
Hyperparameters = dict[str, bool | int | float | str | None]
Numbers = dict[str, float | None]  # None: not finite


class Asked(Model):
    """The budget that a run was given; None: no such limit."""

    epochs: float | None = None
    max_steps: int | None = None
    max_seconds: float | None = None


class Best(Model):
    """The best value of a metric, and the step of its record."""

    value: float
    step: int


class Result(Model):
    """What a run came to.

    Attributes:
        schema_version: of the file; `SCHEMA`, or an earlier one.
        id: of the run.
        setting: the id that runs share which differ only by seed.
        label: what tells runs of one optimizer apart at a glance.
        metric: what the run is judged by.
        hyperparameters: what TensorBoard's HPARAMS tab shows.
        batch_size: examples a step: N, k or 1.
        steps, examples, gradient_evaluations, seconds: at the end; the seconds are of training alone.
        wall_seconds: with records and checkpoints.
        final: each metric at the end.
        best: the best finite value of each metric.
        test: each metric on the test set.
        target: what the run was to reach.
        metrics: the quantities that the problem declares: which values are better.
        time_to_target: when it did, on each axis; None: never, or there is no target.
        diverged_at: the step of the record that showed divergence.
        asked: the budget.
        files: the SHA-256 of the curve and the TensorBoard events.
        environment: versions, device and data.
        tuning, scramble, stage: of a tuned study.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_version: int = Field(alias="schema")
    id: str
    setting: str
    label: str
    metric: str
    hyperparameters: Hyperparameters
    status: Literal["finished", "diverged", "stalled"]
    problem: str
    batch: str
    optimizer: str
    schedule: str
    batch_size: int
    engine: str
    seed: int
    asked: Asked = Asked()
    steps: int
    examples: int
    gradient_evaluations: int
    seconds: float
    wall_seconds: float
    final: Numbers
    best: dict[str, Best]
    test: Numbers
    target: Target | None
    metrics: dict[str, Quantity] = Field(default={})
    time_to_target: Numbers
    diverged_at: int | None
    files: dict[str, str] = Field(default={})
    environment: dict[str, Any] = Field(default={})
    tuning: str = "default"
    scramble: int = 0
    stage: str = "final"


def write(path: Path, result: Result) -> None:
    """Write strict JSON; numbers that are not finite become null."""
    fresh = path.with_suffix(".tmp")
    with open(fresh, "w") as file:
        json.dump(_finite(result.model_dump(by_alias=True)), file, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def read(path: Path) -> Result:
    """Return a result.

    Raises:
        OSError: there is none.
        ValueError: it is damaged, or of a later schema.
    """
    try:
        with open(path) as file:
            found = json.load(file)
    except RecursionError:
        raise ValueError("is damaged") from None
    schema = found.get("schema") if isinstance(found, dict) else None
    if isinstance(schema, int) and schema > SCHEMA:
        raise ValueError(f"has schema {schema}, this version writes {SCHEMA}")
    try:
        return Result.model_validate(_upgraded(found) if schema == 1 else found)
    except (ValidationError, KeyError, TypeError, ZeroDivisionError) as error:
        raise ValueError("is damaged") from error


def _upgraded(found: dict[str, Any]) -> dict[str, Any]:
    """Return a result of schema 1 as this one has it: there ``batch_size`` was null but for mini-batches."""
    if found["batch_size"] is None and found["batch"] in ("full", "stochastic"):
        examples = round(found["examples"] / found["steps"]) if found["batch"] == "full" else 1
        return {**found, "batch_size": examples}
    return found


def status(folder: Path) -> str:
    """Return what a run's folder holds.

    ``finished``, ``diverged`` or ``stalled``: a result. ``damaged``: one that cannot be read. ``failed``: why it failed.
    ``unfinished``: anything else. ``absent``: no folder.
    """
    if not folder.is_dir():
        return "absent"
    try:
        return read(folder / "result.json").status
    except FileNotFoundError:
        pass
    except (OSError, ValueError):
        return "damaged"
    return "failed" if (folder / "error.txt").exists() else "unfinished"


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that a result vouches for: the curve and the TensorBoard events."""
    files = [folder / "curve.csv", *sorted(folder.glob("events.out.tfevents.*"))]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def damaged(folder: Path) -> Path | None:
    """Return the first file of a run with a result that is not as the result says, or None.

    Events may be missing, as they are a view of the curve.
    """
    for name, digest in read(folder / "result.json").files.items():
        file = folder / name
        try:
            if hashlib.sha256(file.read_bytes()).hexdigest() != digest:
                return file
        except OSError:
            if name == "curve.csv" or file.exists():
                return file
    return None


def fail(folder: Path, error: BaseException) -> None:
    """Write why a run failed: a line, and the traceback."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "error.txt").write_text(f"{describe(error)}\n\n{''.join(traceback.format_exception(error))}")


def describe(error: BaseException) -> str:
    """Return an error as one line."""
    cause = str(error).strip().splitlines()
    return f"{type(error).__name__}: {cause[0]}" if cause else type(error).__name__


def cause(folder: Path) -> str:
    """Return the line that says why a run failed."""
    try:
        return (folder / "error.txt").read_text().partition("\n")[0] or "unknown: error.txt is empty, as on a full disk"
    except OSError as error:
        return f"unknown: error.txt cannot be read ({error.strerror})"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
