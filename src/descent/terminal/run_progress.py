"""Show one run: its progress while it trains, and a table at its end."""

import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from rich.live import Live

from descent.config.schema import RunConfig
from descent.records.curve import Row
from descent.terminal.console import clock, console, loading, paragraph, say, show_warnings, shown, table
from descent.terminal.summary import show_curves
from descent.training.observer import Observer
from descent.training.run import Run

REFRESH = 0.25  # seconds between two updates of the bar
LINES = 2.0  # seconds between two plain lines
BAR, SPARKS = 10, 8  # letters of the bar, and of the curve of the loss
LEVELS = "▁▂▃▄▅▆▇█"


class RunProgress(Observer):
    """Shows a run: a live line at a terminal, else plain lines. It may be sent to the process that trains.

    Args:
        config: of the run; None: there is no header.
    """

    def __init__(self, config: RunConfig | None = None) -> None:
        self.live: Live | None = None
        self.shown = 0.0
        self.examples: int | None = None
        self.max_seconds: float | None = None
        self.losses: dict[float, float] = {}
        self.header = header(config) if config else []

    def loading(self, what: str) -> AbstractContextManager[None]:
        return loading(f"{what} for {' · '.join(self.header)}" if self.header else what)

    def note(self, text: str) -> None:
        say(text)

    def size(self, examples: int, weights: int, device: str) -> None:
        if console.is_terminal and self.header:
            method, problem, seed = self.header
            paragraph(" · ".join([method, f"{problem} ({examples:,} examples, {weights:,} weights)", seed, device]))

    def start(self, row: Row, examples: int | None, max_seconds: float | None) -> None:
        show_warnings()  # also in a process that trains for this one
        self.examples, self.max_seconds = examples, max_seconds
        self.first, self.began = row, time.monotonic()
        if console.is_terminal:
            self.live = Live(console=console, auto_refresh=False, transient=True)
            self.live.start()
        self.update(row["step"], row["examples"], row["seconds"], row, always=True)

    def update(self, step: float, examples: float, seconds: float, row: Row, always: bool = False) -> None:
        """Show the progress of the run and its last record `row`, at most once in `REFRESH` or `LINES` seconds."""
        now = time.perf_counter()
        self.losses[row["step"]] = row["train/loss"]
        if not always and now - self.shown < (REFRESH if self.live else LINES):
            return
        self.shown = now
        steps, elapsed = step - self.first["step"], seconds - self.first["seconds"]
        speed = [f"{steps / elapsed:,.0f} steps/s"] if elapsed > 0 else []
        names = [name for name in row if name == "train/loss" or (name.startswith("val/") and name != "val/loss")]
        values = [f"{name} {row[name]:.4g}" for name in names]
        if self.live is None:
            say(f"step {step:,.0f}  {'  '.join([f'{examples:,.0f} examples', *speed, *values])}")
            return
        done = self._share(examples, seconds)
        gained = done - self._share(self.first["examples"], self.first["seconds"])
        left = (time.monotonic() - self.began) * (1 - done) / gained if gained > 0 else None
        parts = [sparkline([*self.losses.values()]), *values, *speed, f"{examples:,.0f} examples"]
        self.live.update(line(done, left, parts, console.width), refresh=True)

    def _share(self, examples: float, seconds: float) -> float:
        """Return how much of the budget is spent, of the one that ends first."""
        spent = [examples / self.examples if self.examples else 0, seconds / self.max_seconds if self.max_seconds else 0]
        return min(1.0, max(spent))

    def stop(self) -> None:
        if self.live:
            self.live.stop()


def header(config: RunConfig) -> list[str]:
    """Return a run in words, as far as its settings tell before they are resolved: the method, the problem and the seed."""
    names, lr, size = config.names, config.optimizer.arguments.get("lr"), config.batch.arguments.get("size", "")
    rate = f" lr={lr:g}" if isinstance(lr, int | float) else ""
    mode = f"{names.batch} {config.problem.batch_size if size is None else size}".strip()
    return [f"{names.optimizer}{rate} · {mode}", names.problem, f"seed {config.seed}"]


def sparkline(values: Sequence[float]) -> str:
    """Return positive values as a line of blocks, on a logarithmic scale; of many, `SPARKS` of them."""
    good = [math.log(value) for value in values if 0 < value < math.inf]
    if len(good) > SPARKS:
        good = [good[round(place * (len(good) - 1) / (SPARKS - 1))] for place in range(SPARKS)]
    low, high = min(good, default=0.0), max(good, default=0.0)
    return "".join(LEVELS[round((value - low) / ((high - low) or 1) * (len(LEVELS) - 1))] for value in good)


def line(done: float, left: float | None, parts: Sequence[str], width: int) -> str:
    """Return the live line: bar, percent and time left, then the parts that `width` columns have room for.

    Args:
        done: share of the budget that is spent.
        left: seconds to the end; None: not known yet.
    """
    filled = round(done * BAR)
    text = f"{'━' * filled}{'─' * (BAR - filled)} {100 * done:3.0f} %  ETA {'-:--:--' if left is None else clock(left)}"
    for part in parts:
        if len(text) + 2 + len(part) > width:
            break
        text += f"  {part}" * bool(part)
    return text


def show(run: Run, study: Path) -> None:
    """Print the table of a run that ended, its folder, and the command that shows its curves."""
    result, folder = run.result, run.folder
    rows = table("", "", "final", "best", "at step", left=[""])
    for name in (name for name in result.final if name.startswith(("train/", "val/"))):
        best = result.best.get(name)
        ends = _number(result.final[name]), _number(best.value if best else None)
        rows.add_row(shown(name), *ends, f"{best.step:,}" if best else "")
    for name, value in result.test.items():
        rows.add_row(shown(f"test/{name}"), _number(value), "", "")
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
