"""Try the settings of runs before a sweep trains anything, to find errors that appear only once objects are made."""

import torch

from descent.config.call import blamed
from descent.config.schema import RunConfig
from descent.config.values import Arguments
from descent.errors import InputError, first_line
from descent.optimizers.capabilities import evaluates_other_weights, needs_closure, needs_graph
from descent.optimizers.silent import require_effect
from descent.problems.base import Problem
from descent.training import build, requirements

STEPS = 3  # of a trial; the first shows what is not checked, the others what the state must hold


class Rehearsal:
    """Make each distinct part of the runs once, and let the optimizer take steps on a small weight."""

    def __init__(self) -> None:
        self.problems: dict[str, Problem] = {}
        self.passed: set[str] = set()

    def require(self, config: RunConfig, device: str) -> Problem:
        """Refuse a run that would fail when it starts; return its problem, or that of another seed.

        Raises:
            InputError: names the setting.
        """
        made = self._problem(config)
        budget = config.epochs, config.max_steps, config.max_seconds
        if self._is_new("budget", budget, config.records, config.batch, made.examples):
            build.timeline(config, build.batches(config, made.examples))
        if self._is_new("schedule", config.schedule, config.epochs is None and config.max_steps is None):
            build.schedule(config)
        if self._is_new("optimizer", config.optimizer, config.wrapper, config.engine, config.precision, device):
            try_optimizer(config)
        engine = config.engine, config.trainer, config.clip_norm, config.records.layers
        if self._is_new("engine", engine, config.optimizer, config.wrapper, config.problem, config.batch):
            requirements.require_engine(config, made, build.batches(config, made.examples))
        return made

    def _problem(self, config: RunConfig) -> Problem:
        """Return the problem; one of another seed has the same examples and the same needs."""
        key = repr((config.problem, config.precision))
        if key not in self.problems:
            made = build.problem(config)
            requirements.judged(config, made)
            self.problems = {key: made}  # the last one alone, as data may be large
        return self.problems[key]

    def _is_new(self, *parts: object) -> bool:
        key = repr(parts)
        new = key not in self.passed
        self.passed.add(key)
        return new


def try_optimizer(config: RunConfig) -> None:
    """Make the optimizer for one matrix and take some steps, to find arguments that its class does not check.

    Raises:
        InputError: the class or a step refuses an argument, or a step makes a finite weight nan; names the argument.
    """
    if config.by_hand:
        build.numpy_optimizer(config)
        return
    require_effect(config.optimizer)
    why = _why_not(config)
    if why is None:
        return
    arguments = config.optimizer.arguments

    def works(others: Arguments) -> bool:
        try:
            return _why_not(config.model_copy(update={"optimizer": config.optimizer.with_arguments(others)})) is None
        except InputError:
            return False

    name = blamed(arguments, works)
    if name is None:
        raise InputError("optimizer", config.names.optimizer, why, _capability(config))
    raise InputError(f"{config.optimizer.group}.{name}", arguments[name], why)


def _capability(config: RunConfig) -> str:
    """Return what to set so that the optimizer takes steps: a capability that its class does not state; empty: none helps."""
    for name in ("closure", "create_graph"):
        if _why_not(config.model_copy(update={"optimizer": config.optimizer.model_copy(update={name: True})})) is None:
            return f"Set +optimizer.{name}=true, or {name}: true in its yaml."
    return ""


def _why_not(config: RunConfig) -> str | None:
    """Return why the optimizer cannot take steps on one matrix; None if it can.

    Raises:
        InputError: it cannot be made.
    """
    weight = torch.nn.Parameter(torch.ones(2, 2, dtype=build.DTYPES[config.precision]))
    optimizer = build.optimizer(config, "cpu")([weight])
    if any("lr" not in group for group in optimizer.param_groups):
        return "its parameter groups have no lr, which schedules scale"

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = weight.square().sum() / 2
        (weight.grad,) = torch.autograd.grad(loss, [weight], create_graph=needs_graph(optimizer))
        return loss

    try:
        if evaluates_other_weights(optimizer):
            optimizer.train()  # type: ignore[attr-defined]
        for _ in range(STEPS):
            closure()
            optimizer.step(*([closure] if needs_closure(optimizer) else []))  # type: ignore[arg-type]
    except Exception as error:  # whatever a class says of its arguments
        return f"its first steps fail ({type(error).__name__}: {first_line(error)})"
    return "its first steps are no numbers" if weight.isnan().any() else None
