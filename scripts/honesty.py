"""Tune copies of one optimizer, and count what a report says wrongly: `python scripts/honesty.py [--write docs/accuracy.md]`.

A pool of runs is trained once, in outputs/honesty, and the trials of all reports are drawn from it: minutes.
"""

import math
from pathlib import Path

import numpy as np
from checks import page
from rich.console import Console
from simulated.honesty import COPIES, FINAL, TRIALS, flags, pool, reports, spaces

from descent.config.flags import Parser, leave_with, require_file_to_write
from descent.config.values import Count, File

LIMIT = 0.05  # of reports
SETTINGS = ("problem=digits_logreg", "batch=mini", "engine=compiled", "epochs=5")
RATES, SEEDS = 40, 26
HEADER = f"""{page.HONESTY}
`python scripts/honesty.py --write docs/accuracy.md` writes this part: {COPIES} copies of one optimizer under {COPIES} names,
tuned by the protocol ({TRIALS} trials of each search, three finalists on three seeds, {FINAL} final seeds), each copy with a
scramble of its own, and judged by the code that a report uses. Every *better* is false. From three searches on a report holds
a false one in at most 5 %; with one search it speaks of the settings that this found, which do differ, and says so. Trials
are drawn from a pool: {" ".join(SETTINGS)}, at {RATES} learning rates and {SEEDS} seeds, between rates interpolated.

| optimizer | searches | reports | false *better*, % | holds |
|---|--:|--:|--:|---|
"""
FLAGS = """
How often a search is flagged, by what its range of learning rates is, in percent of searches, and the loss of what it chooses,
times that of the range as it is (the median over searches). A range is flagged as too wide where that costs a search its result:
eight trials do not tell one that reaches ten times too far at both ends from the range as it is, and hardly lose by it.

| optimizer | range | searches | best value at the edge | range too wide | loss, times |
|---|---|--:|--:|--:|--:|
"""


def main() -> int:
    parser = Parser(__doc__)
    parser.add("--reports", Count, default=200, help="a row")
    parser.add("--write", File, help="write the tables to this file too")
    given = parser.read()
    if given.write:
        require_file_to_write("--write", given.write)
    out, rates, flagged, held = Console(highlight=False), "", "", True
    for optimizer in ("sgd", "adam"):
        losses = pool(RATES, SEEDS, Path("outputs"), *SETTINGS, f"optimizer={optimizer}")
        for searches in (1, 3):
            wrong = float(np.mean(list(reports(losses, given.reports, searches))))
            error = math.sqrt(wrong * (1 - wrong) / given.reports)
            holds = "descriptive" if searches < 3 else "yes" if wrong <= LIMIT + 2 * error else "**no**"
            held &= holds != "**no**"
            rates += f"| {optimizer} | {searches} | {given.reports} | {100 * wrong:.1f} ± {100 * error:.1f} | {holds} |\n"
        for name, space in spaces(losses).items():
            of = flags(losses, space, given.reports)
            flagged += f"| {optimizer} | {name} | {given.reports} | {100 * of.edge:.0f} | {100 * of.wide:.0f} | {of.cost:.2f} |\n"
    out.print(rates + FLAGS + flagged, soft_wrap=True, markup=False)
    if given.write:
        page.write(given.write, page.HONESTY, HEADER + rates + FLAGS + flagged)
    return 0 if held else 1


if __name__ == "__main__":
    leave_with(main)
