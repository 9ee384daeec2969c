"""Show one run: its progress while it trains, and a table at its end."""

import time
from contextlib import AbstractContextManager
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from descent.records.curve import Row
from descent.terminal.console import console, loading, say, show_warnings, shown, table
from descent.terminal.summary import show_curves
from descent.training.observer import Observer
from descent.training.run import Run

REFRESH = 0.25  # seconds between two updates of the bar
LINES = 2.0  # seconds between two plain lines


class RunProgress(Observer):
    """Shows a run: a live bar at a terminal, else plain lines. It may be sent to the process that trains."""

    def __init__(self) -> None:
        self.bar: Progress | None = None
        self.shown = 0.0
        self.examples: int | None = None
        self.max_seconds: float | None = None

    def loading(self, what: str) -> AbstractContextManager[None]:
        return loading(what)

    def note(self, text: str) -> None:
        say(text)

    def start(self, row: Row, examples: int | None, max_seconds: float | None) -> None:
        show_warnings()  # also in a process that trains for this one
        self.examples, self.max_seconds = examples, max_seconds
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
        """Show the progress of the run and its last record `row`, at most once in `REFRESH` or `LINES` seconds."""
        now = time.perf_counter()
        if not always and now - self.shown < (REFRESH if self.bar else LINES):
            return
        self.shown = now
        steps, elapsed = step - self.first[0], seconds - self.first[1]
        speed = f"{steps / elapsed:,.0f} steps/s  " if elapsed > 0 else ""
        shown = [name for name in row if name == "train/loss" or (name.startswith("val/") and name != "val/loss")]
        losses = "  ".join(f"{name} {row[name]:.4g}" for name in shown)
        text = f"{examples:,.0f} examples  {speed}{losses}"
        if self.bar is None:
            say(f"step {step:,.0f}  {text}")
            return
        share = examples if self.examples else seconds
        self.bar.update(self.task, completed=share, text=text)
        self.bar.refresh()

    def stop(self) -> None:
        if self.bar:
            self.bar.stop()


def show(run: Run, study: Path) -> None:
    """Print the table of a run that ended, its folder, and the command that shows its curves."""
    result, folder = run.result, run.folder
    rows = table("", "", "final", "best", "at step", "test", left=[""])
    metrics = [name for name in result.final if name.startswith(("train/", "val/"))]
    tested = result.test
    for name in metrics:
        best = result.best.get(name)
        test = tested.get(name.removeprefix("val/")) if name.startswith("val/") else None
        rows.add_row(
            shown(name),
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
    show_curves(study)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.5g}"
