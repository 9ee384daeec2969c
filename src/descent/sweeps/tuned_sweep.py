"""A tuned study: the stages of `tuning`, each a sweep that trains what is missing, then what was chosen and the final table."""

from collections.abc import Callable, Sequence
from pathlib import Path

from descent.config.schema import RunConfig
from descent.metrics import metric
from descent.sweeps.sweep import Planned, conclude, plan, require_experiment, show, train
from descent.sweeps.tuning import BUDGETS, Candidate, Chosen, Protocol, candidates, tune
from descent.terminal.console import say, show_warnings


def tuned_sweep(
    jobs: Sequence[Sequence[str]],
    protocol: Protocol,
    compose: Callable[[list[str]], RunConfig],
    launch: Callable[[list[Planned]], object],
    folders: Sequence[Path] = (),
    elsewhere: str | None = None,
    experiment: str | None = None,
) -> int:
    """Tune what is swept over and train the final runs, what is missing of each; return how many runs failed.

    Args:
        jobs: the overrides of each candidate.
        protocol: what is tuned.
        folders: of the user's yamls.
        compose, launch, elsewhere, experiment: as of `sweep.sweep`.

    Raises:
        InputError: a setting that cannot work, or that tuning decides; nothing was trained.
        KeyboardInterrupt: Ctrl-C; repeating the command goes on.
    """
    show_warnings()
    if experiment:
        require_experiment(experiment)
    tuned = candidates(jobs, compose, protocol, folders)
    failed: list[int] = []
    runs: list[Planned] = []

    def stage(title: str, overrides: list[tuple[str, ...]]) -> dict[tuple[str, ...], Path]:
        nonlocal runs
        runs = plan(overrides, compose, elsewhere)
        say(f"{'' if not failed else chr(10)}{title}")
        failed.append(train(runs, launch))
        return {tuple(planned.overrides): planned.folder for planned in runs}

    chosen = tune(tuned, protocol, stage)
    total = sum(failed) + show(runs)
    for choice in chosen:
        say(_line(choice, protocol))
    if experiment and total < len(runs):
        conclude(experiment, runs[0].config.folder, runs)
    return total


def _line(choice: Chosen, protocol: Protocol) -> str:
    """Return what a search chose, in a line; a value in the outer tenth of its range is flagged."""
    candidate: Candidate = choice.candidate
    measured = metric(candidate.config.problem.metric, candidate.config.problem.metrics)
    values = ", ".join(f"{key.removeprefix('optimizer.')}={value:g}" for key, value in choice.setting.items())
    search = f" search {choice.search}" if protocol.searches > 1 else ""
    trials = BUDGETS[protocol.trials].trials
    edges = [f"{key.removeprefix('optimizer.')} lies at the {end} end of its range" for key, end in choice.edges.items()]
    flagged = f"; {', '.join(edges)}: widen search_space/{candidate.config.names.optimizer}.yaml" if edges else ""
    return f"tuned    {candidate.name}{search}: {values} of {trials} trials, {measured.label} {choice.value:.3g}{flagged}"
