"""Compose typed configurations from ``conf/``: one run's, for callers outside Hydra's command line, and a study's."""

import copy
import uuid
from collections.abc import Sequence
from typing import Any

from hydra import compose as compose_config
from hydra import initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf, open_dict

from descent.config.choices import require_choices, require_hydras
from descent.config.command import opened
from descent.config.hydra_internals import ConfigLoaderImpl, get_overrides_dirname
from descent.config.mistakes import explained
from descent.config.parse import parse
from descent.config.schema import GROUPS, Names, RunConfig
from descent.config.target import own_target
from descent.config.yamls import conf


def compose(*overrides: str) -> RunConfig:
    """Return the configuration of ``python train.py *overrides``.

    Args:
        overrides: as on the command line, ``optimizer=adam``, ``optimizer.lr=0.01``.

    Raises:
        InputError: there is no such choice or setting, or a value cannot work.
    """
    with explained(overrides), initialize_config_dir(str(conf()), version_base="1.3"):
        config = compose_config("config", opened(overrides), return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        return read(config)


def read(config: DictConfig) -> RunConfig:
    """Return the typed configuration of a job, which `HydraConfig` describes.

    Raises:
        InputError: a value that cannot work.
    """
    overrides: list[str] = OmegaConf.to_container(HydraConfig.get().overrides.task, resolve=False)  # type: ignore[assignment]
    with explained(overrides):
        require_hydras()
        names = _names()
        require_choices(config, names, overrides)
        return _parsed(_plain(config), names)


def _parsed(settings: dict[str, Any], names: Names) -> RunConfig:
    """Return the typed configuration, without the target of a problem whose data, model or loss are not those of its yaml."""
    config = parse(settings, names)
    target = own_target(config.problem, names.problem)
    if target is config.problem.target:
        return config
    return config.model_copy(update={"problem": config.problem.model_copy(update={"target": target})})


def _plain(config: DictConfig) -> dict[str, Any]:
    with open_dict(config):
        config.pop("hydra", None)
    return OmegaConf.to_container(config, resolve=True)  # type: ignore[return-value]


def _names() -> Names:
    choices = HydraConfig.get().runtime.choices
    return Names(**{group: str(choices.get(group) or "") for group in GROUPS}, wrapper=str(choices.get("wrapper") or "none"))


_composed: tuple[str, dict[tuple[str, ...], DictConfig]] = "", {}  # by choices, of the sweep that this process works on


class StudyLoader(ConfigLoaderImpl):
    """Hydra's loader, but jobs that choose the same of each group share one composition; their values are set in copies of it.

    Composing is most of what a small run costs beyond its training. A worker gets a loader with each job, and keeps what it
    composed for the next of the same sweep.
    """

    def __init__(self, loader: ConfigLoaderImpl) -> None:
        super().__init__(loader.get_search_path())
        self.sweep = uuid.uuid4().hex
        self.planned: dict[tuple[str, ...], tuple[DictConfig, Any, Names]] = {}

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

    def settings(self, master_config: DictConfig, sweep_overrides: list[str]) -> RunConfig:
        """Return one job's typed configuration.

        Raises:
            InputError: there is no such choice or setting, or a value cannot work.
        """
        hydra = HydraConfig.instance()
        before = hydra.cfg
        try:
            with explained(sweep_overrides):
                chosen, values = self._split(sweep_overrides)
                if chosen not in self.planned:
                    whole = self.load_sweep_config(master_config, list(chosen))
                    hydra.set_config(whole)
                    names = _names()
                    require_choices(whole, names, sweep_overrides)
                    with open_dict(whole):
                        del whole["hydra"]
                    self.planned[chosen] = whole, hydra.cfg, names
                whole, hydra.cfg, names = self.planned[chosen]
                config = copy.deepcopy(whole)
                self._apply_overrides_to_config(values, config)
                return _parsed(_plain(config), names)
        finally:
            hydra.cfg = before

    def _split(self, overrides: Sequence[str]) -> tuple[tuple[str, ...], list[Override]]:
        """Return the choices of the groups and the values of the other overrides."""
        parsed = OverridesParser.create(config_loader=self).parse_overrides(list(overrides))
        groups = [o for o in parsed if self.repository.group_exists(o.key_or_group) and not isinstance(o.value(), dict)]
        return tuple(str(o.input_line) for o in groups), [o for o in parsed if o not in groups]
