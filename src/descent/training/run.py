"""One run: a pure function of its typed configuration."""

import os
import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from descent.config.identity import identity, key, place
from descent.config.imports import folders, notice
from descent.config.schema import RunConfig
from descent.records import curve
from descent.records.finished import Unsound, sound
from descent.records.lock import Busy, held
from descent.records.result import Result
from descent.training.observer import Observer

POLL = 0.5  # seconds between two looks at what another process is doing


@dataclass(frozen=True)
class Run:
    """A run that ended.

    Attributes:
        folder: where its files lie.
        result: its result.
    """

    folder: Path
    result: Result

    @cached_property
    def rows(self) -> list[curve.Row]:
        """The records, in order."""
        return curve.read(self.folder / "curve.csv")


def run(config: RunConfig, observer: Observer | None = None, wait: bool = True) -> Run:
    """Train a run, or continue it, or find it finished.

    A run's folder is a function of what determines its result, so the same settings find it again.

    Args:
        config: the run's settings.
        observer: notified of the progress; None: nothing is printed.
        wait: for another process that is training this run, and take its result.

    Raises:
        InputError: a setting that cannot work; nothing was written.
        Busy: another process is training this run, and `wait` is False.
        Stopped: by a signal; repeating the command continues the run.
    """
    observer = observer or Observer()
    with observer.loading("PyTorch"):
        from descent.config.targets import resolve
        from descent.training import build
        from descent.training.train import train

    config = resolve(config)
    if folders:
        observer.note(notice())
    identified = identity(config, build.device(config))
    final = place(config, identified)
    if not config.rerun:
        with suppress(Unsound):  # which `train` names
            if result := sound(final, key(identified)):
                observer.note("This run is finished; here is its result again (rerun=true trains it anew).\n")
                return Run(final, result)

    folder = final.with_name(f"{final.name}.rerun") if config.rerun and final.exists() else final
    try:
        result = train(config, identified, key(identified), folder, observer)
    except Busy:
        if not wait:
            raise
        observer.note("Another process is training this run. Waiting for it.")
        while held(folder):
            time.sleep(POLL)
        return run(config.model_copy(update={"rerun": False}), observer)
    if folder != final:
        _replace(folder, final)
    return Run(final, result)


def run_overrides(*overrides: str) -> Run:
    """Train a run silently, or continue it, or find it finished.

    Args:
        overrides: as on the command line, ``optimizer=adam``, ``optimizer.lr=0.01``, ``output_dir=outputs``.

    Raises:
        InputError: a setting that cannot work; nothing was written.

    Example:
        >>> import descent
        >>> done = descent.run("problem=quadratic", "engine=numpy", "max_steps=3", "logger=csv", "output_dir=/tmp/descent")
        >>> done.result.status, done.rows[-1]["step"]
        ('finished', 3)
    """
    from descent.config.compose import compose

    return run(compose(*overrides))


def _replace(new: Path, old: Path) -> None:
    """Put a complete new folder in the place of an old one."""
    aside = old.with_name(f"{old.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(old, aside)
    os.replace(new, old)
    shutil.rmtree(aside)
