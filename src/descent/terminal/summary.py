"""The tables of a study: one row a setting, over its seeds. Reads results only."""

import math
import shlex
import statistics
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
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
from descent.terminal.console import console, loading, say, shown, table

if TYPE_CHECKING:
    from descent.analysis.verdicts import Verdicts

NAMED = 5  # folders that are named
STATES = (*results.STATUSES, "running", "failed", "unfinished", "damaged", "absent")


@dataclass(frozen=True)
class Setting:
    """The runs that differ in nothing but their seed.

    Attributes:
        name: optimizer, batch mode, learning rate and what else tells it from the others of the study.
        metric: what it is judged by, the problem's.
        values: final value of each run, from best to worst; those that diverged count as infinitely bad.
        statuses: how many runs ended in each way.
        seconds: median training time.
    """

    problem: str
    name: str
    metric: Metric
    values: tuple[float, ...]
    statuses: Counter[str]
    seconds: float

    @property
    def median(self) -> float:
        """The median over all runs."""
        return statistics.median(self.values)


def settings_of(found: Sequence[Result]) -> list[Setting]:
    """Group results by setting, the best first within each problem."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in found:
        groups.setdefault((result.problem, result.setting), []).append(result)
    called = names(found)
    settings = [_setting(group, called[key]) for key, group in groups.items()]
    return sorted(settings, key=lambda s: (s.problem, -s.metric.sign * s.median))


def _setting(group: list[Result], name: str) -> Setting:
    first = group[0]
    judged = metric(first.metric, first.metrics)
    values = [judged.counted(result.final.get(judged.name), result.status) for result in group]
    return Setting(
        first.problem,
        name,
        judged,
        tuple(sorted(values, reverse=judged.higher_is_better)),
        Counter(result.status for result in group),
        statistics.median(result.seconds for result in group),
    )


def show_study(study: Path, folders: Sequence[Path]) -> None:
    """Print one row a setting: how many runs, how they ended, median and range of the metric; and what cannot be used."""
    read, skipped = read_results(folders)
    settings = settings_of(list(read.values()))
    for problem in dict.fromkeys(setting.problem for setting in settings):
        chosen = [setting for setting in settings if setting.problem == problem]
        title = f"{problem}, {chosen[0].metric.name} at the end"
        found = [cells(setting) for setting in chosen]
        width = 5 if any(row[-1] for row in found) else 4  # without a column for what is not "finished", where all is
        rows = table(title, *("setting", "runs", "median", "range", "")[:width], left=("setting", ""))
        for row in found:
            rows.add_row(*map(shown, row[:width]))
        console.print(rows)
        console.print()
    name_folders("repaired", study, [(folder, why) for folder, result in read.items() for why in result.notes])
    name_folders("skipped", study, skipped)
    if settings:
        show_curves(study)
        say(f"verdict  {command('compare')} {shlex.quote(str(study))}")


def name_folders(what: str, study: Path, folders: Sequence[tuple[Path, str]]) -> None:
    """Print what is to be said of folders of a study, a line each: of the first ones, and how many there are."""
    for folder, why in folders[:NAMED]:
        say(f"{what:<8} {folder.relative_to(study)}: {why}")
    if len(folders) > NAMED:
        say(f"{'':<8} and {len(folders) - NAMED} more")


def write_medians(study: Path, trained: bool) -> None:
    """Write what TensorBoard shows of a sweep's study, if its runs have events and `trained` or nothing is written yet."""
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
    return [setting.name, str(sum(setting.statuses.values())), median, spread, trouble]


def show_outcome(outcome: "Verdicts") -> None:
    """Print each ranking, one row an entry, and under it what it says."""
    for verdict in outcome.verdicts:
        ranking = verdict.ranking
        title = f"{ranking.problem}, {ranking.batch}: {verdict.label} ({verdict.kind})"
        rows = table(title, "rank", "setting", "n", "median", "95 % interval", "failed", left=["setting"])
        for row in verdict.rows:
            rows.add_row(*map(shown, row))
        console.print(rows)
        for sentence in (verdict.sentence, *verdict.notes):
            say(sentence)
        say("")
    for verdict in outcome.modes:
        say(f"{verdict.ranking.problem}, {verdict.ranking.batch}: {' '.join([verdict.sentence, *verdict.notes])}")
    if outcome.modes:
        say("")
    for note in outcome.common:
        say(f"For all: {note}")


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
    found = Counter("running" if busy else state for state, busy in zip(states, running, strict=True))
    return dict(sorted(found.items(), key=lambda item: (-item[1], STATES.index(item[0]))))
