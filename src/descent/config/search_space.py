"""Search ranges of optimizers, as ``conf/search_space/`` has them; ``adam.yaml`` there says what a line means."""

import math
from typing import Literal

import yaml

from descent.config.check import check
from descent.config.command import conf
from descent.config.values import Model, Real
from descent.errors import InputError


class Range(Model):
    """Where good values of a hyperparameter lie."""

    low: Real
    high: Real
    scale: Literal["linear", "log", "log_one_minus"]
    also: Real | None = None  # a value outside of the range which is usual too

    def __contains__(self, value: float) -> bool:
        """Return whether a value lies in the range or is the one beside it."""
        return self.low <= value <= self.high or (self.also is not None and math.isclose(value, self.also))


def search_space(optimizer: str) -> dict[str, Range]:
    """Return the range of each hyperparameter that has one, by its key on the command line; of a list, ``optimizer.betas[0]``.

    Args:
        optimizer: the stem of its yaml; one without search ranges has none.

    Raises:
        InputError: a line that is no range.
    """
    path = conf() / "search_space" / f"{optimizer}.yaml"
    lines = yaml.safe_load(path.read_text()) if path.is_file() else {}
    return {key: _range(f"search_space/{optimizer}: {key}", line) for key, line in lines.items()}


def _range(key: str, line: object) -> Range:
    found: Range = check(key, line, Range)
    if not found.low < found.high:
        raise InputError(f"{key}.low", found.low, f"must be below high={found.high:g}")
    if found.scale == "log" and found.low <= 0:
        raise InputError(f"{key}.low", found.low, "must be > 0 with scale=log", "Use scale: linear, or also: 0.")
    if found.scale == "log_one_minus" and found.high >= 1:
        raise InputError(f"{key}.high", found.high, "must be < 1 with scale=log_one_minus")
    return found
