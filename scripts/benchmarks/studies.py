"""Runs a minute of a study, by launcher; 60 runs beside the loops that one would write for them; and large studies."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from torch import nn

from benchmarks import steps
from descent.config.compose import compose
from descent.config.schema import RunConfig
from descent.config.targets import resolve
from descent.config.yamls import conf
from descent.training import build

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


GRID = ("sgd", "momentum", "adam"), (0.001, 0.003, 0.01, 0.03), range(1, 6)  # optimizers, learning rates, seeds: 60 runs
BUDGETS = {"stochastic": 20, "mini": 200}  # epochs, by batch mode
GRID_HEADER = ("batch", "epochs", "plain", "Lightning", "descent", "descent / plain", "descent / Lightning")
IMPORTS = {"plain": "import torch", "Lightning": "import lightning.pytorch"}


def measure_grid(seconds: float, rounds: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for each batch mode: the seconds of 60 runs of digits_mlp, imports apart, and a last row of the imports.

    The loops train one run after the other. Theirs is estimated: each optimizer's steps per second, measured for so many
    seconds, hold for its 20 runs. The three take turns; the rows hold medians over rounds, also of the ratios within a round.
    """
    names, rates, seeds = GRID
    arguments = ["engine=compiled", f"optimizer={','.join(names)}", "trainer=cpu"]
    imports = sweep("joblib", *arguments, "seed=1,2", "max_steps=1")  # and what was compiled is loaded
    for batch, epochs in BUDGETS.items():
        config = resolve(compose(f"batch={batch}", f"epochs={epochs}", "trainer=cpu"))
        torch.set_num_threads(config.problem.threads)
        x, y = build.problem(config).data("train")
        batches = build.batches(config, len(x))
        horizon = build.timeline(config, batches).horizon
        grid = [f"optimizer.lr={','.join(map(str, rates))}", f"seed={','.join(map(str, seeds))}", f"epochs={epochs}"]
        took: dict[str, list[float]] = {"plain": [], "Lightning": [], "descent": []}
        for _ in range(rounds):
            for name, loop in (("plain", steps.plain), ("Lightning", steps.usual)):
                steps.as_imported(lightning=name == "Lightning")
                speeds = [loop(_network(config), x, y, batches.size, one, seconds) for one in names]
                took[name].append(sum(len(rates) * len(seeds) * horizon / speed for speed in speeds))
            warm = sweep("joblib", *arguments, f"batch={batch}", "seed=1,2", "max_steps=1")
            took["descent"].append(sweep("joblib", *arguments, f"batch={batch}", *grid) - warm)
        medians = [f"{statistics.median(times):,.{1 if name == 'descent' else 0}f} s" for name, times in took.items()]
        ratios = [
            statistics.median(theirs / ours for theirs, ours in zip(took[name], took["descent"], strict=True))
            for name in ("plain", "Lightning")
        ]
        yield batch, str(epochs), *medians, *(f"{ratio:.0f}" for ratio in ratios)
    others = {name: _seconds([sys.executable, "-c", line]) for name, line in IMPORTS.items()}
    yield "imports", "", *(f"{value:.1f} s" for value in others.values()), f"{imports:.1f} s", "", ""


def _network(config: RunConfig) -> nn.Module:
    network: nn.Module = build.problem(config).network  # type: ignore[assignment]
    return network


LARGE = ("problem=quadratic", "batch=full", "engine=numpy", "epochs=24", "trainer=cpu")
MANY = ("optimizer=sgd,momentum,nesterov,adam,rmsprop", f"optimizer.lr={','.join(f'{n / 100:g}' for n in range(1, 21))}")
PER_SEED = 100  # runs
FEW = ("optimizer=sgd,adam", "optimizer.lr=0.01,0.02", "seed=1")
LARGE_LAUNCHERS = ("basic", "joblib")
LARGE_HEADER = ("runs", *(f"a run, {name}" for name in LARGE_LAUNCHERS), "compare.py", "its time", "its memory")


def measure_large(seeds: list[int]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each number of seeds: the cost of a run of 24 steps in a study, and of comparing all of them.

    A run's is the CPU time of the sweep, less that of one of four runs, which pays for the same imports, for each run.
    """
    with tempfile.TemporaryDirectory() as folder:
        before = 0
        for number in seeds:
            costs = []
            for launcher in LARGE_LAUNCHERS:
                command = [sys.executable, str(ROOT / "train.py"), "-m", f"hydra/launcher={launcher}", *LARGE]
                warm, *_ = _usage([*command, f"output_dir={folder}", f"study=few_{launcher}_{number}", *FEW])
                chosen = [f"output_dir={folder}", f"study={launcher}", *MANY, f"seed=range(1,{number + 1})"]
                trained, *_ = _usage([*command, *chosen])
                costs.append(f"{1e3 * (trained - warm) / (PER_SEED * (number - before)):.1f} ms")
            compared, took, memory = _usage([sys.executable, str(ROOT / "scripts" / "compare.py"), f"{folder}/{launcher}"])
            yield f"{PER_SEED * number:,}", *costs, f"{compared:.1f} s", f"{took:.1f} s", f"{memory:.0f} MB"
            before = number


MEASURED = """
import resource, subprocess, sys, time
begun = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
took, used = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, took, used.ru_maxrss / 1024)
"""


def _usage(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return its CPU time and its time in seconds, and the most memory of a process of it in MB.

    A small process starts it: one that forks from this one would begin with the memory of this one.
    """
    printed = subprocess.run([sys.executable, "-c", MEASURED, *command], check=True, stdout=subprocess.PIPE).stdout
    seconds, took, memory = map(float, printed.split())
    return seconds, took, memory


def _seconds(command: list[str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - begun
