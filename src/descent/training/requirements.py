"""Refuse objects of a run that do not work together, before anything is written or trained."""

import torch

from descent.batching import Batches
from descent.config.schema import Component, RunConfig
from descent.errors import InputError, one_of
from descent.metrics import KNOWN
from descent.metrics import metric as known
from descent.optimizers.capabilities import needs_closure
from descent.problems.base import Problem
from descent.training import build


def require_engine(config: RunConfig, problem: Problem, batches: Batches) -> None:
    """Refuse a problem or an optimizer that the engine cannot train.

    Raises:
        InputError: names what is missing.
    """
    if config.records.layers and all(p.ndim < 2 for p in problem.parameters()):
        raise InputError("records.layers", True, f"has no effect: {config.names.problem} has no layers")
    if config.by_hand:
        require_one_device(config)
        build.objective(config, problem)
        build.numpy_optimizer(config)
        return
    trial = build.optimizer(config, "cpu")(problem.parameters())
    _splits(config, batches, trial)
    _clips(config, trial)


def require_one_device(config: RunConfig) -> None:
    """Refuse settings that need Lightning's Trainer.

    Raises:
        InputError: several devices, or further arguments of the Trainer.
    """
    if config.trainer.count > 1:
        raise InputError("trainer.devices", config.trainer.count, f"engine={config.engine} runs on one")
    for key, value in config.trainer.arguments.items():
        raise InputError(f"trainer.{key}", value, f"has no effect with engine={config.engine}")


def _splits(config: RunConfig, batches: Batches, optimizer: torch.optim.Optimizer) -> None:
    """Require that every step can be split over the devices.

    Raises:
        InputError: a device would have no example, or the optimizer reevaluates the loss.
    """
    devices = config.trainer.count
    if devices == 1:
        return
    if not isinstance(config.trainer.strategy, Component):
        raise InputError("trainer.devices", devices, "several devices share a run only with trainer=ddp")
    if needs_closure(optimizer):
        name = config.names.optimizer
        raise InputError("optimizer", name, f"its search needs the whole loss, which {devices} devices do not have")
    last = (batches.examples_per_epoch - 1) % batches.size + 1  # the size of an epoch's last batch
    if batches.size < devices:
        raise InputError("trainer.devices", devices, f"a batch of {batches.size} cannot be split over more than {batches.size}")
    if last < devices:
        remedy = "Use batch.drop_last=true or another batch.size."
        raise InputError("trainer.devices", devices, f"the last batch of an epoch has {last} examples only", remedy)


def _clips(config: RunConfig, optimizer: torch.optim.Optimizer) -> None:
    """Require that the gradient can be clipped, if `clip_norm` is set.

    Raises:
        InputError: the optimizer compares gradients with losses, and so needs the true ones.
    """
    if config.clip_norm is not None and needs_closure(optimizer):
        name = config.names.optimizer
        raise InputError("clip_norm", config.clip_norm, f"the line search of {name} needs the true gradient", "Use null.")


def judged(config: RunConfig, problem: Problem) -> None:
    """Require that records hold the metrics that judge the run, and that each metric has a known direction.

    Raises:
        InputError: the problem measures no such metric, or one that neither is known nor declared.
    """
    measured = [name for split in problem.splits if split != "test" for name in problem.measure(split, chunk=1, examples=1)]
    target, declared = config.problem.target, config.problem.metrics
    quantities = list(dict.fromkeys(name.rpartition("/")[2] for name in measured))
    for quantity in declared:
        if quantity not in quantities:
            raise one_of("problem.metrics", quantity, quantities)
    for quantity in quantities:
        if quantity not in KNOWN and quantity not in declared:
            remedy = f"Add metrics: {{{quantity}: {{direction: max}}}} to the problem's yaml, or min where low values are better."
            raise InputError("problem.metrics", [*declared], f"must declare {quantity}, which the problem measures", remedy)
    for key, metric in (("metric", config.problem.metric), ("target.metric", target.metric if target else None)):
        if metric is not None and metric not in measured:
            raise one_of(f"problem.{key}", metric, measured)
    margin = config.problem.margin
    if margin is not None and margin <= 1 and known(config.problem.metric, declared).scale == "log":
        raise InputError("problem.margin", margin, "must be above 1, a ratio of losses", "1.2 stands for 20 %.")
