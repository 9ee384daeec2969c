"""Linear and logistic regression on synthetic data: convex problems whose optimum is known."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from descent.config.values import Condition, Count, NotNegative, Positive
from descent.problems.base import Problem
from descent.problems.splits import Points
from descent.problems.splits import split as draw_split
from descent.randomness import generator


class LinearModel(Problem):
    """A weight vector ``w [D]`` that starts at 0 and predicts ``z = X w``; the inputs are scaled so that L = 1."""

    def __init__(
        self, splits: dict[str, tuple[np.ndarray, np.ndarray]], optimum: np.ndarray, value: float, dtype: torch.dtype
    ) -> None:
        super().__init__(splits, dtype, optimum=value)
        self.w = nn.Parameter(torch.zeros(len(optimum), dtype=dtype))
        self.solution = optimum

    def position(self) -> dict[str, float]:
        """Return ``distance = |w - w*|``."""
        return {"distance": float(np.linalg.norm(self.w.detach().double().cpu().numpy() - self.solution))}

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return (inputs @ self.w - targets).square().mean() / 2

    def by_hand(self) -> tuple[str, dict[str, Any]]:
        return "LinearRegression", {}


def _inputs(examples: int, dimension: int, condition: float, rng: np.random.Generator) -> np.ndarray:
    """Draw rows x ~ N(0, Q diag(eigenvalues) Q^T), Q random, eigenvalues log-spaced between 1/condition and 1."""
    rotation = np.linalg.qr(rng.standard_normal((dimension, dimension)))[0]
    deviations = np.sqrt(np.geomspace(1, 1 / condition, dimension))
    return (rng.standard_normal((examples, dimension)) * deviations) @ rotation.T


def _largest_curvature(inputs: np.ndarray) -> float:
    return float(np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1])


class Synthetic(LinearModel):
    """A linear model of drawn inputs, with the targets that a subclass draws for a random true w.

    Args:
        points: examples before the split; 60 % train, 20 % validate, 20 % test.
        dimension: D, features.
        condition: of the covariance of the inputs, >= 1.
    """

    curvature = 1.0  # the largest of an example's loss as a function of z

    def __init__(
        self, *, seed: int, dtype: torch.dtype, points: Points, dimension: Count, condition: Condition, split: str
    ) -> None:
        rng = generator(0, "data")
        x = _inputs(points, dimension, condition, rng)
        y = self.targets(x, rng.standard_normal(dimension), rng)
        splits = draw_split(x, y, seed=seed, how=split, shares=(0.2, 0.2), stratify=self.labelled)
        scale = np.sqrt(_largest_curvature(splits["train"][0]) * self.curvature)
        splits = {name: (rows / scale, targets) for name, (rows, targets) in splits.items()}
        super().__init__(splits, *self.solve(*splits["train"]), dtype)

    def targets(self, x: np.ndarray, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw the targets ``[N]`` of inputs ``[N, D]`` for a true w ``[D]``."""
        raise NotImplementedError

    def solve(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        """Return w* and f* of the training examples."""
        raise NotImplementedError


class LinearRegression(Synthetic):
    """Minimise ``f(w) = (1/2N) |X w - y|^2`` with y = X w_true + noise; w* and f* solve the normal equations.

    Args:
        noise: standard deviation of the noise on y.
        data: see `Synthetic`.
    """

    def __init__(self, *, noise: NotNegative, **data: Any) -> None:
        self.noise = noise
        super().__init__(**data)

    def targets(self, x: np.ndarray, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return x @ w + self.noise * rng.standard_normal(len(x))

    def solve(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        optimum = np.linalg.lstsq(x, y)[0]
        return optimum, float(np.square(x @ optimum - y).mean() / 2)


class LogisticRegression(Synthetic):
    """Minimise ``f(w) = (1/N) sum_i log(1 + exp(-s_i x_i.w)) + (regularisation/2) |w|^2``, s_i = 2 y_i - 1 in {-1, +1}.

    The labels are drawn from the logistic model of a true w; the regularisation belongs to the objective and makes w*
    unique. w* and f* come from Newton's method in float64.

    Args:
        regularisation: > 0, or there is no finite optimum.
        data: see `Synthetic`.
    """

    labelled = True
    curvature = 1 / 4  # of the logistic loss, at most

    def __init__(self, *, regularisation: Positive, **data: Any) -> None:
        self.regularisation = regularisation
        super().__init__(**data)

    def targets(self, x: np.ndarray, w: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        logits = 3 * x @ w
        return (rng.random(len(x)) < 1 / (1 + np.exp(-logits))).astype(np.int64)

    def solve(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, float]:
        return _newton(x, y, self.regularisation)

    def _loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        data = functional.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))
        return data + self.regularisation / 2 * self.w.square().sum()

    def loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        return self._loss(inputs @ self.w, targets)

    def by_hand(self) -> tuple[str, dict[str, Any]]:
        return "LogisticRegression", {"regularisation": self.regularisation}

    def metrics(self, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        logits = inputs @ self.w
        hits = ((logits > 0) == (targets > 0)).to(logits.dtype)
        return {"loss": self._loss(logits, targets), "accuracy": hits.mean()}


def _newton(x: np.ndarray, y: np.ndarray, regularisation: float, steps: int = 50) -> tuple[np.ndarray, float]:
    """Return w* and f*: ``w <- w - H^-1 g`` with ``g = X^T(p - y)/N + r w`` and ``H = X^T diag(p(1-p)) X/N + r I``."""
    signs = 2.0 * y - 1
    w = np.zeros(x.shape[1])
    for _ in range(steps):
        p = 1 / (1 + np.exp(-x @ w))
        gradient = x.T @ (p - y) / len(x) + regularisation * w
        hessian = (x.T * (p * (1 - p))) @ x / len(x) + regularisation * np.eye(len(w))
        w = w - np.linalg.solve(hessian, gradient)
        if np.linalg.norm(gradient) < 1e-15:
            break
    return w, float(np.logaddexp(0, -signs * (x @ w)).mean() + regularisation / 2 * w @ w)
