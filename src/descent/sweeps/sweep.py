"""A study: a folder of runs. A sweep trains those that are missing, and survives whatever happens to its workers."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from descent import __version__
from descent.config.identity import identity, place
from descent.config.schema import RunConfig
from descent.errors import InputError
from descent.metrics import metric
from descent.records import result as results
from descent.records.lock import Busy, held
from descent.terminal.console import errors, loading, say, show_warnings, warn
from descent.terminal.summary import show_failures, show_study
from descent.terminal.sweep_progress import StudyDisplay
from descent.training.run import POLL, run

ATTEMPTS = 3  # times that a run's worker may die before the run counts as failed


@dataclass(frozen=True)
class Planned:
    """A run of a sweep: what was typed, what that means, what computes it (cuda, cpu), where it lies, and if it is missing."""

    overrides: list[str]
    config: RunConfig
    device: str
    folder: Path
    missing: bool


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
        folder = place(config, identity(config, device))
        if folder not in planned:
            missing = config.rerun or not _sound(folder)
            if missing:
                rehearsal.require(config, device)
            planned[folder] = Planned(job, config, device, folder, missing)
    return list(planned.values())


def _one_study(configs: Sequence[RunConfig]) -> None:
    """Refuse a sweep over studies, which would count two copies of a seed as two.

    Raises:
        InputError: names the setting that varies.
    """
    for key in ("study", "output_dir"):
        values = list(dict.fromkeys(str(getattr(config, key)) for config in configs))
        if len(values) > 1:
            raise InputError(key, ",".join(values), "must be one, as a sweep is one study", "Run one sweep for each.")


def sweep(
    jobs: Sequence[Sequence[str]],
    compose: Callable[[list[str]], RunConfig],
    launch: Callable[[list[Planned]], object],
    elsewhere: str | None = None,
    experiment: str | None = None,
) -> int:
    """Train what is missing of a sweep; return how many runs failed.

    Args:
        jobs: the overrides of each run.
        compose: from overrides to a typed configuration.
        launch: trains runs, each by `work`, in whatever processes; it may raise or leave runs untrained.
        elsewhere: what ``trainer=auto`` means on the machines that train them, cpu or gpu; None: they are trained on this one.
        experiment: whose figure and sentence end the sweep.

    Raises:
        InputError: a setting that cannot work; nothing was trained.
        KeyboardInterrupt: Ctrl-C; repeating the command goes on.
    """
    show_warnings()
    if experiment:
        require_experiment(experiment)
    runs = plan(jobs, compose, elsewhere)
    lost = train(runs, launch)
    failed = show(runs) + lost
    if experiment and failed < len(runs):
        conclude(experiment, runs[0].config.folder, runs)
    return failed


def train(runs: list[Planned], launch: Callable[[list[Planned]], object]) -> int:
    """Train those of some runs that are missing, with a live line.

    Returns:
        how many could not even leave a word of their failure.
    """
    from descent.sweeps import gpus  # not before the settings are known to work

    begun = time.time()
    gpus.keep()
    missing = [planned for planned in runs if planned.missing]
    say(_summary(runs, missing))
    _name_other_versions(runs)
    _writable(runs[0].config.folder, runs[0].config.output_dir)
    with StudyDisplay([planned.folder for planned in runs], [planned.folder for planned in missing], begun):
        return _train(missing, launch, begun)


def show(runs: list[Planned]) -> int:
    """Print the table of some runs that were trained, and what failed; return how many did."""
    study = runs[0].config.folder
    say("")
    show_study(study, [planned.folder for planned in runs])
    return show_failures(study, [planned.folder for planned in runs if planned.missing])


def require_experiment(name: str) -> None:
    """Refuse an experiment that no code can conclude.

    Raises:
        InputError: names the module that is missing.
    """
    package = "descent.experiments"
    if find_spec(f"{package}.{name}") is None:
        raise InputError("experiment", name, f"has a yaml and no analysis: there is no module {package}.{name}")


def conclude(experiment: str, study: Path, runs: list[Planned]) -> None:
    from descent.experiments import conclude

    sentence, figure = conclude(experiment, study, [planned.folder for planned in runs])
    say(f"\n{sentence}")
    if figure:
        say(f"figure   {figure}")


def _sound(folder: Path) -> bool:
    """Say whether a run has a result whose files are as it says; name what is damaged."""
    try:
        broken = results.damaged(folder)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError) as error:
        warn(f"{folder / 'result.json'} cannot be used ({error}); the run is trained again.")
        return False
    if broken:
        warn(f"{broken} is damaged; the run is trained again.")
    return broken is None


def _name_other_versions(runs: list[Planned]) -> None:
    others = Counter(
        str(results.read(planned.folder / "result.json").environment.get("descent")) for planned in runs if not planned.missing
    )
    for version, count in others.items():
        if version != __version__:
            warn(f"{count} results are of descent {version}, this is {__version__}; rerun=true trains them anew.")


def _writable(study: Path, output_dir: str) -> None:
    try:
        study.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=study) as file:
            file.write(b"descent")
    except OSError as error:
        raise InputError("output_dir", output_dir, f"cannot be written ({error.strerror}: {study})") from error


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
        errors.print(text, markup=False, soft_wrap=True)
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
