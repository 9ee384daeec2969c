"""The sweeper behind `python train.py -m`: it trains what is missing of a study, through any launcher."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn
from hydra.experimental.callback import Callback
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, open_dict, read_write

from descent.settings import StudyLoader
from hydra_plugins.descent_study import launchers

if TYPE_CHECKING:
    from descent.study import Planned


class Forget(Callback):
    """Drops the configurations of a job that ended: launchers would keep them to the sweep's end, 0.1 MB a run."""

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:  # noqa: ARG002
        job_return.cfg = job_return.hydra_cfg = None


class StudySweeper(BasicSweeper):
    """Expands the sweep, or an experiment's grids, as Hydra's own sweeper does; `descent.study.sweep` does the rest."""

    def __init__(self, grids: Sequence[Mapping[str, Any]] = ()) -> None:
        super().__init__(max_batch_size=None)
        self.grids = grids

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        assert isinstance(hydra_context.config_loader, ConfigLoaderImpl)
        self.loader = StudyLoader(hydra_context.config_loader)
        hydra_context.callbacks.callbacks.append(Forget())
        hydra_context = HydraContext(self.loader, hydra_context.callbacks)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.task_function = task_function
        self.complete = False  # whether the launcher knows what it will train

    def sweep(self, arguments: list[str]) -> Any:
        from descent import study  # torch and all that only when there is something to sweep
        from descent.errors import InputError

        assert self.config is not None
        experiment = self.config.hydra.runtime.choices.get("experiment")
        try:
            launchers.require(self.config.hydra.launcher)
            jobs = self._jobs(arguments)
            failed = study.sweep(jobs, self._compose, self._launch, launchers.elsewhere(self.config.hydra.launcher), experiment)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            print("Stopped. Repeat the command to go on with what is missing.", file=sys.stderr)
            sys.exit(130)
        if failed:
            sys.exit(1)
        launchers.tidy(self.config.hydra.launcher)

    def _jobs(self, arguments: list[str]) -> list[Sequence[str]]:
        """Return the overrides of each run: of the command, times each of the experiment's grids.

        Raises:
            InputError: a sweep over nothing, or over experiments.
        """
        from descent.errors import InputError

        parser = OverridesParser.create(config_loader=self.loader)
        given = {str(override.key_or_group): override for override in parser.parse_overrides(arguments)}
        for key, override in given.items():
            if override.is_sweep_override() and not any(True for _ in override.sweep_string_iterator()):
                raise InputError(key, str(override.input_line).partition("=")[2], "is an empty sweep")
        if "experiment" in given and given["experiment"].is_sweep_override():
            raise InputError(
                "experiment",
                str(given["experiment"].input_line).partition("=")[2],
                "must be one experiment",
                "Run one after the other.",
            )
        jobs: list[Sequence[str]] = []
        for grid in self.grids or [{}]:
            choices = [f"{key}={value}" for key, value in grid.items() if key not in given]
            jobs += self.split_arguments(parser.parse_overrides(choices + arguments), None)[0]
        return jobs

    def _compose(self, overrides: list[str]) -> dict[str, Any]:
        assert self.config is not None
        return self.loader.settings(self.config, overrides)

    def _launch(self, runs: "list[Planned]") -> Any:
        if not self.complete:
            self._complete(runs)
        assert self.launcher is not None
        accelerators = {"cuda": "gpu", "cpu": "cpu"}
        jobs = [[*run.overrides, f"trainer.accelerator={accelerators[run.device]}"] for run in runs]
        return self.launcher.launch(jobs, initial_job_idx=0)

    def _complete(self, runs: "list[Planned]") -> None:
        """Make the launcher anew, as what it will train needs it."""
        from descent.run import devices

        assert self.hydra_context is not None
        assert self.config is not None
        threads = max(max(run.settings["problem"]["threads"], devices(run.settings)) for run in runs)
        gpu = any(run.device == "cuda" for run in runs)
        study = Path(runs[0].settings["output_dir"], runs[0].settings["study"])
        with read_write(self.config), open_dict(self.config):
            launchers.complete(self.config.hydra.launcher, threads, gpu, study)
        self.launcher = Plugins.instance().instantiate_launcher(self.hydra_context, self.task_function, self.config)
        self.complete = True
