"""The typed configuration of a run: one field a setting, with its type, range, unit and meaning beside it.

Where a setting belongs to a class that the configuration names by ``_target_``, the class says what it may be: see `targets`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from annotated_types import Gt, Le, Lt, MinLen
from pydantic import AliasChoices, BeforeValidator, Field, PrivateAttr, model_validator

from descent.config.values import Arguments, Count, Flag, Index, Listed, Model, Null, Positive, Real, Text, read

MOST_STEPS = 10**12
GROUPS = ("problem", "batch", "optimizer", "schedule")  # each run chooses one of each by name


class Target(Model):
    """A value of a metric that a run is to reach, at two consecutive records."""

    metric: Text
    value: Real


class Quantity(Model):
    """A quantity that a problem measures: its direction and scale, by which it is ranked and drawn; see `metrics.Metric`."""

    direction: Literal["min", "max"]  # which values are better
    scale: Literal["log", "linear"] = "linear"  # of an axis
    label: Text | None = None  # in words (null: its name)
    unit: str = ""


class Group(Model):
    """The settings of a group: its fields, and the arguments of its class or function."""

    arguments: dict[str, Any] = Field(default={})

    @classmethod
    def field_names(cls) -> list[str]:
        """Return the names of the settings that are not arguments."""
        return [name for name in cls.model_fields if name not in ("factory", "arguments")]

    @model_validator(mode="before")
    @classmethod
    def _split(cls, settings: Any) -> Any:
        if not isinstance(settings, Mapping):
            return settings
        keys = {info.alias or name for name, info in cls.model_fields.items()} - {"arguments"}
        values = {name: value for name, value in settings.items() if name in keys}
        return {**values, "arguments": {name: value for name, value in settings.items() if name not in values}}

    def settings(self) -> dict[str, Any]:
        """Return the group as a yaml has it."""
        return {**_plain(self.arguments), **{name: _plain(getattr(self, name)) for name in self.field_names()}}


class Component(Group):
    """An object to make: the import path of its class or function, and the arguments, which that checks.

    ``problem.width`` is the argument ``width`` of the class that ``problem._target_`` names.
    """

    factory: Text = Field(alias="_target_")

    def settings(self) -> dict[str, Any]:
        return {"_target_": self.factory, **super().settings()}

    def with_arguments(self, arguments: Arguments) -> Self:
        """Return the component with other arguments."""
        return self.model_copy(update={"arguments": dict(arguments)})


class Problem(Component):
    """A problem, and what every problem has; the defaults are in ``conf/problem_defaults.yaml``."""

    epochs: Positive | dict[str, Positive] | Null  # default budget, passes over the training examples; or by batch mode
    batch_size: Count  # examples a step of batch=mini by default
    micro_size: Count  # examples in memory at once
    record_examples: Count | Null  # examples that a record measures (null: all)
    metric: Text  # what optimizers are judged by
    target: Target | Null  # what a run is to reach
    metrics: dict[str, Quantity] = Field(default={})  # quantities that the class measures beside loss and accuracy
    margin: Positive | Null = None  # up to which optimizers are equal in the metric: a ratio above 1, or points of a share
    loss_scale: Positive  # a loss this size is large
    threads: Annotated[Count, Le(1024)]  # CPU threads

    @model_validator(mode="before")
    @classmethod
    def _column(cls, settings: Any) -> Any:
        """Take a name as target for the column that a table is to predict, its setting `column`."""
        target = settings.get("target") if isinstance(settings, Mapping) and "column" in settings else None
        return {**settings, "column": target, "target": None} if isinstance(target, (str, int)) else settings


class Optimizer(Component):
    """An optimizer."""

    fused: Annotated[list[Literal["cpu", "cuda"]], Listed] | Flag | Null = None  # devices with torch's fused kernel
    full_batch: Flag = False  # meant for exact gradients: another batch mode is warned about
    spare_biases: Flag = False  # weight decay leaves parameters of one dimension alone
    closure: Flag = False  # its steps need a closure, though its class does not say so
    create_graph: Flag = False  # it differentiates the gradient once more
    _group: str = PrivateAttr("optimizer")  # what its arguments are typed after; see `named.named`

    @property
    def group(self) -> str:
        """What its arguments are typed after: ``optimizer``, or ``optimizer.args`` where ``optimizer.name`` names its class."""
        return self._group

    def typed_after(self, group: str) -> Self:
        """Return the optimizer with arguments typed after another group."""
        changed = self.model_copy()
        changed._group = group
        return changed

    @property
    def lr(self) -> float | None:
        """The learning rate; None where the optimizer has none, or keeps its class's default."""
        rate = self.arguments.get("lr")
        return float(rate) if isinstance(rate, (int, float)) else None


class Trainer(Group):
    """The devices that compute a run; `arguments` are those of Lightning's Trainer that descent does not decide."""

    accelerator: Literal["auto", "cpu", "gpu"] = "auto"
    devices: Count | Annotated[list[Index], Listed, MinLen(1)] = 1  # how many, or which GPUs
    strategy: Component | Text | Null = None

    @property
    def count(self) -> int:
        """The number of devices that a run is split over."""
        return len(self.devices) if isinstance(self.devices, list) else self.devices


class Records(Model):
    """The records of a run: when they are made, and what they measure."""

    first_epoch: Annotated[Count, Le(10_000)]  # records in the first epoch
    growth: Annotated[Real, Gt(1)]  # after it, each record lies this factor further on
    epochs: Annotated[list[Positive], Listed, MinLen(1)] | Null = None  # at whose ends there are records too
    examples: Count | Null  # examples that are measured (null: all)
    layers: Flag  # the gradient norm of each layer's weights too
    sharpness: Flag  # the largest eigenvalue of the Hessian too


class Tuning(Model):
    """The part of a run in a tuned study; see `sweeps.tuning`."""

    trials: Literal["default", "small", "medium", "large", "huge"]  # the budget of each search; default: nothing was tuned
    search: Index  # which repetition of the tuning, from 1 on; 0: none, of default
    stage: Literal["trial", "selection", "default", "final"]  # final: what results are about; default: untuned, beside them


class Tuned(Model):
    """The source of tuned settings, and what they were found for: a part of each file in ``conf/settings/tuned/``."""

    study: Text  # that was tuned
    searches: list[Count] = Field(validation_alias=AliasChoices("searches", "scrambles"))  # numbers; "scrambles" in older files
    metric: Text  # what decided
    median: Real  # of the metric, over the seeds of selection
    ranges: dict[str, list[Real]] = Field(default={})  # that were searched: their ends; none in older files
    edges: dict[str, Literal["low", "high"]]  # hyperparameters in the outer tenth of their range, and at which end
    engine: Text
    versions: dict[str, Text]
    date: Text
    shared: dict[str, Any]  # the settings that all runs of the study shared


class Names(Model):
    """The choice of each group, as ``optimizer=adam`` makes it: a run's folder and its label in plots.

    That of an optimizer in a wrapper holds both, ``adam+ema``: they are one candidate.
    """

    problem: str
    batch: str
    optimizer: str
    schedule: str
    wrapper: str = Field(default="none", exclude=True)

    @property
    def bare_optimizer(self) -> str:
        """The optimizer without its wrapper."""
        return self.optimizer.removesuffix(f"+{self.wrapper}")


class RunConfig(Model):
    """The configuration of one run."""

    names: Names
    problem: Problem
    batch: Component
    optimizer: Optimizer
    schedule: Component
    wrapper: Component | None = None  # around the optimizer
    trainer: Trainer
    logger: dict[str, Component]

    seed: Annotated[Index, Lt(2**63)]  # draws the split, the initial weights and the order of the data
    study: Text  # the folder of runs within output_dir
    output_dir: Text
    rerun: Flag  # train a finished run anew

    epochs: Positive | Null  # passes over the training examples
    max_steps: Annotated[Count, Le(MOST_STEPS)] | Null  # parameter updates
    max_seconds: Positive | Null  # of training

    clip_norm: Positive | Null  # largest Euclidean norm of a step's gradient
    engine: Literal["torch", "numpy", "compiled"]
    precision: Annotated[Literal[32, 64, "bf16"], BeforeValidator(read)]
    records: Records
    tuning: Tuning
    tuned: Tuned | Null = None  # where settings=tuned has the optimizer's settings from

    @property
    def by_hand(self) -> bool:
        """Whether gradients and updates are those of `descent.from_scratch`: on the CPU, in one process, without Lightning."""
        return self.engine != "torch"

    @property
    def folder(self) -> Path:
        """The folder of the study."""
        return Path(self.output_dir).expanduser() / self.study

    def settings(self) -> dict[str, Any]:
        """Return the resolved configuration as plain values, keyed as on the command line."""
        return {name: _plain(getattr(self, name)) for name in type(self).model_fields}


def _plain(value: Any) -> Any:
    if isinstance(value, Group):
        return value.settings()
    if isinstance(value, Model):
        return {name: _plain(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value
