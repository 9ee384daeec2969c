"""What may be compared: runs that share every setting but optimizer, schedule, wrapper and seed."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

FREE = ("optimizer", "schedule", "wrapper", "seed", "engine", "names")  # may differ between candidates
ELSEWHERE = ("study", "output_dir", "rerun", "logger", "trainer")  # say nothing of the result; devices are named in a note
JUDGING = (
    "epochs",
    "batch_size",
    "record_examples",
    "metric",
    "metrics",
    "target",
    "margin",
    "threads",
    "micro_size",
)  # of a problem
UNKNOWN = "settings unknown"

Key = tuple[Hashable, ...]


def shared_settings(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the settings that candidates must share, by their keys on the command line; budgets as asked among them."""
    return {key: "none" if value is None else str(value) for key, value in _flat(config) if not _apart(*key.split("."))}


def what_differs(settings: Mapping[Key, Mapping[str, str]], among: Mapping[Key, Hashable]) -> dict[Key, str]:
    """Return for each key the settings in which it differs from others of its class, as ``width=16, epochs=20``; else "".

    Args:
        settings: of `shared_settings`; empty where they are unknown.
        among: the class of each key, within which names tell apart.
    """
    classes = defaultdict(list)
    for key in settings:
        classes[among[key]].append(key)
    found = {}
    for keys in classes.values():
        known = [settings[key] for key in keys if settings[key]]
        names = [
            name for name in dict.fromkeys(name for one in known for name in one) if len({one.get(name) for one in known}) > 1
        ]
        short = _short(names)
        for key in keys:
            parts = [f"{short[name]}={settings[key].get(name, 'none')}" for name in names]
            found[key] = ", ".join(parts) if settings[key] or not known else UNKNOWN
    return found


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
