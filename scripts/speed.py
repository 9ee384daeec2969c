"""Measure speed: `python scripts/speed.py [--seconds 5] [--rounds 3] [--cells digits_mlp/numpy] [--markdown FILE]`,
and of whole studies: `python scripts/speed.py --launchers basic,joblib`.

Steps per second of (a) a plain hand-written PyTorch loop with torch's default optimizer arguments, (b) Lightning as usually
written (DataLoader, self.log, automatic optimization) and (c) a descent run with its records, checkpoints and events, by the
engine that the row names. The three take turns, round after round; the table holds medians over rounds of the steps per
second, and of the ratios within a round, as the machine's own speed drifts. Imports are not counted; (c) counts everything
from the first record to the last.

A study is the README's, of 27 runs, in a process of its own. Its time is that of the command less that of the same command with
two runs of one step, which pays for the same imports; the launchers take turns.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import lightning.pytorch as pl
import torch
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from rich.console import Console
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from descent.config.command import conf
from descent.config.compose import compose
from descent.config.flags import Parser, file_to_write, leave_with
from descent.config.identity import identity
from descent.config.schema import RunConfig
from descent.config.targets import resolve
from descent.config.values import Count, File, Positive
from descent.errors import InputError, one_of
from descent.training import build
from descent.training.observer import SILENT
from descent.training.train import train

ROOT = Path(__file__).resolve().parents[1]
OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
NVML = "PYTORCH_NVML_BASED_CUDA_CHECK"
CELLS = [
    (problem, engine, batch, optimizer)
    for problem, engine in (("digits_mlp", "torch"), ("digits_mlp", "numpy"), ("mnist_mlp", "torch"))
    for batch in ("stochastic", "mini", "full")
    for optimizer in OPTIMIZERS
]


def plain(model: nn.Module, x: Tensor, y: Tensor, size: int, optimizer: str, seconds: float) -> float:
    """(a): what one writes first."""
    updates = OPTIMIZERS[optimizer](model.parameters(), lr=1e-3)
    rows_per_epoch = list(range(0, len(x), size))
    steps, begun = 0, time.perf_counter()
    while True:
        order = torch.randperm(len(x))
        for start in rows_per_epoch:
            if size == len(x):
                inputs, targets = x, y
            else:
                rows = order[start : start + size]
                inputs, targets = x[rows], y[rows]
            updates.zero_grad()
            loss = cross_entropy(model(inputs), targets)
            loss.backward()
            updates.step()
            steps += 1
            elapsed = time.perf_counter() - begun
            if elapsed >= seconds:
                return steps / elapsed


class Usual(pl.LightningModule):
    """(b): the module of Lightning's own introduction."""

    def __init__(self, model: nn.Module, optimizer: str) -> None:
        super().__init__()
        self.model = model
        self.optimizer = optimizer

    def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        inputs, targets = batch
        loss = cross_entropy(self.model(inputs), targets)
        self.log("train/loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return OPTIMIZERS[self.optimizer](self.parameters(), lr=1e-3)

    def on_train_start(self) -> None:
        self.begun = time.perf_counter()

    def on_train_end(self) -> None:
        self.elapsed = time.perf_counter() - self.begun


def usual(model: nn.Module, x: Tensor, y: Tensor, size: int, optimizer: str, seconds: float) -> float:
    module = Usual(model, optimizer)
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="cpu",
            max_time=timedelta(seconds=seconds),
            max_epochs=-1,
            default_root_dir=folder,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=False,
        )
        trainer.fit(module, DataLoader(TensorDataset(x, y), batch_size=size, shuffle=True))
    return trainer.global_step / module.elapsed


def descent(config: RunConfig) -> float:
    """(c)."""
    with tempfile.TemporaryDirectory() as folder:
        result = train(config, identity(config, "cpu"), "speed", Path(folder) / "run", SILENT)
    return result.steps / result.wall_seconds


def mnist() -> list[str]:
    """Return the overrides that find MNIST, or a stand-in of its shape."""
    for root in filter(None, (os.environ.get("DESCENT_DATA"), str(ROOT / "data"), str(ROOT.parent / "shared" / "data"))):
        if (Path(root) / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
            return [f"problem.root={root}"]
    return ["problem.dataset=stand_in"]


def contestants(problem: str, engine: str, batch: str, optimizer: str, seconds: float) -> dict[str, Callable[[], float]]:
    data = mnist() if problem.startswith("mnist") else []
    chosen = [f"problem={problem}", f"engine={engine}", f"batch={batch}", f"optimizer={optimizer}", "optimizer.lr=0.001", *data]
    config = resolve(compose(*chosen, "epochs=null", f"max_seconds={seconds}", "trainer=cpu"))
    torch.set_num_threads(config.problem.threads)
    x, y = build.problem(config).data("train")
    size = {"stochastic": 1, "mini": config.problem.batch_size, "full": len(x)}[batch]

    def model() -> nn.Module:
        network: nn.Module = build.problem(config).network  # type: ignore[assignment]
        return network

    return {
        "plain": lambda: plain(model(), x, y, size, optimizer, seconds),
        "lightning": lambda: usual(model(), x, y, size, optimizer, seconds),
        "descent": lambda: descent(config),
    }


def as_imported(lightning: bool) -> None:
    """Set what `import lightning` leaves in the environment, which slows torch's Adam: only (b) has it of itself."""
    os.environ.pop(NVML, None)
    if lightning:
        os.environ[NVML] = "1"


def measure(cells: list[tuple[str, str, str, str]], seconds: float, rounds: int) -> Iterator[tuple[str, ...]]:
    """Yield a row of the table for each cell."""
    for cell in cells:
        found: dict[str, list[float]] = {}
        for turn in range(rounds + 1):
            for name, contestant in contestants(*cell, 1.0 if turn == 0 else seconds).items():
                as_imported(lightning=name == "lightning")
                speed = contestant()
                if turn:  # the first turn warms up
                    found.setdefault(name, []).append(speed)
        ratios = {
            rival: statistics.median(ours / theirs for ours, theirs in zip(found["descent"], found[rival], strict=True))
            for rival in ("plain", "lightning")
        }
        speeds = [f"{statistics.median(found[name]):,.4g}" for name in ("plain", "lightning", "descent")]
        yield (*cell, *speeds, f"{ratios['plain']:.2f}", f"{ratios['lightning']:.1f}")


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


def measure_studies(launchers: list[str], rounds: int) -> Iterator[tuple[str, ...]]:
    """Yield a row for each launcher: runs a minute, and how many times as many as the first one's."""
    found: dict[str, list[float]] = {launcher: [] for launcher in launchers}
    for _ in range(rounds):
        for launcher, seconds in found.items():
            seconds.append(sweep(launcher, *STUDY) - sweep(launcher, "seed=1,2", "max_steps=1"))
    first = found[launchers[0]]
    for launcher, seconds in found.items():
        ratio = statistics.median(theirs / ours for ours, theirs in zip(seconds, first, strict=True))
        yield launcher, f"{60 * STUDY_RUNS / statistics.median(seconds):.0f}", f"{ratio:.2f}"


HEADER = ("problem", "engine", "batch", "optimizer", "plain", "Lightning", "descent", "descent / plain", "descent / Lightning")


def main() -> int:
    parser = Parser(__doc__)
    parser.add("--seconds", Positive, default=5.0, help="of training, for each contestant, cell and round")
    parser.add("--rounds", Count, default=3, help="how often each is measured")
    parser.add("--cells", default="", help="only cells whose name contains this, as in digits_mlp/numpy/mini")
    parser.add("--launchers", help="measure studies instead, by these launchers, as in basic,joblib")
    parser.add("--markdown", File, help="write the table to this file too")
    given = parser.read()
    cells = [cell for cell in CELLS if given.cells in "/".join(cell)]
    launchers = given.launchers.split(",") if given.launchers is not None else []
    if not cells:
        raise one_of("--cells", given.cells, ["/".join(cell) for cell in CELLS])
    if launchers and given.cells:
        raise InputError("--cells", given.cells, "has no effect with --launchers, which measures studies", "Leave one out.")
    known = launcher_names()
    for name in launchers:
        if name not in known:
            raise one_of("--launchers", name, known)
    if given.markdown:
        file_to_write("--markdown", given.markdown)
    out = Console(highlight=False)
    if launchers:
        lines = [f"| launcher | runs a minute | times {launchers[0]} |", "|---|--:|--:|"]
        rows = measure_studies(launchers, given.rounds)
    else:
        lines = [f"| {' | '.join(HEADER)} |", f"|{'---|' * 4}{'--:|' * 5}"]
        rows = measure(cells, given.seconds, given.rounds)
    for line in lines:
        out.print(line, soft_wrap=True)
    for row in rows:
        lines.append(f"| {' | '.join(row)} |")
        out.print(lines[-1], soft_wrap=True)
    if given.markdown:
        given.markdown.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    leave_with(main)
