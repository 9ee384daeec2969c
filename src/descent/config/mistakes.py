"""Turn the errors of Hydra, OmegaConf and PyYAML into one line of ours: the key, its value, what is allowed, what to do."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml
from hydra.core.hydra_config import HydraConfig
from hydra.errors import (
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

from descent.config.choices import no_setting, options, split
from descent.config.hydra_internals import root
from descent.config.parse import keys
from descent.config.schema import GROUPS
from descent.errors import InputError, first_line, likeliest, one_of

FUNCTIONS = ("choice", "range", "interval", "glob", "shuffle", "sort", "tag", "int", "float", "str", "bool", "extend_list")


@contextmanager
def explained(overrides: Sequence[str]) -> Iterator[None]:
    """Raise an `InputError` where Hydra, OmegaConf or PyYAML refuse an override or a yaml.

    Args:
        overrides: as typed.
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
        TypeError,
        ValueError,
    ) as error:  # of Hydra
        raise explain(error, overrides) from error


def explain(error: BaseException, overrides: Sequence[str]) -> InputError:
    """Return one line for an error of Hydra, OmegaConf or PyYAML.

    Args:
        error: as raised.
        overrides: as typed.
    """
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    typed = dict(split(override) for override in overrides)
    for link in chain:
        if isinstance(link, OverrideParseException):
            return _unreadable(str(link.override), overrides)
        if isinstance(link, MissingConfigException):
            return _no_choice(link, typed)
        if isinstance(link, (yaml.YAMLError, UnicodeDecodeError)):
            return _bad_yaml(link, typed)
        if isinstance(link, (InterpolationKeyError, InterpolationResolutionError)):
            return _unresolved(link, typed)
        if isinstance(link, (ConfigKeyError, ConfigAttributeError)):
            return _no_setting(link, typed)
    if "override must be a string" in str(error):
        return _bad_choice(typed)
    return _other(error, overrides, typed)


def _unreadable(override: str, overrides: Sequence[str]) -> InputError:
    key, value = split(override)
    if "=" not in override:
        at = list(overrides).index(override) if override in overrides else len(overrides)
        before, after = "".join(overrides[at - 1 : at]), "".join(overrides[at + 1 : at + 2])
        likely = override.replace(":", "=")
        if before.endswith("="):
            likely = before + override
        elif "=" not in after and after:
            likely = f"{override}={after}"
        remedy = f"Did you mean {likely}?" if "=" in likely else ""
        return InputError("override", override, "is no setting; they have the form key=value", remedy)
    if function := re.match(r"(\w+)\(", value):
        return InputError(key, value, "has no such function", likeliest(function[1], FUNCTIONS))
    bare = value.strip("'\"")
    problem = "cannot be read without quotes, one pair for the shell and one for Hydra"
    return InputError(key, value, problem, f"Type '{key}=\"{bare}\"'.")


def _no_choice(error: MissingConfigException, typed: dict[str, str]) -> InputError:
    missing = str(error.missing_cfg_file)
    group, _, name = missing.rpartition("/")
    group, name = next(((key, value) for key, value in typed.items() if f"{key}/{value}" == missing), (group, name))
    choices = list(error.options or options(group.lstrip("/")))
    if not choices:
        remedy = "--help lists the groups and their choices."
        return InputError(group or "--config-name", name, "there is no such yaml", remedy)
    return one_of(group.lstrip("/"), name, choices)


def _bad_choice(typed: dict[str, str]) -> InputError:
    """Return the error for a group whose choice is not a name: a number, null, or nothing."""
    for key, value in typed.items():
        choices = options(key)
        if choices and key == "batch" and value.isdigit():
            use = f"For mini-batches of {value} use batch.size={value}."
            return one_of(key, value, choices, use)
        if choices and value not in choices and not re.search(r"[,(\[]", value):
            return one_of(key, value, choices)
    return InputError("command", " ".join(f"{key}={value}" for key, value in typed.items()), "a group must be given a name")


def _bad_yaml(error: BaseException, typed: dict[str, str]) -> InputError:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        file, line = Path(error.problem_mark.name), error.problem_mark.line + 1
        problem = str(error.problem).replace(r"'\t'", "a tab")
        return InputError(file.parent.name, file.stem, f"its yaml cannot be read ({file}, line {line}: {problem})")
    what = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else first_line(error)
    group, name = _user_choice(typed)
    return InputError(group, name, f"{name}.yaml cannot be read ({what})")


def _user_choice(typed: dict[str, str]) -> tuple[str, str]:
    """Return the group and the name of the first typed choice that is the user's yaml, not descent's."""
    pairs = ((key, name) for key, value in typed.items() for name in re.findall(r"[\w.+-]+", value) if options(key))
    return next(((key, name) for key, name in pairs if name not in options(key)), ("command", "config"))


def _unresolved(error: OmegaConfBaseException, typed: dict[str, str]) -> InputError:
    for group, value in typed.items():  # to which the defaults list of config.yaml refers
        if value.startswith("[") and options(group) and f"'{group}'" in first_line(error):
            return one_of(group, value, options(group))
    key = str(error.full_key)
    if key not in typed:
        key = next((name for name, value in typed.items() if "${" in value), key)
    value = typed.get(key, "").replace("\\", "")  # which Hydra adds within a sweep
    return InputError(key, value, f"cannot be resolved ({first_line(error)})")


def _no_setting(error: OmegaConfBaseException, typed: dict[str, str]) -> InputError:
    """Return the error for a key that the chosen yaml lacks: what it has, and the likeliest key."""
    key = str(error.full_key)
    key = next((name for name in typed if name == key or name.startswith(f"{key}.")), key)
    value = typed.get(key, "")
    whole = None if error.parent_node is None else root(error.parent_node)
    plain = OmegaConf.to_container(whole, resolve=False) if isinstance(whole, DictConfig) else {}
    known = keys({str(name): item for name, item in plain.items() if name != "hydra"}) if isinstance(plain, dict) else []
    group, _, name = key.partition(".")
    chosen = _chosen(group, typed)
    within = [full.removeprefix(f"{group}.") for full in known if full.startswith(f"{group}.") and full.count(".") == 1]
    return no_setting(key, value, f"{group}={chosen}" if chosen and name else "", within, known)


def _chosen(group: str, typed: dict[str, str]) -> str | None:
    if group in typed:
        return typed[group]
    if group not in GROUPS:
        return None
    try:
        return str(HydraConfig.get().runtime.choices[group])
    except Exception:  # nothing was composed yet
        return None


def _other(error: BaseException, overrides: Sequence[str], typed: dict[str, str]) -> InputError:
    """Return the error for an exception that only its text describes."""
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    text = first_line(cause)
    named = next((o for o in overrides if o and o.lstrip("+~") in str(error)), None)
    key, value = split(named) if named else ("", "")
    if isinstance(error, SearchPathException):
        return InputError("--config-dir", re.sub(r".*'(.*)'.*", r"\1", text), "there is no such folder")
    if named and re.search("ambiguous|--multirun", text, re.IGNORECASE):
        return InputError(key, value, "is a sweep, and this is a single run", "Add -m to train a run for each.")
    if named:
        return InputError(key, value, text)
    group, name = _user_choice(typed)
    if group != "command":
        return InputError(group, name, f"{name}.yaml cannot be used ({text})")
    return InputError("command", " ".join(overrides), text)
