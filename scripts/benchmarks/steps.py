"""Steps per second of a plain PyTorch loop, of Lightning as usually written, and of a descent run."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from itertools import product
from pathlib import Path

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from descent.config.compose import compose
from descent.config.schema import RunConfig
from descent.config.targets import resolve
from descent.training import build
from descent.training.run import run

ROOT = Path(__file__).resolve().parents[2]
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
}
NVML = "PYTORCH_NVML_BASED_CUDA_CHECK"
CELLS = [
    (problem, engine, batch, optimizer)
    for problem, engine in product(("digits_mlp", "mnist_mlp"), ("torch", "numpy", "compiled"))
    for batch in ("stochastic", "mini", "full")
    for optimizer in ("sgd", "adam")
]
RATIOS = ("descent / plain", "descent / Lightning", "of the peak")
HEADER = ("problem", "engine", "batch", "optimizer", "plain", "Lightning", "descent", *RATIOS)
PEAK_SIZE = 256  # of the matrices whose product is the peak: all three lie in a second-level cache


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
        result = run(config.model_copy(update={"output_dir": folder})).result
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
    size = build.batches(config, len(x)).size

    def model() -> nn.Module:
        network: nn.Module = build.problem(config).network  # type: ignore[assignment]
        return network

    return {
        "plain": lambda: plain(model(), x, y, size, optimizer, seconds),
        "lightning": lambda: usual(model(), x, y, size, optimizer, seconds),
        "descent": lambda: descent(config),
        "peak": lambda: peak() / operations(model(), size),
    }


def peak() -> float:
    """Return how many floating-point operations a second a product of two matrices makes, at best."""
    a, times = torch.rand(PEAK_SIZE, PEAK_SIZE), []
    for _ in range(30):
        begun = time.perf_counter()
        for _ in range(10):
            a @ a
        times.append(time.perf_counter() - begun)
    return 10 * 2 * PEAK_SIZE**3 / min(times)


def operations(model: nn.Module, size: int) -> float:
    """Return the floating-point operations of the matrix products of a step: forward, and back to weights and inputs."""
    matrices = [p.numel() for p in model.parameters() if p.ndim == 2]
    return 2 * size * (3 * sum(matrices) - matrices[0])


def as_imported(lightning: bool) -> None:
    """Set what `import lightning` leaves in the environment, which slows torch's Adam: only (b) has it of itself."""
    os.environ.pop(NVML, None)
    if lightning:
        os.environ[NVML] = "1"


def measure(cells: list[tuple[str, str, str, str]], seconds: float, rounds: int) -> Iterator[tuple[str, ...]]:
    """Yield a row of the table for each cell, as `HEADER` names its columns."""
    for cell in cells:
        speeds_by_name: dict[str, list[float]] = {}
        for turn in range(rounds + 1):
            for name, contestant in contestants(*cell, 1.0 if turn == 0 else seconds).items():
                as_imported(lightning=name == "lightning")
                speed = contestant()
                if turn:  # the first turn warms up
                    speeds_by_name.setdefault(name, []).append(speed)
        ratios = {
            rival: statistics.median(
                ours / theirs for ours, theirs in zip(speeds_by_name["descent"], speeds_by_name[rival], strict=True)
            )
            for rival in ("plain", "lightning", "peak")
        }
        speeds = [f"{statistics.median(speeds_by_name[name]):,.4g}" for name in ("plain", "lightning", "descent")]
        yield (*cell, *speeds, f"{ratios['plain']:.2f}", f"{ratios['lightning']:.1f}", f"{100 * ratios['peak']:.0f} %")
