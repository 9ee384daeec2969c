"""Group the runs that may be compared: they share all settings but optimizer, schedule, wrapper and seed, and their data."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

GROUP = ["problem", "batch", "batch_size", "variant"]  # within which runs are compared; `batch_size` is nan but for mini-batches
FREE = ("optimizer", "schedule", "wrapper", "seed", "engine", "names", "tuning")  # may differ between candidates
ELSEWHERE = ("study", "output_dir", "rerun", "logger", "trainer", "tuned")  # no part of the result; devices are named in a note
# Of a problem, what says only how a run is judged or computed, or acts through another setting.
BUDGETS = ("epochs", "max_steps", "max_seconds")
JUDGING = ("epochs", "batch_size", "record_examples", "metric", "metrics", "target", "margin", "threads", "micro_size")
UNKNOWN = "settings unknown"
ROUNDING = {"64": 2.0**-52}  # of losses, by precision; bf16 is recorded in 32 bits
SINGLE = 2.0**-23

Key = tuple[Hashable, ...]


def compared(runs: pd.DataFrame, config: Callable[[Path], Mapping[str, Any]]) -> pd.DataFrame:
    """Return runs with the columns that decide which may be compared, read from the configuration of one run a setting.

    Args:
        runs: one row a run, with ``folder``, ``problem``, ``setting``, ``batch``, ``batch_size``, ``seed`` and ``data``.
        config: returns the resolved configuration in a folder; empty where it cannot be read.

    Returns:
        The runs with ``variant``, the settings and data in which a group differs from others of its problem and batch mode;
        ``method``, the same for runs that differ only by engine and seed; ``apart``, the same for runs that share all but batch
        mode and budget, and ``budget``, in which such runs differ; ``margin`` of the problem (nan: none is given); and ``floor``,
        the loss that is 0 but for rounding.
    """
    keys = list(zip(runs["problem"], runs["setting"], strict=True))
    first = dict(reversed(list(zip(keys, runs["folder"], strict=True))))
    read = {key: config(folder) for key, folder in first.items()}
    modes = zip(runs["problem"], runs["batch"], runs["batch_size"].fillna(0), strict=True)
    shared = {key: shared_settings(read[key]) for key in first}
    variants = what_differs(shared, dict(zip(keys, modes, strict=True)))
    problems = {key: settings.get("problem") or {} for key, settings in read.items()}
    floors = {
        key: ROUNDING.get(str(read[key].get("precision")), SINGLE) * (problems[key].get("loss_scale") or 1) for key in first
    }
    apart = {key: _but_batch(shared[key]) for key in first}
    budgets = what_differs(
        {key: {name: value for name, value in shared[key].items() if name in BUDGETS} for key in first},
        {key: (key[0], apart[key]) for key in first},
    )
    methods = {key: _method(key, settings) for key, settings in read.items()}
    runs = runs.assign(
        variant=[variants[key] for key in keys],
        method=[methods[key] for key in keys],
        apart=[apart[key] for key in keys],
        budget=[budgets[key] for key in keys],
        margin=[float(problems[key].get("margin") or math.nan) for key in keys],
        floor=[floors[key] for key in keys],
    )
    return _data_apart(runs)


def shared_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that candidates must share, by their keys on the command line; budgets as asked among them."""
    return {
        key: "none" if value is None else str(value).removesuffix(".0")
        for key, value in _flat(config)
        if not _apart(*key.split("."))
    }


def what_differs(settings: Mapping[Key, Mapping[str, str]], among: Mapping[Key, Hashable]) -> dict[Key, str]:
    """Return for each key the settings in which it differs from others of its class, as ``width=16, epochs=20``; else "".

    Args:
        settings: of `shared_settings`; empty where they are unknown.
        among: the class of each key, within which names tell apart.
    """
    classes = defaultdict(list)
    for key in settings:
        classes[among[key]].append(key)
    differing = {}
    for keys in classes.values():
        known = [settings[key] for key in keys if settings[key]]
        all_names = dict.fromkeys(name for one in known for name in one)
        names = [name for name in all_names if len({one.get(name, "none") for one in known}) > 1]
        short = _short(names)
        for key in keys:
            parts = [f"{short[name]}={settings[key].get(name, 'none')}" for name in names]
            differing[key] = ", ".join(parts) if settings[key] or not known else UNKNOWN
    return differing


def one_engine(runs: pd.DataFrame) -> pd.DataFrame:
    """Return runs without those of other engines that repeat runs of the engine torch: they are no further evidence."""
    alike = [runs[name] for name in ("method", "search", "stage")]
    both = (runs["engine"] == "torch").groupby(alike).transform("any")
    return runs[(runs["engine"] == "torch") | ~both]


def _method(key: Key, config: Mapping[str, Any]) -> str:
    """Return the settings other than engine and seed, as JSON; the key where they are unknown."""
    kept = {name: value for name, value in config.items() if name not in ("engine", "seed", *ELSEWHERE)}
    return json.dumps([key[0], kept], sort_keys=True, default=str) if kept else str(key)


def _but_batch(settings: Mapping[str, str]) -> str:
    """Return the settings other than batch mode and budget, as JSON."""
    kept = {key: value for key, value in settings.items() if key not in BUDGETS and key.partition(".")[0] != "batch"}
    return json.dumps(kept, sort_keys=True)


def _data_apart(runs: pd.DataFrame) -> pd.DataFrame:
    """Return runs whose variant names their data, where runs of one group and seed saw other data than others.

    Data that runs of one setting saw belong together, as those of its seeds do. Where they were changed between runs of a
    setting, the runs that fewer others share a seed's data with are kept apart one by one.
    """
    names = runs["variant"].copy()
    for _, group in runs[runs["data"] != ""].groupby(GROUP, dropna=False):
        if group.groupby("seed")["data"].nunique().max() < 2:
            continue
        kinds: dict[str, int] = {}
        for _, data in group.groupby("setting")["data"]:
            numbers = {kinds[one] for one in data if one in kinds}
            number = min(numbers, default=len(set(kinds.values())))
            kinds |= {one: number for one, old in kinds.items() if old in numbers} | dict.fromkeys(data, number)
        often = group.groupby("seed")["data"].agg(lambda data: Counter(data).most_common(1)[0][0])
        same = len({kinds[one] for one in group["data"]}) == 1
        rows = group[["variant", "data", "seed"]].itertuples(index=False)
        numbered = [(variant, int(data != often[seed]) if same else kinds[data]) for variant, data, seed in rows]
        names[group.index] = [f"{variant}, data {number + 1}".removeprefix(", ") for variant, number in numbered]
    return runs.assign(variant=names)


def _apart(group: str, *names: str) -> bool:
    """Return whether candidates may differ in a setting."""
    return group in (*FREE, *ELSEWHERE) or (group == "problem" and names[0] in JUDGING)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + str(name), value


def _short(names: list[str]) -> dict[str, str]:
    """Return names without their groups, where that leaves them apart."""
    last = [name.rpartition(".")[2] for name in names]
    return {name: short if last.count(short) == 1 else name for name, short in zip(names, last, strict=True)}
