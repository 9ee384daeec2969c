"""Validation loss over examples: where it rises while the training loss falls, a run overfits."""

from matplotlib.figure import Figure

from descent.comparison import lines
from descent.comparison.load import Study
from descent.comparison.style import styled

EACH = "problem"


@styled
def plot(study: Study) -> Figure:
    """Draw the validation loss."""
    return lines.draw(study, "val/loss", "examples")
