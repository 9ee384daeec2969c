"""The choices of each group of settings, for messages about those that there are not."""

from pathlib import Path

import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType

from descent.config.command import conf
from descent.errors import likeliest


def options(group: str) -> list[str]:
    """Return the choices of a group; none where there is no such group."""
    hydra = GlobalHydra.instance()
    if hydra.is_initialized():
        return sorted(hydra.config_loader().get_group_options(group, ObjectType.CONFIG))
    return sorted(path.stem for path in (conf() / group).glob("*.yaml")) if group else []


def remedy(key: str, known: list[str]) -> str:
    """Return what to do about a setting that a choice lacks: the likeliest of the known ones, or the choices that have it.

    Args:
        key: as it is typed, ``batch.size``.
        known: settings that there are, ``batch.replacement``.
    """
    group, _, name = key.partition(".")
    having = [path.stem for path in sorted((conf() / group).glob("*.yaml")) if name and _has(path, name)]
    if having and len(having) <= 8:
        return f"{group}={', '.join(having)} {'has' if len(having) == 1 else 'have'} it."
    return likeliest(key, known)


def _has(path: Path, name: str) -> bool:
    settings = yaml.safe_load(path.read_text())
    return isinstance(settings, dict) and name in settings
