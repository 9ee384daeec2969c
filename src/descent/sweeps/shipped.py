"""Turn a tuned study into the files of `settings=tuned`: the choices of its first search, a file each."""

from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from descent.analysis.load import Study, config, load
from descent.config.parse import parse
from descent.config.schema import Names, RunConfig
from descent.config.search_space import BUDGETS, search_space
from descent.config.targets import resolve
from descent.config.tuned import shared

SEARCH = 1  # whose choice is shipped
VERSIONS = ("descent", "torch", "numpy")  # of a run's environment


def files(folder: Path) -> dict[str, str]:
    """Return the text of each file, by its path below ``conf/settings/tuned``: ``digits_mlp/mini/adam.yaml``.

    Args:
        folder: of the study.

    Raises:
        InputError: there is no such study, or a setting in it that is no longer one.
    """
    study = load(folder)
    runs = study.runs[(study.runs["tuning"] != "default") & (study.runs["search"] == SEARCH)]
    written = {}
    for (problem, batch, optimizer), own in runs.groupby(["problem", "batch", "optimizer"]):
        final = own[own["stage"] == "final"]
        if len(final):
            written[f"{problem}/{batch}/{optimizer}.yaml"] = _text(_file(study, final.iloc[0], own))
    return written


def _file(study: Study, final: "pd.Series[Any]", runs: pd.DataFrame) -> dict[str, Any]:
    """Return what a file holds, given a final run and all runs of its search."""
    plain = config(final["folder"])
    chosen: RunConfig = resolve(parse({key: value for key, value in plain.items() if key != "names"}, Names(**plain["names"])))
    axes = BUDGETS[chosen.tuning.trials].axes
    space = {key: usual for key, usual in search_space(chosen.names.optimizer, [study.folder]).items() if usual.axis in axes}
    selection = runs[(runs["stage"] == "selection") & (runs["setting"] == final["setting"])]
    arguments = chosen.optimizer.arguments
    edges = {}
    for key, usual in space.items():
        name, _, item = key.removeprefix("optimizer.").removesuffix("]").partition("[")
        value: Any = arguments[name]
        if end := usual.edge(value[int(item)] if item else value):
            edges[key] = end
    metric = chosen.problem.metric
    return {
        "optimizer": {
            name: arguments[name] for name in dict.fromkeys(key.partition("[")[0].removeprefix("optimizer.") for key in space)
        },
        "tuning": chosen.tuning.model_dump(),
        "tuned": {
            "study": study.folder.name,
            "searches": [SEARCH],
            "metric": metric,
            "median": float(f"{selection[f'final:{metric}'].median():.4g}"),
            "ranges": {key: [usual.low, usual.high] for key, usual in space.items()},
            "edges": edges,
            "engine": chosen.engine,
            "versions": {name: final["environment"][name] for name in VERSIONS} | {"scipy": version("scipy")},
            "date": date.fromtimestamp((final["folder"] / "result.json").stat().st_mtime).isoformat(),
            "shared": shared(chosen),
        },
    }


def _text(file: dict[str, Any]) -> str:
    trials = BUDGETS[file["tuning"]["trials"]].trials
    lines = ["# @package _global_", f"# The best of {trials} trials of one search; scripts/tune.py found it and wrote this file."]
    lines += [f"{part}: {_flow(file[part])}" for part in ("optimizer", "tuning")]
    lines += ["tuned:", *(f"  {key}: {_flow(value)}" for key, value in file["tuned"].items())]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).removesuffix("...\n").strip()
