"""Metrics and axes: the one place that knows the label, direction, scale and unit of a name.

A metric is named ``split/quantity``, as ``val/accuracy``. Which quantities there are, a problem declares in its yaml:
``metrics: {f1: {direction: max, scale: linear}}``; those of `KNOWN` need no declaration.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MEASURED = ("train/", "val/")  # the splits that each record measures
SPLITS = {"train": "training", "val": "validation", "test": "test"}
KNOWN: Mapping[str, Mapping[str, Any]] = {  # quantities that no problem need declare
    "loss": {},
    "gap": {"label": "loss above the minimum"},
    "accuracy": {"direction": "max", "scale": "linear"},
    "r2": {"direction": "max", "scale": "linear", "label": "R²"},
    "average_loss": {"label": "loss of the averaged weights"},
    "average_gap": {"label": "loss of the averaged weights above the minimum"},
}


@dataclass(frozen=True)
class Metric:
    """A quantity measured on a split.

    Attributes:
        name: as in the records, ``train/loss``.
        label: in words, as on an axis: ``training loss``.
        higher_is_better: direction; False for losses.
        scale: of an axis, ``log`` or ``linear``.
        unit: empty for a pure number.
    """

    name: str
    label: str
    higher_is_better: bool = False
    scale: str = "log"
    unit: str = ""

    @property
    def worst(self) -> float:
        """The value that a diverged run counts as: minus or plus infinity."""
        return -math.inf if self.higher_is_better else math.inf

    def counted(self, value: float | None, status: str) -> float:
        """Return a run's value as ranked: the worst possible one if the run diverged or the value is not a finite number."""
        return self.worst if status == "diverged" or value is None or not math.isfinite(value) else value

    @property
    def sign(self) -> int:
        """1 where high values are good, else -1."""
        return 1 if self.higher_is_better else -1

    @property
    def best_of(self) -> Callable[..., Any]:
        """The built-in function that picks the best of some values, max or min."""
        return max if self.higher_is_better else min

    @property
    def best(self) -> str:
        """``max`` or ``min``, as pandas names an aggregation."""
        return "max" if self.higher_is_better else "min"

    @property
    def bound(self) -> str:
        """The words of a target: ``at least`` or ``at most``."""
        return "at least" if self.higher_is_better else "at most"


def metric(name: str, declared: Mapping[str, Any] | None = None) -> Metric:
    """Return what is known of a metric.

    Args:
        name: ``split/quantity``.
        declared: what the problem says of each of its quantities, a `Quantity` of the configuration or the same as a mapping:
            ``direction`` (``min`` or ``max``), ``scale``, ``label``, ``unit``.
    """
    split, _, quantity = name.rpartition("/")
    facts = {**KNOWN.get(quantity, {}), **dict((declared or {}).get(quantity, ()))}
    label = f"{SPLITS.get(split, split)} {facts.get('label') or quantity}".strip()
    higher = facts.get("direction", "min") == "max"
    return Metric(name, label, higher, facts.get("scale", "log"), facts.get("unit", ""))


def measured(names: Iterable[str]) -> list[str]:
    """Return those names that are metrics, of the training or the validation split."""
    return [name for name in names if name.startswith(MEASURED)]


@dataclass(frozen=True)
class Axis:
    """An axis that budgets are counted on and curves are drawn over.

    Attributes:
        name: as on the command line and in tables.
        column: of the records.
        label: in words, with the unit.
    """

    name: str
    column: str
    label: str


AXES = {
    axis.name: axis
    for axis in (
        Axis("steps", "step", "steps (updates of the weights)"),
        Axis("examples", "examples", "training examples processed"),
        Axis("gradient_evaluations", "gradient_evaluations", "gradients of one example"),
        Axis("seconds", "seconds", "seconds of training"),
    )
}
