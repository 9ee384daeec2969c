"""Measure speed: `python scripts/speed.py [--seconds 5] [--rounds 3] [--cells digits_mlp/numpy] [--markdown FILE]`,
and of whole studies: `python scripts/speed.py --launchers basic,joblib`, `--grid` and `--large 10,100`.

Steps per second of (a) a plain hand-written PyTorch loop with torch's default optimizer arguments, (b) Lightning as usually
written (DataLoader, self.log, automatic optimization) and (c) a descent run with its records, checkpoints and events, by the
engine that the row names. The three take turns, round after round; the table holds medians over rounds of the steps per
second, and of the ratios within a round, as the machine's own speed drifts. Imports are not counted; (c) counts everything
from the first record to the last. `of the peak` is the share of the steps per second that the matrix products alone would allow,
at the speed of a large one.

A study is the README's, of 27 runs, in a process of its own. Its time is that of the command less that of the same command with
two runs of one step, which pays for the same imports; the launchers take turns.

The grid is 60 runs of digits_mlp with engine=compiled under joblib, imports apart, beside loops (a) and (b) that train one run
after the other, whose time is estimated from their steps per second.

A large study has 100 runs of 24 steps for each seed. A run's time is CPU time, imports apart; that of compare.py, and the time
that it takes, hold its imports.
"""

from benchmarks import steps, studies
from rich.console import Console

from descent.config.flags import Parser, leave_with, require_file_to_write
from descent.config.values import Count, File, Positive
from descent.errors import InputError, one_of


def main() -> int:
    parser = Parser(__doc__)
    parser.add("--seconds", Positive, default=5.0, help="of training, for each contestant, cell and round")
    parser.add("--rounds", Count, default=3, help="how often each is measured")
    parser.add("--cells", default="", help="only cells whose name contains this, as in digits_mlp/numpy/mini")
    parser.add("--launchers", help="measure studies instead, by these launchers, as in basic,joblib")
    parser.add("--grid", action="store_true", help="measure 60 runs of a grid of learning rates instead")
    parser.add("--large", Count, nargs="+", metavar="SEEDS", help="measure studies with so many seeds, 100 runs each, instead")
    parser.add("--markdown", File, help="write the table to this file too")
    arguments = parser.read()
    cells = [cell for cell in steps.CELLS if arguments.cells in "/".join(cell)]
    launchers = arguments.launchers.split(",") if arguments.launchers is not None else []
    if not cells:
        raise one_of("--cells", arguments.cells, ["/".join(cell) for cell in steps.CELLS])
    kinds = {"--cells": arguments.cells, "--launchers": launchers, "--grid": arguments.grid, "--large": arguments.large}
    flag, *others = [name for name, value in kinds.items() if value] or [""]
    if others:
        raise InputError(flag, getattr(arguments, flag[2:]), f"has no effect with {others[0]}", "Leave one out.")
    if arguments.large and arguments.large != sorted(set(arguments.large)):
        raise InputError("--large", arguments.large, "must rise, as each study is the one before with more seeds")
    known = studies.launcher_names()
    for name in launchers:
        if name not in known:
            raise one_of("--launchers", name, known)
    if arguments.markdown:
        require_file_to_write("--markdown", arguments.markdown)
    out = Console(highlight=False)
    if arguments.large:
        lines = [f"| {' | '.join(studies.LARGE_HEADER)} |", f"|{'--:|' * len(studies.LARGE_HEADER)}"]
        rows = studies.measure_large(arguments.large)
    elif launchers:
        lines = [f"| launcher | runs a minute | times {launchers[0]} |", "|---|--:|--:|"]
        rows = studies.measure(launchers, arguments.rounds)
    elif arguments.grid:
        lines = [f"| {' | '.join(studies.GRID_HEADER)} |", f"|---|{'--:|' * (len(studies.GRID_HEADER) - 1)}"]
        rows = studies.measure_grid(arguments.seconds, arguments.rounds)
    else:
        lines = [f"| {' | '.join(steps.HEADER)} |", f"|{'---|' * 4}{'--:|' * 6}"]
        rows = steps.measure(cells, arguments.seconds, arguments.rounds)
    for line in lines:
        out.print(line, soft_wrap=True)
    for row in rows:
        lines.append(f"| {' | '.join(row)} |")
        out.print(lines[-1], soft_wrap=True)
    if arguments.markdown:
        arguments.markdown.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    leave_with(main)
