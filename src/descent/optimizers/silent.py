"""Arguments that torch's optimizers accept silently although they cannot work or have no effect, by class."""

from collections.abc import Callable

import torch

from descent.config.schema import Optimizer
from descent.config.targets import factory
from descent.config.values import Arguments
from descent.errors import InputError


def _sgd(arguments: Arguments) -> None:
    if arguments.get("dampening") and not arguments.get("momentum"):
        raise InputError(
            "optimizer.dampening", arguments["dampening"], "has no effect without momentum", "Set optimizer.momentum."
        )


def _adam(arguments: Arguments) -> None:
    if arguments.get("decoupled_weight_decay") and not arguments.get("weight_decay"):
        raise InputError("optimizer.decoupled_weight_decay", True, "has no effect without optimizer.weight_decay")


def _rprop(arguments: Arguments) -> None:
    sizes = arguments.get("step_sizes")
    if isinstance(sizes, list) and not 0 < float(str(sizes[0])) <= float(str(sizes[1])):
        raise InputError("optimizer.step_sizes", sizes, "must be the smallest and the largest step size, in this order and > 0")


CHECKS: dict[type[torch.optim.Optimizer], Callable[[Arguments], None]] = {
    torch.optim.SGD: _sgd,
    torch.optim.Adam: _adam,
    torch.optim.Rprop: _rprop,
}


def require_effect(optimizer: Optimizer) -> None:
    """Refuse arguments of torch's classes, and of those derived from them, that torch ignores or misreads.

    Raises:
        InputError: names the argument.
    """
    made = factory("optimizer", optimizer.factory)
    for kind, check in CHECKS.items():
        if isinstance(made, type) and issubclass(made, kind):
            check(optimizer.arguments)
