"""result.json: written last and atomically, so that a folder with a readable one holds a finished run."""

import json
import math
import os
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
    """Return what a run's folder holds: ``finished``, ``diverged``, ``stalled``, ``unfinished``, ``absent`` or ``damaged``."""
    if not folder.is_dir():
        return "absent"
    try:
        return str(read(folder / "result.json")["status"])
    except FileNotFoundError:
        return "unfinished"
    except (OSError, ValueError):
        return "damaged"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
