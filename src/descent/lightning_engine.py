"""The torch engine: Lightning's Trainer runs a DescentModule, a block of steps at a time."""

import logging
import os
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from descent.loader import BlockLoader
from descent.module import DescentModule
from descent.recording import Position, Recorder
from descent.records.curve import Row

for name in ("lightning.pytorch", "lightning.fabric"):  # its tips and device tables are not for our users
    logging.getLogger(name).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


class LightningEngine:
    """Trains a module on the blocks of a loader, on the Trainer's device.

    Args:
        module: the three steps.
        loader: makes the blocks, from a given step on.
        recorder: told of each block.
        make_trainer: from callbacks; one epoch of the Trainer is the whole run.
        device: ``cpu`` or ``cuda``.
    """

    def __init__(
        self,
        module: DescentModule,
        loader: Callable[[int], BlockLoader],
        recorder: Recorder,
        make_trainer: Callable[[list[pl.Callback]], pl.Trainer],
        device: str,
    ) -> None:
        self.module = module
        self.loader = loader
        self.device = device
        self.trainer = make_trainer([_Tell(self, recorder)])
        self.history = module.history
        self.checkpoint: Path | None = None

    @property
    def position(self) -> Position:
        return self.module.position

    def fit(self) -> None:
        if self.device == "cpu":  # Lightning sets it, and Adam's step then opens NVML's library each time, 40 of its 120 us
            os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)
        loader = self.loader(self.position.step)
        self.trainer.fit(self.module, loader, ckpt_path=self.checkpoint, weights_only=True if self.checkpoint else None)

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def last_step(self) -> Row:
        return self.module.last_step()

    def save(self, path: Path) -> None:
        self.trainer.save_checkpoint(path)

    def peek(self, path: Path) -> Position:
        return Position(**_read(path)["position"])

    def load(self, path: Path) -> None:
        found = _read(path)
        self.module.load_state_dict(found["state_dict"])
        self.module.position = Position(**found["position"])
        self.checkpoint = path


class _Tell(pl.Callback):
    """Tells the recorder what Lightning tells its callbacks."""

    def __init__(self, engine: LightningEngine, recorder: Recorder) -> None:
        self.engine = engine
        self.recorder = recorder

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.recorder.begin(self.engine)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        trainer.should_stop = self.recorder.block_ended(self.engine) or trainer.should_stop

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.recorder.close()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.recorder.close()


def _read(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()  # torch.load does not look at the checksums
    if damaged:
        raise ValueError(f"{damaged} is damaged")
    found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return found
