"""Turn a composed configuration into the typed one, or name the first setting that cannot work."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal

from descent.config.check import check
from descent.config.choices import no_setting, options
from descent.config.schema import GROUPS, Names, Records, RunConfig
from descent.config.values import Flag, Positive, Text
from descent.errors import InputError, one_of

PACKAGES = ("wandb", "mlflow")  # loggers that need the package of their name
# What descent decides by settings of its own, and which these are.
TRAINER = {
    "accumulate_grad_batches": "batch.micro_size, which accumulates the gradient of one step",
    "gradient_clip_val": "clip_norm",
    "gradient_clip_algorithm": "clip_norm",
    "max_epochs": "epochs",
    "min_epochs": "epochs",
    "max_steps": "max_steps",
    "min_steps": "max_steps",
    "max_time": "max_seconds",
    "limit_train_batches": "max_steps",
    "overfit_batches": "max_steps",
    "fast_dev_run": "max_steps",
    "precision": "precision",
    "logger": "logger",
    "enable_checkpointing": "nothing: each run keeps its last checkpoint",
}
PASSED_ON: dict[str, Any] = {  # Trainer arguments that change nothing of what a run means
    "deterministic": Flag | Literal["warn"],
    "benchmark": Flag,
    "inference_mode": Flag,
    "profiler": Literal["simple", "advanced"],
    "detect_anomaly": Flag,
    "sync_batchnorm": Flag,
    "use_distributed_sampler": Flag,
    "default_root_dir": Text,
}


def parse(settings: Mapping[str, Any], names: Names) -> RunConfig:
    """Return the typed form of a composed configuration; classes have not checked their arguments yet.

    Args:
        settings: the resolved configuration, plain Python values.
        names: the choice of each group.

    Raises:
        InputError: an unknown setting, or a value that cannot work.
    """
    for key, value in settings.items():
        if key not in RunConfig.model_fields or key == "names":
            raise _unknown(key, value, settings)
    for group in (*GROUPS, "trainer"):
        _group(group, settings.get(group), names)
    for name, logger in (settings.get("logger") or {}).items() if isinstance(settings.get("logger"), Mapping) else ():
        if not isinstance(logger, Mapping) or "_target_" not in logger:
            raise InputError(f"logger.{name}", logger, "must be a mapping with a _target_, as in conf/logger")
    records = settings.get("records")
    for name, value in records.items() if isinstance(records, Mapping) else ():
        if name not in Records.model_fields:
            raise _unknown(f"records.{name}", value, settings)
    wrapper = settings.get("wrapper") or None
    if wrapper is not None:
        _group("wrapper", wrapper, names)
        names = names.model_copy(update={"optimizer": f"{names.optimizer}+{names.wrapper}"})
    epochs = {"epochs": _epochs(settings, names.batch)} if "epochs" in settings else {}
    resolved = {**settings, "wrapper": wrapper, "names": names, **epochs}
    config: RunConfig = check("", resolved, RunConfig)
    _together(config)
    return config


def _unknown(key: str, value: object, settings: Mapping[str, Any]) -> InputError:
    """Return the error for an unknown key, with the likeliest known one."""
    known = [name for name in keys(settings) if name.partition(".")[0] in RunConfig.model_fields and name != key]
    while isinstance(value, Mapping) and len(value) == 1:
        (name, value), *_ = value.items()
        key = f"{key}.{name}"
    parent = key.rpartition(".")[0]
    within = [name.removeprefix(f"{parent}.") for name in known if parent and name.startswith(f"{parent}.")]
    return no_setting(key, value, parent if within else "", within, known)


def keys(settings: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the settings of a composed configuration, as ``optimizer.lr``."""
    names = []
    for name, value in settings.items():
        if not str(name).startswith("_"):
            names.append(f"{prefix}{name}")
            names += keys(value, f"{prefix}{name}.") if isinstance(value, Mapping) else []
    return names


def _group(group: str, chosen: object, names: Names) -> None:
    name = getattr(names, group, "")
    if chosen is None:
        raise InputError(group, None, "must be chosen", f"Leave it out, or choose one: {group}=NAME; --help lists them.")
    if not isinstance(chosen, Mapping):
        raise InputError(group, name, f"{name}.yaml must hold a mapping, as in optimizer/sgd.yaml; it has {chosen}")
    if group in (*GROUPS, "wrapper") and not isinstance(chosen.get("_target_"), str):
        problem = f"must be the import path of a class or function, and {name}.yaml has none"
        raise InputError(f"{group}._target_", chosen.get("_target_"), problem)


def _epochs(settings: Mapping[str, Any], batch: str) -> object:
    """Return the budget; of a problem's budgets by batch mode, the mode's, or the least if it has none."""
    epochs, by_mode = settings["epochs"], settings["problem"].get("epochs")
    if not isinstance(by_mode, Mapping) or epochs != by_mode:
        return epochs
    if batch in by_mode:
        return by_mode[batch]
    if unknown := next((name for name in by_mode if name not in options("batch")), None):
        raise one_of("problem.epochs", unknown, options("batch"))
    return min(by_mode.values(), default=None)


def _together(config: RunConfig) -> None:
    """Refuse settings that work alone but not together."""
    if config.epochs is None and config.max_steps is None and config.max_seconds is None:
        raise InputError("epochs", None, "a run needs a budget", "Set one of epochs, max_steps and max_seconds.")
    if config.by_hand and config.precision == "bf16":
        raise InputError("precision", "bf16", f"must be 32 or 64 with engine={config.engine}")
    if not re.fullmatch(r"[\w.=,+-]{1,200}", config.study) or config.study in (".", ".."):
        raise InputError("study", config.study, "must be the name of a folder: at most 200 letters, digits and . _ - + = ,")
    if config.optimizer.lr is not None:  # which schedules scale
        check("optimizer.lr", config.optimizer.arguments["lr"], Positive)
    if not config.output_dir:
        raise InputError("output_dir", "", "must be a folder")
    for name, value in config.trainer.arguments.items():
        if name not in PASSED_ON:
            raise _not_passed_on(name, value)
        check(f"trainer.{name}", value, PASSED_ON[name])
    for name in config.logger:
        if name in PACKAGES and not _installed(name):
            raise InputError("logger", name, f"needs the package {name}", f"Install it: pip install {name}")


def _not_passed_on(name: str, value: object) -> InputError:
    if name in TRAINER:
        return InputError(f"trainer.{name}", value, "is not the Trainer's to decide here", f"See {TRAINER[name]}.")
    allowed = ("accelerator", "devices", "strategy", *PASSED_ON)
    return one_of(f"trainer.{name}", value, allowed)


def _installed(package: str) -> bool:
    spec = find_spec(package)
    return spec is not None and spec.origin is not None  # a folder of that name, as wandb makes one, is no package
