"""What Hydra, OmegaConf and PyYAML say of a mistake, in one line of ours: the key, its value, what is allowed, what to do."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.object_type import ObjectType
from hydra.errors import (
    ConfigCompositionException,
    HydraException,
    MissingConfigException,
    OverrideParseException,
    SearchPathException,
)
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    InterpolationKeyError,
    InterpolationResolutionError,
    OmegaConfBaseException,
)

from descent.config.command import conf
from descent.config.schema import GROUPS, Names, keys
from descent.errors import InputError, likeliest, one_of

NAME = re.compile(r"[\w.=,+-]+(/[\w.=,+-]+)*")  # a choice, which is a folder's name too


@contextmanager
def explained(overrides: Sequence[str]) -> Iterator[None]:
    """Raise an `InputError` where Hydra, OmegaConf or PyYAML refuse what was typed or what a yaml holds.

    Args:
        overrides: what was typed.
    """
    try:
        yield
    except InputError:
        raise
    except (
        HydraException,
        OmegaConfBaseException,
        yaml.YAMLError,
        OSError,
        ValueError,
    ) as error:  # Hydra raises bare ValueErrors too
        raise explain(error, overrides) from error


def explain(error: BaseException, overrides: Sequence[str]) -> InputError:
    """Return one line for an error of Hydra, OmegaConf or PyYAML.

    Args:
        error: what was raised.
        overrides: what was typed.
    """
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    typed = dict(_typed(override) for override in overrides)
    for link in chain:
        if isinstance(link, OverrideParseException):
            return _unreadable(str(link.override))
        if isinstance(link, MissingConfigException):
            return _no_choice(link)
        if isinstance(link, (yaml.MarkedYAMLError, yaml.YAMLError, UnicodeDecodeError)):
            return _bad_yaml(link, typed)
        if isinstance(link, (InterpolationKeyError, InterpolationResolutionError)):
            return InputError(str(link.full_key), _raw(link, typed), f"cannot be resolved ({_first_line(link)})")
        if isinstance(link, (ConfigKeyError, ConfigAttributeError)):
            return _no_setting(link, typed)
    return _bad_choice(typed) or _other(error, overrides)


def require_choices(config: DictConfig, names: Names) -> None:
    """Refuse groups that nothing was chosen of, and names that would leave the study's folder.

    Raises:
        InputError: names the group.
    """
    for group in GROUPS:
        name = getattr(names, group)
        if OmegaConf.select(config, group) is None or not name:
            raise InputError(group, None, "must be chosen", _choices(group))
        if not NAME.fullmatch(name) or ".." in name.split("/"):
            raise InputError(group, name, "must be the name of one of its yamls", _choices(group))


def _choices(group: str) -> str:
    names = _options(group)
    return f"Choose one: {', '.join(names)}." if names else ""


def _options(group: str) -> list[str]:
    hydra = GlobalHydra.instance()
    if hydra.is_initialized():
        return sorted(hydra.config_loader().get_group_options(group, ObjectType.CONFIG))
    return sorted(path.stem for path in (conf() / group).glob("*.yaml"))


def _typed(override: str) -> tuple[str, str]:
    key, _, value = override.lstrip("+~").partition("=")
    return key, value


def _unreadable(override: str) -> InputError:
    key, value = _typed(override)
    if not value or not re.fullmatch(r"[\w./@-]+", key):
        return InputError(key, value, "is no setting; they have the form key=value")
    bare = value.strip("'\"")
    return InputError(key, value, "cannot be read", f"Quote it, for the shell and once more for Hydra: '{key}=\"{bare}\"'.")


def _no_choice(error: MissingConfigException) -> InputError:
    group, _, name = str(error.missing_cfg_file).rpartition("/")
    options = list(error.options or [])
    if not options:
        return InputError(group or "--config-name", name, "there is no such yaml", "--help lists the groups and their choices.")
    return one_of(group.lstrip("/"), name, options)


def _bad_choice(typed: dict[str, str]) -> InputError | None:
    """Return the error for a group that was given what is no name: a number, null, or nothing; None where all were."""
    for key, value in typed.items():
        options = _options(key)
        if options and key == "batch" and value.isdigit():
            remedy = f"For mini-batches of {value} use batch.size={value}."
            return InputError(key, value, f"must be one of {', '.join(options)}", remedy)
        if options and value not in options and not re.search(r"[,(\[]", value):
            return one_of(key, value, options)
    return None


def _bad_yaml(error: BaseException, typed: dict[str, str]) -> InputError:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        file, line = Path(error.problem_mark.name), error.problem_mark.line + 1
        what = f"line {line}: {error.problem}"
    else:
        file, what = Path(getattr(error, "name", "") or ""), str(error)
    group = file.parent.name if file.parent.name else "config"
    choice = next((key for key in typed if key == group), group)
    name = file.stem if file.stem else typed.get(choice, "")
    return InputError(choice, name, f"its yaml cannot be read ({file}, {what})")


def _raw(error: OmegaConfBaseException, typed: dict[str, str]) -> str:
    return typed.get(str(error.full_key), "")


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__


def _no_setting(error: OmegaConfBaseException, typed: dict[str, str]) -> InputError:
    """Return the error for a key that the chosen yaml lacks: what it has, and the likeliest key."""
    key = str(error.full_key)
    key = next((name for name in typed if name == key or name.startswith(f"{key}.")), key)
    value = typed.get(key, "")
    whole = error.parent_node
    while whole is not None and whole._get_parent() is not None:
        whole = whole._get_parent()
    plain = OmegaConf.to_container(whole, resolve=False) if isinstance(whole, DictConfig) else {}
    known = keys({str(name): item for name, item in plain.items() if name != "hydra"}) if isinstance(plain, dict) else []
    group, _, name = key.partition(".")
    chosen = _chosen(group, typed)
    within = [full.removeprefix(f"{group}.") for full in known if full.startswith(f"{group}.") and full.count(".") == 1]
    remedy = likeliest(key, known)
    if key == "batch.size":
        remedy = "Use batch=mini, whose batch.size it is."
    if chosen and name and within:
        return InputError(key, value, f"{group}={chosen} has no such setting; it has {', '.join(within)}", remedy)
    if chosen and name:
        return InputError(key, value, f"{group}={chosen} has no settings", remedy)
    if name and group not in {full.partition(".")[0] for full in known}:
        return InputError(key, value, "there is no such setting", remedy)
    return InputError(key, value, "there is no such setting", remedy)


def _chosen(group: str, typed: dict[str, str]) -> str | None:
    if group in typed:
        return typed[group]
    if group not in GROUPS:
        return None
    try:
        return str(HydraConfig.get().runtime.choices[group])
    except Exception:  # nothing was composed yet
        return None


def _other(error: BaseException, overrides: Sequence[str]) -> InputError:
    """Return the error for what only its text tells."""
    text = _first_line(error)
    named = next((o for o in overrides if o and o in str(error)), None)
    key, value = _typed(named) if named else ("", "")
    if isinstance(error, SearchPathException):
        return InputError("--config-dir", re.sub(r".*'(.*)'.*", r"\1", text), "there is no such folder")
    if named and re.search("ambiguous|sweep", text, re.IGNORECASE):
        return InputError(key, value, "is a sweep, and this is a single run", "Add -m to train a run for each.")
    if isinstance(error, ConfigCompositionException) and named:
        return InputError(key, value, text.rstrip("."))
    if named:
        return InputError(key, value, text.rstrip("."))
    return InputError("command", " ".join(overrides), text.rstrip("."))


def clashes(names: Names) -> list[str]:
    """Return a warning for each choice that more than one folder of yamls has, as a ``--config-dir`` beside ``conf/``."""
    hydra = GlobalHydra.instance()
    sources = hydra.config_loader().get_sources() if hydra.is_initialized() else []
    found = []
    for group, name in names.model_dump().items():
        where = [source.path for source in sources if source.available() and source.is_config(f"{group}/{name}")]
        if len(where) > 1:
            found.append(f"{group}={name}: {where[0]} and {where[1]} have it; the first is taken. Rename the second.")
    return found
