"""The tables of a study: one row a setting, over its seeds. Reads results only."""

import math
import shlex
import statistics
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

from descent.config.ending import command
from descent.errors import InputError
from descent.metrics import Metric, metric
from descent.records import result as results
from descent.records.folders import MEDIANS, REPORT, names
from descent.records.folders import read as read_results
from descent.records.lock import held
from descent.records.result import Result
from descent.terminal.console import console, loading, paragraph, say, shown, table

if TYPE_CHECKING:
    from descent.analysis.verdicts import Verdicts

NAMED = 5  # folders that are named
WIDE = 100  # columns from which on a table has room for what a step costs
FORESTS, ROWS, SENTENCES, FLAGS = 3, 14, 3, 1  # forest plots, their rows, verdicts on groups, and flags: a screen has room for
BAR = 16  # letters of an interval
STATES = (*results.STATUSES, "running", "failed", "unfinished", "damaged", "absent")


@dataclass(frozen=True)
class Setting:
    """The runs that differ in nothing but their seed.

    Attributes:
        optimizer, batch: as chosen.
        name: optimizer, batch mode, learning rate and what else tells it from the others of the study.
        metric: what it is judged by, the problem's.
        values: final value of each run, from best to worst; those that diverged count as infinitely bad.
        statuses: how many runs ended in each way.
        seconds: median training time.
        cost: of a step, medians: its time, its gradients of each example where that is not one, what the optimizer keeps.
    """

    problem: str
    optimizer: str
    batch: str
    name: str
    metric: Metric
    values: tuple[float, ...]
    statuses: Counter[str]
    seconds: float
    cost: str

    @property
    def median(self) -> float:
        """The median over all runs."""
        return statistics.median(self.values)


def settings_of(run_results: Sequence[Result]) -> list[Setting]:
    """Group results by setting, the best first within each problem."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in run_results:
        groups.setdefault((result.problem, result.setting), []).append(result)
    readable = names(run_results)
    settings = [_setting(group, readable[key]) for key, group in groups.items()]
    return sorted(settings, key=lambda s: (s.problem, -s.metric.sign * s.median))


def _setting(group: list[Result], name: str) -> Setting:
    first = group[0]
    judged = metric(first.metric, first.metrics)
    values = [judged.counted(result.final.get(judged.name), result.status) for result in group]
    return Setting(
        first.problem,
        first.optimizer,
        first.batch,
        name,
        judged,
        tuple(sorted(values, reverse=judged.higher_is_better)),
        Counter(result.status for result in group),
        statistics.median(result.seconds for result in group),
        _cost(group),
    )


def _cost(group: list[Result]) -> str:
    milliseconds = 1e3 * statistics.median(result.seconds / max(1, result.steps) for result in group)
    gradients = statistics.median(result.gradient_evaluations / max(1, result.examples) for result in group)
    kilobytes = statistics.median((result.state_bytes or 0) / 1e3 for result in group)
    parts = [f"{milliseconds:.3g} ms", f"{gradients:.3g} gradients" * (gradients != 1), f"{kilobytes:.3g} kB" * (kilobytes > 0)]
    return ", ".join(filter(None, parts))


def show_study(study: Path, folders: Sequence[Path]) -> None:
    """Print one row a setting: how many runs, how they ended, median and range of the metric; and what cannot be used."""
    read, skipped = read_results(folders)
    settings = settings_of(list(read.values()))
    for problem in dict.fromkeys(setting.problem for setting in settings):
        chosen = [setting for setting in settings if setting.problem == problem]
        title = f"{problem}, {chosen[0].metric.name} at the end"
        lines = [cells(setting) for setting in chosen]
        fits = (True, True, True, True, any(row[4] for row in lines), console.width >= WIDE)
        rows = table(title, *compress(("setting", "runs", "median", "range", "", "a step"), fits), left=("setting", ""))
        for row in lines:
            rows.add_row(*map(shown, compress(row, fits)))
        console.print(rows)
        console.print()
    name_folders("repaired", study, [(folder, why) for folder, result in read.items() for why in result.notes])
    name_folders("skipped", study, skipped)
    if settings:
        show_next(study)


def show_next(study: Path) -> None:
    """Name what shows the curves of a study, and what compares it."""
    show_curves(study)
    say(f"verdict  {command('compare')} {shlex.quote(str(study))}")


def name_folders(what: str, study: Path, folders: Sequence[tuple[Path, str]]) -> None:
    """Print a remark on each of the first folders, a line each, and the number of the others."""
    for folder, why in folders[:NAMED]:
        say(f"{what:<8} {folder.relative_to(study)}: {why}")
    if len(folders) > NAMED:
        say(f"{'':<8} and {len(folders) - NAMED} more")


def write_medians(study: Path, trained: bool) -> None:
    """Write TensorBoard's medians of a sweep's study, if its runs have events and `trained` or nothing is written yet."""
    if not any(study.glob("*/*/*/*/events.out.tfevents.*")) or (not trained and (study / REPORT / MEDIANS).exists()):
        return
    with loading("the medians"), suppress(OSError, InputError):  # nothing to show, or a folder that cannot be written
        from descent.report.compare import write_medians as write

        write(study)


def show_curves(study: Path) -> None:
    """Name the folder whose curves TensorBoard shows best: the medians where they are written, then every run."""
    medians = study / REPORT / MEDIANS
    if medians.is_dir():
        say(f"curves   tensorboard --logdir {shlex.quote(str(medians))}")
    say(f"{'runs  ' if medians.is_dir() else 'curves'}   tensorboard --logdir {shlex.quote(str(study))}")


def cells(setting: Setting) -> list[str]:
    """Return a setting as the cells of its row."""
    finite = [value for value in setting.values if math.isfinite(value)]
    spread = f"{finite[0]:.4g} to {finite[-1]:.4g}" if len(finite) > 1 else ""
    trouble = ", ".join(f"{count} {status}" for status, count in setting.statuses.items() if status != "finished")
    median = f"{setting.median:.4g}" if math.isfinite(setting.median) else "none"
    return [setting.name, str(sum(setting.statuses.values())), median, spread, trouble, setting.cost]


def show_outcome(outcome: "Verdicts") -> None:
    """Print the verdict in a line, a forest plot of all candidates and batch modes, and the verdict on each group.

    It fits a screen: what is left out is counted, and stands in the report.
    """
    from descent.analysis.forest import forests
    from descent.analysis.wording import listed

    for sentence in outcome.headline:
        paragraph(sentence, "bold")
    say("")
    shown_forests = forests(outcome)
    for forest in shown_forests[:FORESTS]:
        say(f"{forest.problem}: {forest.metric.label} at the end, median and 95 % interval")
        columns = ("mode", "rank", "setting", "n", "failed", "median", "")
        rows = table("", *columns, left=("mode", "setting", ""), tight=True)
        many, before = ROWS // min(len(shown_forests), FORESTS), ""
        for row in forest.rows[:many]:
            cells = ("" if row.mode == before else row.mode, row.rank, row.setting, row.n, row.failed, row.median)
            rows.add_row(*map(shown, cells), bar(row.low, row.middle, row.high))
            before = row.mode
        if len(forest.rows) > many:
            rows.caption = f"and {len(forest.rows) - many} more in the report"
        console.print(rows)
        say("")
    several = [*outcome.leading, *outcome.modes]
    chosen = several[:SENTENCES] if len(several) > 1 else []
    for verdict in chosen:
        paragraph(f"{verdict.ranking.batch}: {verdict.sentence}")
    flags = [f"{tuning.ranking.batch}: {flag}" for tuning in outcome.tunings for flag in tuning.flags]
    for flag in flags[:FLAGS]:
        paragraph(flag)
    notes = sum(len(verdict.notes) for verdict in (*outcome.verdicts, *outcome.modes)) + len(outcome.common)
    more = len(outcome.verdicts) + len(outcome.modes) - len(chosen) - (0 if chosen else 1)
    others = [f"{more} more verdict{'s' * (more != 1)}"] if more else []
    if outcome.tunings:
        more = len(flags) - FLAGS
        others.append("how all was tuned" + (f", {more} more flag{'s' * (more != 1)}" if more > 0 else ""))
    paragraph(f"\nin the report: {listed([*others, f'{notes} note' + 's' * (notes != 1)])} on what they hold for")


def bar(*places: float) -> str:
    """Return an interval as text: the places of its low end, median and high end, from 0 to 1."""
    low, middle, high = (round(place * (BAR - 1)) for place in places)
    drawn = [" "] * low + ["─"] * (high - low + 1) + [" "] * (BAR - 1 - high)
    drawn[middle] = "●"
    return "".join(drawn)


def show_failures(study: Path, failed: Sequence[Path]) -> None:
    """Print why runs of a study failed, and which, one row a cause."""
    causes: dict[str, list[Path]] = {}
    for folder in failed:
        causes.setdefault(results.cause(folder), []).append(folder)
    if failed:
        console.print()
        rows = table(f"{len(failed)} failed, in {study}", "runs", "cause, and where", left=["cause, and where"])
        for cause, where in causes.items():
            rows.add_row(str(len(where)), shown("\n".join([cause, *(str(folder.relative_to(study)) for folder in where)])))
        console.print(rows)
        say("Each error.txt has the traceback. Repeat the command to try these again.")


def counts(folders: Sequence[Path]) -> dict[str, int]:
    """Return how many runs are in each state, those that a process is training as ``running``; the most frequent first."""
    states = [results.status(folder) for folder in folders]
    running = [state not in results.STATUSES and held(folder) for state, folder in zip(states, folders, strict=True)]
    counter = Counter("running" if busy else state for state, busy in zip(states, running, strict=True))
    return dict(sorted(counter.items(), key=lambda item: (-item[1], STATES.index(item[0]))))
