"""Refuse objects of a run that do not work together, before anything is written or trained."""

import numpy as np
import torch

from descent.batching import Batches
from descent.config.schema import Component, RunConfig
from descent.errors import InputError, first_line, one_of
from descent.from_scratch.objectives.base import flat
from descent.metrics import KNOWN
from descent.metrics import metric as known
from descent.optimizers.capabilities import needs_closure, needs_graph
from descent.problems.base import Problem
from descent.training import build

SAME = 1e-3  # the relative difference of two gradients in float32 that only rounding tells apart


def require_engine(config: RunConfig, problem: Problem, batches: Batches) -> None:
    """Refuse a problem or an optimizer that the engine cannot train.

    Raises:
        InputError: names what is missing.
    """
    if config.records.layers and all(p.ndim < 2 for p in problem.parameters()):
        raise InputError("records.layers", True, f"has no effect: {config.names.problem} has no layers")
    if config.optimizer.spare_biases:
        _spares(config, {p.ndim < 2 for p in problem.parameters()})
    if config.by_hand:
        require_one_device(config)
        require_gradient(config, problem)
        build.numpy_optimizer(config)
        return
    trial = build.optimizer(config, "cpu")(problem.parameters())
    _splits(config, batches, trial)
    _clips(config, trial)


def _spares(config: RunConfig, biases: set[bool]) -> None:
    """Refuse to spare biases where that has no effect.

    Raises:
        InputError: nothing decays, or the problem has no biases, or nothing else.
    """
    key = "optimizer.spare_biases"
    if not config.optimizer.arguments.get("weight_decay"):
        raise InputError(key, True, f"has no effect without {config.optimizer.group}.weight_decay")
    if len(biases) < 2:
        only = "only parameters of one dimension" if True in biases else "no parameters of one dimension"
        raise InputError(key, True, f"has no effect: {config.names.problem} has {only}")


def require_gradient(config: RunConfig, problem: Problem) -> None:
    """Compare a gradient that the user has written by hand with autograd's, on two examples.

    Raises:
        InputError: there is none, or it is another.
    """
    objective = build.objective(config, problem)
    name = type(objective).__name__
    if type(objective).__module__.startswith("descent."):
        return
    parameters, rows = list(problem.parameters()), [part[:2] for part in problem.data("train")]
    try:
        hand_written = flat(objective.gradient([p.detach().numpy() for p in parameters], *(part.numpy() for part in rows)))
    except Exception as error:  # whatever code of the user's raises
        text = f"the gradient of {name} fails ({type(error).__name__}: {first_line(error)})"
        raise InputError("problem", config.names.problem, text) from error
    expected = torch.cat([g.flatten() for g in torch.autograd.grad(problem.loss(*rows), parameters)]).numpy()
    off = float(np.linalg.norm(hand_written - expected)) / max(float(np.linalg.norm(expected)), SAME)
    if not off < SAME:
        text = f"the gradient of {name} differs from autograd's by {off:.2g} of its length"
        raise InputError("problem", config.names.problem, text, "Correct it, or use engine=torch.")


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
    if needs_closure(optimizer) or needs_graph(optimizer):
        name = config.names.optimizer
        raise InputError("optimizer", name, f"it evaluates the whole loss itself, which {devices} devices do not have")
    last = (batches.examples_per_epoch - 1) % batches.size + 1  # the size of an epoch's last batch
    if batches.size < devices:
        raise InputError("trainer.devices", devices, f"a batch of {batches.size} cannot be split over more than {batches.size}")
    if last < devices:
        remedy = "Use batch.drop_last=true or another batch.size."
        raise InputError("trainer.devices", devices, f"the last batch of an epoch has {last} examples only", remedy)


def _clips(config: RunConfig, optimizer: torch.optim.Optimizer) -> None:
    """Require that the gradient can be clipped, if `clip_norm` is set.

    Raises:
        InputError: the optimizer evaluates or differentiates gradients itself, and so needs the true ones.
    """
    if config.clip_norm is not None and (needs_closure(optimizer) or needs_graph(optimizer)):
        name = config.names.optimizer
        raise InputError("clip_norm", config.clip_norm, f"{name} evaluates gradients itself: it needs the true ones", "Use null.")


def judged(config: RunConfig, problem: Problem) -> None:
    """Require that records hold the metrics that judge the run, and that each metric has a known direction.

    Raises:
        InputError: the problem measures no such metric, or one that neither is known nor declared.
    """
    measured = [name for split in problem.splits if split != "test" for name in problem.numbers(split, chunk=1, examples=1)]
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
