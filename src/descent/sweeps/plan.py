"""Plan the runs of a sweep: each once, checked before anything trains, with its result where it has one."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from descent.config.identity import identity, key, place
from descent.config.schema import RunConfig
from descent.errors import InputError
from descent.records.finished import Unsound, sound
from descent.records.result import Result
from descent.terminal.console import loading

ACCELERATORS = {"cuda": "gpu", "cpu": "cpu"}  # by device
STEP = {"torch": 2.5e-4, "numpy": 4e-5, "compiled": 2e-6}  # seconds that a step of an engine takes at least
WEIGHT = 3e-10  # seconds for each weight and example, which takes 6 operations


@dataclass(frozen=True)
class Planned:
    """A run of a sweep: its overrides, their configuration, its device (cuda, cpu) and its folder.

    Attributes:
        result: None: it is missing.
        seconds: that training it takes, as a rough guess; 0 where it has a result.
    """

    overrides: list[str]
    config: RunConfig
    device: str
    folder: Path
    result: Result | None
    seconds: float

    @property
    def settled(self) -> RunConfig:
        """The configuration with the accelerator that was planned: ``auto`` might find another one elsewhere."""
        trainer = self.config.trainer.model_copy(update={"accelerator": ACCELERATORS[self.device]})
        return self.config.model_copy(update={"trainer": trainer})


def plan(jobs: Sequence[Sequence[str]], compose: Callable[[list[str]], RunConfig], elsewhere: str | None = None) -> list[Planned]:
    """Return the runs of a sweep, each once, in its order; arguments as of `sweep`.

    Raises:
        InputError: a setting of one of them cannot work; nothing was trained.
    """
    composed = [(list(job), compose(list(job))) for job in jobs]
    _one_study([config for _, config in composed])
    with loading("PyTorch"):
        from descent.batching import horizon
        from descent.config.targets import resolve
        from descent.training import build
        from descent.training.rehearsal import Rehearsal

    planned: dict[Path, Planned] = {}
    rehearsal = Rehearsal()
    for job, unresolved in composed:
        config = resolve(unresolved)
        device = build.device(config, elsewhere)
        identified = identity(config, device)
        folder = place(config, identified)
        if folder not in planned:
            result = None if config.rerun else _finished(folder, key(identified))
            seconds = 0.0
            if result is None:
                problem = rehearsal.require(config, device)
                weights = sum(parameter.numel() for parameter in problem.parameters())
                batches = build.batches(config, problem.examples)
                steps = horizon(batches, config.epochs, config.max_steps)
                seconds = _seconds(config, steps, weights * batches.size)
            planned[folder] = Planned(job, config, device, folder, result, seconds)
    return list(planned.values())


def _seconds(config: RunConfig, steps: int, work: int) -> float:
    """Guess how long a run trains, to start the long ones first: `work` is the weights times the examples of a step."""
    return min(steps * (STEP[config.engine] + WEIGHT * work), config.max_seconds or math.inf)


def _one_study(configs: Sequence[RunConfig]) -> None:
    """Refuse a sweep over studies, which would count two copies of a seed as two.

    Raises:
        InputError: names the setting that varies.
    """
    for name in ("study", "output_dir"):
        values = list(dict.fromkeys(str(getattr(config, name)) for config in configs))
        if len(values) > 1:
            raise InputError(name, ",".join(values), "must be one, as a sweep is one study", "Run one sweep for each.")


def _finished(folder: Path, key: str) -> Result | None:
    try:
        return sound(folder, key)
    except Unsound:  # the run names what is damaged
        return None
