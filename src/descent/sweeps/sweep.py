"""A study: a folder of runs. A sweep trains those that are missing, and survives whatever happens to its workers."""

import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType

from descent import __version__, stopping
from descent.config.imports import folders, notice
from descent.config.schema import RunConfig
from descent.outside import output, writing
from descent.records import journal as journals
from descent.records.journal import Journal, Outcome
from descent.records.lock import held
from descent.sweeps.plan import Planned, plan
from descent.sweeps.worker import fail
from descent.terminal.console import loading, say, show_warnings, warn
from descent.terminal.summary import show_failures, show_study, write_medians
from descent.terminal.sweep_progress import StudyDisplay
from descent.training.run import POLL

ATTEMPTS = 3  # times that a run's worker may die before the run counts as failed
PATIENCE = 10.0  # seconds that runs have to save a checkpoint when a signal stops the sweep


Launch = Callable[[list[Planned], Journal], Sequence[Outcome]]


def sweep(
    jobs: Sequence[Sequence[str]],
    compose: Callable[[list[str]], RunConfig],
    launch: Launch,
    elsewhere: str | None = None,
    experiment: str | None = None,
    target: str | None = None,
) -> int:
    """Train the missing runs of a sweep; return how many runs failed.

    Args:
        jobs: the overrides of each run.
        compose: from overrides to a typed configuration.
        launch: trains runs, each by `worker.take_up`, in whatever processes, and returns what came of each; it may raise.
        elsewhere: what ``trainer=auto`` means on the machines that train them, cpu or gpu; None: they are trained on this one.
        experiment: its figure and sentence end the sweep.
        target: the module of an experiment of the user's own.

    Raises:
        InputError: a setting that cannot work; nothing was trained.
        Stopped: by a signal; repeating the command goes on.
    """
    show_warnings()
    module = experiment_module(experiment, target) if experiment else None
    runs = plan(jobs, compose, elsewhere)
    with Workers(launch, elsewhere) as workers:
        failed = workers.train(runs)
    show(runs, failed)
    if experiment and module and len(failed) < len(runs):
        conclude(experiment, module, runs[0].config.folder, runs)
    return len(failed)


class Workers(ExitStack):
    """The workers of a sweep, which live to its end: they watch one journal, however often they are launched.

    Args:
        launch, elsewhere: as of `sweep`.
    """

    def __init__(self, launch: Launch, elsewhere: str | None = None) -> None:
        super().__init__()
        self.launch, self.elsewhere = launch, elsewhere
        self.journal: Journal | None = None

    def train(self, runs: list[Planned]) -> list[Path]:
        """Train the missing runs, with a progress line; return the folders of those that failed."""
        from descent.sweeps import gpus  # not before the settings are known to work

        gpus.keep()
        missing = [planned for planned in runs if planned.result is None]
        if folders and self.journal is None:
            say(notice())
        say(_summary(runs, missing))
        _name_other_versions(runs)
        if not missing:
            return []
        if self.journal is None:
            study, output_dir = runs[0].config.folder, runs[0].config.output_dir
            _writable(study, output_dir)
            opened = journals.opened(study, Path(output_dir).expanduser(), local=self.elsewhere is None)
            self.journal = self.enter_context(opened)
        every, to_train = ([planned.folder for planned in some] for some in (runs, missing))
        with StudyDisplay(every, to_train, self.journal), _stopping(missing, self.journal):
            return _train(missing, self.launch, self.journal)


def show(runs: list[Planned], failed: list[Path]) -> None:
    """Print the table of the sweep's runs and the failures."""
    study = runs[0].config.folder
    write_medians(study, any(planned.result is None for planned in runs))
    say("")
    show_study(study, [planned.folder for planned in runs])
    show_failures(study, failed)


def experiment_module(experiment: str, target: str | None) -> ModuleType:
    """Return the module of an experiment; see `experiments.find`."""
    with loading("the experiment"):
        from descent.experiments import find
    return find(experiment, target)


def conclude(experiment: str, module: ModuleType, study: Path, runs: list[Planned]) -> None:
    """Print the sentence of an experiment, and the place of its figure."""
    from descent import experiments

    done = experiments.conclude(experiment, study, [planned.folder for planned in runs], module)
    say(f"\n{done.sentence}")
    if done.figure:
        say(f"figure   {done.figure}")
    if done.fault:
        raise done.fault


def _name_other_versions(runs: list[Planned]) -> None:
    others = Counter(str(planned.result.environment.get("descent")) for planned in runs if planned.result)
    for version, count in others.items():
        if version != __version__:
            warn(f"{count} results are of descent {version}, this is {__version__}; rerun=true trains them anew.")


def _writable(study: Path, output_dir: str) -> None:
    with output("output_dir", output_dir), writing(study):
        study.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=study) as file:
            file.write(b"descent")


@contextmanager
def _stopping(missing: list[Planned], journal: Journal) -> Iterator[None]:
    """Stop the sweep at a signal: workers get `PATIENCE` seconds to save a checkpoint.

    Raises:
        Stopped: inside the launcher, whatever it turns that into; see `_train`.
    """

    def stop(number: int) -> None:
        journal.stop(number)
        end = time.monotonic() + PATIENCE
        while not stopping.asked() and time.monotonic() < end and any(_trains(planned, journal) for planned in missing):
            time.sleep(POLL / 10)
        raise stopping.Stopped(number)

    with stopping.listening(stop):
        yield


def _trains(planned: Planned, journal: Journal) -> bool:
    return journal.notes(planned.folder.name)[-1:] == [Outcome.BEGUN] and held(planned.folder)


def _train(missing: list[Planned], launch: Launch, journal: Journal) -> list[Path]:
    """Launch the missing runs until all ended: again after a worker died, or another process released a run.

    Each run reports its outcome to the launcher, and in the journal in case the launcher loses it with a worker. Only a run that
    had begun can have died with its worker; where none had, the launcher itself does not work.

    Returns:
        the folders of the runs that failed.

    Raises:
        Stopped: by a signal.
    """
    attempts: Counter[Path] = Counter()
    failed: list[Path] = []
    while missing:
        trouble: Exception = RuntimeError(f"its process died {ATTEMPTS} times")
        before = {planned.folder: len(journal.notes(planned.folder.name)) for planned in missing}
        reported: Sequence[Outcome] = ()
        try:
            reported = launch(missing, journal)
        except Exception as error:  # of a launcher whose worker was killed
            trouble = error
        except KeyboardInterrupt as error:  # what Ray makes of any signal; a run in this process tells its own
            raise error if isinstance(error, stopping.Stopped) else stopping.Stopped(journal.stops() or signal.SIGINT) from None
        if number := journal.stops():
            raise stopping.Stopped(number)
        notes = {planned.folder: journal.notes(planned.folder.name)[before[planned.folder] :] for planned in missing}
        outcomes = {folder: noted[-1] for folder, noted in notes.items() if noted}
        outcomes |= {planned.folder: outcome for planned, outcome in zip(missing, reported, strict=False)}
        failed += [folder for folder, outcome in outcomes.items() if outcome == Outcome.FAILED]
        missing = [planned for planned in missing if outcomes.get(planned.folder) not in (Outcome.ENDED, Outcome.FAILED)]
        died = [planned for planned in missing if outcomes.get(planned.folder) == Outcome.BEGUN and not held(planned.folder)]
        for planned in died if outcomes else missing:
            attempts[planned.folder] += 1
            if attempts[planned.folder] == ATTEMPTS:
                fail(planned.folder, trouble)
                journal.note(planned.folder.name, Outcome.FAILED)
                failed.append(planned.folder)
        missing = [planned for planned in missing if attempts[planned.folder] < ATTEMPTS]
        if missing and all(held(planned.folder) for planned in missing):  # other processes are at them all
            time.sleep(POLL)
    return failed


def _summary(runs: list[Planned], missing: list[Planned]) -> str:
    continued = sum((planned.folder / "last.ckpt").exists() and not planned.config.rerun for planned in missing)
    parts = [f"{len(runs) - len(missing)} finished", f"{continued} continued", f"{len(missing) - continued} to train"]
    return ", ".join(parts)
