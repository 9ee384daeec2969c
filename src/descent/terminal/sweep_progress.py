"""Show a sweep while it trains: one live line, and the best run so far of each optimizer."""

import statistics
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
from descent.terminal.summary import Setting, settings_of

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
        self.took: dict[Path, float] = {}  # seconds of the runs that this sweep trained, by folder
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
                ended = read([folder])[0].values()
                self.results += ended
                self.took |= dict.fromkeys([folder] * len(ended), sum(result.wall_seconds for result in ended))
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
            parts.append(f"starting {self.journal.expected()}" if self.started is None else f"{running} running")
        parts += [f"{count} {name}" for count, name in ((self.failed, "failed"), (diverged, "diverged")) if count]
        parts.append(clock(now - self.entered))
        if self.started is not None and self.took and self.pending:
            parts.insert(0, f"ETA {clock((now - self.started) * self._work_left())}")
        return ", ".join(parts)

    def _work_left(self) -> float:
        """Return the seconds of the runs to come over those of the runs that ended, by the mean of each kind of run."""
        kinds: dict[Path, list[float]] = {}
        for folder, seconds in self.took.items():
            kinds.setdefault(folder.parent, []).append(seconds)
        every = statistics.mean(self.took.values())
        left = sum(statistics.mean(kinds[folder.parent]) if folder.parent in kinds else every for folder in self.pending)
        return left / max(sum(self.took.values()) + self.failed * every, 1e-9)

    def _render(self) -> Group:
        state = Table.grid(padding=(0, 1))
        share = (len(self.results) + self.failed) / max(self.total, 1)
        state.add_row(ProgressBar(1.0, share, width=12), f"{100 * share:.0f} %", self.line())
        settings = settings_of(self.results)
        best: dict[tuple[str, str], dict[str, Setting]] = {}
        for setting in settings:
            best.setdefault((setting.problem, setting.optimizer), {}).setdefault(setting.batch, setting)
        modes = sorted({setting.batch for setting in settings})
        metrics = list(dict.fromkeys(setting.metric.name for setting in settings))
        table = Table(show_edge=False, pad_edge=False, box=None)
        table.add_column(f"best median {' or '.join(metrics)} so far", overflow="fold")
        for mode in modes:
            table.add_column(shown(mode), justify="right", no_wrap=True)
        for (problem, optimizer), by_mode in best.items():
            cells = [f"{each.median:.4g} ({len(each.values)})" if (each := by_mode.get(mode)) else "" for mode in modes]
            table.add_row(shown(f"{problem} {optimizer}"), *cells)
        return Group(state, table) if best else Group(state)

    def _print(self) -> None:
        self.printed = time.monotonic()
        self.console.print(self.line(), soft_wrap=True)
