"""A study is a folder of runs: where they lie, and what their settings are called."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from descent.records.result import Result

REPORT = "report"  # what the comparison of a study writes, beside the problems
MEDIANS = "tensorboard"  # in it, what TensorBoard shows of the study: medians and bands
Key = tuple[str, str]  # problem, setting
LABELLED = ("problem", "batch", "optimizer", "engine", "lr", "seed", "batch.size", "schedule")  # what a name tells anyhow


def run_folders(study: Path) -> list[Path]:
    """Return the folders of all runs of a study; what lies in its report is none."""
    found = (path for path in study.glob("*/*/*/*") if path.is_dir() and not path.name.endswith((".rerun", ".old")))
    return sorted(path for path in found if path.parents[2].name != REPORT)


def names(results: Iterable[Result]) -> dict[Key, str]:
    """Return what each setting is called: optimizer, batch mode, label, and what else tells it from others of the study.

    No two settings of one problem share a name: where the hyperparameters are alike (another budget, another form of the
    problem), the setting's key tells them apart.
    """
    firsts = {(result.problem, result.setting): result for result in reversed(list(results))}
    telling = _telling(firsts.values())
    found = {key: _name(first, telling) for key, first in firsts.items()}
    often = Counter((problem, name) for (problem, _), name in found.items())
    return {key: name if often[key[0], name] == 1 else f"{name} #{key[1]}" for key, name in found.items()}


def _name(result: Result, telling: set[str]) -> str:
    chosen = result.hyperparameters
    extra = [f"{name.rpartition('.')[2]}={chosen[name]}" for name in chosen if name in telling]
    return " ".join([result.optimizer, result.batch, result.label, *extra])


def _telling(firsts: Iterable[Result]) -> set[str]:
    """Return the hyperparameters in which settings of one optimizer and label differ."""
    telling: set[str] = set()
    alike: dict[tuple[str, ...], list[Mapping[str, object]]] = {}
    for result in firsts:
        alike.setdefault((result.problem, result.batch, result.optimizer, result.label), []).append(result.hyperparameters)
    for group in alike.values():
        for name in {name for chosen in group for name in chosen}:
            if name not in LABELLED and len({str(chosen.get(name)) for chosen in group}) > 1:
                telling.add(name)
    return telling
