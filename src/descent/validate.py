"""Refuse settings that cannot work, in one line each, before anything heavy is imported or written."""

import math
import re
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from descent.errors import InputError, one_of


@dataclass(frozen=True)
class Number:
    """A number in an interval; ``open`` ends are excluded."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    whole: bool = False
    optional: bool = False

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        low = "" if self.low == -math.inf else f"{'>' if self.low_open else '>='} {self.low:g}"
        high = "" if self.high == math.inf else f"{'<' if self.high_open else '<='} {self.high:g}"
        bounds = " and ".join(bound for bound in (low, high) if bound)
        return f"must be {kind}{' ' + bounds if bounds else ''}{', or null' if self.optional else ''}"

    def admits(self, value: Any) -> bool:
        if value is None:
            return self.optional
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return False
        if self.whole and value != int(value):
            return False
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below


POSITIVE = Number(0, low_open=True)
NOT_NEGATIVE = Number(0)
SHARE = Number(0, 1)
DECAY = Number(0, 1, high_open=True)
COUNT = Number(1, whole=True)

NUMBERS: dict[str, Number] = {  # key, as a regular expression -> what it may be
    r"seed": Number(0, whole=True),
    r"epochs": Number(0, low_open=True, optional=True),
    r"max_steps": Number(1, whole=True, optional=True),
    r"max_seconds": Number(0, low_open=True, optional=True),
    r"clip_norm": Number(0, low_open=True, optional=True),
    r"records\.first_epoch": COUNT,
    r"records\.growth": Number(1, low_open=True),
    r"records\.examples": Number(1, whole=True, optional=True),
    r"batch\.(size|micro_size)": COUNT,
    r"optimizer\.(adamw_)?lr": POSITIVE,
    r"optimizer\.(momentum|dampening|alpha|rho)": DECAY,
    r"optimizer\.(adamw_)?betas\.\d": DECAY,
    r"optimizer\.(adamw_)?weight_decay": NOT_NEGATIVE,
    r"optimizer\.(adamw_)?eps(\.\d)?": Number(0, optional=True),
    r"optimizer\.(lr_decay|initial_accumulator_value|lambd|momentum_decay|t0|tolerance_grad|tolerance_change)": NOT_NEGATIVE,
    r"optimizer\.(ns_steps|history_size|max_iter|max_eval)": COUNT,
    r"optimizer\.etas\.0": Number(0, 1, low_open=True, high_open=True),
    r"optimizer\.etas\.1": Number(1, low_open=True),
    r"optimizer\.(step_sizes\.\d|d)": POSITIVE,
    r"optimizer\.beta2_decay": Number(high=0),
    r"schedule\.(warmup|final_factor|start_factor|threshold|milestones\.\d+)": SHARE,
    r"schedule\.(factor|half)": Number(0, 1, low_open=True),
    r"schedule\.patience": NOT_NEGATIVE,
    r"problem\.(width|depth|dimension|degree|micro_size|threads|batch_size)": COUNT,
    r"problem\.points": Number(20, whole=True),
    r"problem\.examples": Number(2, whole=True),
    r"problem\.(noise|additive|start_spread)": NOT_NEGATIVE,
    r"problem\.(multiplicative|label_noise)": SHARE,
    r"problem\.condition": Number(1),
    r"problem\.positive": Number(0.5, 1, low_open=True, high_open=True),
    r"problem\.(regularisation|scale|loss_scale)": POSITIVE,
    r"problem\.start(\.\d+)?": Number(),
}
LENGTHS = {  # lists
    "optimizer.betas": 2,
    "optimizer.adamw_betas": 2,
    "optimizer.etas": 2,
    "optimizer.step_sizes": 2,
    "optimizer.ns_coefficients": 3,
}
NAMES: dict[str, tuple[Any, ...]] = {
    "engine": ("torch", "numpy"),
    "records.layers": (True, False),
    "records.sharpness": (True, False),
    "precision": (32, 64, "bf16"),
    "rerun": (True, False),
    "batch.drop_last": (True, False),
    "batch.replacement": (True, False),
    "optimizer.nesterov": (True, False),
    "optimizer.amsgrad": (True, False),
    "optimizer.centered": (True, False),
    "optimizer.decoupled_weight_decay": (True, False),
    "optimizer.line_search_fn": ("strong_wolfe", None),
    "optimizer.adjust_lr_fn": ("original", "match_rms_adamw", "spectral_unclamped", None),
    "problem.rotated": (True, False),
}
PACKAGES = ("wandb", "mlflow")  # loggers that need the package of their name


def validate(settings: dict[str, Any]) -> None:
    """Check a resolved configuration, each value on its own and then together.

    Raises:
        InputError: the first value that cannot work.
    """
    for key, value in flatten(settings):
        if key in NAMES and not any(value is name or (value == name and type(value) is type(name)) for name in NAMES[key]):
            raise one_of(key, value, ["null" if name is None else str(name).lower() for name in NAMES[key]])
        for pattern, number in NUMBERS.items():
            if re.fullmatch(pattern, key) and isinstance(value, (int, float, str, type(None))) and not number.admits(value):
                raise InputError(key, value, str(number))
    for key, length in LENGTHS.items():
        group, name = key.split(".")
        value = settings[group].get(name, [None] * length)
        if not isinstance(value, list) or len(value) != length:
            raise InputError(key, value, f"must be a list of {length} numbers, as in {key}=[{', '.join(['...'] * length)}]")
    if all(settings[key] is None for key in ("epochs", "max_steps", "max_seconds")):
        raise InputError("epochs", None, "a run needs a budget", "Set one of epochs, max_steps and max_seconds.")
    if settings["engine"] == "numpy" and settings["precision"] == "bf16":
        raise InputError("precision", "bf16", "must be 32 or 64 with engine=numpy")
    devices = settings["trainer"].get("devices", 1)
    if not (COUNT.admits(devices) or (isinstance(devices, list) and devices and all(NOT_NEGATIVE.admits(d) for d in devices))):
        raise InputError("trainer.devices", devices, "must be a whole number >= 1, or a list of GPUs, as in [0, 1]")
    study = settings["study"]
    if not isinstance(study, str) or not re.fullmatch(r"[\w.=,+-]+", study) or study in (".", ".."):
        raise InputError("study", study, "must be the name of a folder: letters, digits and . _ - + = ,")
    for name in settings["logger"]:
        if name in PACKAGES and not _installed(name):
            raise InputError("logger", name, f"needs the package {name}", f"Install it: pip install {name}")
    _optimizer(settings["optimizer"])
    _target(settings["problem"].get("target"))


def _installed(package: str) -> bool:
    found = find_spec(package)
    return found is not None and found.origin is not None  # a folder of that name, as wandb makes one, is no package


def _optimizer(optimizer: dict[str, Any]) -> None:
    momentum = optimizer.get("momentum")
    if optimizer.get("dampening") and not momentum:
        raise InputError(
            "optimizer.dampening", optimizer["dampening"], "has no effect without momentum", "Set optimizer.momentum."
        )
    if optimizer.get("nesterov") and not momentum:
        raise InputError("optimizer.nesterov", True, "has no effect without momentum", "Set optimizer.momentum, as in 0.9.")
    if optimizer.get("nesterov") and optimizer.get("dampening"):
        raise InputError("optimizer.dampening", optimizer["dampening"], "must be 0 with optimizer.nesterov=true")
    if optimizer.get("decoupled_weight_decay") and not optimizer.get("weight_decay"):
        raise InputError("optimizer.decoupled_weight_decay", True, "has no effect without optimizer.weight_decay")


def _target(target: Any) -> None:
    if target is None:
        return
    if not isinstance(target, dict) or set(target) != {"metric", "value"}:
        raise InputError("problem.target", target, "must be null, or as in problem.target={metric: train/loss, value: 0.1}")
    if not isinstance(target["metric"], str):
        raise InputError("problem.target.metric", target["metric"], "must be the name of a metric, as train/loss")
    if not Number().admits(target["value"]):
        raise InputError("problem.target.value", target["value"], str(Number()))


def flatten(settings: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """Return (``a.b.0``, value) for every leaf of nested mappings and lists."""
    items = settings.items() if isinstance(settings, dict) else enumerate(settings) if isinstance(settings, list) else None
    if items is None:
        return [(prefix, settings)]
    return [leaf for key, value in items for leaf in flatten(value, f"{prefix}.{key}" if prefix else str(key))]
