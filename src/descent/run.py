"""One run: a pure function of its resolved configuration."""

import hashlib
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

from descent.records import result as results
from descent.records.lock import Busy, held
from descent.validate import validate

POLL = 0.5  # seconds between two looks at what another process is doing

Settings = dict[str, Any]

# Settings of a problem that act only through another group, or only say where the data lie or how a run is judged.
NOT_IDENTITY = ("root", "epochs", "batch_size", "record_examples", "metric", "target")


def run(settings: Settings, wait: bool = True) -> dict[str, Any]:
    """Train what `settings` say, or continue it, or find it finished; return its result.

    A run's folder is a function of what determines its result, so the same settings find it again.

    Args:
        settings: the resolved configuration, plain Python values.
        wait: for another process that is training this run, and take its result.

    Raises:
        InputError: a setting that cannot work; nothing was written.
        Busy: another process is training this run, and `wait` is False.
        KeyboardInterrupt: Ctrl-C; repeating the command continues the run.
    """
    validate(settings)
    from descent.display import loading, say, show, warn

    with loading("PyTorch"):
        from descent import build
        from descent.training import train

    who = identity(settings, build.device(settings))
    final, study = place(settings, who), Path(settings["output_dir"]) / settings["study"]
    if not settings["rerun"]:
        found = results.status(final)
        broken = results.damaged(final) if found in results.STATUSES else None
        if broken:
            warn(f"{broken} is damaged; the run is trained again.")
            settings = {**settings, "rerun": True}
        elif found in results.STATUSES:
            result = results.read(final / "result.json")
            say("This run is finished; here is its result again (rerun=true trains it anew).\n")
            show(result, final, study)
            return result
        elif found == "damaged":
            warn(f"{final / 'result.json'} cannot be used; the run is trained again.")

    folder = final.with_name(f"{final.name}.rerun") if settings["rerun"] and final.exists() else final
    try:
        result = train(settings, who, key(who), folder)
    except Busy:
        if not wait:
            raise
        say("Another process is training this run. Waiting for it.")
        while held(folder):
            time.sleep(POLL)
        return run({**settings, "rerun": False})
    if folder != final:
        _replace(folder, final)
    show(result, final, study)
    return result


def place(settings: Settings, identity: Settings) -> Path:
    """Return the folder of a run."""
    groups = (settings["names"][group] for group in ("problem", "batch", "optimizer"))
    return Path(settings["output_dir"], settings["study"], *groups, f"{label(settings)}-{key(identity)}")


def identity(settings: Settings, device: str) -> Settings:
    """Return what determines a run's result, and nothing else: no folder, logger, launcher or display."""
    problem = {name: value for name, value in settings["problem"].items() if name not in NOT_IDENTITY}
    same = (
        "engine",
        "names",
        "batch",
        "optimizer",
        "schedule",
        "epochs",
        "max_steps",
        "max_seconds",
        "clip_norm",
        "records",
        "seed",
        "precision",
    )
    chosen = {name: settings[name] for name in same}
    return {**chosen, "names": _names(settings), "problem": problem, "device": device, "devices": devices(settings)}


def devices(settings: Settings) -> int:
    """Return how many devices a run is split over."""
    wanted = settings["trainer"].get("devices", 1)
    return len(wanted) if isinstance(wanted, list) else int(wanted)


def _names(settings: Settings) -> dict[str, str]:
    return {group: settings["names"][group] for group in ("problem", "batch", "optimizer", "schedule")}


def key(identity: Settings) -> str:
    """Return eight hexadecimal digits that stand for an identity."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]


def setting(identity: Settings) -> str:
    """Return the key of a run but for its seed: runs that share it are repetitions of one setting."""
    return key({**identity, "seed": None})


def label(settings: Settings, seed: bool = True) -> str:
    """Return what a person tells runs of one optimizer apart by: batch size, learning rate, schedule, engine, seed."""
    parts = []
    if settings["names"]["batch"] == "mini":
        parts.append(f"size={settings['batch']['size']}")
    parts.append(f"lr={settings['optimizer']['lr']:g}")
    if settings["names"]["schedule"] != "constant":
        parts.append(settings["names"]["schedule"])
    if settings["engine"] != "torch":
        parts.append(settings["engine"])
    if devices(settings) > 1:
        parts.append(f"devices={devices(settings)}")
    return "_".join([*parts, f"seed={settings['seed']}"] if seed else parts)


def _replace(new: Path, old: Path) -> None:
    """Put a complete new folder in the place of an old one."""
    aside = old.with_name(f"{old.name}.old")
    shutil.rmtree(aside, ignore_errors=True)
    os.replace(old, aside)
    os.replace(new, old)
    shutil.rmtree(aside)
