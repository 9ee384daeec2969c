"""Calls that differ between operating systems: macOS and Windows get the nearest equivalent of what Linux has."""

import getpass
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


def cores() -> int:
    """Return the number of cores that this process may use, or of all cores if the system does not report it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def user() -> str:
    """Return an id of the user on this machine, for a file's name."""
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()


def end_with_parent() -> None:
    """Let this process, started by `multiprocessing`, end when the one that started it does.

    A thread waits for the parent's end of a pipe to close. Linux could kill the child itself (PR_SET_PDEATHSIG), but does so as
    soon as the *thread* ends that started it.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=watch, daemon=True).start()


@contextmanager
def blocked(signals: Iterable[int]) -> Iterator[None]:
    """Hold signals back from this thread, and from the processes that it starts until they `unblock` them.

    A process that still imports would end with a traceback. Windows holds nothing back.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def unblock(signals: Iterable[int]) -> None:
    """Let signals arrive that were held back when this process was started."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
