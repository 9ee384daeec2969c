"""A study is a folder of runs: find them, read their results, name their settings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from descent.records import result as results
from descent.records.result import Result

REPORT = "report"  # what the comparison of a study writes, beside the problems
MEDIANS = "tensorboard"  # in it, what TensorBoard shows of the study: medians and bands
Key = tuple[str, str]  # problem, setting
RUN_FILES = ("config.yaml", "curve.csv", "last.ckpt", "result.json", "error.txt", "last.tmp", "result.tmp", "config.tmp")
ALIKE = ("batch", "optimizer")  # what runs of one setting share
LABELLED = ("problem", "batch", "optimizer", "engine", "lr", "seed", "batch.size", "schedule")  # what a name tells anyhow


def run_folders(study: Path) -> list[Path]:
    """Return the folders of all runs of a study, without those in its report."""
    paths = (path for path in study.glob("*/*/*/*") if path.is_dir() and not path.name.endswith((".rerun", ".old")))
    return sorted(path for path in paths if path.parents[2].name != REPORT)


def is_run_file(name: str) -> bool:
    """Return whether a run has a file of this name."""
    return name in RUN_FILES or name.startswith("events.out.tfevents.")


def read(folders: Iterable[Path]) -> tuple[dict[Path, Result], list[tuple[Path, str]]]:
    """Return the results of runs, by folder, and why those of other folders cannot be used.

    A run that lies in two folders counts once, and runs that share a setting agree on `ALIKE`.
    """
    read: dict[Path, Result] = {}
    skipped: list[tuple[Path, str]] = []
    for folder in folders:
        try:
            read[folder] = results.read(folder / "result.json")
        except FileNotFoundError:
            continue
        except ValueError as error:
            skipped.append((folder, f"result.json {error}"))
    runs: dict[tuple[str, str], Path] = {}
    settings: dict[tuple[str, str], Result] = {}
    for folder in sorted(read, key=lambda folder: not folder.name.endswith(read[folder].id)):  # a copy comes last
        result = read[folder]
        first = settings.setdefault((result.problem, result.setting), result)
        differs = next((name for name in ALIKE if getattr(first, name) != getattr(result, name)), None)
        if differs:
            skipped.append((folder, f"result.json has another {differs} than other runs of its setting, {result.setting}"))
        elif (other := runs.setdefault((result.problem, result.id), folder)) != folder:
            skipped.append((folder, f"result.json is that of {other.name}, which counts"))
    refused = {folder for folder, _ in skipped}
    return {folder: result for folder, result in read.items() if folder not in refused}, sorted(skipped)


def names(results: Iterable[Result]) -> dict[Key, str]:
    """Return the name of each setting: optimizer, batch mode, label, and the hyperparameters that differ within the study.

    The label's engine is left out where all have one.

    No two settings of one problem share a name: where the hyperparameters are alike (another budget, another form of the
    problem), the setting's key tells them apart.
    """
    firsts = {(result.problem, result.setting): result for result in reversed(list(results))}
    telling = _telling(firsts.values())
    engines = {first.engine for first in firsts.values()}
    labels = {key: _name(first, telling, len(engines) > 1) for key, first in firsts.items()}
    often = Counter((problem, name) for (problem, _), name in labels.items())
    return {key: name if often[key[0], name] == 1 else f"{name} #{key[1]}" for key, name in labels.items()}


def _name(result: Result, telling: set[str], engine: bool) -> str:
    chosen = result.hyperparameters
    label = result.label if engine else "_".join(part for part in result.label.split("_") if part != result.engine) or "default"
    extra = [f"{name.rpartition('.')[2]}={chosen[name]}" for name in chosen if name in telling]
    return " ".join([result.optimizer, result.batch, label, *extra])


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
