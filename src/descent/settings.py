"""Compose runs' settings from `conf/`: one run's, for whoever is not started by Hydra's command line, and a study's."""

import copy
import uuid
from pathlib import Path
from typing import Any

from hydra import compose as compose_config
from hydra import initialize_config_dir
from hydra._internal.config_loader_impl import ConfigLoaderImpl, get_overrides_dirname
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import ConfigCompositionException, MissingConfigException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException

from descent.errors import InputError, one_of


def compose(conf: Path, *overrides: str) -> dict[str, Any]:
    """Return what ``python train.py *overrides`` would run: the resolved configuration as plain Python values.

    Args:
        conf: the folder of `config.yaml`.
        overrides: as on the command line, ``optimizer=adam``, ``optimizer.lr=0.01``.
    """
    with initialize_config_dir(str(conf.resolve()), version_base="1.3"):
        config = compose_config("config", list(overrides), return_hydra_config=True)
    HydraConfig.instance().set_config(config)
    with open_dict(config):
        del config["hydra"]
    settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    return settings


_composed: tuple[str, dict[tuple[str, ...], DictConfig]] = "", {}  # by choices, of the sweep that this process works on


class StudyLoader(ConfigLoaderImpl):
    """Hydra's loader, but jobs that choose the same of each group share one composition; their values are set in copies of it.

    Composing is most of what a small run costs beyond its training. A worker gets a loader with each job, and keeps what it
    composed for the next of the same sweep.
    """

    def __init__(self, loader: ConfigLoaderImpl) -> None:
        super().__init__(loader.get_search_path())
        self.sweep = uuid.uuid4().hex
        self.planned: dict[tuple[str, ...], tuple[DictConfig, Any]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"planned": {}}  # of no use to a worker

    def load_sweep_config(self, master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
        """Return one job's configuration, as Hydra would compose it."""
        global _composed
        if _composed[0] != self.sweep:
            _composed = self.sweep, {}
        composed = _composed[1]
        chosen, values = self._split(sweep_overrides)
        if chosen not in composed:
            composed[chosen] = super().load_sweep_config(master_config, list(chosen))
        config = copy.deepcopy(composed[chosen])
        self._apply_overrides_to_config(values, config)
        overrides = [o for o in OverridesParser.create().parse_overrides(sweep_overrides) if not o.is_hydra_override()]
        config.hydra.overrides.task = [o.input_line for o in overrides]
        config.hydra.job.override_dirname = get_overrides_dirname(overrides, **config.hydra.job.config.override_dirname)
        return config

    def settings(self, master_config: DictConfig, sweep_overrides: list[str]) -> dict[str, Any]:
        """Return one job's resolved settings, without Hydra's own.

        Raises:
            InputError: there is no such choice, or no such setting.
        """
        chosen, values = self._split(sweep_overrides)
        hydra = HydraConfig.instance()
        before = hydra.cfg
        try:
            if chosen not in self.planned:
                whole = self.load_sweep_config(master_config, list(chosen))
                hydra.set_config(whole)
                with open_dict(whole):
                    del whole["hydra"]
                self.planned[chosen] = whole, hydra.cfg
            whole, hydra.cfg = self.planned[chosen]
            config = copy.deepcopy(whole)
            self._apply_overrides_to_config(values, config)
            settings: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
            return settings
        except ConfigCompositionException as error:
            raise _unknown(error, values) from error
        finally:
            hydra.cfg = before

    def _split(self, overrides: list[str]) -> tuple[tuple[str, ...], list[Override]]:
        """Return what is chosen of the groups, and the values that are set."""
        parsed = OverridesParser.create(config_loader=self).parse_overrides(overrides)
        groups = [o for o in parsed if self.repository.group_exists(o.key_or_group) and not isinstance(o.value(), dict)]
        return tuple(str(o.input_line) for o in groups), [o for o in parsed if o not in groups]


def _unknown(error: ConfigCompositionException, values: list[Override]) -> Exception:
    """Return in one line what Hydra says in many of a choice or a setting that there is not; any other error as it is."""
    if isinstance(error, MissingConfigException) and error.options:
        group, _, missing = str(error.missing_cfg_file).rpartition("/")
        return one_of(group, missing, error.options)
    cause = error.__cause__
    given = {str(override.key_or_group): override.value() for override in values}
    if not isinstance(cause, OmegaConfBaseException) or cause.full_key not in given:
        return error
    group = cause.full_key.partition(".")[0]
    choice = HydraConfig.get().runtime.choices.get(group)
    there = ", ".join(str(name) for name in cause.parent_node or () if not str(name).startswith("_"))
    told = f"{group}={choice} has no such setting; it has" if choice else "there is no such setting; there are"
    return InputError(cause.full_key, given[cause.full_key], f"{told} {there}")
