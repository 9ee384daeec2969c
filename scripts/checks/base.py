"""What a check is, and the runs that checks measure: through what a user has, the settings of `train.py`."""

import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from unittest.mock import patch

import numpy as np
import torch

from descent.config.compose import compose
from descent.training import recorder
from descent.training.run import Run, run

FOLDER = tempfile.TemporaryDirectory()
ENGINES = ("torch", "numpy")


@dataclass(frozen=True)
class Interval:
    """What passes: a measured value in ``[low, high]``; `expected` is how a table shows it."""

    expected: str
    low: float
    high: float


def near(value: float, tolerance: float) -> Interval:
    """What passes within a relative tolerance of a value that theory gives."""
    return Interval(f"{value:.6g} ± {100 * tolerance:g} %", value * (1 - tolerance), value * (1 + tolerance))


def below(bound: float) -> Interval:
    """What passes when it is smaller than a bound, where theory gives 0."""
    return Interval(f"< {bound:g}", 0.0, bound)


def above(bound: float) -> Interval:
    """What passes when two things that theory calls different are."""
    return Interval(f"> {bound:g}", bound, math.inf)


@dataclass(frozen=True)
class Check:
    """A claim, and how it is measured.

    Attributes:
        claim: what is measured.
        source: who says so.
        engine: that computes it, ``torch``, ``numpy`` or ``both``.
        expected: what passes.
        measure: returns the value.
        slow: takes more than a few seconds.
    """

    claim: str
    source: str
    engine: str
    expected: Interval
    measure: Callable[[], float]
    slow: bool = False


def weights(done: Run) -> np.ndarray:
    """Return the final parameters, ``[P]``."""
    checkpoint = done.folder / "last.ckpt"
    if done.result.engine == "numpy":
        with np.load(checkpoint) as arrays:
            return arrays["weights"]
    state = torch.load(checkpoint, weights_only=True)["state_dict"]
    return np.concatenate([value.numpy().ravel() for value in state.values()])


def average(done: Run) -> np.ndarray:
    """Return ASGD's average of the parameters, ``[P]``."""
    checkpoint = done.folder / "last.ckpt"
    if done.result.engine == "numpy":
        with np.load(checkpoint) as arrays:
            return arrays["state_average"]
    return torch.load(checkpoint, weights_only=True)["optimizer_states"][0]["state"][0]["ax"].numpy()


@cache
def trained(*overrides: str) -> Run:
    """Train what ``python train.py precision=64 *overrides`` would, with checkpoints: `weights` reads the last one."""
    with patch.object(recorder, "CHECKPOINT_EVERY", 0.0):
        return run(compose("trainer=cpu", "precision=64", "logger=csv", f"output_dir={FOLDER.name}", *overrides))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Return ``|a - b| / |b|``."""
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))
