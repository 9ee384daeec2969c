"""What a person sees: a live bar or plain lines while a run trains, and a table at its end."""

import os
import shlex
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from descent.records.curve import Row

if TYPE_CHECKING:
    from descent.records.result import Result

REFRESH = 0.25  # seconds between two updates of the bar
LINES = 2.0  # seconds between two plain lines

WIDE = 200  # columns, where nothing has an edge: a file, a pipe


def terminal(stderr: bool = False) -> Console:
    """Return what prints, at a terminal as wide as that is."""
    found = Console(stderr=stderr, highlight=False)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        found.width = WIDE
    return found


console = terminal()
errors = terminal(stderr=True)


def say(text: str) -> None:
    """Print a line, as it is."""
    console.print(escape(text), soft_wrap=True)


def warn(text: str) -> None:
    """Print a warning, on the error stream."""
    errors.print(f"[yellow]warning:[/] {escape(text)}", soft_wrap=True)


def printable(text: str) -> str:
    """Return a text that a file holds, without what would move the cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def clock(seconds: float) -> str:
    """Return seconds as hours:minutes:seconds."""
    return f"{int(seconds) // 3600}:{int(seconds) // 60 % 60:02}:{int(seconds) % 60:02}"


def table(title: str, *columns: str, left: Collection[str] = ()) -> Table:
    """Return an empty table, as all of them look: numbers to the right, the columns of words to the `left`."""
    found = Table(title=escape(title), title_justify="left", show_edge=False, pad_edge=False)
    for name in columns:
        found.add_column(name, justify="left" if name in left else "right", overflow="fold")
    return found


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Tell a person at a terminal what takes the next seconds."""
    if not console.is_terminal:
        yield
        return
    with console.status(f"Loading {what} ..."):
        yield


class Display:
    """The live progress of one run.

    Args:
        examples: that the run will process; None where only its seconds are limited.
        max_seconds: of training, or None.
    """

    def __init__(self, examples: int | None, max_seconds: float | None) -> None:
        self.examples = examples
        self.max_seconds = max_seconds
        self.quiet = console.quiet  # which a process that trains for this one must be told
        self.bar: Progress | None = None
        self.shown = 0.0

    def start(self, row: Row) -> None:
        """Begin at a record."""
        console.quiet = self.quiet
        self.first = row["step"], row["seconds"]
        if console.is_terminal:
            self.bar = Progress(
                BarColumn(bar_width=24),
                TextColumn("{task.percentage:>3.0f} %"),
                TextColumn("{task.fields[text]}"),
                TextColumn("ETA"),
                TimeRemainingColumn(compact=True),
                console=console,
                auto_refresh=False,
                transient=True,
            )
            self.task = self.bar.add_task("", total=self.examples or self.max_seconds, text="")
            self.bar.start()
        self.update(row["step"], row["examples"], row["seconds"], row, always=True)

    def update(self, step: float, examples: float, seconds: float, row: Row, always: bool = False) -> None:
        """Show how far the run is, and its last record `row`; seldom enough to cost nothing."""
        now = time.perf_counter()
        if not always and now - self.shown < (REFRESH if self.bar else LINES):
            return
        self.shown = now
        steps, elapsed = step - self.first[0], seconds - self.first[1]
        speed = f"{steps / elapsed:,.0f} steps/s  " if elapsed > 0 else ""
        losses = "  ".join(f"{name} {row[name]:.4g}" for name in ("train/loss", "val/accuracy") if name in row)
        text = f"{examples:,.0f} examples  {speed}{losses}"
        if self.bar is None:
            say(f"step {step:,.0f}  {text}")
            return
        share = examples if self.examples else seconds
        self.bar.update(self.task, completed=share, text=text)
        self.bar.refresh()

    def stop(self) -> None:
        """Take the bar away."""
        if self.bar:
            self.bar.stop()


def show(result: "Result", folder: Path, study: Path) -> None:
    """Print the table of a result, where it lies, and how to look at its curves."""
    if console.quiet:
        return
    rows = table("", "", "final", "best", "at step", "test", left=[""])
    quantities = [name for name in result.final if name.startswith(("train/", "val/"))]
    tested = result.test
    for name in quantities:
        best = result.best.get(name)
        test = tested.get(name.removeprefix("val/")) if name.startswith("val/") else None
        rows.add_row(
            name,
            _number(result.final[name]),
            _number(best.value if best else None),
            f"{best.step:,}" if best else "",
            _number(test),
        )
    console.print(rows)
    times = f"{result.seconds:.2f} s of training, {result.wall_seconds:.2f} s with records"
    say(f"\n{result.status}: {result.steps:,} steps, {result.examples:,} examples, {times}")
    if result.status == "diverged":
        say(f"The loss left all bounds at step {result.diverged_at:,}. Try a smaller optimizer.lr.")
    if result.status == "stalled":
        say("The training loss did not improve on the start, or is no better than chance. Try another optimizer.lr.")
    say(f"results  {folder}")
    say(f"curves   tensorboard --logdir {shlex.quote(str(study))}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
