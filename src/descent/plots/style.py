"""Define how figures look: sizes, colours, axes, and text that no name can break."""

import math
import textwrap
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogFormatter, LogLocator, NullLocator, ScalarFormatter

from descent.errors import printable

# Okabe and Ito's palette; grey where theirs has yellow, which white paper swallows.
BLACK, BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE, GREY = (
    "#000000", "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#8C8C8C",
)  # fmt: skip
HUES = (VERMILION, BLUE, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)  # of what has no colour of its own
SOLID, DASHED, DOTTED = (0, ()), (0, (4, 1.4)), (0, (1, 1.2))
DASH_DOT, DASH_DOT_DOT, LONG = (0, (5, 1.4, 1, 1.4)), (0, (4, 1.2, 1, 1.2, 1, 1.2)), (0, (9, 2))

WIDEST = 8.7  # inches of a figure: where it is shown 840 pixels wide, no letter is smaller than 10
LONGEST = 48  # letters of a name that are shown

Dash = tuple[float, tuple[float, ...]]
P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Look:
    """The colour and the dashes of a line."""

    colour: str
    dash: Dash


# An optimizer looks the same in every figure of every study. The first seven differ in dashes or lightness, too, and colours
# that deuteranopia makes alike in dashes.
LOOKS = {
    "sgd": Look(BLACK, SOLID),
    "momentum": Look(BLUE, LONG),
    "nesterov": Look(SKY, DASH_DOT_DOT),
    "rmsprop": Look(GREEN, DASH_DOT),
    "adam": Look(VERMILION, SOLID),
    "adamw": Look(ORANGE, DASHED),
    "muon": Look(PURPLE, DOTTED),
    "adagrad": Look(GREY, SOLID),
    "asgd": Look(BLACK, DASHED),
    "rprop": Look(BLUE, DASHED),
    "lbfgs": Look(SKY, DASHED),
    "adafactor": Look(GREEN, DASH_DOT_DOT),
    "amsgrad": Look(VERMILION, DASH_DOT),
    "nadam": Look(ORANGE, DASH_DOT_DOT),
    "radam": Look(PURPLE, DASHED),
    "adadelta": Look(GREY, LONG),
    "adamax": Look(VERMILION, DOTTED),
}
OTHERS = [Look(c, d) for d in (DASH_DOT, DOTTED) for c in (BLUE, ORANGE, GREEN, PURPLE, BLACK, SKY, GREY)]

RC: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 150,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 8.5,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # fixed: matplotlib's search for room is slow
    "axes.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.35,
    "grid.linewidth": 0.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.7,
    "path.simplify": True,
    "svg.hashsalt": "descent",  # the same figure is the same file
}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """Decorate a function that draws: it has the look of all figures, and the figure that it returns their ticks."""

    @wraps(draw)
    def drawn(*args: P.args, **keys: P.kwargs) -> T:
        with mpl.rc_context(RC):
            figure = draw(*args, **keys)
        if isinstance(figure, Figure):
            ticks(figure)
        return figure

    return drawn


def ticks(figure: Figure) -> None:
    """Give all axes of a figure one style of ticks; few of them on logarithmic ones, whose drawing takes most of the time."""
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        if isinstance(axis.get_major_locator(), LogLocator):
            low, high = sorted(axis.get_view_interval())
            decades = math.log10(high / low) if low > 0 else math.inf  # of an axis without lines
            leads = (1, 2, 3, 5) if decades < 1 else (1, 3) if decades < 2 else (1,)
            axis.set_major_locator(LogLocator(subs=leads, numticks=5 if axis.axis_name == "x" else 6))
            axis.set_minor_locator(NullLocator())
        if isinstance(axis.get_major_formatter(), ScalarFormatter | LogFormatter):
            axis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))


def power(value: float) -> str:
    """Return a number as a label: short, or as a power of ten."""
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:,.10g}"
    lead, exponent = f"{value:.0e}".split("e")
    ten = f"10{str(int(exponent)).translate(RAISED)}"
    return ten if lead == "1" else f"{lead}·{ten}"


def look(optimizer: str) -> Look:
    """Return colour and dashes of an optimizer, which depend on its name alone."""
    return LOOKS.get(optimizer) or OTHERS[zlib.crc32(optimizer.encode()) % len(OTHERS)]


def order(optimizer: str) -> tuple[int, str]:
    """Return the sorting key of an optimizer in legends."""
    known = list(LOOKS)
    return (known.index(optimizer) if optimizer in known else len(known), optimizer)


def text(name: object) -> str:
    """Escape a name for matplotlib: a dollar starts no formula, a newline no line; long names are cut."""
    plain = printable(str(name))
    return (plain if len(plain) <= LONGEST else f"{plain[: LONGEST - 1]}…").replace("$", r"\$")


def count(number: float) -> str:
    """Return a count with thousands separators."""
    return f"{number:,.0f}"


def span(numbers: Iterable[float]) -> str:
    """Return the range of some counts: ``3``, or ``2 to 3``."""
    distinct = sorted(set(numbers))
    return count(distinct[0]) if len(distinct) == 1 else f"{count(distinct[0])} to {count(distinct[-1])}"


def wrap(words: str, width: float) -> str:
    """Break small print into lines for a figure `width` inches wide."""
    return "\n".join(textwrap.wrap(words, int(width * 18), break_long_words=True))


def shades(count: int) -> list[Any]:
    """Return `count` colours from dark to light, for values that have an order; the colour-blind tell them apart too."""
    return [mpl.colormaps["viridis"](0.9 * i / max(count - 1, 1)) for i in range(count)]
