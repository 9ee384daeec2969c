"""Check that a run is finished: it has its own result, and the files whose digests the result holds."""

import hashlib
from pathlib import Path

from descent.records.result import Result, read

VOUCHED = ("config.yaml", "curve.csv")  # files that a finished run has; its events are a view of them, and may be missing


def digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of the files whose digests a result holds."""
    files = [*(folder / name for name in VOUCHED), *sorted(folder.glob("events.out.tfevents.*"))]
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


class Unsound(Exception):
    """A file of a run cannot be used: names it, in the run's folder, and why."""


def sound(folder: Path, key: str) -> Result | None:
    """Return the result of a finished run, with its files checked; None without a result.

    Args:
        folder: of the run.
        key: the id of the run.

    Raises:
        Unsound: a file is damaged, or of another run.
    """
    path = folder / "result.json"
    try:
        result = read(path)
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise Unsound(f"{path.name} {error}") from error
    if result.id != key:
        raise Unsound(f"{path.name} is that of another run, {result.id}")
    if not set(VOUCHED) <= result.files.keys():
        raise Unsound(f"{path.name} is damaged")
    for name, digest in result.files.items():
        if (name in VOUCHED or (folder / name).exists()) and not _has(folder / name, digest):
            raise Unsound(f"{name} is damaged")
    return result


def _has(file: Path, digest: str) -> bool:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() == digest
    except OSError:
        return False
