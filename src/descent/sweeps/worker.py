"""Train one run of a sweep in a worker and report its outcome."""

import os
from pathlib import Path

from omegaconf import DictConfig

from descent import stopping
from descent.config.identity import identity, place
from descent.config.schema import RunConfig
from descent.metrics import metric
from descent.records import result as results
from descent.records.journal import Journal, Outcome
from descent.records.lock import Busy
from descent.sweeps.plan import Planned
from descent.terminal.console import errors, shown
from descent.training.run import run


def take_up(journal: Journal, config: DictConfig) -> Outcome:
    """Train the run that Hydra composed, in a worker, and return its outcome."""
    from descent.config.compose import read

    return _taken_up(journal, read(config))


def train_planned(journal: Journal, planned: Planned) -> Outcome:
    """Train a run of a sweep, in a worker or in the sweep's process, and return its outcome."""
    return _taken_up(journal, planned.settled, planned.folder.absolute())


def _taken_up(journal: Journal, config: RunConfig, folder: Path | None = None) -> Outcome:
    journal.attend()
    if journal.stops():
        return Outcome.STOPPED
    return work(config.model_copy(update={"output_dir": str(journal.outputs)}), journal, folder)[0]


def work(config: RunConfig, journal: Journal | None = None, folder: Path | None = None) -> tuple[Outcome, float]:
    """Train one run of a sweep without output; write an error into its folder, so that the other runs go on.

    Its accelerator is cpu or gpu, as planned: ``auto`` might find another one here, and so another run.

    Args:
        config: the run's settings.
        journal: of the sweep, where the outcome is noted.
        folder: of the run; None: it follows from the settings.

    Returns:
        its outcome, and the problem's metric at the end: infinitely bad for a run that diverged, failed, or that another
        process trains.

    Raises:
        Stopped: by a signal, in the sweep's own process.
    """
    from descent.sweeps import gpus

    worst = metric(config.problem.metric, config.problem.metrics).worst
    folder = folder or _folder(config)
    if journal:
        journal.note(folder.name, Outcome.BEGUN)
    gpus.claim(config)
    value = worst
    try:
        result = run(config, wait=False).result
        final = None if result.status == "diverged" else result.final.get(config.problem.metric)
        value, outcome = worst if final is None else final, Outcome.ENDED
    except Busy:
        outcome = Outcome.BUSY
    except stopping.Stopped:
        if journal is None or journal.process == os.getpid():
            raise
        outcome = Outcome.STOPPED
    except Exception as error:
        fail(folder, error)
        outcome = Outcome.FAILED
    if journal:
        journal.note(folder.name, outcome)
    return outcome, value


def _folder(config: RunConfig) -> Path:
    from descent.config.targets import resolve
    from descent.training import build

    resolved = resolve(config)
    return place(resolved, identity(resolved, build.device(resolved, elsewhere="cpu")))  # a GPU may be what it lacks


def fail(folder: Path, error: Exception) -> None:
    """Write why a run failed, or print it where that cannot be written."""
    try:
        results.fail(folder, error)
    except OSError as trouble:
        text = f"error: {folder}: {results.describe(error)} (and error.txt cannot be written: {trouble.strerror})"
        errors.print(shown(text), soft_wrap=True)
