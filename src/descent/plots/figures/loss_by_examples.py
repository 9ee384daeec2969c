"""Training loss over examples: the batch modes side by side, at equal examples."""

from matplotlib.figure import Figure

from descent.analysis.load import Study
from descent.plots import curves
from descent.plots.style import styled

EACH = "problem"


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss, above the minimum where that is known."""
    return curves.draw(study, curves.training_loss(study), "examples")
