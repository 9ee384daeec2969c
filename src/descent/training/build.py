"""Make objects from configuration. The only file that instantiates."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from descent.batching import Batches, Timeline, horizon
from descent.config.call import call
from descent.config.schema import MOST_STEPS, Component, Optimizer, RunConfig
from descent.config.targets import bound, factory
from descent.config.values import Arguments
from descent.errors import InputError, first_line
from descent.from_scratch import objectives, optimizers
from descent.from_scratch.objectives import Objective
from descent.optimizers import biases
from descent.problems.base import Problem
from descent.records.curve import Row
from descent.schedules import require_horizon
from descent.training.engine import Engine, Sink
from descent.training.recorder import Recorder

if TYPE_CHECKING:
    import lightning.pytorch as pl

    from descent.training.numpy_engine import NumpyEngine

DTYPES = {32: torch.float32, 64: torch.float64, "bf16": torch.float32}
PRECISIONS: dict[Any, Any] = {32: "32-true", 64: "64-true", "bf16": "bf16-mixed"}


def problem(config: RunConfig) -> Problem:
    """Make the problem: its data, and a model with the seed's initial weights."""
    made = _call("problem", config.problem, seed=config.seed, dtype=DTYPES[config.precision])
    if not isinstance(made, Problem):
        raise InputError("problem._target_", config.problem.factory, "must return a descent.problems.base.Problem")
    return made


def batches(config: RunConfig, examples: int) -> Batches:
    """Make the batch mode for N training examples."""
    made = _call("batch", config.batch, examples=examples, seed=config.seed)
    if not isinstance(made, Batches):
        raise InputError("batch._target_", config.batch.factory, "must return descent.batching.Batches")
    return made


def timeline(config: RunConfig, batches: Batches) -> Timeline:
    """Lay out the blocks and records of the run.

    Raises:
        InputError: more steps or records than can be.
    """
    steps = horizon(batches, config.epochs, config.max_steps)
    if steps >= MOST_STEPS and (config.epochs or config.max_steps):
        raise InputError("epochs", config.epochs, f"is more than {MOST_STEPS:,} steps")
    records = config.records
    return Timeline(batches, steps, records.first_epoch, records.growth, records.epochs or ())


def optimizer(config: RunConfig, device: str) -> Callable[[Any], torch.optim.Optimizer]:
    """Return a function from parameters on `device` (cpu or cuda) to the optimizer; it can be pickled."""
    return partial(_optimizer, on_device(config, device), config.wrapper)


def on_device(config: RunConfig, device: str) -> Optimizer:
    """Return the optimizer with torch's fused kernel where its setting names the device."""
    fused = config.optimizer.fused
    if fused is None:
        return config.optimizer
    return config.optimizer.with_arguments(
        {**config.optimizer.arguments, "fused": device in fused if isinstance(fused, list) else fused}
    )


def _optimizer(component: Optimizer, wrapper: Component | None, params: Any) -> torch.optim.Optimizer:
    params = biases.spared(params) if component.spare_biases else params
    made = _is_optimizer("optimizer", component, _call(component.group, component, params=params))
    if component.closure:
        made.needs_closure = True  # type: ignore[attr-defined]
    if component.create_graph:
        made.needs_graph = True  # type: ignore[attr-defined]
    return made if wrapper is None else _is_optimizer("wrapper", wrapper, _call("wrapper", wrapper, optimizer=made))


def _is_optimizer(group: str, component: Component, made: Any) -> torch.optim.Optimizer:
    if not isinstance(made, torch.optim.Optimizer):
        raise InputError(f"{group}._target_", component.factory, "must return a torch.optim.Optimizer")
    return made


def schedule(config: RunConfig) -> Callable[..., float]:
    """Make the schedule, (step, horizon, history) -> factor."""
    made = partial(factory("schedule", config.schedule.factory), **config.schedule.arguments)
    if config.epochs is None and config.max_steps is None:
        require_horizon(made, config.names.schedule)
    try:
        factor = made(0, 10, [(0.0, 1.0)])
        usable = math.isfinite(factor) and factor >= 0
    except Exception as error:  # whatever a function of the user's raises
        text = f"must be called as f(step, horizon, history, ...) ({type(error).__name__}: {error})"
        raise InputError("schedule", config.names.schedule, text) from error
    if not usable:
        raise InputError("schedule", config.names.schedule, f"must give a factor >= 0, and gives {factor} at the first step")
    return made


def engine(config: RunConfig, device: str, problem: Problem, batches: Batches, timeline: Timeline, recorder: Recorder) -> Engine:
    """Make the engine, which refuses bad settings before anything is written."""
    factor, layers = schedule(config), config.records.layers
    threads, clip_norm = config.problem.threads, config.clip_norm
    if config.by_hand:
        hand_written = objective(config, problem), numpy_optimizer(config)
        hand_written[1].spared = biases.mask(problem.parameters()) if config.optimizer.spare_biases else None
        hand_written[1].shapes = [tuple(parameter.shape) for parameter in problem.parameters()]
        made = _array_engine(config.engine == "compiled", recorder)
        return made(problem, *hand_written, factor, batches, timeline, recorder, threads, clip_norm, layers)
    with recorder.observer.loading("Lightning"):
        from descent.training.loader import BlockLoader
        from descent.training.module import DescentModule
        from descent.training.torch_engine import LightningEngine

    module = DescentModule(problem, optimizer(config, device), factor, timeline.horizon, clip_norm, layers, config.seed)
    loader = partial(BlockLoader, problem, batches, timeline)
    threads = max(1, threads // config.trainer.count)
    return LightningEngine(module, loader, recorder, partial(trainer, config, device), device, threads)


def _array_engine(compiled: bool, recorder: Recorder) -> "type[NumpyEngine]":
    from descent.training.numpy_engine import NumpyEngine

    if not compiled:
        return NumpyEngine
    with recorder.observer.loading("numba"):
        from descent.training.compiled_engine import CompiledEngine
    return CompiledEngine


def objective(config: RunConfig, problem: Problem) -> Objective:
    """Make the objective of the NumPy and compiled engines: the problem's loss with a hand-written gradient.

    Raises:
        InputError: the problem has no such gradient.
    """
    hand_written = problem.by_hand()
    if hand_written is None:
        raise InputError(
            "problem",
            config.names.problem,
            f"engine={config.engine} has no hand-written gradient of it; it has linear and logistic regression, softmax "
            "regression and mlps, the quadratic and the 2-D functions",
            "Use engine=torch.",
        )
    made, arguments = hand_written
    built = call("problem", getattr(objectives, made) if isinstance(made, str) else made, arguments)
    if not isinstance(built, Objective):
        raise InputError("problem", config.names.problem, f"its by_hand() must name an Objective, and {made} is none")
    return built


def numpy_optimizer(config: RunConfig) -> optimizers.Optimizer:
    """Make our own form of the torch optimizer that the settings name.

    Raises:
        InputError: `descent.from_scratch` lacks it, or it lacks an argument.
    """
    if config.wrapper is not None:
        raise InputError("wrapper", config.names.wrapper, f"engine={config.engine} has no wrappers", "Use engine=torch.")
    if isinstance(config.optimizer.fused, bool):
        raise InputError("optimizer.fused", config.optimizer.fused, f"has no effect with engine={config.engine}")
    package, _, torchs = config.optimizer.factory.rpartition(".")
    name, arguments = optimizers.like_torch(torchs, config.optimizer.arguments)
    made = optimizers.OPTIMIZERS.get(name)
    if made is None or package != made.package:
        has = ", ".join(known.lower() for known in optimizers.OPTIMIZERS)
        raise InputError(
            "optimizer",
            config.names.optimizer,
            f"engine={config.engine} has no such optimizer; it has {has}",
            "Use engine=torch.",
        )
    built: optimizers.Optimizer = call(config.optimizer.group, made, bound(config.optimizer.group, made, arguments))
    return built


def sinks(config: RunConfig, folder: Path, hyperparameters: Arguments, rows: list[Row]) -> list[Sink]:
    """Make the sinks that receive records, besides curve.csv."""
    run = {"folder": folder, "hyperparameters": hyperparameters, "rows": rows}
    return [_call(f"logger.{name}", logger, **run) for name, logger in config.logger.items()]


def device(config: RunConfig, elsewhere: str | None = None) -> str:
    """Return the device of the run, ``cuda`` or ``cpu``; `elsewhere` replaces ``auto`` for runs on other machines.

    Raises:
        InputError: trainer=gpu without a CUDA device.
    """
    accelerator = config.trainer.accelerator
    if config.by_hand and accelerator == "gpu":
        raise InputError("trainer", "gpu", f"engine={config.engine} runs on the CPU", "Use trainer=cpu or engine=torch.")
    if config.by_hand or accelerator == "cpu":
        return "cpu"
    if elsewhere:
        return "cuda" if "gpu" in (accelerator, elsewhere) else "cpu"
    if torch.cuda.is_available():
        return "cuda"
    if accelerator == "gpu":
        raise InputError("trainer", "gpu", "torch finds no CUDA device here", "Use trainer=cpu or trainer=auto.")
    return "cpu"


def trainer(config: RunConfig, device: str, callbacks: "list[pl.Callback]") -> "pl.Trainer":
    """Make Lightning's Trainer; one of its epochs is the whole run.

    Raises:
        InputError: an argument that Lightning refuses.
    """
    import lightning.pytorch as pl  # ten seconds, not before there is something to train
    from lightning.fabric.utilities.exceptions import MisconfigurationException

    strategy = config.trainer.strategy
    if isinstance(strategy, Component):
        strategy = _call("trainer.strategy", strategy)
    further: dict[str, Any] = config.trainer.arguments | ({} if strategy is None else {"strategy": strategy})
    try:
        return pl.Trainer(
            accelerator="gpu" if device == "cuda" else "cpu",
            devices=config.trainer.devices,
            **further,
            max_epochs=1,
            precision=PRECISIONS[config.precision],
            callbacks=callbacks,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, TypeError, ValueError) as error:
        refused = "strategy" if isinstance(strategy, str) else next(iter(config.trainer.arguments), "accelerator")
        value = config.trainer.settings()[refused]
        raise InputError(f"trainer.{refused}", value, first_line(error)) from error


def _call(group: str, component: Component, **further: Any) -> Any:
    return call(group, factory(group, component.factory), component.arguments, **further)
