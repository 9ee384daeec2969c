"""The candidates of a tuned study, each with the ranges that its budget searches."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Le

from descent.config.schema import RunConfig
from descent.config.search_space import Range, search_space
from descent.config.values import Count, Model
from descent.errors import InputError

AXES = ("lr", "momentum", "eps", "beta2", "weight_decay")  # columns of the sampled points


@dataclass(frozen=True)
class Budget:
    """The settings that a search tries for each optimizer: how many, and along which axes."""

    trials: int
    axes: tuple[str, ...]


BUDGETS = {
    "default": Budget(0, ()),
    "small": Budget(8, ("lr",)),
    "medium": Budget(16, ("lr", "momentum")),
    "large": Budget(32, ("lr", "momentum", "eps", "weight_decay")),
    "huge": Budget(64, AXES),
}


class Protocol(Model):
    """Settings of `hydra.sweeper` for a tuned study."""

    trials: Literal["default", "small", "medium", "large", "huge"]
    searches: Annotated[Count, Le(100)]  # repetitions of the tuning, each with sampled settings of its own
    final_seeds: Annotated[Count, Le(1000)]  # seeds 1, 2, ... of the final runs of each search

    @property
    def budget(self) -> Budget:
        return BUDGETS[self.trials]


@dataclass(frozen=True)
class Candidate:
    """A combination to tune: its overrides, their configuration, and the ranges that the budget searches."""

    overrides: tuple[str, ...]
    config: RunConfig
    space: Mapping[str, Range]

    @property
    def name(self) -> str:
        names = self.config.names
        schedule = "" if names.schedule == "constant" else f" {names.schedule}"
        return f"{names.problem} {names.batch} {names.optimizer}{schedule}"

    def setting(self, point: np.ndarray) -> dict[str, float]:
        """Return the hyperparameters that a point ``[axes]`` of the unit cube stands for."""
        return {key: usual.value(float(point[AXES.index(usual.axis or "")])) for key, usual in self.space.items()}

    def job(self, protocol: Protocol, search: int, stage: str, seed: int, setting: Mapping[str, float]) -> tuple[str, ...]:
        """Return the overrides of one run."""
        part = (f"tuning.trials={protocol.trials}", f"tuning.search={search}", f"tuning.stage={stage}")
        return (*self.overrides, *self._values(setting), f"seed={seed}", *(part if protocol.budget.trials else ()))

    def _values(self, setting: Mapping[str, float]) -> Iterator[str]:
        """Yield an override for each hyperparameter; a list gets one override for all its items."""
        lists: dict[str, list[object]] = {}
        for key, value in setting.items():
            name, _, item = key.removesuffix("]").partition("[")
            if item:
                whole = lists.setdefault(name, list(self.config.optimizer.arguments[name.removeprefix("optimizer.")]))
                whole[int(item)] = value
            else:
                yield f"{name}={value!r}"
        for name, whole in lists.items():
            yield f"{name}=[{','.join(map(repr, whole))}]"


def candidates(
    jobs: Sequence[Sequence[str]], compose: Callable[[list[str]], RunConfig], protocol: Protocol, folders: Sequence[Path]
) -> list[Candidate]:
    """Return the candidates of a sweep, without duplicates.

    Args:
        jobs: the overrides of each.
        compose: from overrides to a typed configuration.
        protocol: what is tuned.
        folders: of the user's yamls, where search spaces may lie.

    Raises:
        InputError: a setting that tuning decides, or an optimizer without a search space.
    """
    tuned: list[Candidate] = []
    for job in jobs:
        config = compose(list(job))
        if any(config == candidate.config for candidate in tuned):
            continue
        space = _space(config.names.optimizer, protocol, folders)
        _refuse_decided(job, space)
        for key in space:
            name = key.partition("[")[0].removeprefix("optimizer.")
            if name not in config.optimizer.arguments:
                optimizer = config.names.optimizer
                raise InputError(
                    f"search_space/{optimizer}: {key}", None, f"optimizer={optimizer} has no such setting in its yaml"
                )
        tuned.append(Candidate(tuple(job), config, space))
    return tuned


def _space(optimizer: str, protocol: Protocol, folders: Sequence[Path]) -> dict[str, Range]:
    """Return the ranges of an optimizer that a budget searches."""
    axes = protocol.budget.axes
    space = {key: usual for key, usual in search_space(optimizer, folders).items() if usual.axis in axes}
    if axes and not space:
        raise InputError(
            "optimizer",
            optimizer,
            f"has no range on the axes that hydra.sweeper.trials={protocol.trials} tunes ({', '.join(axes)})",
            f"Write conf/search_space/{optimizer}.yaml, as adam.yaml there, or take hydra.sweeper.trials=default.",
        )
    return space


def _refuse_decided(job: Sequence[str], space: Mapping[str, Range]) -> None:
    decided = {"seed", *(key.partition("[")[0] for key in space)}
    for override in job:
        key, _, value = override.lstrip("+").partition("=")
        if key in decided or key.partition(".")[0] == "tuning":
            raise InputError(key, value, "is what hydra/sweeper=tuned decides", "Leave it out, or take hydra/sweeper=study.")
