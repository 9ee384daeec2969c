"""Validation accuracy over steps: the batch modes side by side, at equal steps."""

from matplotlib.figure import Figure

from descent.comparison import lines
from descent.comparison.load import Study
from descent.comparison.style import styled

EACH = "problem"


@styled
def plot(study: Study) -> Figure:
    """Draw the validation accuracy."""
    return lines.draw(study, "val/accuracy", "steps")
