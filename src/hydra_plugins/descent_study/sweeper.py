"""The sweeper behind `python train.py -m`: it trains what is missing of a study, through any launcher."""

import copy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig, OmegaConf, open_dict, read_write

from hydra_plugins.descent_study import launchers

if TYPE_CHECKING:
    from descent.study import Planned


class StudySweeper(BasicSweeper):
    """Expands the sweep as Hydra's own sweeper does; `descent.study.sweep` does the rest."""

    def __init__(self) -> None:
        super().__init__(max_batch_size=None)

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        super().setup(hydra_context=hydra_context, task_function=task_function, config=config)
        self.task_function = task_function
        self.composed: dict[tuple[str, ...], tuple[DictConfig, Any]] = {}
        self.complete = False  # whether the launcher knows what it will train

    def sweep(self, arguments: list[str]) -> Any:
        from descent import study  # torch and all that only when there is something to sweep
        from descent.errors import InputError

        assert self.hydra_context is not None
        assert self.config is not None
        parser = OverridesParser.create(config_loader=self.hydra_context.config_loader)
        (jobs,) = self.split_arguments(parser.parse_overrides(arguments), None)
        try:
            launchers.require(self.config.hydra.launcher)
            failed = study.sweep(jobs, self._compose, self._launch, launchers.elsewhere(self.config.hydra.launcher))
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            sys.exit(2)
        except KeyboardInterrupt:
            print("Stopped. Repeat the command to go on with what is missing.", file=sys.stderr)
            sys.exit(130)
        if failed:
            sys.exit(1)
        launchers.tidy(self.config.hydra.launcher)

    def _compose(self, overrides: list[str]) -> dict[str, Any]:
        """Return the resolved settings of one job, as Hydra would compose them, for a tenth of its time.

        Jobs that choose the same of each group share one composition; their values are set in copies of it.
        """
        assert self.hydra_context is not None
        assert self.config is not None
        loader = self.hydra_context.config_loader
        assert isinstance(loader, ConfigLoaderImpl)
        parsed = OverridesParser.create(config_loader=loader).parse_overrides(overrides)
        groups = [o for o in parsed if loader.repository.group_exists(o.key_or_group) and not isinstance(o.value(), dict)]
        chosen = tuple(str(o.input_line) for o in groups)
        hydra = HydraConfig.instance()
        before = hydra.cfg
        try:
            if chosen not in self.composed:
                whole = loader.load_sweep_config(self.config, list(chosen))
                hydra.set_config(whole)
                with open_dict(whole):
                    del whole["hydra"]
                self.composed[chosen] = whole, hydra.cfg
            whole, hydra.cfg = self.composed[chosen]
            config = copy.deepcopy(whole)
            ConfigLoaderImpl._apply_overrides_to_config([o for o in parsed if o not in groups], config)
            settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
            return settings
        finally:
            hydra.cfg = before

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
