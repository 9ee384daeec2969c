"""Identify a run by a hash of the settings that determine its result, and of nothing else."""

import hashlib
import inspect
import json
import os
import sys
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from descent.config.imports import distributions
from descent.config.schema import GROUPS, Component, RunConfig
from descent.config.targets import declared, factory
from descent.config.values import is_file, is_folder, is_later
from descent.errors import InputError

LONGEST_NAME = 255  # bytes, on all common file systems
LETTERS = 8  # hexadecimal digits of an id
STATED = ("closure", "create_graph", "spare_biases")  # flags that count where they are set
# Settings of every problem that act only through another setting, or say only how a run is judged.
JUDGING = ("epochs", "batch_size", "record_examples", "metric", "target", "metrics", "margin")


def identity(config: RunConfig, device: str) -> dict[str, Any]:
    """Return the settings that determine a run's result, as canonical JSON values: no folder, logger, launcher or display.

    Two spellings of a number are one, and so are two import paths of one class of descent. A file counts by its contents. Where a
    class comes from a package other than torch, the package's version counts; where it lies in no package, its source file does.

    Args:
        config: resolved, see `targets.resolve`.
        device: ``cpu`` or ``cuda``.

    Raises:
        InputError: a file that a setting names cannot be read.
    """
    same = ("engine", "epochs", "max_steps", "max_seconds", "clip_norm", "seed", "precision")
    return {
        **{name: _canonical(getattr(config, name)) for name in same},
        **{group: _component(group, getattr(config, group)) for group in GROUPS},
        **({"wrapper": _component("wrapper", config.wrapper)} if config.wrapper else {}),
        "names": config.names.model_dump(),
        "records": _canonical(config.records.model_dump(exclude_defaults=True)),
        "device": device,
        "devices": config.trainer.count,
        **({"tuning": config.tuning.model_dump()} if config.tuning.trials != "default" else {}),
    }


def key(identity: dict[str, Any]) -> str:
    """Return the id of an identity."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:LETTERS]


def setting(identity: dict[str, Any]) -> str:
    """Return the id of a run but for its seed and its part in tuning: runs that share it are repetitions of one setting."""
    return key({name: value for name, value in identity.items() if name != "tuning"} | {"seed": None})


def label(config: RunConfig, seed: bool = True) -> str:
    """Return a label that tells runs of one optimizer apart: batch size, learning rate, schedule, engine, devices, seed."""
    parts = []
    if (size := config.batch.arguments.get("size")) is not None:
        parts.append(f"size={size}")
    if config.optimizer.lr is not None:
        parts.append(f"lr={config.optimizer.lr:g}")
    if config.names.schedule != "constant":
        parts.append(config.names.schedule)
    if config.engine != "torch":
        parts.append(config.engine)
    if config.trainer.count > 1:
        parts.append(f"devices={config.trainer.count}")
    if seed or not parts:
        parts.append(f"seed={config.seed}" if seed else "default")
    return "_".join(parts)


def place(config: RunConfig, identity: dict[str, Any]) -> Path:
    """Return the folder of a run.

    Raises:
        InputError: such a folder cannot exist.
    """
    names = [getattr(config.names, group).replace("/", "-") for group in ("problem", "batch", "optimizer")]
    folder = config.folder.joinpath(*names, f"{label(config)}-{key(identity)}")
    if long := next((part for part in folder.parts if len(os.fsencode(part)) > LONGEST_NAME), None):
        raise InputError("output_dir", config.output_dir, f"has too long a name: {long}")
    try:
        folder.exists()
    except OSError as error:  # too long a path, for one
        raise InputError("output_dir", config.output_dir, f"cannot be used ({error.strerror})") from error
    return folder


def _component(group: str, component: Component) -> dict[str, Any]:
    made = factory(group, component.factory)
    types = declared(made)
    arguments = {
        name: _argument(f"{group}.{name}", value, types.get(name))
        for name, value in component.arguments.items()
        if not is_folder(types.get(name)) and not (value is None and is_later(types.get(name)))
    }
    settings = {name: _canonical(getattr(component, name)) for name in component.field_names() if name not in JUDGING}
    settings = {name: value for name, value in settings.items() if value or name not in STATED}
    source = component.factory.rpartition(".")[2] if component.factory.startswith("descent.") else component.factory
    return {"class": source, "arguments": arguments, **settings, **_origin(group, made)}


def _argument(key: str, value: Any, kind: Any) -> Any:
    """Return an argument, with the hash of its contents in place of each file that it names."""
    if isinstance(value, dict):
        return {str(name): _argument(key, item, None) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_argument(key, item, None) for item in value]
    if isinstance(value, Path) or (isinstance(value, str) and (is_file(kind) or _names_a_file(value))):
        return {"sha256": _digest(key, Path(value))}
    return _canonical(value)


def _names_a_file(value: str) -> bool:
    """Return whether a text without a declared type is the path of a file: it has a folder or an ending, and is there."""
    try:
        return ("/" in value or Path(value).suffix != "") and Path(value).is_file()
    except (OSError, ValueError):
        return False


def _origin(group: str, made: Any) -> dict[str, Any]:
    """Return the version of an object's package, or the hashes of its sources; nothing where it is descent's or torch's."""
    versions: dict[str, str] = {}
    sources: dict[str, str] = {}
    owners = [owner for owner in inspect.getmro(made) if owner is not object] if inspect.isclass(made) else [made]
    for owner in owners:
        top = owner.__module__.partition(".")[0]
        if top not in ("descent", "torch") and top not in sys.stdlib_module_names:
            packages = distributions().get(top, [])
            versions |= {name: version(name) for name in packages}
            if not packages:
                sources |= {file.name: _digest(f"{group}._target_", file) for file in _files(owner)}
        declared_files = vars(owner).get("identity_files", ())
        if not isinstance(declared_files, (list, tuple)) or not all(isinstance(name, (str, Path)) for name in declared_files):
            raise InputError(f"{owner.__qualname__}.identity_files", declared_files, "must be a list or tuple of file names")
        for name in declared_files:
            file = Path(str(sys.modules[owner.__module__].__file__)).parent / name
            sources[str(name)] = _digest(f"{group}._target_", file)
    return {name: entries for name, entries in (("versions", versions), ("sources", sources)) if entries}


def _files(owner: Any) -> Iterator[Path]:
    """Yield the source of a class's module and, where it is part of a package, of the modules beside it."""
    file = Path(str(getattr(sys.modules.get(owner.__module__), "__file__", "")))
    if not file.is_file():
        return
    yield from sorted(file.parent.glob("*.py")) if "." in owner.__module__ else [file]


def _digest(key: str, file: Path) -> str:
    try:
        stat = file.stat()
        return _hashed(file, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise InputError(key, file, f"cannot be read ({error.strerror})") from error


@lru_cache(maxsize=256)
def _hashed(file: Path, modified: int, size: int) -> str:  # noqa: ARG001  # a changed file is another one
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _canonical(value: Any) -> Any:
    """Return a value as JSON has it: 1 and 1.0 alike, true and 1 not."""
    if isinstance(value, dict):
        return {str(name): _canonical(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
