"""A lock on a run's folder, which dies with the process that holds it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

PATIENCE = 0.5  # seconds; who only looks whether a lock is held, holds it for a moment


class Busy(Exception):
    """Another process is training this run."""


@contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold `folder`, which exists, for this process alone.

    Raises:
        Busy: another process holds it.
    """
    file = FileLock(folder / ".lock")
    try:
        file.acquire(timeout=PATIENCE)
    except Timeout:
        raise Busy(folder) from None
    try:
        yield
    finally:
        file.release()


def held(folder: Path) -> bool:
    """Say whether a process is training the run in `folder`."""
    if not (folder / ".lock").exists():
        return False
    file = FileLock(folder / ".lock")
    try:
        file.acquire(blocking=False)
    except Timeout:
        return True
    except OSError:  # a study that may only be read
        return False
    file.release()
    return False
