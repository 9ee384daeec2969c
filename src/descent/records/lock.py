"""Locks that die with the process that holds them: on a run's folder, and on resources that a user's processes share."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from descent.machine import user

LOCK = ".lock"  # the name of the file in a run's folder
PATIENCE = 0.5  # seconds to wait for a lock: `held` probes by acquiring it briefly


class Busy(Exception):
    """Another process is training this run."""


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold `folder`, which exists, for this process alone.

    Raises:
        Busy: another process holds it.
    """
    file = FileLock(folder / LOCK)
    try:
        file.acquire(timeout=PATIENCE)
    except Timeout:
        raise Busy(folder) from None
    try:
        yield
    finally:
        file.release()


def held(folder: Path) -> bool:
    """Return whether a process is training the run in `folder`, or anew beside it."""
    return any(_held(place) for place in (folder, folder.with_name(f"{folder.name}.rerun")))


def _held(folder: Path) -> bool:
    if not (folder / LOCK).is_file():
        return False
    file = FileLock(folder / LOCK)
    try:
        file.acquire(blocking=False)
    except Timeout:
        return True
    except OSError:  # a study that may only be read
        return False
    file.release()
    return False


def on_machine(name: str) -> FileLock:
    """Return the lock of this name that all processes of a user on this machine share."""
    folder = Path(tempfile.gettempdir(), f"descent-{user()}")
    folder.mkdir(exist_ok=True)
    return FileLock(folder / name)
