"""A tuned study: the stages of `tuning`, each a sweep that trains what is missing, then what was chosen and the final table."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from descent.config.schema import RunConfig
from descent.config.search_space import write
from descent.metrics import metric
from descent.sweeps.candidates import Candidate, Protocol, baselines, candidates
from descent.sweeps.plan import Planned, plan
from descent.sweeps.sweep import Launch, Workers, conclude, experiment_module, show
from descent.sweeps.tuning import Chosen, tune
from descent.terminal.console import loading, say, show_warnings
from descent.terminal.summary import show_outcome


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
    show([planned for planned in runs if planned.config.tuning.stage != "default"], failed)
    for choice in chosen:
        say(_line(choice, protocol))
    if experiment and module and len(failed) < len(runs):
        conclude(experiment, module, runs[0].config.folder, runs)
    elif further and len(failed) < len(runs):
        _judge(runs[0].config.folder)
    return len(failed)


def _judge(study: Path) -> None:
    """Print the verdicts of a study."""
    with loading("the study"):
        from descent.analysis.load import load
        from descent.analysis.verdicts import judge
    say("")
    show_outcome(judge(load(study)))


def _line(choice: Chosen, protocol: Protocol) -> str:
    """Describe the setting that a search chose in one line; a value in the outer tenth of its range is flagged."""
    candidate: Candidate = choice.candidate
    measured = metric(candidate.config.problem.metric, candidate.config.problem.metrics)
    values = ", ".join(f"{key.removeprefix('optimizer.')}={value:g}" for key, value in choice.setting.items())
    search = f" search {choice.search}" if protocol.searches > 1 else ""
    trials = protocol.budget.trials
    edges = [f"{key.removeprefix('optimizer.')} lies at the {end} end of its range" for key, end in choice.edges.items()]
    end = next((end for key, end in choice.edges.items() if candidate.space[key].axis == "lr"), "")
    further = f"tune all again in another study with hydra.sweeper.extended={end}"
    remedy = further if end and not protocol.extended else f"widen search_space/{candidate.config.names.bare_optimizer}.yaml"
    flagged = f"; {', '.join(edges)}: {remedy}" if edges else ""
    return f"tuned    {candidate.name}{search}: {values} of {trials} trials, {measured.label} {choice.value:.3g}{flagged}"
