"""The choices of each group of settings; refuse missing and unknown ones."""

import re
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import yaml
from hydra.conf import HydraConf
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from omegaconf import DictConfig, OmegaConf

from descent.config.schema import GROUPS, Names
from descent.config.yamls import conf
from descent.errors import InputError, likeliest

NAME = re.compile(r"[\w.=,+-]+(/[\w.=,+-]+)*")  # a choice, which is a folder's name too


def options(group: str) -> list[str]:
    """Return the choices of a group; empty for an unknown group."""
    hydra = GlobalHydra.instance()
    if hydra.is_initialized():
        return sorted(hydra.config_loader().get_group_options(group, ObjectType.CONFIG))
    return sorted(path.stem for path in (conf() / group).glob("*.yaml")) if group else []


def no_setting(key: str, value: object, owner: str, has: Sequence[str], known: Sequence[str]) -> InputError:
    """Return the error for an unknown setting, with the likeliest of the known ones, or the choices that have it.

    Args:
        key: as it is typed, ``batch.size``.
        value: what was typed.
        owner: what lacks the setting, ``batch=full``; empty where it would be nobody's.
        has: the settings of the owner, ``micro_size``.
        known: all settings, as ``batch.micro_size``.
    """
    what = f"{owner} has no such setting; it has {', '.join(has) or 'none'}" if owner else "there is no such setting"
    return InputError(key, value, what, _remedy(key, known))


def _remedy(key: str, known: Sequence[str]) -> str:
    group, _, name = key.partition(".")
    having = [path.stem for path in sorted((conf() / group).glob("*.yaml")) if name and _has(path, name)]
    if having and len(having) <= 8:
        return f"{group}={', '.join(having)} {'has' if len(having) == 1 else 'have'} it."
    return likeliest(key, known)


def _has(path: Path, name: str) -> bool:
    settings = yaml.safe_load(path.read_text())
    return isinstance(settings, dict) and name in settings


def require_choices(config: DictConfig, names: Names, overrides: Sequence[str]) -> None:
    """Refuse groups that nothing was chosen of, names that would leave the study's folder, and names that two yamls have.

    Args:
        config: what Hydra composed.
        names: what was chosen.
        overrides: what was typed.

    Raises:
        InputError: names the group.
    """
    typed = dict(split(override) for override in overrides)
    for group in GROUPS:
        name = getattr(names, group)
        if OmegaConf.select(config, group) is None or not name:
            raise InputError(group, typed.get(group) or None, "must be the name of one yaml", _choices(group))
        if not NAME.fullmatch(name) or ".." in name.split("/"):
            raise InputError(group, name, "must be the name of one yaml, of letters, digits and . _ - + = ,", _choices(group))
        _one_yaml(group, name)
    if (settings := HydraConfig.get().runtime.choices.get("settings")) is not None:
        _require_file(settings, names)


def _require_file(settings: str, names: Names) -> None:
    """Refuse settings that have no file for what is chosen, which Hydra would pass over without a word."""
    tried = f"{settings}/{names.problem}/{names.batch}"
    if names.optimizer not in (tuned := options(f"settings/{tried}")):
        remedy = f"There are {', '.join(tuned)}." if tuned else f"There are {', '.join(_folders(f'settings/{settings}', 2))}."
        problem = f"has no settings/{tried}/{names.optimizer}.yaml"
        raise InputError("settings", settings, problem, f"{remedy} Find them: hydra/sweeper=tuned.")


def _folders(group: str, depth: int) -> list[str]:
    """Return the folders at a depth below a group's."""
    if depth == 0:
        return [""]
    inner = GlobalHydra.instance().config_loader().get_group_options(group, ObjectType.GROUP)
    return [f"{name}/{below}".rstrip("/") for name in sorted(inner) for below in _folders(f"{group}/{name}", depth - 1)]


def _one_yaml(group: str, name: str) -> None:
    """Refuse a name that a yaml of the user's shares with one of descent's, which Hydra would take silently."""
    hydra = GlobalHydra.instance()
    sources = hydra.config_loader().get_sources() if hydra.is_initialized() else []
    where = [source.path for source in sources if source.available() and source.is_config(f"{group}/{name}")]
    if len(where) > 1:
        wins, loses = (f"{path.removeprefix('file://')}/{group}/{name}.yaml" for path in where[:2])
        raise InputError(group, name, f"is the name of two yamls: {wins} wins over {loses}", "Rename yours.")


def require_hydras() -> None:
    """Refuse settings of Hydra's own that it does not have.

    Raises:
        InputError: names the setting.
    """
    known = [field.name for field in fields(HydraConf)]
    for override in HydraConfig.get().overrides.hydra:
        key, value = split(override)
        if override.startswith("+") and key.split(".")[1:2] and key.split(".")[1] not in known:
            raise no_setting(key, value, "Hydra", known, [f"hydra.{name}" for name in known])


def _choices(group: str) -> str:
    names = options(group)
    return f"Choose one: {', '.join(names)}." if names else ""


def split(override: str) -> tuple[str, str]:
    """Return key and value of an override."""
    key, _, value = override.lstrip("+~").partition("=")
    return key, value
