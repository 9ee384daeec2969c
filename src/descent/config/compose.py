"""Compose typed configurations from ``conf/``: one run's, for callers outside Hydra's command line, and a study's."""

import copy
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

from hydra import compose as compose_config
from hydra import initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
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


PLAIN = (bool, int, float, str, list, NoneType)  # values that mean the same to OmegaConf and to Python
REFERENCE = re.compile(r"\$\{(\w+(?:\.\w+)*)\}")  # a value that is that of another setting, counted from the top
MISSING = "???"  # OmegaConf's
_composed: tuple[str, dict[tuple[str, ...], DictConfig]] = "", {}  # by choices, of the sweep that this process works on


@dataclass(frozen=True)
class Composed:
    """What jobs that choose the same of each group share.

    Attributes:
        whole: their configuration, without the node of Hydra.
        raw: the same as plain values, not resolved.
        hydra: what `HydraConfig` says of them.
    """

    whole: DictConfig
    raw: dict[str, Any]
    hydra: Any
    names: Names


class StudyLoader(ConfigLoaderImpl):
    """Hydra's loader, but jobs that choose the same of each group share one composition; their values are set in copies of it.

    Composing is most of what a small run costs beyond its training. A worker gets a loader with each job, and keeps what it
    composed for the next of the same sweep.
    """

    def __init__(self, loader: ConfigLoaderImpl) -> None:
        super().__init__(loader.get_search_path())
        self.sweep = uuid.uuid4().hex
        self.planned: dict[tuple[str, ...], Composed] = {}
        self.parsed: dict[str, tuple[Override, bool]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"planned": {}, "parsed": {}}  # of no use to a worker

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
                    raw: dict[str, Any] = OmegaConf.to_container(whole)  # type: ignore[assignment]
                    self.planned[chosen] = Composed(whole, raw, hydra.cfg, names)
                composed = self.planned[chosen]
                hydra.cfg = composed.hydra
                plain = set_values(composed.raw, values)
                if plain is None:
                    config = copy.deepcopy(composed.whole)
                    self._apply_overrides_to_config(values, config)
                    plain = _plain(config)
                return _parsed(plain, composed.names)
        finally:
            hydra.cfg = before

    def _split(self, overrides: Sequence[str]) -> tuple[tuple[str, ...], list[Override]]:
        """Return what is chosen of the groups, and the values that are set."""
        new = [text for text in overrides if text not in self.parsed]
        for text, o in zip(new, OverridesParser.create(config_loader=self).parse_overrides(new), strict=True):
            self.parsed[text] = o, self.repository.group_exists(o.key_or_group) and not isinstance(o.value(), dict)
        parsed = [self.parsed[text] for text in overrides]
        return tuple(str(o.input_line) for o, group in parsed if group), [o for o, group in parsed if not group]


def set_values(raw: Mapping[str, Any], values: Sequence[Override]) -> dict[str, Any] | None:
    """Return a configuration with values set and references resolved, as OmegaConf would in fifty times the time.

    Args:
        raw: plain values, with references as the yamls have them, ``${problem.epochs}``.
        values: that are set.

    Returns:
        None: only OmegaConf can tell, as a value is not a plain one of a setting that is there.
    """
    settings: dict[str, Any] = copy.deepcopy(dict(raw))
    for override in values:
        *above, last = override.key_or_group.split(".")
        group: Any = settings
        for name in above:
            group = group.get(name) if isinstance(group, dict) else None
        value = override.value()
        known = isinstance(group, dict) and last in group and not isinstance(group[last], dict)
        if not known or override.package or override.type != OverrideType.CHANGE or not isinstance(value, PLAIN):
            return None
        if isinstance(value, (str, list)) and any(mark in str(value) for mark in ("{", MISSING)):
            return None
        group[last] = value
    try:
        return {name: _resolved(value, settings) for name, value in settings.items()}
    except (LookupError, TypeError, RecursionError):  # no such setting, within a list, or a circle
        return None


def _resolved(value: Any, settings: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _resolved(item, settings) for name, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, settings) for item in value]
    if not isinstance(value, str) or "${" not in value:
        return value
    reference = REFERENCE.fullmatch(value)
    target: Any = settings
    for name in reference[1].split(".") if reference else [value]:
        target = target[name]
    if target == MISSING:
        raise LookupError(value)
    return _resolved(target, settings)
