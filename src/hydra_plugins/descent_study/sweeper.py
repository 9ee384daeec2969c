"""The sweeper behind `python train.py -m`: it trains what is missing of a study, through any launcher."""

import os
import sys
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write


class StudySweeper(BasicSweeper):
    """Expands the sweep as Hydra's own sweeper does; `descent.study.sweep` does the rest."""

    def __init__(self) -> None:
        super().__init__(max_batch_size=None)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        """Let joblib start as many processes as the cores allow, cores // threads of a run, unless their number is given."""
        launcher = config.hydra.launcher
        if launcher.get("n_jobs") == -1:
            with read_write(config), open_dict(config):
                launcher.n_jobs = max(1, len(os.sched_getaffinity(0)) // config.problem.threads)
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)

    def sweep(self, arguments: list[str]) -> Any:
        from descent import study  # torch and all that only when there is something to sweep
        from descent.errors import InputError

        assert self.hydra_context is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        (jobs,) = self.split_arguments(parser.parse_overrides(arguments), None)
        try:
            failed = study.sweep(jobs, self._compose, self._launch)
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            print("Stopped. Repeat the command to go on with what is missing.", file=sys.stderr)
            sys.exit(130)
        if failed:
            sys.exit(1)

    def _compose(self, overrides: list[str]) -> dict[str, Any]:
        """Return the resolved settings of one job."""
        assert self.hydra_context is not None
        assert self.config is not None
        before = HydraConfig.instance().cfg
        config = self.hydra_context.config_loader.load_sweep_config(self.config, overrides)
        try:
            HydraConfig.instance().set_config(config)
            with open_dict(config):
                del config["hydra"]
            settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
            return settings
        finally:
            HydraConfig.instance().cfg = before

    def _launch(self, jobs: list[list[str]]) -> Any:
        assert self.launcher is not None
        return self.launcher.launch(jobs, initial_job_idx=0)
