"""Print lines, warnings and tables."""

import logging
import os
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from descent.errors import printable

WIDE = 200  # columns, where nothing has an edge: a file, a pipe


class _Stream:
    """The standard output or error as it is now, which goes nowhere once no one reads it: `| head` ends, a terminal closes."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def stream(self) -> IO[str]:
        stream = getattr(sys, self.name)
        return getattr(stream, "rich_proxied_file", stream)  # not what a live display prints through

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> None:
        self._try(lambda: self.stream.write(text))

    def flush(self) -> None:
        self._try(lambda: self.stream.flush())

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


def terminal(stderr: bool = False) -> Console:
    """Return a console on the standard output or error: as wide as the terminal, else `WIDE`."""
    printer = Console(file=cast(IO[str], _Stream("stderr" if stderr else "stdout")), stderr=stderr, highlight=False)
    if not printer.is_terminal and "COLUMNS" not in os.environ:
        printer.width = WIDE
    return printer


console = terminal()
errors = terminal(stderr=True)


def say(text: str) -> None:
    """Print lines, as they are."""
    console.print(shown(text), soft_wrap=True)


def paragraph(text: str, style: str | None = None) -> None:
    """Print a sentence, broken between words where the terminal ends."""
    console.print(shown(text), style=style)


def warn(text: str) -> None:
    """Print a warning, on the error stream."""
    errors.print(f"[yellow]warning:[/] {shown(text)}", soft_wrap=True)


def shown(text: str) -> str:
    """Escape lines for rich: no markup, no control characters."""
    return escape("\n".join(printable(line) for line in text.split("\n")))


def clock(seconds: float) -> str:
    """Return seconds as hours:minutes:seconds."""
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"


def table(title: str, *columns: str, left: Collection[str] = (), tight: bool = False) -> Table:
    """Return an empty table, as all of them look: numbers to the right, the columns of words to the `left`."""
    rich_table = Table(title=shown(title), title_justify="left", show_edge=False, pad_edge=False, caption_justify="left")
    if tight:
        rich_table.box, rich_table.collapse_padding = None, True
    for name in columns:
        rich_table.add_column(name, justify="left" if name in left else "right", overflow="fold")
    return rich_table


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Show a spinner during a slow import."""
    if not console.is_terminal:
        yield
        return
    with console.status(f"Loading {what} ..."):
        yield


class _Warnings(logging.Handler):
    """Prints what descent warns of, and what it notes."""

    def emit(self, record: logging.LogRecord) -> None:
        (warn if record.levelno >= logging.WARNING else say)(record.getMessage())


def show_warnings() -> None:
    """Print the warnings of this process; a library that imports descent logs them where it likes."""
    log = logging.getLogger("descent")
    if not any(isinstance(handler, _Warnings) for handler in log.handlers):
        log.addHandler(_Warnings())
        log.setLevel(logging.INFO)
        log.propagate = False
