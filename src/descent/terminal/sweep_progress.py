"""Show a sweep while it trains: one live line, and the best run so far of each optimizer."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from descent.records.folders import read
from descent.records.journal import Journal, Outcome
from descent.records.lock import held
from descent.records.result import Result
from descent.terminal.console import clock, shown, terminal
from descent.terminal.summary import settings_of

REFRESH = 1.0  # seconds between two looks at the folders
SHARE = 0.1  # of the time, that looking may take from the runs
LINES = 10.0  # seconds between two plain lines


class StudyDisplay:
    """Looks at the folders of a sweep, from a thread of its own, as the launcher may keep this one.

    Args:
        folders: of all runs.
        missing: those that the sweep trains.
        journal: in which they say how they go.
    """

    def __init__(self, folders: Sequence[Path], missing: Sequence[Path], journal: Journal) -> None:
        self.console = terminal()
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.journal = journal
        self.entered = time.monotonic()
        self.started: float | None = None  # when the first run was seen, after the imports of its process
        self.total = len(folders)
        self.pending = list(missing)
        waiting = set(missing)
        self.results: list[Result] = list(read([folder for folder in folders if folder not in waiting])[0].values())
        self.trained = self.failed = 0
        self.printed = 0.0
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "StudyDisplay":
        if self.live:
            self.live.start()
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stopping.set()
        self.thread.join()
        self._look()
        if self.live:
            self.live.stop()
        self._print()

    def _watch(self) -> None:
        took = 0.0
        while not self.stopping.wait(max(REFRESH, took / SHARE)):
            looked = time.monotonic()
            self._look()
            took = time.monotonic() - looked
            if self.live:
                self.live.update(self._render(), refresh=True)
            elif time.monotonic() - self.printed > LINES:
                self._print()

    def _look(self) -> None:
        """Take in the runs that ended since the last look."""
        still = []
        noted = self.journal.noted()
        for folder in self.pending:
            last = self.journal.notes(folder.name)[-1:] if folder.name in noted else []
            if last == [Outcome.ENDED]:
                self.results += read([folder])[0].values()
                self.trained += 1
            elif last == [Outcome.FAILED]:
                self.failed += 1
            else:
                still.append(folder)
        self.pending = still

    def line(self) -> str:
        """Return the state of the sweep in a line."""
        done, diverged = len(self.results), sum(result.status == "diverged" for result in self.results)
        running = sum(held(folder) for folder in self.pending)
        now = time.monotonic()
        if self.started is None and (running or self.trained or self.failed):
            self.started = self.entered if self.trained or self.failed else now
        parts = [f"{done}/{self.total} done"]
        if self.pending:
            parts.append("starting" if self.started is None else f"{running} running")
        parts += [f"{count} {name}" for count, name in ((self.failed, "failed"), (diverged, "diverged")) if count]
        parts.append(clock(now - self.entered))
        if self.started is not None and self.trained and self.pending:
            parts.append(f"ETA {clock((now - self.started) / (self.trained + self.failed) * len(self.pending))}")
        return ", ".join(parts)

    def _render(self) -> Group:
        state = Table.grid(padding=(0, 1))
        state.add_row(ProgressBar(self.total, len(self.results) + self.failed, width=24), self.line())
        best = Table(show_edge=False, pad_edge=False, box=None)
        for name in ("best so far", "median", "runs"):
            best.add_column(name, justify="left" if name == "best so far" else "right")
        seen: set[tuple[str, str]] = set()
        for setting in settings_of(self.results):
            key = setting.problem, setting.name.split(" ", 1)[0]
            if key not in seen:
                seen.add(key)
                best.add_row(
                    shown(f"{setting.problem} {setting.name}"), f"{setting.median:.4g}", str(sum(setting.statuses.values()))
                )
        return Group(state, best) if seen else Group(state)

    def _print(self) -> None:
        self.printed = time.monotonic()
        self.console.print(self.line(), soft_wrap=True)
