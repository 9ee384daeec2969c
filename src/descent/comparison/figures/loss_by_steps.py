"""Training loss over steps: the batch modes side by side, at equal steps."""

from matplotlib.figure import Figure

from descent.comparison import lines
from descent.comparison.load import Study
from descent.comparison.style import styled

EACH = "problem"


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss, above the minimum where that is known."""
    return lines.draw(study, lines.training_loss(study), "steps")
