"""Define how figures look: sizes, colours, axes, and text that no name can break."""

import textwrap
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl

from descent.errors import printable

# Okabe and Ito's palette; grey where theirs has yellow, which white paper swallows.
BLACK, BLUE, SKY, GREEN, ORANGE, VERMILION, PURPLE, GREY = (
    "#000000", "#0072B2", "#56B4E9", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#8C8C8C",
)  # fmt: skip
HUES = (VERMILION, BLUE, GREEN, ORANGE, PURPLE, SKY, BLACK, GREY)  # of what has no colour of its own
SOLID, DASHED, DOTTED = (0, ()), (0, (4, 1.4)), (0, (1, 1.2))
DASH_DOT, DASH_DOT_DOT, LONG = (0, (5, 1.4, 1, 1.4)), (0, (4, 1.2, 1, 1.2, 1, 1.2)), (0, (9, 2))

LONGEST = 48  # letters of a name that are shown

Dash = tuple[float, tuple[float, ...]]


@dataclass(frozen=True)
class Look:
    """The colour and the dashes of a line."""

    colour: str
    dash: Dash


# An optimizer looks the same in every figure of every study. Colours that deuteranopia makes alike differ in their dashes.
LOOKS = {
    "sgd": Look(BLACK, SOLID),
    "momentum": Look(BLUE, SOLID),
    "nesterov": Look(SKY, SOLID),
    "rmsprop": Look(GREEN, SOLID),
    "adam": Look(VERMILION, SOLID),
    "adamw": Look(ORANGE, DASHED),
    "muon": Look(PURPLE, DASHED),
    "adagrad": Look(GREY, DASH_DOT),
    "asgd": Look(BLACK, DASHED),
    "rprop": Look(BLUE, DASHED),
    "lbfgs": Look(SKY, DASHED),
    "adafactor": Look(GREEN, DOTTED),
    "amsgrad": Look(VERMILION, DASH_DOT),
    "nadam": Look(ORANGE, DASH_DOT_DOT),
    "radam": Look(PURPLE, DASH_DOT_DOT),
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
styled = mpl.rc_context(RC)  # decorates what draws


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
