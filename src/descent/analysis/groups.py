"""Group the runs that may be compared: they share all settings but optimizer, schedule, wrapper and seed, and their data."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

GROUP = ["problem", "batch", "batch_size", "variant"]  # within which runs are compared; `batch_size` is nan but for mini-batches
FREE = ("optimizer", "schedule", "wrapper", "seed", "engine", "names", "tuning")  # may differ between candidates
ELSEWHERE = ("study", "output_dir", "rerun", "logger", "trainer", "tuned")  # no part of the result; devices are named in a note
# Of a problem, what says only how a run is judged or computed, or where its data lie, or acts through another setting.
BUDGETS = ("epochs", "max_steps", "max_seconds")
JUDGING = ("epochs", "batch_size", "record_examples", "metric", "metrics", "target", "margin", "threads", "micro_size", "root")
UNKNOWN = "settings unknown"
ROUNDING = {"64": 2.0**-52}  # of losses, by precision; bf16 is recorded in 32 bits
SINGLE = 2.0**-23


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
    firsts = runs.drop_duplicates(["problem", "setting"])
    keys = firsts[["folder", "problem", "setting"]].itertuples(index=False)
    facts = pd.DataFrame([_facts(config(folder), problem, setting) for folder, problem, setting in keys], firsts.index)
    shared = list(facts.pop("shared"))
    modes = list(zip(firsts["problem"], firsts["batch"], firsts["batch_size"].fillna(0), strict=True))
    budgets = [{name: settings[name] for name in BUDGETS if name in settings} for settings in shared]
    facts["variant"] = what_differs(shared, modes)
    facts["budget"] = what_differs(budgets, list(zip(firsts["problem"], facts["apart"], strict=True)))
    for name in ("method", "apart"):  # long texts that are only compared
        facts[name] = facts[name].factorize(sort=True)[0]
    facts[["problem", "setting"]] = firsts[["problem", "setting"]]
    return _data_apart(runs.merge(facts, on=["problem", "setting"], how="left").set_axis(runs.index))


def _facts(config: Mapping[str, Any], problem: str, setting: str) -> dict[str, Any]:
    """Return what decides which runs a setting is compared with, from its configuration."""
    shared, chosen = shared_settings(config), config.get("problem") or {}
    kept = {name: value for name, value in config.items() if name not in ("engine", "seed", *ELSEWHERE)}
    apart = {key: value for key, value in shared.items() if key not in BUDGETS and key.partition(".")[0] != "batch"}
    return {
        "shared": shared,
        "method": json.dumps([problem, kept], sort_keys=True, default=str) if kept else f"{problem} {setting}",
        "apart": json.dumps(apart, sort_keys=True),
        "margin": float(chosen.get("margin") or math.nan),
        "floor": ROUNDING.get(str(config.get("precision")), SINGLE) * (chosen.get("loss_scale") or 1),
    }


def shared_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that candidates must share, by their keys on the command line; budgets as asked among them."""
    return {
        key: "none" if value is None else str(value).removesuffix(".0")
        for key, value in _flat(config)
        if not _apart(*key.split("."))
    }


def what_differs(settings: Sequence[Mapping[str, str]], among: Sequence[Hashable]) -> list[str]:
    """Return the settings in which each differs from others of its class, as ``width=16, epochs=20``; else "".

    Args:
        settings: of `shared_settings` [N]; empty where they are unknown.
        among: the class of each [N], within which names tell apart.
    """
    differing, classes = [""] * len(settings), defaultdict(list)
    for place, name in enumerate(among):
        classes[name].append(place)
    for places in classes.values():
        known = [settings[place] for place in places if settings[place]]
        all_names = dict.fromkeys(name for chosen in known for name in chosen)
        names = [name for name in all_names if len({chosen.get(name, "none") for chosen in known}) > 1]
        short = _short(names)
        for place in places:
            parts = [f"{short[name]}={settings[place].get(name, 'none')}" for name in names]
            differing[place] = ", ".join(parts) if settings[place] or not known else UNKNOWN
    return differing


def in_group(rows: pd.DataFrame, first: "pd.Series[Any]") -> "pd.Series[bool]":
    """Return which rows belong to the group of another."""
    return pd.concat([rows[name].isin([first[name]]) for name in GROUP], axis=1).all(axis=1)  # nan is nan


def mode_name(first: "pd.Series[Any]") -> str:
    """Return a run's batch mode, with the size of mini-batches: ``mini (32)``."""
    return f"{first['batch']} ({first['batch_size']:.0f})" if pd.notna(first["batch_size"]) else str(first["batch"])


def one_engine(runs: pd.DataFrame) -> pd.DataFrame:
    """Return runs without those of other engines that repeat runs of the engine torch: they are no further evidence."""
    alike = [runs[name] for name in ("method", "search", "stage")]
    both = (runs["engine"] == "torch").groupby(alike).transform("any")
    return runs[(runs["engine"] == "torch") | ~both]


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
            numbers = {kinds[checksum] for checksum in data if checksum in kinds}
            number = min(numbers, default=len(set(kinds.values())))
            kinds |= {checksum: number for checksum, old in kinds.items() if old in numbers} | dict.fromkeys(data, number)
        often = group.groupby("seed")["data"].agg(lambda data: Counter(data).most_common(1)[0][0])
        same = len({kinds[checksum] for checksum in group["data"]}) == 1
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
