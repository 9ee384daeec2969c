"""Curves over examples, steps and seconds, each at an equal budget: the batch modes side by side."""

from collections.abc import Iterable
from typing import TypedDict

from descent.metrics import KNOWN

EACH = "problem"


class Curves(TypedDict, total=False):
    """The metric of some curves, by default the training loss, and their axis, by default examples."""

    name: str
    axis: str


SHARES = [name for name, facts in KNOWN.items() if facts.get("scale") == "linear"]


def figures(declared: Iterable[str]) -> dict[str, tuple[str, Curves]]:
    """Return by name the caption, and what `curves.draw` gets: of losses, accuracy, and other metrics that a problem declares."""
    named: dict[str, tuple[str, Curves]] = {}
    for axis in ("examples", "steps", "seconds"):
        of = f"over {axis}: the batch modes side by side, at equal {axis}."
        named[f"loss_by_{axis}"] = f"Training loss {of}", {"axis": axis}
        for name in dict.fromkeys((*SHARES, *declared)):
            named[f"{name}_by_{axis}"] = f"Validation {name} {of}", {"name": f"val/{name}", "axis": axis}
    overfits = "Validation loss over examples: where it rises while the training loss falls, a run overfits."
    return named | {"validation_loss_by_examples": (overfits, {"name": "val/loss"})}
