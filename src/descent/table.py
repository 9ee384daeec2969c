"""The table of a study: one row a setting, over its seeds. Reads results only."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from descent.display import console, say
from descent.records import result as results
from descent.records.lock import held

Result = dict[str, Any]
STATES = (*results.STATUSES, "running", "failed", "unfinished", "damaged", "absent")
LABELLED = ("problem", "batch", "optimizer", "engine", "lr", "seed", "batch.size", "schedule")  # what a row's name tells anyhow


@dataclass(frozen=True)
class Setting:
    """The runs that differ in nothing but their seed.

    Attributes:
        name: optimizer, batch mode, learning rate and what else tells it from the others of the study.
        metric: what it is judged by, the problem's.
        values: of the metric at the end of each run that did not fail, sorted from best to worst.
        statuses: how many runs ended in each way.
        seconds: median training time.
    """

    problem: str
    name: str
    metric: str
    values: tuple[float, ...]
    statuses: Counter[str]
    seconds: float

    @property
    def median(self) -> float:
        """The median over all runs; a run that diverged counts as the worst value there is."""
        worst = -math.inf if self.metric.endswith("/accuracy") else math.inf
        lost = [worst] * (sum(self.statuses.values()) - len(self.values))
        return statistics.median([*self.values, *lost])


def run_folders(study: Path) -> list[Path]:
    """Return the folders of all runs of a study."""
    return sorted(path for path in study.glob("*/*/*/*") if path.is_dir() and not path.name.endswith((".rerun", ".old")))


def load(folders: Iterable[Path]) -> Iterator[Result]:
    """Yield the results that there are; damaged ones are left out."""
    for folder in folders:
        try:
            yield results.read(folder / "result.json")
        except (OSError, ValueError):
            continue


def settings_of(found: Sequence[Result]) -> list[Setting]:
    """Group results by setting, the best first within each problem."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in found:
        groups.setdefault((result["problem"], result["setting"]), []).append(result)
    telling = _telling([group[0] for group in groups.values()])
    settings = [_setting(group, telling) for group in groups.values()]
    return sorted(settings, key=lambda s: (s.problem, -s.median if s.metric.endswith("/accuracy") else s.median))


def _setting(group: list[Result], telling: set[str]) -> Setting:
    first, metric = group[0], group[0]["metric"]
    values = [result["final"].get(metric) for result in group if result["status"] != "diverged"]
    finite = sorted((value for value in values if value is not None), reverse=metric.endswith("/accuracy"))
    chosen = first["hyperparameters"]
    extra = [f"{name.rpartition('.')[2]}={chosen[name]}" for name in chosen if name in telling]
    name = " ".join([first["optimizer"], first["batch"], first["label"], *extra])
    return Setting(
        first["problem"],
        name,
        metric,
        tuple(finite),
        Counter(result["status"] for result in group),
        statistics.median(result["seconds"] for result in group),
    )


def _telling(firsts: list[Result]) -> set[str]:
    """Return the hyperparameters in which settings of one optimizer and label differ."""
    names: set[str] = set()
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for result in firsts:
        alike.setdefault((result["problem"], result["batch"], result["optimizer"], result["label"]), []).append(
            result["hyperparameters"]
        )
    for group in alike.values():
        for name in group[0]:
            if name not in LABELLED and len({str(chosen.get(name)) for chosen in group}) > 1:
                names.add(name)
    return names


def show_study(study: Path, folders: Sequence[Path]) -> None:
    """Print one row a setting: how many runs, how they ended, median and range of the metric."""
    settings = settings_of(list(load(folders)))
    for problem in dict.fromkeys(setting.problem for setting in settings):
        chosen = [setting for setting in settings if setting.problem == problem]
        table = Table(title=f"{problem}, {chosen[0].metric} at the end", title_justify="left", show_edge=False, pad_edge=False)
        for name, justify in (("setting", "left"), ("runs", "right"), ("median", "right"), ("range", "right"), ("", "left")):
            table.add_column(name, justify=justify, overflow="fold")  # type: ignore[arg-type]
        for setting in chosen:
            table.add_row(*cells(setting))
        console.print(table)
        console.print()
    say(f"curves   tensorboard --logdir {study}")


def cells(setting: Setting) -> list[str]:
    """Return a setting as the cells of its row."""
    spread = f"{setting.values[0]:.4g} to {setting.values[-1]:.4g}" if len(setting.values) > 1 else ""
    trouble = ", ".join(f"{count} {status}" for status, count in setting.statuses.items() if status != "finished")
    median = f"{setting.median:.4g}" if math.isfinite(setting.median) else "none"
    return [setting.name, str(sum(setting.statuses.values())), median, spread, trouble]


def show_failures(folders: Sequence[Path]) -> int:
    """Print what failed, and why; return how many runs that are."""
    failed = [folder for folder in folders if results.status(folder) == "failed"]
    if failed:
        table = Table(title=f"{len(failed)} failed", title_justify="left", show_edge=False, pad_edge=False)
        for name in ("run", "cause"):
            table.add_column(name, overflow="fold")
        for folder in failed:
            table.add_row(str(folder), results.cause(folder))
        console.print(table)
        say("Each error.txt has the traceback. Repeat the command to try these again.")
    return len(failed)


def counts(folders: Sequence[Path]) -> dict[str, int]:
    """Return how many runs are in each state, those that a process is training as ``running``; the most frequent first."""
    states = [results.status(folder) for folder in folders]
    running = [state not in results.STATUSES and held(folder) for state, folder in zip(states, folders, strict=True)]
    found = Counter("running" if busy else state for state, busy in zip(states, running, strict=True))
    return dict(sorted(found.items(), key=lambda item: (-item[1], STATES.index(item[0]))))
