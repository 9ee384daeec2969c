"""Runs a minute of a study, by launcher."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from descent.config.yamls import conf

ROOT = Path(__file__).resolve().parents[2]
STUDY = ("optimizer=sgd,momentum,adam", "batch=full,stochastic,mini", "seed=1,2,3")
STUDY_RUNS = 27


def sweep(launcher: str, *arguments: str) -> float:
    """Return the seconds that a sweep takes, imports and all."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(ROOT / "train.py"), "-m", f"output_dir={folder}", f"hydra/launcher={launcher}", *arguments]
        begun = time.perf_counter()
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begun


def launcher_names() -> list[str]:
    """Return the launchers that are installed."""
    with initialize_config_dir(str(conf()), version_base="1.3"):
        return sorted(GlobalHydra.instance().config_loader().get_group_options("hydra/launcher"))


def measure(launchers: list[str], rounds: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for each launcher: runs a minute, and how many times as many as the first one's."""
    seconds_by_launcher: dict[str, list[float]] = {launcher: [] for launcher in launchers}
    for _ in range(rounds):
        for launcher, seconds in seconds_by_launcher.items():
            seconds.append(sweep(launcher, *STUDY) - sweep(launcher, "seed=1,2", "max_steps=1"))
    first = seconds_by_launcher[launchers[0]]
    for launcher, seconds in seconds_by_launcher.items():
        ratio = statistics.median(theirs / ours for ours, theirs in zip(seconds, first, strict=True))
        yield launcher, f"{60 * STUDY_RUNS / statistics.median(seconds):.0f}", f"{ratio:.2f}"
