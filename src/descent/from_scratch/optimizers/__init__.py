"""Optimizers as small objects with ``step(params, grads)``, in order of increasing complexity. The definitions are PyTorch's."""

from typing import Any

from descent.from_scratch.optimizers.adam import Adam, AdamW, AMSGrad
from descent.from_scratch.optimizers.adam_variants import Adamax, NAdam, RAdam
from descent.from_scratch.optimizers.adaptive import Adadelta, Adagrad, RMSprop, Rprop
from descent.from_scratch.optimizers.base import Optimizer
from descent.from_scratch.optimizers.gradient_descent import ASGD, SGD, Momentum, Nesterov
from descent.from_scratch.optimizers.muon import Muon

__all__ = [
    "ASGD",
    "OPTIMIZERS",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "like_torch",
]

OPTIMIZERS: dict[str, type[Optimizer]] = {
    made.__name__: made
    for made in (
        SGD,
        Momentum,
        Nesterov,
        ASGD,
        Adagrad,
        RMSprop,
        Adadelta,
        Rprop,
        Adam,
        AMSGrad,
        AdamW,
        Adamax,
        NAdam,
        RAdam,
        Muon,
    )
}


def like_torch(name: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name and the arguments of the optimizer equal to ``torch.optim.<name>(**arguments)``.

    Torch chooses momentum, Nesterov's and AMSGrad by arguments of SGD, Adam and AdamW; here each is a class of its own.
    """
    arguments = dict(arguments)
    if name == "SGD":
        nesterov = arguments.pop("nesterov", False)
        if arguments.get("momentum"):
            name = "Nesterov" if nesterov else "Momentum"
        else:
            arguments = {key: value for key, value in arguments.items() if key not in ("momentum", "dampening")}
    if arguments.pop("amsgrad", False):
        arguments = {"weight_decay": 0.01, "decoupled_weight_decay": True, **arguments} if name == "AdamW" else arguments
        name = "AMSGrad"
    return name, arguments
