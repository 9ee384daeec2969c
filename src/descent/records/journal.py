"""Messages between the processes of a sweep, in a folder of the study: that it lives or stops, and each run's state."""

import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from filelock import FileLock

from descent import stopping
from descent.config import imports
from descent.records.lock import held, on_machine

PREFIX = ".sweep-"
POLL = 0.5  # seconds between two looks of a worker at the sweep
_attended: set[Path] = set()  # the journals that this process watches


class Outcome(StrEnum):
    """The state of a run, as reported by the process that trains it."""

    BEGUN = "begun"
    BUSY = "busy"  # another process trains it
    STOPPED = "stopped"  # by a signal, after a checkpoint
    ENDED = "ended"  # with a result
    FAILED = "failed"  # with a cause


@dataclass(frozen=True)
class Journal:
    """A folder with a file for each run that a process of the sweep has taken up.

    Attributes:
        folder: absolute, as a worker may have another working directory.
        outputs: where the studies lie, absolute.
        process: the id of the process that sweeps.
        local: whether all workers are on this machine, where a lock shows that the sweep lives.
        imports: folders of the user's from which workers import too.
    """

    folder: Path
    outputs: Path
    process: int
    local: bool
    imports: tuple[str, ...] = ()

    def note(self, run: str, outcome: Outcome) -> None:
        """Note a state of a run, named as its folder; a full disk loses it."""
        with suppress(OSError), open(self.folder / run, "a") as file:
            file.write(f"{outcome}\n")

    def notes(self, run: str) -> list[Outcome]:
        """Return the states of a run in this sweep, in order."""
        try:
            return [Outcome(line) for line in (self.folder / run).read_text().split()]
        except (OSError, ValueError):
            return []

    def noted(self) -> set[str]:
        """Return the runs that have notes."""
        try:
            return set(os.listdir(self.folder))
        except OSError:
            return set()

    def expect(self, workers: int) -> None:
        """Note how many workers the launcher starts."""
        with suppress(OSError):
            (self.folder / f".workers-{workers}").touch()

    def expected(self) -> str:
        """Return the workers that are to start, as ``2 workers``."""
        number = next((name.partition("-")[2] for name in self.noted() if name.startswith(".workers-")), "")
        return f"{number} worker{'s' * (number != '1')}".strip()

    def stop(self, number: int) -> None:
        """Ask all workers to stop, because of a signal."""
        with suppress(OSError):
            (self.folder / f".stop-{number}").touch()

    def stops(self) -> int:
        """Return the signal that made the sweep ask its workers to stop, or 0."""
        return next((number for number in stopping.SIGNALS if (self.folder / f".stop-{number}").exists()), 0)

    def attend(self) -> None:
        """Let this process end with the sweep and stop with it, if it is a worker: the sweep's own process does so anyway.

        Signals may reach workers too; the sweep decides what they mean. One that reaches a worker alone stops its run, which the
        sweep takes up again.
        """
        if os.getpid() == self.process or self.folder in _attended:
            return
        _attended.add(self.folder)
        imports.import_from(self.imports)
        stopping.hear(stopping.ask)
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        waiting = threading.Event()
        while not self.local or held(self.folder):
            if number := self.stops():
                stopping.ask(number)
            waiting.wait(POLL)
        os._exit(1)


@contextmanager
def opened(study: Path, outputs: Path, local: bool) -> Iterator[Journal]:
    """Keep a journal in a study's folder, which exists; those of sweeps that were killed are removed."""
    with on_machine("sweeps"):
        for old in study.glob(f"{PREFIX}*"):
            if not held(old):
                shutil.rmtree(old, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=study)).absolute()
        file = FileLock(folder / ".lock")
        file.acquire()
    try:
        yield Journal(folder, outputs.absolute(), os.getpid(), local, tuple(imports.folders))
    finally:
        file.release()
        shutil.rmtree(folder, ignore_errors=True)
