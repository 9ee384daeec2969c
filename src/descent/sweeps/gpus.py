"""One GPU for each process of a sweep: the first that the fewest others hold."""

import itertools
import os

import torch
from filelock import FileLock, Timeout

from descent.config.schema import RunConfig
from descent.records.lock import on_machine

_settled: list[FileLock | None] = []  # of this process, for its life: what it holds, or None where it needs nothing


def keep() -> None:
    """Opt out of claiming a GPU: CUDA is initialised, so CUDA_VISIBLE_DEVICES no longer has an effect."""
    _settled.append(None)


def claim(config: RunConfig) -> None:
    """Let this process see one GPU only, where there are several and a run wants one; once, before CUDA is initialised.

    A lock that dies with its process stands for a claim, so that the processes of all sweeps of a user share them out.
    """
    if _settled or config.by_hand or config.trainer.accelerator == "cpu" or config.trainer.devices != 1:
        return
    count = torch.cuda.device_count()  # asks the driver's management library, not CUDA
    if count < 2:
        return
    variable = os.environ.get("CUDA_VISIBLE_DEVICES")
    visible = [name.strip() for name in variable.split(",")][:count] if variable else [str(index) for index in range(count)]
    for others, device in ((others, device) for others in itertools.count() for device in visible):
        lock = on_machine(f"gpu-{device.replace('/', '_')}.{others}")
        try:
            lock.acquire(blocking=False)
        except Timeout:
            continue
        _settled.append(lock)
        os.environ["CUDA_VISIBLE_DEVICES"] = device
        return
