"""The LightningModule: zero_grad, backward, step, in plain sight."""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from descent.optimizers.capabilities import evaluated, evaluates_other_weights, needs_closure, needs_graph, state_bytes
from descent.problems.base import Problem
from descent.training.engine import Position, Schedule, Steps
from descent.training.loader import Block, MicroBatch


class DescentModule(pl.LightningModule, Steps[Tensor]):
    """Run an optimizer on a problem, a block of steps at a time.

    Lightning calls `training_step` once a block; inside, the steps use the raw torch optimizer and nothing waits for the
    device.

    Args:
        problem: what is minimised.
        make_optimizer: from the problem's parameters.
        schedule: (step, horizon, history) -> factor of the learning rate.
        horizon: steps of the whole run.
        clip_norm: the largest norm of a step's gradient; see `_clipped_step`. None: no limit.
        layers: also describe the last step by layer.
    """

    def __init__(
        self,
        problem: Problem,
        make_optimizer: Callable[[Any], torch.optim.Optimizer],
        schedule: Schedule,
        horizon: int,
        clip_norm: float | None = None,
        layers: bool = False,
        seed: int = 0,
    ) -> None:
        pl.LightningModule.__init__(self)
        Steps.__init__(self, problem, schedule, horizon, layers)
        self.automatic_optimization = False
        self.problem = problem
        self.make_optimizer = make_optimizer
        self.clip_norm = clip_norm
        self.devices = 1
        self._groups: list[dict[str, Any]] = []  # of the optimizer: looking for it takes microseconds
        self._unclipped: list[Tensor] = []
        self.seed = seed
        self._random: list[Tensor] | None = []  # states of torch's generators that the first step sets; empty: seeded

    def on_fit_start(self) -> None:
        self.devices = self.trainer.world_size

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = self.make_optimizer(self.problem.parameters())
        for group in optimizer.param_groups:
            group["initial_lr"] = group["lr"]
        self._groups = optimizer.param_groups
        self.scale_lr(*self.factors(0, 1))
        if evaluates_other_weights(optimizer):
            optimizer.train()  # type: ignore[attr-defined]
        return optimizer

    def training_step(self, block: Block, _: int) -> None:
        optimizer = self._raw_optimizer()
        self._groups = optimizer.param_groups
        if self._random is not None:
            self._set_random(self._random)
        take = self._clipped_step if self.clip_norm else self._step
        if needs_closure(optimizer):
            take = self._closure_step
        elif needs_graph(optimizer):
            take = self._graph_step
        for size, batch in self.paced(block.first, block.last, block.steps(self.global_rank, self.devices)):
            take(optimizer, size, batch)

    def _set_random(self, states: list[Tensor]) -> None:
        """Set torch's random numbers as they were at the checkpoint, or by the seed; whatever was drawn before the first step."""
        if not states:
            torch.manual_seed(self.seed)
        for state, put in zip(states, (torch.set_rng_state, torch.cuda.set_rng_state), strict=False):
            put(state.cpu())
        self._random = None

    def _step(self, optimizer: torch.optim.Optimizer, size: int, batch: list[MicroBatch]) -> None:
        optimizer.zero_grad()
        self._backward(size, batch)
        optimizer.step()

    def _clipped_step(self, optimizer: torch.optim.Optimizer, size: int, batch: list[MicroBatch]) -> None:
        """Step along the gradient g, or along ``g c / |g|`` where its norm over all parameters exceeds c (`clip_norm`).

        With several devices g is already the mean of theirs, so all clip alike.

        Source: Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural networks, algorithm 1. torch
        adds 1e-6 to |g|.
        """
        optimizer.zero_grad()
        self._backward(size, batch)
        assert self.clip_norm is not None
        if not self._unclipped:  # a block's last step, which records describe
            self._unclipped = [p.grad.clone() for p in self.problem.parameters() if p.grad is not None]
        torch.nn.utils.clip_grad_norm_(self.problem.parameters(), self.clip_norm)
        optimizer.step()

    def _closure_step(self, optimizer: torch.optim.Optimizer, size: int, batch: list[MicroBatch]) -> None:
        """Step an optimizer that evaluates the gradient as often as it likes."""

        def closure() -> Tensor:
            optimizer.zero_grad()
            return self._backward(size, batch)

        optimizer.step(closure)  # type: ignore[arg-type]

    def _graph_step(self, optimizer: torch.optim.Optimizer, size: int, batch: list[MicroBatch]) -> None:
        """Step an optimizer that differentiates the gradient once more: until then it keeps its graph."""
        self.position.gradient_evaluations += size
        parameters = list(self.problem.parameters())
        loss = torch.stack([self.problem.loss(*part) * (len(part[0]) / size) for part in batch]).sum()
        gradients = torch.autograd.grad(loss, parameters, create_graph=True)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        optimizer.step()
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient.detach()

    def _backward(self, size: int, batch: list[MicroBatch]) -> Tensor:
        """Add the gradient of the mean loss over the `size` examples of the batch; return that loss.

        It is accumulated over the micro-batches. With several devices `batch` is this one's share: `manual_backward` takes the
        mean of their gradients, so each share counts for its part of the batch times their number.
        """
        self.position.gradient_evaluations += size
        if self.devices == 1 and len(batch) == 1:
            loss = self.problem.loss(*batch[0])
            loss.backward()
            return loss
        total = torch.zeros((), device=self.device, dtype=self.problem.dtype)
        for inputs, targets in batch:
            loss = self.problem.loss(inputs, targets) * (self.devices * len(inputs) / size)
            if self.devices == 1:
                loss.backward()
            else:
                self.manual_backward(loss)
            total += loss.detach()
        return total

    def _raw_optimizer(self) -> torch.optim.Optimizer:
        optimizer = self.optimizers(use_pl_optimizer=False)
        assert isinstance(optimizer, torch.optim.Optimizer)
        return optimizer

    def scale_lr(self, factor: float) -> None:
        for group in self._groups:
            group["lr"] = group["initial_lr"] * factor

    def lr(self) -> float:
        return self._raw_optimizer().param_groups[0]["lr"]

    def keep(self) -> None:
        self.before = [weight.clone() for weight in self.weights()]
        self._unclipped = []

    def weights(self) -> list[Tensor]:
        return [p.detach() for p in self.problem.parameters()]

    def gradient(self) -> list[Tensor]:
        return self._unclipped or [p.grad for p in self.problem.parameters() if p.grad is not None]

    def norm(self, arrays: list[Tensor]) -> float:
        if not arrays:
            return math.nan
        return torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(array.double()) for array in arrays])).item()

    def average(self) -> list[Tensor] | None:
        """Return the average of the weights that torch's ASGD keeps; None for other optimizers."""
        optimizer = self._raw_optimizer()
        if not isinstance(optimizer, torch.optim.ASGD):
            return None
        return [optimizer.state[p]["ax"] if p in optimizer.state else p.detach() for p in self.problem.parameters()]

    def evaluated(self) -> AbstractContextManager[None]:
        """Hold the weights to evaluate in the problem within, where the optimizer keeps some beside those to train."""
        return evaluated(self._raw_optimizer(), list(self.problem.parameters()))

    def state_bytes(self) -> int:
        """Return the size of the optimizer's state."""
        return state_bytes(self._raw_optimizer())

    def on_train_end(self) -> None:
        if evaluates_other_weights(optimizer := self._raw_optimizer()):
            optimizer.eval()  # type: ignore[attr-defined]  # for good: the test set is measured with them

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what a run goes on from: its position, torch's random numbers, and weights to train that are not evaluated."""
        checkpoint["position"] = asdict(self.position)
        if (states := self._random) is None:
            states = [torch.get_rng_state(), *([torch.cuda.get_rng_state()] if self.device.type == "cuda" else [])]
        checkpoint["random"] = states
        if evaluates_other_weights(self._raw_optimizer()):
            checkpoint["trained"] = checkpoint["state_dict"]
            with self.evaluated():
                checkpoint["state_dict"] = {name: value.clone() for name, value in self.state_dict().items()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self.position = Position(**checkpoint["position"])
        self._random = checkpoint["random"]
        checkpoint["state_dict"] = checkpoint.get("trained", checkpoint["state_dict"])
