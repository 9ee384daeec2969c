"""Curves over examples, steps and seconds, each at an equal budget: the batch modes side by side."""

from collections.abc import Callable, Iterable
from functools import partial

from matplotlib.figure import Figure

from descent.analysis.load import Study
from descent.metrics import KNOWN
from descent.plots.curves import draw, training_loss

EACH = "problem"
SHARES = [name for name, facts in KNOWN.items() if facts.get("scale") == "linear"]


def draw_training_loss(study: Study, axis: str) -> Figure:
    """Draw the training loss, above its minimum where that is known."""
    return draw(study, training_loss(study), axis)


def figures(declared: Iterable[str]) -> dict[str, tuple[str, Callable[[Study], Figure]]]:
    """Return caption and function by name: the losses, the accuracy, and the other metrics that a problem declares."""
    named: dict[str, tuple[str, Callable[[Study], Figure]]] = {}
    for axis in ("examples", "steps", "seconds"):
        of = f"over {axis}: the batch modes side by side, at equal {axis}."
        named[f"loss_by_{axis}"] = f"Training loss {of}", partial(draw_training_loss, axis=axis)
        for name in dict.fromkeys((*SHARES, *declared)):
            named[f"{name}_by_{axis}"] = f"Validation {name} {of}", partial(draw, name=f"val/{name}", axis=axis)
    overfits = "Validation loss over examples: where it rises while the training loss falls, a run overfits."
    return named | {"validation_loss_by_examples": (overfits, partial(draw, name="val/loss", axis="examples"))}
