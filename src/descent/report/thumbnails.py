"""Pictures as wide as TensorBoard shows images: one batch mode each, so that their letters can be read without a click."""

import io
from collections.abc import Mapping

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from descent.analysis.curves import Summary
from descent.metrics import Metric
from descent.plots.style import RC, Look, text, ticks

WIDTH, HEIGHT, DPI = 3.45, 2.2, 100  # inches of a picture without its legend, and pixels an inch: TensorBoard's are 345 wide
ROW, LETTERS = 0.14, 60  # inches of a row of the legend, and the letters that fit into one
NAMED = 24  # lines that the legend names
HIGHEST = 1e30  # value that is drawn; its inverse the lowest on a logarithmic axis


def draw(title: str, metric: Metric, lines: Mapping[str, tuple[Look, Summary]]) -> bytes:
    """Return a PNG of medians and bands over examples, `lines` by name."""
    across = max(1, LETTERS // (max(map(len, lines)) + 7))
    legend = -(-min(len(lines), NAMED) // across) * ROW + 0.1
    tall = HEIGHT + legend
    with mpl.rc_context(RC):
        figure = Figure(figsize=(WIDTH, tall), dpi=DPI)
        axes = figure.add_axes((0.17, 0.42 / tall, 0.79, (HEIGHT - 0.72) / tall), xscale="log")
        lowest = 1 / HIGHEST if metric.scale == "log" else -HIGHEST
        drawn = False
        for name, (look, summary) in lines.items():
            seen = summary.x > 0
            x = summary.x[seen]
            edges = (values[seen] for values in (summary.low, summary.median, summary.high))
            low, median, high = (np.where((values >= lowest) & (values <= HIGHEST), values, np.nan) for values in edges)
            drawn |= bool(np.isfinite(median).any())
            axes.fill_between(x, low, high, color=look.colour, alpha=0.22, linewidth=0)
            axes.plot(x, median, color=look.colour, linestyle=look.dash, label=text(name))
        axes.set_yscale(metric.scale if drawn else "linear")
        ticks(figure)
        axes.set_xlabel("training examples processed")
        figure.text(0.02, 1 - 0.06 / tall, text(title), va="top", fontweight="bold", fontsize=8)
        handles, names = axes.get_legend_handles_labels()
        anchor = (0.0, 1 - 0.24 / tall)
        figure.legend(
            handles[:NAMED], names[:NAMED], loc="upper left", bbox_to_anchor=anchor, ncols=across, fontsize=6.5, columnspacing=1
        )
        file = io.BytesIO()
        FigureCanvasAgg(figure).print_png(file)
    return file.getvalue()
