"""The interface of every problem: a mean of per-example losses, and the data it is a mean over."""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from descent.errors import InputError, first_line
from descent.problems.sharpness import sharpness

Arrays = tuple[np.ndarray, np.ndarray]


class Problem(nn.Module):
    """Minimise ``f(w) = (1/N) sum_i f_i(w)`` over the parameters ``w`` of this module.

    Example ``i`` is a pair of rows (inputs, targets). The data are non-persistent buffers: they follow the module to
    its device and stay out of its checkpoints.

    Attributes:
        labelled: whether the targets are class labels.

    Args:
        splits: ``train`` and, where the problem has them, ``val`` and ``test``: inputs ``[N, ...]`` and targets ``[N, ...]``.
        dtype: of the parameters and of floating-point data.
        optimum: ``f* = min f`` where it is known, else None.
    """

    labelled = False

    def __init__(self, splits: Mapping[str, Arrays], dtype: torch.dtype, optimum: float | None = None) -> None:
        super().__init__()
        self.splits = tuple(splits)
        self.dtype = dtype
        self.optimum = optimum
        for name, (inputs, targets) in splits.items():
            self.register_buffer(f"{name}_inputs", self.tensor(inputs), persistent=False)
            self.register_buffer(f"{name}_targets", self.tensor(targets), persistent=False)

    def tensor(self, array: np.ndarray) -> Tensor:
        """Return `array` as a tensor, floating-point numbers in this problem's precision."""
        kind = self.dtype if array.dtype.kind == "f" else None
        return torch.from_numpy(np.ascontiguousarray(array)).to(kind)

    def data(self, split: str) -> tuple[Tensor, Tensor]:
        """Return the inputs and targets of `split`, on the module's device."""
        return self.get_buffer(f"{split}_inputs"), self.get_buffer(f"{split}_targets")

    @property
    def examples(self) -> int:
        """N, the number of training examples."""
        return len(self.data("train")[0])

    @property
    def checksum(self) -> str:
        """SHA-256 of the training data as the optimizer sees them."""
        digest = hashlib.sha256()
        for part in self.data("train"):
            digest.update(part.cpu().numpy().tobytes())
        return digest.hexdigest()

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Return the mean of f_i(w) over the given examples, a scalar to differentiate."""
        raise NotImplementedError

    def metrics(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """Return means over the given examples: ``loss`` first, then what else this problem measures."""
        return {"loss": self.loss(inputs, targets)}

    def position(self) -> dict[str, float]:
        """Return what a record says of the weights themselves (coordinates, distance to the optimum)."""
        return {}

    @torch.no_grad()
    def measure(self, split: str, chunk: int, examples: int | None = None) -> dict[str, float]:
        """Measure the full objective, never a mini-batch, on the first `examples` rows of `split` (None: all).

        Args:
            split: one of `splits`.
            chunk: rows evaluated at once, which bounds memory; the means are weighted by the size of each chunk.
            examples: size of the fixed subset.

        Returns:
            ``{"split/quantity": value}``, and ``split/gap = f - f*`` for the training loss where f* is known.
        """
        inputs, targets = (part[:examples] for part in self.data(split))
        totals: dict[str, float] = {}
        for rows in zip(inputs.split(chunk), targets.split(chunk), strict=True):
            for name, value in self.metrics(*rows).items():
                totals[name] = totals.get(name, 0.0) + value.item() * (len(rows[0]) / len(inputs))
        if split == "train" and self.optimum is not None:
            totals["gap"] = totals["loss"] - self.optimum
        return {f"{split}/{name}": value for name, value in totals.items()}

    @torch.no_grad()
    def numbers(self, split: str, chunk: int, examples: int | None = None) -> dict[str, float]:
        """Return what `measure`, which a subclass may extend, measures, as Python's numbers.

        Raises:
            InputError: one of them is no number.
        """
        measured: dict[str, Any] = self.measure(split, chunk, examples)
        try:
            return {name: value if type(value) is float else float(value) for name, value in measured.items()}
        except (TypeError, ValueError, RuntimeError) as error:
            raise InputError(
                "problem", type(self).__name__, f"its measure() must return numbers ({first_line(error)})"
            ) from error

    def sharpness(self, chunk: int, examples: int | None = None) -> float:
        """Return the largest eigenvalue of the Hessian of the training loss, over what `measure` measures."""
        inputs, targets = (part[:examples] for part in self.data("train"))
        chunks = zip(inputs.split(chunk), targets.split(chunk), strict=True)
        losses = [(len(rows[0]) / len(inputs), partial(self.loss, *rows)) for rows in chunks]
        with torch.enable_grad():
            return sharpness(list(self.parameters()), losses)

    def by_hand(self) -> tuple[str | type, dict[str, Any]] | None:
        """Return an objective with this loss and a hand-written gradient, and its arguments; None: there is none.

        It is the name of one in `descent.from_scratch.objectives`, or a class derived from the `Objective` there.
        """
        return None

    def chance(self, split: str, examples: int | None = None) -> float | None:
        """Return the accuracy of the best constant answer on `split`, None where the targets are no labels."""
        if not self.labelled:
            return None
        labels = self.data(split)[1][:examples]
        return labels.unique(return_counts=True)[1].max().item() / len(labels)
