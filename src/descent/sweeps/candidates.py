"""The candidates of a tuned study, each with the ranges that its budget searches."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from annotated_types import Le
from pydantic import Field

from descent.config.schema import RunConfig
from descent.config.search_space import AXES, BUDGETS, Budget, Range, search_space
from descent.config.targets import resolve
from descent.config.tuned import differences
from descent.config.values import Count, Listed, Model, Text
from descent.errors import InputError


class Protocol(Model):
    """Settings of `hydra.sweeper` for a tuned study."""

    trials: Literal["default", "small", "medium", "large", "huge"]
    searches: Annotated[Count, Le(100)]  # repetitions of the tuning, each with sampled settings of its own
    final_seeds: Annotated[Count, Le(1000)]  # seeds 1, 2, ... of the final runs of each search
    extended: Literal["low", "high"] | None = None  # the end at which all ranges of the axis lr reach ten times further
    baselines: Annotated[list[Text], Listed] = Field(default=[])  # optimizers that are trained at their shipped tuned settings

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
        space = _space(config.names.bare_optimizer, protocol, folders)
        _refuse_decided(job, space)
        for key in space:
            name = key.partition("[")[0].removeprefix("optimizer.")
            if name not in config.optimizer.arguments:
                optimizer = config.names.bare_optimizer
                raise InputError(
                    f"search_space/{optimizer}: {key}", None, f"optimizer={optimizer} has no such setting in its yaml"
                )
        tuned.append(Candidate(tuple(job), config, space))
    return tuned


def baselines(tuned: Sequence[Candidate], compose: Callable[[list[str]], RunConfig], protocol: Protocol) -> list[tuple[str, ...]]:
    """Return the overrides of each final run of the baselines, which are not tuned: ``settings=tuned`` has their settings.

    Args:
        tuned: the candidates; each problem, batch mode and budget of theirs gets all baselines.
        compose: from overrides to a typed configuration.
        protocol: what is tuned.

    Raises:
        InputError: a baseline has no tuned settings, or they were found for another problem, mode, budget, or number of trials.
    """
    jobs: list[tuple[str, ...]] = []
    for candidate, name in product(tuned, protocol.baselines):
        alike = [override for override in candidate.overrides if re.split(r"[.=]", override.lstrip("+~"))[0] != "optimizer"]
        job = (*alike, f"optimizer={name}", "settings=tuned")
        config = resolve(compose(list(job)))
        if why := _unequal(config, protocol):
            remedy = f"Tune {name} too: optimizer={candidate.config.names.optimizer},{name}."
            raise InputError("hydra.sweeper.baselines", name, why, remedy)
        jobs += [(*job, f"seed={seed}") for seed in range(1, protocol.final_seeds + 1)]
    return list(dict.fromkeys(jobs))


def _unequal(config: RunConfig, protocol: Protocol) -> str:
    """Return why tuned settings are no fair baseline; empty where they are."""
    assert config.tuned is not None
    searches = len(config.tuned.searches)
    if (config.tuning.trials, searches) != (protocol.trials, protocol.searches):
        has = f"hydra.sweeper.trials={config.tuning.trials} and hydra.sweeper.searches={searches}"
        return f"was tuned with {has}, and this study has {protocol.trials} and {protocol.searches}"
    return differences(config)


def _space(optimizer: str, protocol: Protocol, folders: Sequence[Path]) -> dict[str, Range]:
    """Return the ranges of an optimizer that a budget searches."""
    axes = protocol.budget.axes
    space = {key: usual for key, usual in search_space(optimizer, folders).items() if usual.axis in axes}
    space |= {key: usual.extended(protocol.extended) for key, usual in space.items() if usual.axis == "lr"}
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
