"""Over all problems with a target: on which share of them an optimizer is within a factor of the fastest."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from descent.analysis.load import NoData, Study
from descent.analysis.sensitivity import TAU, profiles
from descent.plots import layout
from descent.plots.style import look, order, span, styled, text

EACH = "study"
TWICE = 2.0  # the factor that the sentence names
AXIS = "gradient_evaluations"  # what a budget is counted in


@styled
def plot(study: Study) -> Figure:
    """Draw a performance profile for each batch mode."""
    computed = profiles(study.runs, AXIS)
    drawn = [profile for profile in computed if not profile.refused]
    if not drawn:
        raise NoData(computed[0].refused if computed else "A performance profile needs problems with a target.")
    optimizers = study.runs["optimizer"].unique()
    names = {candidate: _optimizer(candidate, optimizers) for profile in drawn for candidate in profile.table}
    figure = Figure()
    grid = figure.subplots(1, len(drawn), squeeze=False, sharey=True)[0]
    handles = {}
    for profile, axes in zip(drawn, grid, strict=True):
        for candidate in sorted(profile.table, key=lambda candidate: (order(names[candidate]), candidate)):
            style, shares = look(names[candidate]), profile.table[candidate]
            (line,) = axes.step(shares.index, shares, where="post", color=style.colour, linestyle=style.dash, label=candidate)
            handles[text(candidate)] = Line2D([], [], color=line.get_color(), linestyle=style.dash)
        axes.set(xscale="log", xlim=(1, TAU), ylim=(-0.02, 1.02), xlabel="factor of the fastest one's gradient evaluations")
        axes.set_title(f"{text(profile.batch)}: {len(profile.problems)} problems")
        axes.xaxis.set_major_locator(FixedLocator([1, 1.5, 2, 3, 4]))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_locator(NullLocator())
    grid[0].set_ylabel("share of problems")
    layout.finish(
        figure,
        handles,
        "Performance profile: time to target",
        f"share of problems on which the median time to target is within the factor, n = {_runs(study)} a problem",
        "descriptive",
        *[text(profile.refused.rstrip(".")) for profile in computed if profile.refused],
    )
    return figure


def sentence(study: Study) -> str:
    """Return who is the fastest on most problems, and who is within twice of the fastest on most."""
    parts = []
    for profile in profiles(study.runs, AXIS):
        if not profile.refused:
            (fast, first), (near, second) = (_most(profile.table, factor) for factor in (1.0, TWICE))
            shares = f"fastest on {first:.0%} is {fast}, within twice of the fastest on {second:.0%} {near}"
            parts.append(f"{profile.batch}, of {len(profile.problems)} problems {shares}")
    return f"Median time to target: {'; '.join(parts)}.".replace("%", " %")


def _most(table: pd.DataFrame, factor: float) -> tuple[str, float]:
    """Return the candidate with the largest share of problems within a factor of the fastest, and the share."""
    shares = table[table.index <= factor].iloc[-1]
    return str(shares.idxmax()), float(shares.max())


def _optimizer(candidate: str, known: Iterable[str]) -> str:
    """Return the optimizer of a candidate, given its name."""
    return max((name for name in known if candidate == name or candidate.startswith(f"{name} (")), key=len, default=candidate)


def _runs(study: Study) -> str:
    final = study.runs[study.runs["stage"] == "final"]
    return f"{span(final.groupby(['problem', 'setting']).size())} runs"
