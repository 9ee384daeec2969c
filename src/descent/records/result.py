"""result.json: written last and atomically, with a checksum of itself."""

import hashlib
import json
import math
import os
import traceback
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, ValidationError, model_validator

from descent.config.schema import Quantity, Target
from descent.config.values import MOST, Model
from descent.errors import printable
from descent.outside import replacing

SCHEMA = 3
SETTLED = 2.0  # seconds of a run from which its result waits for the disk; a power cut may cost a shorter run
STATUSES = ("finished", "diverged", "stalled")
CHECKSUM = "sha256"  # the key of the file's own checksum, of all other keys as canonical JSON
Shown = Annotated[str, AfterValidator(printable)]  # a text on its way to terminals and pages
Hyperparameters = dict[Shown, bool | Annotated[int, Field(gt=-MOST, lt=MOST)] | float | Shown | None]
Numbers = dict[Shown, float | None]  # None: not finite
Whole = Annotated[int, Field(ge=0, lt=MOST)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Asked(Model):
    """The budget that a run was given; None: no such limit."""

    epochs: float | None = None
    max_steps: int | None = None
    max_seconds: float | None = None


class Best(Model):
    """The best value of a metric, and the step of its record."""

    value: float
    step: Whole


class Result(Model):
    """The result of a run.

    Attributes:
        schema_version: of the file.
        id: of the run.
        setting: the id that runs share which differ only by seed.
        label: tells runs of one optimizer apart.
        metric: judges the run.
        hyperparameters: as in TensorBoard's HPARAMS tab.
        batch_size: examples a step: N, k or 1.
        steps, examples, gradient_evaluations, seconds: at the end; the seconds are of training alone.
        state_bytes: size of what the optimizer keeps from step to step; None: not measured, by an earlier version.
        wall_seconds: with records and checkpoints.
        final: each metric at the end.
        best: the best finite value of each metric.
        test: each metric on the test set.
        target: to be reached by the run.
        metrics: the quantities that the problem declares, with their directions.
        time_to_target: when it did, on each axis; None: never, or there is no target.
        diverged_at: the step of the record that showed divergence.
        asked: the budget.
        files: the SHA-256 of the configuration, the curve and the TensorBoard events.
        environment: versions, device and data.
        notes: why files of an earlier start were not continued.
        tuning, search, stage: of a tuned study.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    schema_version: int = Field(alias="schema")
    id: Shown
    setting: Shown
    label: Shown
    metric: Shown
    hyperparameters: Hyperparameters
    status: Literal["finished", "diverged", "stalled"]
    problem: Shown
    batch: Shown
    optimizer: Shown
    schedule: Shown
    batch_size: Whole
    engine: Shown
    seed: Whole
    asked: Asked = Asked()
    steps: Whole
    examples: Whole
    gradient_evaluations: Whole
    seconds: Seconds
    wall_seconds: Seconds
    state_bytes: Whole | None = None
    final: Numbers
    best: dict[Shown, Best]
    test: Numbers
    target: Target | None
    metrics: dict[Shown, Quantity] = Field(default={})
    time_to_target: Numbers
    diverged_at: Whole | None
    files: dict[str, str] = Field(default={})
    environment: Hyperparameters = Field(default={})
    notes: list[Shown] = Field(default=[])
    tuning: Shown = "default"
    search: Whole = 0
    stage: Shown = "final"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.metric not in self.final:
            raise ValueError(f"has no {self.metric}, its metric")
        for name in ("lr", "batch.size"):
            if isinstance(self.hyperparameters.get(name), str):
                raise ValueError(f"has a text for {name}")
        if any(Path(name).name != name for name in self.files):
            raise ValueError("has files elsewhere")
        return self


def write(path: Path, result: Result) -> None:
    """Write strict JSON with its own checksum; numbers that are not finite become null."""
    content = _finite(result.model_dump(by_alias=True))
    with replacing(path) as fresh, open(fresh, "w") as file:
        json.dump({**content, CHECKSUM: checksum(content)}, file, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        if result.wall_seconds > SETTLED:
            os.fsync(file.fileno())


def checksum(content: dict[str, Any]) -> str:
    """Return the SHA-256 of a result, as canonical JSON without its checksum."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read(path: Path) -> Result:
    """Return a result.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or of another schema.
    """
    try:
        content = json.loads(path.read_bytes())
        stored = content.pop(CHECKSUM, None)
        schema = content["schema"]
        if isinstance(schema, int) and schema != SCHEMA:
            raise ValueError(f"has schema {schema}, this version writes {SCHEMA}")
        if stored != checksum(content):
            raise ValueError
        return Result.model_validate(content)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileNotFoundError(path) from error
    except OSError as error:
        raise ValueError(f"cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Return why a result cannot be read: our own message if there is one, else that it is damaged."""
    first = error.errors()[0].get("ctx", {}).get("error") if isinstance(error, ValidationError) else error
    text = printable(str(first))
    return text if text.startswith("has ") else "is damaged"


def status(folder: Path) -> str:
    """Return the status of a run's folder.

    ``finished``, ``diverged`` or ``stalled``: a result. ``damaged``: one that cannot be read. ``failed``: why it failed.
    ``unfinished``: anything else. ``absent``: no folder.
    """
    if not folder.is_dir():
        return "absent"
    try:
        return read(folder / "result.json").status
    except FileNotFoundError:
        pass
    except ValueError:
        return "damaged"
    return "failed" if (folder / "error.txt").exists() else "unfinished"


def fail(folder: Path, error: BaseException) -> None:
    """Write error.txt: one line for the cause, then the traceback."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "error.txt").write_text(f"{describe(error)}\n\n{''.join(traceback.format_exception(error))}")


def describe(error: BaseException) -> str:
    """Return an error as one line."""
    cause = str(error).strip().splitlines()
    return f"{type(error).__name__}: {cause[0]}" if cause else type(error).__name__


def cause(folder: Path) -> str:
    """Return the line that says why a run failed."""
    try:
        first = (folder / "error.txt").read_text(errors="replace").partition("\n")[0]
        return printable(first) or "unknown: error.txt is empty, as on a full disk"
    except OSError as error:
        return f"unknown: error.txt cannot be read ({error.strerror})"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
