"""A tuned study: the stages of `tuning`, each a sweep that trains what is missing, then what was chosen and the final table."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path

from descent.config.schema import RunConfig
from descent.config.search_space import write
from descent.sweeps.candidates import Candidate, Protocol, baselines, candidates
from descent.sweeps.plan import Planned, plan
from descent.sweeps.sweep import Launch, Workers, conclude, experiment_module, show
from descent.sweeps.tuning import Chosen, tune
from descent.terminal.console import loading, say, show_warnings
from descent.terminal.summary import show_failures, show_next, show_outcome, write_medians

LINES = 6  # candidates whose settings are shown


class NothingTrained(Exception):
    """Every run of a stage failed, so that there is nothing to choose from."""


def tuned_sweep(
    jobs: Sequence[Sequence[str]],
    protocol: Protocol,
    compose: Callable[[list[str]], RunConfig],
    launch: Launch,
    folders: Sequence[Path] = (),
    elsewhere: str | None = None,
    experiment: str | None = None,
    target: str | None = None,
) -> int:
    """Tune each candidate and train the final runs, skipping those with a result; return how many runs failed.

    Args:
        jobs: the overrides of each candidate.
        protocol: what is tuned.
        folders: of the user's yamls.
        compose, launch, elsewhere, experiment, target: as of `sweep.sweep`; an experiment concludes from the final runs.

    Raises:
        InputError: a setting that cannot work, or that tuning decides; nothing was trained.
        Stopped: by a signal; repeating the command goes on.
    """
    show_warnings()
    module = experiment_module(experiment, target) if experiment else None
    tuned = candidates(jobs, compose, protocol, folders)
    further = baselines(tuned, compose, protocol)
    failed: list[Path] = []
    shown = False
    runs: list[Planned] = []

    def stage(title: str, overrides: list[tuple[str, ...]]) -> dict[tuple[str, ...], Path]:
        nonlocal runs, shown
        runs = plan(overrides, compose, elsewhere)
        say(f"\n{title}" if shown else title)
        shown = True
        lost = workers.train(runs)
        failed.extend(lost)
        for candidate in tuned if protocol.budget.trials else ():
            write(candidate.config.folder, candidate.config.names.optimizer, candidate.space)
        if len(lost) == len(runs):
            raise NothingTrained
        return {tuple(planned.overrides): planned.folder for planned in runs}

    chosen: list[Chosen] = []
    with Workers(launch, elsewhere) as workers, suppress(NothingTrained):
        chosen = tune(tuned, protocol, stage, further)
    if not (chosen or further) or len(failed) >= len(runs):
        show(runs, failed)
        return len(failed)
    study = runs[0].config.folder
    write_medians(study, any(planned.result is None for planned in runs))
    say("")
    if experiment and module:
        conclude(experiment, module, study, runs)
    else:
        _judge(study)
    say("")
    lines = list(_chosen(chosen, protocol))
    for line in lines[:LINES]:
        say(line)
    if len(lines) > LINES:
        say(f"{'':<8} and {len(lines) - LINES} more in the report")
    show_failures(study, failed)
    show_next(study)
    return len(failed)


def _judge(study: Path) -> None:
    """Print the verdicts of a study."""
    with loading("the study"):
        from descent.analysis.load import load
        from descent.analysis.verdicts import judge
    show_outcome(judge(load(study)))


def _chosen(chosen: Sequence[Chosen], protocol: Protocol) -> Iterator[str]:
    """Yield a line for each candidate with what each search chose; a value in the outer tenth of its range is flagged."""
    for candidate, of in groupby(chosen, lambda choice: choice.candidate):
        choices = list(of)
        values = [f"{_short(key)}={', '.join(f'{choice.setting[key]:g}' for choice in choices)}" for key in candidate.space]
        flags = {
            f"; {_short(key)} lies at the {end} end of its range: {_remedy(candidate, key, protocol)}": None
            for choice in choices
            for key, end in choice.edges.items()
        }
        trials = f"{protocol.budget.trials} trials{' each' * (len(choices) > 1)}"
        yield f"tuned    {candidate.name}: {', '.join(values)} of {trials}{''.join(flags)}"


def _remedy(candidate: Candidate, key: str, protocol: Protocol) -> str:
    if candidate.space[key].axis == "lr" and not protocol.extended:  # once
        return "tune all in another study with hydra.sweeper.extended"
    return f"widen search_space/{candidate.config.names.bare_optimizer}.yaml"


def _short(key: str) -> str:
    return key.removeprefix("optimizer.")
