"""result.json: written last and atomically, so that a folder with a readable one holds a finished run."""

import json
import math
import os
import traceback
from pathlib import Path
from typing import Any

SCHEMA = 1
STATUSES = ("finished", "diverged", "stalled")


def write(path: Path, result: dict[str, Any]) -> None:
    """Write strict JSON; numbers that are not finite become null."""
    fresh = path.with_suffix(".tmp")
    with open(fresh, "w") as file:
        json.dump(_finite(result), file, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def read(path: Path) -> dict[str, Any]:
    """Return a result.

    Raises:
        OSError: there is none.
        ValueError: it is damaged, or of another schema.
    """
    with open(path) as file:
        result = json.load(file)
    if not isinstance(result, dict) or result.get("status") not in STATUSES:
        raise ValueError("is damaged")
    if result.get("schema") != SCHEMA:
        raise ValueError(f"has schema {result.get('schema')}, this version writes {SCHEMA}")
    return result


def status(folder: Path) -> str:
    """Return what a run's folder holds.

    ``finished``, ``diverged`` or ``stalled``: a result. ``damaged``: one that cannot be read. ``failed``: why it failed.
    ``unfinished``: anything else. ``absent``: no folder.
    """
    if not folder.is_dir():
        return "absent"
    try:
        return str(read(folder / "result.json")["status"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError):
        return "damaged"
    return "failed" if (folder / "error.txt").exists() else "unfinished"


def fail(folder: Path, error: BaseException) -> None:
    """Write why a run failed: a line, and the traceback."""
    folder.mkdir(parents=True, exist_ok=True)
    cause = str(error).strip().splitlines()
    line = f"{type(error).__name__}: {cause[0]}" if cause else type(error).__name__
    (folder / "error.txt").write_text(f"{line}\n\n{''.join(traceback.format_exception(error))}")


def cause(folder: Path) -> str:
    """Return the line that says why a run failed."""
    try:
        return (folder / "error.txt").read_text().partition("\n")[0]
    except OSError:
        return ""


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
