"""Search spaces of optimizers, from ``conf/search_space/``; ``adam.yaml`` there explains a line."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from descent.config.check import check
from descent.config.values import Model, Real
from descent.config.yamls import conf
from descent.errors import InputError

EDGE = 0.1  # the outer share of a range, at either end, in which a best value is flagged
FURTHER = 10  # times that a range reaches when it is extended
DIGITS = 4  # significant digits of a sampled value


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


class Range(Model):
    """The range in which good values of a hyperparameter lie."""

    low: Real
    high: Real
    scale: Literal["linear", "log", "log_one_minus"]
    also: Real | None = None  # a value outside of the range which is usual too
    axis: Literal["lr", "momentum", "eps", "beta2", "weight_decay"] | None = None  # of the sampled points; None: not tuned

    def __contains__(self, value: float) -> bool:
        """Return whether a value lies in the range or is the one beside it."""
        return self.low <= value <= self.high or (self.also is not None and math.isclose(value, self.also))

    def value(self, share: float) -> float:
        """Return the value at a share of the range, 0 (low) to 1 (high), spread as its scale says; four significant digits.

        log: ``low * (high / low) ** share``. log_one_minus: 1 - value is spread so, which keeps the digits of 1 - value.
        """
        if self.scale == "linear":
            return _rounded(self.low + share * (self.high - self.low))
        if self.scale == "log":
            return _rounded(self.low * (self.high / self.low) ** share)
        return round(1 - _rounded((1 - self.low) * ((1 - self.high) / (1 - self.low)) ** share), 15)

    def share(self, value: float) -> float:
        """Return where a value lies in the range, 0 (low) to 1 (high): the inverse of `value`, to its rounding."""
        if self.scale == "linear":
            return (value - self.low) / (self.high - self.low)
        if self.scale == "log":
            return math.log(value / self.low) / math.log(self.high / self.low)
        return math.log((1 - value) / (1 - self.low)) / math.log((1 - self.high) / (1 - self.low))

    def extended(self, end: str | None) -> "Range":
        """Return the range with ten times the value at an end, ``low`` (a tenth) or ``high``; None: as it is."""
        factors = {"low": {"low": self.low / FURTHER}, "high": {"high": self.high * FURTHER}}
        return self.model_copy(update=factors.get(end or ""))

    def edge(self, value: float) -> str:
        """Return ``low`` or ``high`` where a value lies in the outer tenth of the range at that end, else an empty text."""
        share = self.share(value)
        return "low" if share <= EDGE else "high" if share >= 1 - EDGE else ""


def search_space(optimizer: str, folders: Sequence[Path] = ()) -> dict[str, Range]:
    """Return the range of each hyperparameter that has one, by its key on the command line; of a list, ``optimizer.betas[0]``.

    Args:
        optimizer: the stem of its yaml; one without search ranges has none.
        folders: of yamls of the user's, which win over our own.

    Raises:
        InputError: a line that is no range.
    """
    for folder in (*folders, conf()):
        path = folder / "search_space" / f"{optimizer}.yaml"
        if path.is_file():
            return _read(path)
    return {}


def write(folder: Path, optimizer: str, space: Mapping[str, Range]) -> None:
    """Write the ranges of an optimizer where `search_space` reads them, given the folder."""
    path = folder / "search_space" / f"{optimizer}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump({key: line.model_dump(exclude_none=True) for key, line in space.items()}))


def _read(path: Path) -> dict[str, Range]:
    name = f"search_space/{path.stem}"
    try:
        lines = yaml.safe_load(path.read_text()) or {}
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(name, path, f"cannot be read ({type(error).__name__})", "See search_space/adam.yaml.") from error
    if not isinstance(lines, dict):
        raise InputError(name, path, "must be a mapping from settings to ranges", "See search_space/adam.yaml.")
    return {str(key): _range(f"{name}: {key}", line) for key, line in lines.items()}


def _range(key: str, line: object) -> Range:
    bounds: Range = check(key, line, Range)
    if not bounds.low < bounds.high:
        raise InputError(f"{key}.low", bounds.low, f"must be below high={bounds.high:g}")
    if bounds.scale == "log" and bounds.low <= 0:
        raise InputError(f"{key}.low", bounds.low, "must be > 0 with scale=log", "Use scale: linear, or also: 0.")
    if bounds.scale == "log_one_minus" and bounds.high >= 1:
        raise InputError(f"{key}.high", bounds.high, "must be < 1 with scale=log_one_minus")
    return bounds


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
