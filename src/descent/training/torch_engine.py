"""The torch engine: Lightning's Trainer runs a DescentModule, a block of steps at a time."""

import atexit
import io
import logging
import multiprocessing as mp
import os
import signal
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import lightning.pytorch as pl
import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from torch import Tensor
from torch.multiprocessing.spawn import ProcessExitedException, ProcessRaisedException

from descent import stopping
from descent.machine import blocked, end_with_parent
from descent.records.curve import Row
from descent.training.engine import Position
from descent.training.loader import BlockLoader
from descent.training.module import DescentModule
from descent.training.recorder import Recorder

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

PATIENCE = 10  # seconds that the processes of a run have to end by themselves

for name in ("lightning.pytorch", "lightning.fabric", "torch.multiprocessing.spawn"):  # tips, tables, signals: not for users
    logging.getLogger(name).setLevel(logging.ERROR)
warnings.filterwarnings("ignore", module="lightning")


class LightningEngine:
    """Train a module on the blocks of a loader: on the Trainer's device, or on several, with a process for each.

    Args:
        module: the three steps.
        loader: makes the blocks, from a given step on.
        recorder: notified of each block.
        make_trainer: from callbacks; one epoch of the Trainer is the whole run.
        device: ``cpu`` or ``cuda``.
        threads: of each process, where there are several.
    """

    def __init__(
        self,
        module: DescentModule,
        loader: Callable[[int], BlockLoader],
        recorder: Recorder,
        make_trainer: Callable[[list[pl.Callback]], pl.Trainer],
        device: str,
        threads: int,
    ) -> None:
        self.module = module
        self.loader = loader
        self.recorder = recorder
        self.device = device
        self.threads = threads
        self.trainer = make_trainer([_Notify(self, recorder)])
        self.trainer.strategy.checkpoint_io = _ToFile()
        self.checkpoint: Path | None = None
        self.errors, self.tell_error = mp.get_context("spawn").Pipe(duplex=False)  # of the processes

    position = property(lambda self: cast(Position, self.module.position))
    history = property(lambda self: cast(list[tuple[float, float]], self.module.history))

    def fit(self) -> None:
        if self.device == "cpu":  # Lightning sets it, and Adam's step then opens NVML's library each time, 40 of its 120 us
            os.environ.pop("PYTORCH_NVML_BASED_CUDA_CHECK", None)
        loader = self.loader(self.position.step)
        several = self.trainer.world_size > 1
        ranks = _stopping_ranks(self.trainer, self.errors) if several else nullcontext()
        with torch.random.fork_rng(devices=[]), ranks:  # the caller's random numbers stay as they are
            try:
                self.trainer.fit(self.module, loader, ckpt_path=self.checkpoint, weights_only=True if self.checkpoint else None)
            except SystemExit:  # what Lightning makes of a signal
                raise stopping.Stopped(stopping.asked() or signal.SIGINT) from None
        if several and self.recorder.checkpoint.exists():
            self.module.position = self.peek(self.recorder.checkpoint)

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()

    def last_step(self) -> Row:
        return self.module.last_step()

    def average(self) -> list[Tensor] | None:
        return self.module.average()

    def measure(self, split: str, chunk: int, examples: int | None = None) -> Row:
        return self.module.measure(split, chunk, examples)

    def evaluated(self) -> AbstractContextManager[None]:
        return self.module.evaluated()

    def state_bytes(self) -> int:
        return self.module.state_bytes()

    def save(self, path: Path) -> None:
        self.trainer.strategy.broadcast(path)  # all devices must take part, see _Notify
        self.trainer.save_checkpoint(path)

    def peek(self, path: Path) -> Position:
        return Position(**_read(path)["position"])

    def load(self, path: Path) -> None:
        checkpoint = _read(path)
        self.module.load_state_dict(checkpoint["state_dict"])
        self.module.position, self.checkpoint = Position(**checkpoint["position"]), path


class _ToFile(TorchCheckpointIO):
    """Write a checkpoint straight to its path; Lightning's writes it into /tmp first, and leaves it there if moving it fails."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        content = io.BytesIO()
        torch.save(checkpoint, content)
        Path(path).write_bytes(content.getbuffer())


class _Notify(pl.Callback):
    """Notify the recorder at Lightning's callbacks.

    With several devices rank 0 records. It broadcasts the path of each checkpoint, in which all ranks take part, and then, once a
    block, the stop flag and the history that schedules read.
    """

    def __init__(self, engine: LightningEngine, recorder: Recorder) -> None:
        self.engine = engine
        self.recorder = recorder

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        if trainer.world_size > 1:  # Lightning leaves it so, and a process that ends by itself is not killed in its last moments
            signal.signal(signal.SIGTERM, signal.SIG_IGN)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.world_size == 1:
            stopping.listen_again()  # Lightning's own would end the run at the next block, with exit code 0
        else:
            end_with_parent()  # the lock of the folder dies with the process that started this one
            stopping.hear(stopping.ask if trainer.is_global_zero else lambda _: None)
            atexit.register(torch.distributed.destroy_process_group)  # or Gloo's threads may abort the exit
            torch.set_num_threads(self.engine.threads)  # Lightning sets another number
        if self.engine.device == "cuda":
            self.engine.position.hardware = torch.cuda.get_device_name(pl_module.device)
        if trainer.is_global_zero:
            with self._telling(trainer):
                self.recorder.begin(self.engine)
        self._agree(trainer, stop=False)

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        with self._telling(trainer):
            stop = trainer.is_global_zero and self.recorder.block_ended(self.engine)
        trainer.should_stop = self._agree(trainer, stop) or trainer.should_stop

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if trainer.is_global_zero:
            with self._telling(trainer):
                self.recorder.close()

    def on_exception(self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException) -> None:
        self.recorder.close()

    @contextmanager
    def _telling(self, trainer: pl.Trainer) -> Iterator[None]:
        """Send an error of the system to the process that started this one, to which Lightning passes its text alone."""
        try:
            yield
        except OSError as error:
            if trainer.world_size > 1:
                self.engine.tell_error.send(error)
            raise

    def _agree(self, trainer: pl.Trainer, stop: bool) -> bool:
        """Broadcast rank 0's stop flag and loss history; return the flag."""
        if trainer.world_size == 1:
            return stop
        if trainer.is_global_zero:
            trainer.strategy.broadcast((stop, self.engine.history))
            return stop
        received: Any = None
        while isinstance(received := trainer.strategy.broadcast(received), Path):
            trainer.save_checkpoint(received)
        stop, self.engine.history[:] = received
        return stop


@contextmanager
def _stopping_ranks(trainer: pl.Trainer, errors: "Connection[OSError, OSError]") -> Iterator[None]:
    """Let the processes that Lightning starts end by themselves: pass a signal on to them; rank 0 broadcasts the stop.

    Ctrl-C reaches them all, and is held back while they import. Processes that still run after `PATIENCE` are killed.

    Args:
        trainer: about to fit.
        errors: what a process sends of errors of the system, as of a disk that is full.

    Raises:
        OSError: what a process sent.
        RuntimeError: a process raised another error or was killed; the last line of its report.
    """

    ended, launcher = threading.Event(), cast(Any, trainer.strategy.launcher)

    def repeat() -> None:  # as some may not have started
        for _ in range(PATIENCE):
            launcher.kill(signal.SIGTERM)
            if ended.wait(1):
                return
        launcher.kill(signal.SIGKILL)

    def pass_on(number: int) -> None:
        stopping.ask(number)
        threading.Thread(target=repeat, daemon=True).start()

    if mp.get_start_method(allow_none=True) not in (None, *mp.get_all_start_methods()):
        mp.set_start_method("spawn", force=True)  # joblib's own method, which a worker hands on, is unknown to what it starts
    port = os.environ.get("MASTER_PORT")
    try:
        with stopping.listening(pass_on), blocked([signal.SIGINT]):
            yield
    except Exception as error:
        if errors.poll() and not stopping.asked():  # torch cannot tell it where its own file has no room
            raise errors.recv() from error
        if not isinstance(error, (ProcessExitedException, ProcessRaisedException)):
            raise
        if not stopping.asked():
            raise RuntimeError(str(error).strip().splitlines()[-1]) from error
    finally:
        ended.set()
        if port is None:
            os.environ.pop("MASTER_PORT", None)  # the next run finds a free one of its own


def _read(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()  # torch.load does not look at the checksums
    if damaged:
        raise ValueError(f"{damaged} is damaged")
    checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return checkpoint
