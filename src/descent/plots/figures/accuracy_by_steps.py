"""Validation accuracy over steps: the batch modes side by side, at equal steps."""

from matplotlib.figure import Figure

from descent.analysis.load import Study
from descent.plots import curves
from descent.plots.style import styled

EACH = "problem"


@styled
def plot(study: Study) -> Figure:
    """Draw the validation accuracy."""
    return curves.draw(study, "val/accuracy", "steps")
