"""Validation loss over examples: where it rises while the training loss falls, a run overfits."""

from matplotlib.figure import Figure

from descent.analysis.load import Study
from descent.plots import curves
from descent.plots.style import styled

EACH = "problem"


@styled
def plot(study: Study) -> Figure:
    """Draw the validation loss."""
    return curves.draw(study, "val/loss", "examples")
