"""The typed configuration of a run: one field a setting, with its type, range, unit and meaning beside it.

Where a setting belongs to a class that the configuration names by ``_target_``, the class says what it may be: see `targets`.
"""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from annotated_types import Gt, Le, Lt, MinLen
from pydantic import BeforeValidator, Field, model_validator

from descent.config.values import Arguments, Count, Flag, Index, Model, Positive, Real, Text, check, read
from descent.errors import InputError, likeliest, one_of

MOST_STEPS = 10**12
GROUPS = ("problem", "batch", "optimizer", "schedule")  # of which each run chooses one by name
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
PASSED_ON = (  # Trainer arguments that change nothing of what a run means
    "num_nodes",
    "deterministic",
    "benchmark",
    "inference_mode",
    "profiler",
    "detect_anomaly",
    "plugins",
    "sync_batchnorm",
    "use_distributed_sampler",
    "default_root_dir",
)


class Target(Model):
    """What a run is to reach: a value of a metric, at two consecutive records."""

    metric: Text
    value: Real


class Component(Model):
    """An object to make: the import path of its class or function, and the arguments, which that judges.

    ``problem.width`` is the argument ``width`` of the class that ``problem._target_`` names.
    """

    factory: Text
    arguments: dict[str, Any]

    @classmethod
    def own(cls) -> set[str]:
        """Return the settings of the group that are no arguments of the factory."""
        return set(cls.model_fields) - set(Component.model_fields)

    @model_validator(mode="before")
    @classmethod
    def _split(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping):
            return settings
        own = {name: value for name, value in settings.items() if name in cls.own()}
        arguments = {name: value for name, value in settings.items() if name != "_target_" and name not in own}
        return {"factory": settings.get("_target_"), "arguments": arguments, **own}

    def settings(self) -> dict[str, Any]:
        """Return the component as a yaml has it."""
        own = {name: _plain(getattr(self, name)) for name in type(self).model_fields if name in self.own()}
        return {"_target_": self.factory, **_plain(self.arguments), **own}

    def given(self, arguments: Arguments) -> Self:
        """Return the component with other arguments."""
        return self.model_copy(update={"arguments": dict(arguments)})


class Problem(Component):
    """A problem, and what every problem has; the defaults are in ``conf/problem_defaults.yaml``."""

    epochs: Positive | None  # default budget, passes over the training examples
    batch_size: Count  # examples a step of batch=mini by default
    micro_size: Count  # examples in memory at once
    record_examples: Count | None  # examples that a record measures (null: all)
    metric: Text  # what optimizers are judged by
    target: Target | None  # what a run is to reach
    loss_scale: Positive  # a loss this size is large
    threads: Annotated[Count, Le(1024)]  # CPU threads


class Optimizer(Component):
    """An optimizer."""

    fused: list[Literal["cpu", "cuda"]] | Flag | None = (
        None  # devices on which torch's fused kernel is used (null: as torch has it)
    )
    full_batch: Flag = False  # meant for exact gradients: another batch mode is warned about

    @property
    def lr(self) -> float | None:
        """The learning rate; None where the optimizer has none, or keeps its class's default."""
        rate = self.arguments.get("lr")
        return float(rate) if isinstance(rate, (int, float)) else None


class Trainer(Model):
    """Where a run is computed; `arguments` are those of Lightning's Trainer that descent does not decide."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: Count | Annotated[list[Index], MinLen(1)] = 1  # how many, or which GPUs
    strategy: Component | Text | None = None
    arguments: dict[str, Any] = Field(default={})

    @model_validator(mode="before")
    @classmethod
    def _split(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping):
            return settings
        own = {name: value for name, value in settings.items() if name in cls.model_fields and name != "arguments"}
        return {**own, "arguments": {name: value for name, value in settings.items() if name not in own}}

    @property
    def count(self) -> int:
        """How many devices a run is split over."""
        return len(self.devices) if isinstance(self.devices, list) else self.devices

    def settings(self) -> dict[str, Any]:
        """Return the trainer as a yaml has it."""
        return {name: _plain(getattr(self, name)) for name in ("accelerator", "devices", "strategy")} | self.arguments


class Records(Model):
    """When a run is measured, and what of."""

    first_epoch: Annotated[Count, Le(10_000)]  # records in the first epoch
    growth: Annotated[Real, Gt(1)]  # after it, each record lies this factor further on
    examples: Count | None  # examples that are measured (null: all)
    layers: Flag  # the gradient norm of each layer's weights too
    sharpness: Flag  # the largest eigenvalue of the Hessian too


class Names(Model):
    """The choice of each group, as ``optimizer=adam`` makes it: a run's folder and its label in plots."""

    problem: str
    batch: str
    optimizer: str
    schedule: str


class RunConfig(Model):
    """What one run is."""

    names: Names
    problem: Problem
    batch: Component
    optimizer: Optimizer
    schedule: Component
    trainer: Trainer
    logger: dict[str, Component]

    seed: Annotated[Index, Lt(2**63)]  # draws the split, the initial weights and the order of the data
    study: Text  # the folder of runs within output_dir
    output_dir: Text
    rerun: Flag  # train a finished run anew

    epochs: Positive | None  # passes over the training examples
    max_steps: Annotated[Count, Le(MOST_STEPS)] | None  # parameter updates
    max_seconds: Positive | None  # of training

    clip_norm: Positive | None  # largest Euclidean norm of a step's gradient
    engine: Literal["torch", "numpy"]
    precision: Annotated[Literal[32, 64, "bf16"], BeforeValidator(read)]
    records: Records

    @property
    def folder(self) -> Path:
        """The folder of the study."""
        return Path(self.output_dir).expanduser() / self.study

    def settings(self) -> dict[str, Any]:
        """Return the resolved configuration as plain values, keyed as on the command line."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields}


def _plain(value: Any) -> Any:
    if isinstance(value, (Component, Trainer)):
        return value.settings()
    if isinstance(value, Model):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return str(value) if isinstance(value, Path) else value


def parse(settings: Mapping[str, Any], names: Names) -> RunConfig:
    """Return the typed configuration that a composed one stands for; classes have not judged their arguments yet.

    Args:
        settings: the resolved configuration, plain Python values.
        names: what was chosen of each group.

    Raises:
        InputError: a setting that there is not, or a value that cannot work.
    """
    for key, value in settings.items():
        if key not in RunConfig.model_fields or key == "names":
            raise unknown_setting(key, value, settings)
    for group in (*GROUPS, "trainer"):
        _group(group, settings.get(group), names)
    for name, logger in (settings.get("logger") or {}).items() if isinstance(settings.get("logger"), Mapping) else ():
        if not isinstance(logger, Mapping) or "_target_" not in logger:
            raise InputError(f"logger.{name}", logger, "must be a mapping with a _target_, as in conf/logger")
    records = settings.get("records")
    for name, value in records.items() if isinstance(records, Mapping) else ():
        if name not in Records.model_fields:
            raise unknown_setting(f"records.{name}", value, settings)
    config: RunConfig = check("", {**settings, "names": names}, RunConfig)
    _together(config)
    return config


def unknown_setting(key: str, value: object, settings: Mapping[str, Any]) -> InputError:
    """Return the error for a key that nothing reads, with the likeliest that something does."""
    known = [name for name in keys(settings) if name.partition(".")[0] in RunConfig.model_fields and name != key]
    while isinstance(value, Mapping) and len(value) == 1:
        (name, value), *_ = value.items()
        key = f"{key}.{name}"
    parent = key.rpartition(".")[0]
    within = [name.removeprefix(f"{parent}.") for name in known if parent and name.startswith(f"{parent}.")]
    has = f"; {parent} has {', '.join(within)}" if within else ""
    return InputError(key, value, f"there is no such setting{has}", likeliest(key, known))


def keys(settings: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Return the settings of a composed configuration, as ``optimizer.lr``."""
    found = []
    for name, value in settings.items():
        if not str(name).startswith("_"):
            found.append(f"{prefix}{name}")
            found += keys(value, f"{prefix}{name}.") if isinstance(value, Mapping) else []
    return found


def _group(group: str, chosen: object, names: Names) -> None:
    name = getattr(names, group, "")
    if chosen is None:
        raise InputError(group, None, "must be chosen", f"Leave it out, or choose one: {group}=NAME; --help lists them.")
    if not isinstance(chosen, Mapping):
        raise InputError(group, name, f"{name}.yaml must hold a mapping, as in optimizer/sgd.yaml; it has {chosen}")
    if group in GROUPS and not isinstance(chosen.get("_target_"), str):
        problem = f"must be the import path of a class or function, and {name}.yaml has none"
        raise InputError(f"{group}._target_", chosen.get("_target_"), problem)


def _together(config: RunConfig) -> None:
    """Refuse settings that each could work, but not together."""
    if config.epochs is None and config.max_steps is None and config.max_seconds is None:
        raise InputError("epochs", None, "a run needs a budget", "Set one of epochs, max_steps and max_seconds.")
    if config.engine == "numpy" and config.precision == "bf16":
        raise InputError("precision", "bf16", "must be 32 or 64 with engine=numpy")
    if not re.fullmatch(r"[\w.=,+-]{1,200}", config.study) or config.study in (".", ".."):
        raise InputError("study", config.study, "must be the name of a folder: at most 200 letters, digits and . _ - + = ,")
    if config.optimizer.lr is not None:  # which schedules scale
        check("optimizer.lr", config.optimizer.arguments["lr"], Positive)
    if not config.output_dir:
        raise InputError("output_dir", "", "must be a folder")
    for name, value in config.trainer.arguments.items():
        if name not in PASSED_ON:
            raise _not_passed_on(name, value)
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
