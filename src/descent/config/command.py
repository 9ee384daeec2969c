"""Read the command line before Hydra does. Nothing heavy: ``--help`` passes through here."""

import re
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import OverrideParseException
from omegaconf import OmegaConf

from descent.config.ending import command
from descent.config.hydra_internals import get_args_parser
from descent.config.imports import import_from
from descent.errors import InputError


def choices(*groups: str) -> str:
    """Return the choices of groups, a line each: what ``--help`` lists, in this order and without folders that are no choice."""
    loader = GlobalHydra.instance().config_loader()
    return "\n".join(f"{group}: {', '.join(sorted(loader.get_group_options(group)))}" for group in groups)


OmegaConf.register_new_resolver("descent.choices", choices, replace=True)
OmegaConf.register_new_resolver("descent.command", command, replace=True)


def arguments(typed: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return Hydra's command line and the overrides in it; import what lies beside the folder of ``--config-dir``.

    Flags may stand anywhere. In a sweep over choices of a group, a value within that group is set in each run, not before in the
    group's default choice, which may not have it: ``optimizer=adam,rmsprop optimizer.eps=1e-12``.

    Raises:
        InputError: unknown flags.
    """
    parser = get_args_parser()
    parser.error = _refuse(typed)  # type: ignore[assignment]
    parsed = parser.parse_intermixed_args(list(typed))
    overrides = list(parsed.overrides)
    waiting = list(overrides)
    flags = [token for token in typed if not (waiting and token == waiting[0] and waiting.pop(0))]
    for flag in ("config_path", "config_dir"):
        folder = getattr(parsed, flag)
        if folder is not None and not Path(folder).is_dir():
            raise InputError(f"--{flag.replace('_', '-')}", folder, "there is no such folder")
    if parsed.config_dir is not None:
        folder = Path(parsed.config_dir).absolute()
        import_from([folder.parent, folder])
    _require_searched(overrides)
    overrides = opened(overrides)
    if parsed.multirun:
        overrides = _within_swept_groups(overrides)
    return [*flags, *overrides], overrides


def _require_searched(overrides: Sequence[str]) -> None:
    """Refuse folders and packages of ``hydra.searchpath`` that are not there, which Hydra warns of.

    Raises:
        InputError: names the first.
    """
    for text in overrides:
        places = re.findall(r"(pkg|file)://([^\],'\"]+)", text) if text.lstrip("+").startswith("hydra.searchpath=") else ()
        for kind, place in places:
            try:
                exists = Path(place).is_dir() if kind == "file" else find_spec(place.replace("/", ".")) is not None
            except ImportError:  # of the package above it
                exists = False
            if not exists:
                what = "folder" if kind == "file" else "installed package; an empty __init__.py makes a folder of yamls one"
                raise InputError("hydra.searchpath", f"{kind}://{place}", f"there is no such {what}")


def opened(overrides: Sequence[str]) -> list[str]:
    """Return overrides in which those within ``args`` of a group may be new: no yaml lists them."""
    return [f"++{text}" if re.match(r"\w+\.args\.", text) else text for text in overrides]


def _refuse(typed: Sequence[str]) -> Callable[[str], NoReturn]:
    def error(message: str) -> NoReturn:
        raise InputError("command", " ".join(typed), message, "--help shows what there is.")

    return error


def _within_swept_groups(overrides: list[str]) -> list[str]:
    parser = OverridesParser.create()
    try:
        parsed = parser.parse_overrides(overrides)
    except OverrideParseException:
        return overrides  # Hydra says what is wrong
    swept = {str(override.key_or_group) for override in parsed if override.is_sweep_override()}
    changed = []
    for text, override in zip(overrides, parsed, strict=True):
        group, _, name = str(override.key_or_group).partition(".")
        key, _, value = text.partition("=")
        if name and group in swept and not override.is_sweep_override() and not override.is_delete():
            text = f"{key}=choice({value})"
        changed.append(text)
    return changed
