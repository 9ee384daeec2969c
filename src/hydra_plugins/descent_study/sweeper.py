"""The sweeper behind `python train.py -m`: it trains what is missing of a study, through any launcher."""

import itertools
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from descent.cli import door
from descent.config.command import opened
from descent.config.hydra_internals import ConfigLoaderImpl
from hydra_plugins.descent_study import launchers

if TYPE_CHECKING:
    from descent.config.schema import RunConfig
    from descent.records.journal import Journal, Outcome
    from descent.sweeps.plan import Planned


class Forget(Callback):
    """Drop the configurations of a job that ended: launchers would keep them to the sweep's end, 0.1 MB a run."""

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:  # noqa: ARG002
        job_return.cfg = job_return.hydra_cfg = None


class StudySweeper(Sweeper):
    """Expand the sweep, or an experiment's grids, as Hydra's own sweeper does; `descent.sweeps.sweep.sweep` does the rest.

    Attributes:
        completed: whether the launcher's configuration is, as it is when it is known what the runs need.
    """

    def __init__(self, grids: Sequence[Mapping[str, Any]] = (), experiment: Mapping[str, Any] | None = None) -> None:
        self.grids, self.target = grids, (experiment or {}).get("_target_")
        self.completed = False

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:  # noqa: ARG002
        from descent.config.compose import StudyLoader  # not before a sweep, so that --help answers at once

        assert isinstance(hydra_context.config_loader, ConfigLoaderImpl)
        self.loader = StudyLoader(hydra_context.config_loader)
        hydra_context.callbacks.callbacks.append(Forget())
        self.hydra_context: HydraContext | None = HydraContext(self.loader, hydra_context.callbacks)
        self.config: DictConfig = config

    def sweep(self, arguments: list[str]) -> Any:
        with door():
            failed = self._sweep(arguments, self.config.hydra.runtime.choices.get("experiment"))
        if failed:
            sys.exit(1)
        launchers.tidy(self.config.hydra.launcher)

    def _sweep(self, arguments: list[str], experiment: str | None) -> int:
        from descent.config.mistakes import explained
        from descent.sweeps import sweep as study  # torch and all that only when there is something to sweep

        launchers.require(self.config.hydra.launcher)
        elsewhere = launchers.elsewhere(self.config.hydra.launcher)
        with explained(arguments):
            jobs = self._jobs(arguments)
        return study.sweep(jobs, self._compose, self._launch, elsewhere, experiment, self.target)

    def _jobs(self, arguments: list[str]) -> list[Sequence[str]]:
        """Return the overrides of each run: of the command, times each of the experiment's grids.

        Raises:
            InputError: a sweep over nothing, or over experiments.
        """
        from descent.errors import InputError

        parser = OverridesParser.create(config_loader=self.loader)
        typed = {str(override.key_or_group): override for override in parser.parse_overrides(arguments)}
        for key, override in typed.items():
            if override.is_sweep_override() and not any(True for _ in override.sweep_string_iterator()):
                raise InputError(key, str(override.input_line).partition("=")[2], "is an empty sweep")
        if "experiment" in typed and (typed["experiment"].is_sweep_override() or isinstance(typed["experiment"].value(), list)):
            raise InputError(
                "experiment",
                str(typed["experiment"].input_line).partition("=")[2],
                "must be one experiment",
                "Run one after the other.",
            )
        if not isinstance(self.grids, Sequence) or not all(isinstance(grid, Mapping) for grid in self.grids):
            raise InputError("hydra.sweeper.grids", self.grids, "must be a list of mappings, as in conf/experiment/momentum.yaml")
        jobs: list[Sequence[str]] = []
        for grid in self.grids or [{}]:
            choices = [f"{key}={value}" for key, value in grid.items() if key not in typed]
            jobs += _expanded(parser.parse_overrides(opened(choices) + arguments))
        return jobs

    def _compose(self, overrides: list[str]) -> "RunConfig":
        return self.loader.settings(self.config, overrides)

    def _launch(self, runs: "list[Planned]", journal: "Journal") -> "list[Outcome]":
        """Train runs by the launcher; where several train at a time the long ones begin, or all would wait for them."""
        from descent.sweeps.plan import ACCELERATORS
        from descent.sweeps.worker import train_planned

        if not self.completed:
            self._complete(runs)
        hydra = self.config.hydra
        launchers.start(hydra.launcher)
        alone = launchers.kind(hydra.launcher) == "basic"
        order = sorted(range(len(runs)), key=lambda index: 0 if alone else -runs[index].seconds)
        first = [runs[index] for index in order]
        if launchers.kind(hydra.launcher) == "joblib":
            journal.expect(min(int(hydra.launcher.n_jobs), len(runs)))
        if launchers.kind(hydra.launcher) in ("basic", "joblib") and not launchers.around(hydra):
            outcomes = launchers.hand_over(hydra.launcher, partial(train_planned, journal), first)
        else:
            jobs = [[*run.overrides, f"trainer.accelerator={ACCELERATORS[run.device]}"] for run in first]
            outcomes = [job.return_value for job in self._launcher(journal).launch(jobs, initial_job_idx=0)]
        return [outcome for _, outcome in sorted(zip(order, outcomes, strict=True))]

    def _complete(self, runs: "list[Planned]") -> None:
        """Complete the launcher's configuration, as what it will train needs it."""
        threads = max(max(run.config.problem.threads, run.config.trainer.count) for run in runs)
        gpu = any(run.device == "cuda" for run in runs)
        with read_write(self.config), open_dict(self.config):
            launchers.complete(self.config.hydra.launcher, threads, gpu, runs[0].config.folder)
        self.completed = True

    def _launcher(self, journal: "Journal") -> Launcher:
        from descent.sweeps.worker import take_up

        assert self.hydra_context is not None
        return Plugins.instance().instantiate_launcher(self.hydra_context, partial(take_up, journal), self.config)


def _expanded(overrides: Sequence[Override]) -> list[list[str]]:
    """Return the overrides of each run: all combinations of the values, the last one varying fastest.

    Raises:
        HydraException: a sweep over an interval.
    """
    values: dict[str, list[str]] = {}
    for override in overrides:
        key = override.get_key_element()
        if override.is_sweep_override():
            values[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
        else:
            values[key] = [f"{key}={override.get_value_element_as_str()}"]
    return [list(job) for job in itertools.product(*values.values())]
