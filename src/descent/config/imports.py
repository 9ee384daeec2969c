"""Import a module or object by its path, and find the package that owns it."""

import importlib
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from types import ModuleType

from descent.errors import InputError, likeliest

EXTRAS = {"pytorch_optimizer": "optimizers", "schedulefree": "optimizers"}  # modules that an extra of descent brings
LISTED = 20  # names of a module, at most
folders: list[str] = []  # of the user's, from which this process imports too; workers are told


def import_from(paths: Iterable[Path | str]) -> None:
    """Let Python import from further folders, after all others, where they hold Python files."""
    added = [str(path) for path in map(Path, paths) if str(path) not in sys.path and any(path.glob("*.py"))]
    sys.path += added
    folders.extend(added)


def notice() -> str:
    """Return the line that names the folders of `import_from`."""
    return f"Python also imports from {' and '.join(folders)}, because of --config-dir."


def imported_module(key: str, path: str) -> ModuleType:
    """Return the module of an import path.

    Raises:
        InputError: it does not exist, or cannot be imported.
    """
    parts = path.split(".")
    if not all(part.isidentifier() for part in parts):
        raise InputError(key, path, "must be the import path of a module, as in my_experiment")
    try:
        return importlib.import_module(path)
    except (Exception, SystemExit) as error:  # whatever a module of the user's raises
        if isinstance(error, ModuleNotFoundError) and f"{path}.".startswith(f"{error.name}."):
            raise InputError(key, path, f"there is no module {error.name}; Python looks in {_search_path()}") from error
        raise InputError(key, path, f"cannot be imported ({type(error).__name__}: {error})") from error


def imported(key: str, path: str) -> object:
    parts = path.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise InputError(key, path, "must be an import path, as in torch.optim.SGD")
    for length in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:length])
        try:
            target: object = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
                continue
            raise InputError(key, path, f"cannot be imported ({type(error).__name__}: {error})") from error
        except (Exception, SystemExit) as error:  # whatever a module of the user's raises
            raise InputError(key, path, f"cannot be imported ({type(error).__name__}: {error})") from error
        for at, part in enumerate(parts[length:], start=length):
            if not hasattr(target, part):
                within = ".".join(parts[:at])
                names = [name for name in vars(target) if not name.startswith("_")] if hasattr(target, "__dict__") else []
                has = [name for name in names if getattr(getattr(target, name), "__module__", None) == within]
                listed = f"; it has {', '.join(has)}" if 0 < len(has) <= LISTED else ""
                raise InputError(key, path, f"{within} has no {part}{listed}", likeliest(part, names))
            target = getattr(target, part)
        return target
    if parts[0] in EXTRAS:
        package = parts[0].replace("_", "-")
        raise InputError(key, path, f"needs the package {package}", f"Install it: pip install 'descent[{EXTRAS[parts[0]]}]'")
    raise InputError(key, path, f"there is no module {parts[0]}; Python looks in {_search_path()}")


def _search_path() -> str:
    places = [entry or "." for entry in sys.path if not re.search(r"site-packages|python3?\d*(\.zip|[\d.]+)", entry)]
    return f"{', '.join(dict.fromkeys(places))} and its packages" if places else "its packages; PYTHONPATH adds folders"


@cache
def foreign(module: str) -> bool:
    """Return whether a module is Python's, or of a package that descent itself uses."""
    top = module.partition(".")[0]
    if top == "descent":
        return False
    if top in sys.stdlib_module_names:
        return True
    used = {re.split(r"[^\w.-]", name, maxsplit=1)[0].lower() for name in _requirements()}
    return any(name.lower() in used for name in distributions().get(top, ()))


@cache
def _requirements() -> tuple[str, ...]:
    try:
        return tuple(requires("descent") or ())
    except PackageNotFoundError:
        return ()


@cache
def distributions() -> Mapping[str, list[str]]:
    """Return the installed packages of each top-level module."""
    return packages_distributions()
