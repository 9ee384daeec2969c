"""A tuned study: the stages of `tuning`, each a sweep that trains what is missing, then what was chosen and the final table."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from descent.config.schema import RunConfig
from descent.metrics import metric
from descent.sweeps.candidates import BUDGETS, Candidate, Protocol, candidates
from descent.sweeps.plan import Planned, plan
from descent.sweeps.sweep import Launch, Workers, show
from descent.sweeps.tuning import Chosen, tune
from descent.terminal.console import say, show_warnings


class NothingTrained(Exception):
    """Every run of a stage failed, so that there is nothing to choose from."""


def tuned_sweep(
    jobs: Sequence[Sequence[str]],
    protocol: Protocol,
    compose: Callable[[list[str]], RunConfig],
    launch: Launch,
    folders: Sequence[Path] = (),
    elsewhere: str | None = None,
) -> int:
    """Tune each candidate and train the final runs, skipping those with a result; return how many runs failed.

    Args:
        jobs: the overrides of each candidate.
        protocol: what is tuned.
        folders: of the user's yamls.
        compose, launch, elsewhere: as of `sweep.sweep`.

    Raises:
        InputError: a setting that cannot work, or that tuning decides; nothing was trained.
        Stopped: by a signal; repeating the command goes on.
    """
    show_warnings()
    tuned = candidates(jobs, compose, protocol, folders)
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
        if len(lost) == len(runs):
            raise NothingTrained
        return {tuple(planned.overrides): planned.folder for planned in runs}

    chosen: list[Chosen] = []
    with Workers(launch, elsewhere) as workers, suppress(NothingTrained):
        chosen = tune(tuned, protocol, stage)
    show(runs, failed)
    for choice in chosen:
        say(_line(choice, protocol))
    return len(failed)


def _line(choice: Chosen, protocol: Protocol) -> str:
    """Describe the setting that a search chose in one line; a value in the outer tenth of its range is flagged."""
    candidate: Candidate = choice.candidate
    measured = metric(candidate.config.problem.metric, candidate.config.problem.metrics)
    values = ", ".join(f"{key.removeprefix('optimizer.')}={value:g}" for key, value in choice.setting.items())
    search = f" search {choice.search}" if protocol.searches > 1 else ""
    trials = BUDGETS[protocol.trials].trials
    edges = [f"{key.removeprefix('optimizer.')} lies at the {end} end of its range" for key, end in choice.edges.items()]
    flagged = f"; {', '.join(edges)}: widen search_space/{candidate.config.names.optimizer}.yaml" if edges else ""
    return f"tuned    {candidate.name}{search}: {values} of {trials} trials, {measured.label} {choice.value:.3g}{flagged}"
