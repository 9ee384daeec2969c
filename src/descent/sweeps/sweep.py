"""A study: a folder of runs. A sweep trains those that are missing, and survives whatever happens to its workers."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from descent import __version__
from descent.config.identity import identity, key, place
from descent.config.schema import RunConfig
from descent.errors import InputError
from descent.metrics import metric
from descent.outside import output, writing
from descent.records import result as results
from descent.records.finished import Unsound, sound
from descent.records.lock import Busy, held
from descent.records.result import Result
from descent.terminal.console import errors, loading, say, show_warnings, shown, warn
from descent.terminal.summary import show_failures, show_study, write_medians
from descent.terminal.sweep_progress import StudyDisplay
from descent.training.run import POLL, run

ATTEMPTS = 3  # times that a run's worker may die before the run counts as failed


@dataclass(frozen=True)
class Planned:
    """A run of a sweep: what was typed, what that means, what computes it (cuda, cpu), and where it lies.

    Attributes:
        result: what it came to; None: it is missing.
    """

    overrides: list[str]
    config: RunConfig
    device: str
    folder: Path
    result: Result | None


def plan(jobs: Sequence[Sequence[str]], compose: Callable[[list[str]], RunConfig], elsewhere: str | None = None) -> list[Planned]:
    """Return the runs of a sweep, each once, in its order; arguments as of `sweep`.

    Raises:
        InputError: a setting of one of them cannot work; nothing was trained.
    """
    composed = [(list(job), compose(list(job))) for job in jobs]
    _one_study([config for _, config in composed])
    with loading("PyTorch"):
        from descent.config.targets import resolve
        from descent.training import build
        from descent.training.rehearsal import Rehearsal

    planned: dict[Path, Planned] = {}
    rehearsal = Rehearsal()
    for job, given in composed:
        config = resolve(given)
        device = build.device(config, elsewhere)
        who = identity(config, device)
        folder = place(config, who)
        if folder not in planned:
            result = None if config.rerun else _finished(folder, key(who))
            if result is None:
                rehearsal.require(config, device)
            planned[folder] = Planned(job, config, device, folder, result)
    return list(planned.values())


def _one_study(configs: Sequence[RunConfig]) -> None:
    """Refuse a sweep over studies, which would count two copies of a seed as two.

    Raises:
        InputError: names the setting that varies.
    """
    for name in ("study", "output_dir"):
        values = list(dict.fromkeys(str(getattr(config, name)) for config in configs))
        if len(values) > 1:
            raise InputError(name, ",".join(values), "must be one, as a sweep is one study", "Run one sweep for each.")


def sweep(
    jobs: Sequence[Sequence[str]],
    compose: Callable[[list[str]], RunConfig],
    launch: Callable[[list[Planned]], object],
    elsewhere: str | None = None,
    experiment: str | None = None,
    target: str | None = None,
) -> int:
    """Train what is missing of a sweep; return how many runs failed.

    Args:
        jobs: the overrides of each run.
        compose: from overrides to a typed configuration.
        launch: trains runs, each by `work`, in whatever processes; it may raise or leave runs untrained.
        elsewhere: what ``trainer=auto`` means on the machines that train them, cpu or gpu; None: they are trained on this one.
        experiment: whose figure and sentence end the sweep.
        target: the module of an experiment of the user's own.

    Raises:
        InputError: a setting that cannot work; nothing was trained.
        KeyboardInterrupt: Ctrl-C; repeating the command goes on.
    """
    begun = time.time()
    show_warnings()
    module = _module(experiment, target) if experiment else None
    runs = plan(jobs, compose, elsewhere)
    from descent.sweeps import gpus  # not before the settings are known to work

    gpus.keep()
    study = runs[0].config.folder
    missing = [planned for planned in runs if planned.result is None]
    say(_summary(runs, missing))
    _name_other_versions(runs)
    if missing:
        _writable(study, runs[0].config.output_dir)
    with StudyDisplay([planned.folder for planned in runs], [planned.folder for planned in missing], begun):
        lost = _train(missing, launch, begun)
    write_medians(study, bool(missing))
    say("")
    show_study(study, [planned.folder for planned in runs])
    failed = show_failures(study, [planned.folder for planned in missing]) + lost
    if experiment and module and failed < len(runs):
        _conclude(experiment, module, study, runs)
    return failed


def _module(experiment: str, target: str | None) -> ModuleType:
    with loading("the experiment"):
        from descent.experiments import find
    return find(experiment, target)


def _conclude(experiment: str, module: ModuleType, study: Path, runs: list[Planned]) -> None:
    from descent.experiments import conclude

    done = conclude(experiment, study, [planned.folder for planned in runs], module)
    say(f"\n{done.sentence}")
    if done.figure:
        say(f"figure   {done.figure}")


def _finished(folder: Path, key: str) -> Result | None:
    try:
        return sound(folder, key)
    except Unsound:  # the run names what is damaged
        return None


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


def _train(missing: list[Planned], launch: Callable[[list[Planned]], object], begun: float) -> int:
    """Launch what is missing until nothing is: again after a worker died, and after another process let go of a run.

    Returns:
        how many runs could not even leave a word of their failure.
    """
    attempts: Counter[Path] = Counter()
    lost = 0
    while missing:
        trouble: Exception = RuntimeError(f"its process died {ATTEMPTS} times")
        try:
            launch(missing)
        except Exception as error:  # of a launcher whose worker was killed
            trouble = error
        missing = [planned for planned in missing if not _ended(planned, begun)]
        free = [planned for planned in missing if not held(planned.folder)]
        attempts.update(planned.folder for planned in free)
        for planned in free:
            if attempts[planned.folder] == ATTEMPTS:
                lost += not _fail(planned.folder, trouble)
        missing = [planned for planned in missing if attempts[planned.folder] < ATTEMPTS]
        if missing and not free:  # other processes are at them all
            time.sleep(POLL)
    return lost


def _fail(folder: Path, error: Exception) -> bool:
    """Write why a run failed, or say it where that cannot be written; say whether it could."""
    try:
        results.fail(folder, error)
    except OSError as trouble:
        text = f"error: {folder}: {results.describe(error)} (and error.txt cannot be written: {trouble.strerror})"
        errors.print(shown(text), soft_wrap=True)
        return False
    return True


def _ended(planned: Planned, begun: float) -> bool:
    """Say whether a run got its result, or failed, since the sweep began."""
    for name in ("result.json", "error.txt"):
        try:
            if (planned.folder / name).stat().st_mtime >= begun - 1:
                return True
        except OSError:
            pass
    return False


def work(config: RunConfig) -> float:
    """Train one run of a sweep, silently: whatever it raises is written into its folder, and the others go on.

    Its accelerator is cpu or gpu, as planned: ``auto`` might find another one here, and so another run.

    Returns:
        The problem's metric at the end; infinitely bad for a run that diverged, failed, or that another process trains.
    """
    from descent.config.targets import resolve
    from descent.sweeps import gpus
    from descent.training import build

    worst = metric(config.problem.metric, config.problem.metrics).worst
    gpus.claim(config)
    try:
        result = run(config, wait=False).result
    except Busy:
        return worst
    except Exception as error:
        resolved = resolve(config)
        _fail(place(resolved, identity(resolved, build.device(resolved, elsewhere="cpu"))), error)  # a GPU may be what it lacks
        return worst
    value = result.final.get(config.problem.metric)
    return worst if result.status == "diverged" or value is None else value


def _summary(runs: list[Planned], missing: list[Planned]) -> str:
    continued = sum((planned.folder / "last.ckpt").exists() and not planned.config.rerun for planned in missing)
    parts = [f"{len(runs) - len(missing)} finished", f"{continued} continued", f"{len(missing) - continued} to train"]
    return ", ".join(parts)
