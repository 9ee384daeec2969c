"""End a process of descent: a mistake is one line on the error stream, a fault of ours is a traceback. No Hydra here."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from descent import stopping
from descent.errors import InputError
from descent.outside import CLOSED, FULL, refusal

FULL_ERROR = "HYDRA_FULL_ERROR"
_users: list[str | None] = []  # what the user set it to, while Hydra composes


@contextmanager
def full_errors() -> Iterator[None]:
    """Let Hydra raise errors that it would print, so that they become one line."""
    _users.append(os.environ.get(FULL_ERROR))
    os.environ[FULL_ERROR] = "1"
    try:
        yield
    finally:
        _set(_users.pop())


@contextmanager
def users_environment() -> Iterator[None]:
    """Undo `full_errors` within, so that no worker inherits it."""
    if not _users:
        yield
        return
    _set(_users[-1])
    try:
        yield
    finally:
        os.environ[FULL_ERROR] = "1"


@contextmanager
def one_line() -> Iterator[None]:
    """End the process with one line on the error stream, and 2 after a mistake or a full disk, 128 + n after signal n.

    Ctrl-C is 130, SIGTERM 143, SIGHUP 129.

    Raises:
        InputError, OSError: the user asked for tracebacks.
    """
    try:
        yield
    except InputError as error:
        if tracebacks():
            raise
        _leave(f"error: {error}", 2)
    except OSError as error:
        if tracebacks() or error.errno not in (*FULL, *CLOSED):
            raise
        _leave(f"error: {refusal(error, 'file', error.filename)}", 2)
    except KeyboardInterrupt as error:
        stopped = error if isinstance(error, stopping.Stopped) else stopping.Stopped()
        _leave(str(stopped), 128 + stopped.number)


def _leave(line: str, status: int) -> NoReturn:
    with suppress(OSError):  # no one may be there to read it
        print(line, file=sys.stderr, flush=True)
    sys.exit(status)


def command(name: str) -> str:
    """Return how a command of descent is typed here: ``descent compare`` where that was, else ``python scripts/compare.py``.

    Args:
        name: ``compare`` or ``status``; ``train`` for a run.
    """
    program = Path(sys.argv[0]).name
    if program.endswith(".py"):
        return "python train.py" if name == "train" else f"python scripts/{name}.py"
    return "descent" if name == "train" else f"descent {name}"


def tracebacks() -> bool:
    """Return whether the user asked for tracebacks, with HYDRA_FULL_ERROR=1."""
    return (_users[0] if _users else os.environ.get(FULL_ERROR)) == "1"


def _set(value: str | None) -> None:
    if value is None:
        os.environ.pop(FULL_ERROR, None)
    else:
        os.environ[FULL_ERROR] = value
