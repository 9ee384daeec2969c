"""result.json: written last and atomically, so that a folder with a readable one holds a finished run."""

import hashlib
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


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the files that a result vouches for: the curve and the TensorBoard events."""
    files = [folder / "curve.csv", *sorted(folder.glob("events.out.tfevents.*"))]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def damaged(folder: Path) -> Path | None:
    """Return the first file of a run with a result that is not as the result says, or None.

    Events may be missing, as they are a view of the curve.
    """
    for name, digest in read(folder / "result.json").get("files", {}).items():
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
