"""Search ranges of optimizers, as ``conf/search_space/`` has them; ``adam.yaml`` there says what a line means."""

import math
from typing import Literal, Self

import yaml
from pydantic import model_validator

from descent.config.command import conf
from descent.config.values import Model, Real, check


class Range(Model):
    """Where good values of a hyperparameter lie."""

    low: Real
    high: Real
    scale: Literal["linear", "log", "log_one_minus"]
    also: Real | None = None  # a value outside of the range which is usual too

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.low < self.high:
            raise ValueError("low must be below high")
        if (self.scale == "log" and self.low <= 0) or (self.scale == "log_one_minus" and self.high >= 1):
            raise ValueError(f"has no logarithm everywhere, which scale={self.scale} takes")
        return self

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
    return {key: check(f"search_space/{optimizer}: {key}", line, Range) for key, line in lines.items()}
