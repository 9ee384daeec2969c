"""Signals that stop a process: Ctrl-C, SIGTERM and SIGHUP. The first one asks a run to stop, a second one ends it at once."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

from descent.machine import unblock

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
SHOW_CURSOR = b"\r\x1b[2K\x1b[?25h"  # clears the line of what was shown live
GRACE = 0.3  # seconds in which more signals count as one: `timeout` sends two at once, a closing terminal too

_heard: list[tuple[int, Any]] = []  # signals and handlers of `listening`, the innermost last
_asked: list[int] = []  # the signal that asks the run of this process to stop


class Stopped(KeyboardInterrupt):
    """A signal stopped the process; repeating the command continues.

    Args:
        number: the signal.
        where: ``at step 120``.
    """

    def __init__(self, number: int = signal.SIGINT, where: str = "") -> None:
        super().__init__(f"Stopped{where and ' '}{where}. Repeat the command to continue.")
        self.number = int(number)


def leave(number: int) -> NoReturn:
    """End the process at once, with a line on the error stream and exit code 128 + the signal.

    Nothing is raised where a signal happens to arrive: a module whose import an exception cuts off does not recover, and a
    library may swallow it.
    """
    with suppress(Exception):
        sys.stdout.flush()
        if sys.stdout.isatty():
            os.write(1, SHOW_CURSOR)
    with suppress(OSError):
        os.write(2, f"{Stopped(number)}\n".encode())
    os._exit(128 + number)


def ask(number: int) -> None:
    """Ask the run of this process to stop at its next block edge."""
    _asked[:] = [number]


def asked() -> int:
    """Return the signal that asks the run of this process to stop, or 0."""
    return _asked[0] if _asked else 0


@contextmanager
def listening(act: Callable[[int], object] = leave) -> Iterator[None]:
    """Let the first signal call ``act(number)``, and a later one do what it would do outside, or end the process at once.

    A signal that is ignored, as SIGHUP under nohup, stays so. Only the main thread can listen; in others nothing changes.
    """
    first: list[float] = []

    def handle(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if not first:
            first.append(now)
            act(number)
        elif now - first[0] > GRACE:
            outside = before[number]
            outside(number, frame) if callable(outside) else leave(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    _heard.extend((number, handle) for number in heard)
    listen_again()
    try:
        yield
    finally:
        del _heard[len(_heard) - len(heard) :]
        for number in heard:
            signal.signal(number, before[number])


def listen_again() -> None:
    """Set the handlers once more that a library has replaced with its own."""
    if threading.current_thread() is threading.main_thread():
        for number, handler in _heard:
            signal.signal(number, handler)


@contextmanager
def deferred() -> Iterator[None]:
    """Let a signal ask the run within to stop (`asked`), and end the process only after it.

    Raises:
        Stopped: the run ended all the same, without looking; the signal must not be lost.
    """
    _asked.clear()
    try:
        with listening(ask):
            yield
        if _asked:
            raise Stopped(_asked[0])
    finally:
        _asked.clear()


def hear(act: Callable[[int], None]) -> None:
    """Let every signal call ``act(number)`` from now on, in a process that another one started and whose end it decides.

    Signals that were held back since it was started arrive now.
    """
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, _: act(number))
        unblock(SIGNALS)


def ignore() -> None:
    """Ignore every signal from now on, to the last moment of the interpreter: the process ends by itself."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
