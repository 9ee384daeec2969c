"""Sharpness: the largest eigenvalue of the Hessian of the training loss, which 2/lr bounds where gradient descent is stable."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from descent.randomness import generator

SMALL = 20  # parameters up to which the whole Hessian is computed
MOST = 100  # restarts of Lanczos' method


def sharpness(parameters: Sequence[Tensor], losses: Sequence[tuple[float, Callable[[], Tensor]]]) -> float:
    """Return the largest eigenvalue of the Hessian of ``f = sum_j share_j loss_j`` at the parameters.

    Lanczos' method (ARPACK) on Hessian-vector products ``H v = d/dw (g(w) . v)``, by differentiating twice; the start
    vector is always the same. nan where it does not converge, as with weights that are not finite.

    Args:
        parameters: what f is differentiated by.
        losses: (share, function of no arguments that returns a loss); one function at a time is differentiated.

    Source: C. Lanczos 1950; as a measure of training, J. Cohen et al. 2021, Gradient descent on neural networks typically
    occurs at the edge of stability.
    """
    from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh  # a tenth of PyTorch's time, for few runs

    shapes, dtype, device = [p.shape for p in parameters], parameters[0].dtype, parameters[0].device
    sizes = [shape.numel() for shape in shapes]

    def differentiate(loss: Callable[[], Tensor]) -> tuple[Tensor, ...]:
        return torch.autograd.grad(loss(), parameters, create_graph=True)

    # One graph is kept for all products; several, of a data set that is cut to save memory, are made anew each time.
    kept = [(share, differentiate(loss)) for share, loss in losses] if len(losses) == 1 else None

    def gradients() -> Iterable[tuple[float, tuple[Tensor, ...]]]:
        return kept or ((share, differentiate(loss)) for share, loss in losses)

    def product(v: np.ndarray) -> np.ndarray:
        flat = torch.from_numpy(np.ascontiguousarray(v, np.float64)).to(device, dtype).ravel()
        direction = [part.view(shape) for part, shape in zip(flat.split(sizes), shapes, strict=True)]
        total = np.zeros(sum(sizes))
        for share, gradient in gradients():
            slope = sum((g * d).sum() for g, d in zip(gradient, direction, strict=True))
            parts = torch.autograd.grad(slope, parameters, materialize_grads=True, retain_graph=kept is not None)
            total += share * torch.cat([part.ravel() for part in parts]).double().cpu().numpy()
        return total

    start = generator(0, "sharpness").standard_normal(sum(sizes))
    first = product(start)
    if not np.isfinite(first).all():
        return float("nan")
    if not first.any():
        return 0.0  # a Hessian of zeros, which ARPACK refuses
    if sum(sizes) <= SMALL:
        return float(np.linalg.eigvalsh(np.stack([product(v) for v in np.eye(sum(sizes))]))[-1])
    operator = LinearOperator((sum(sizes), sum(sizes)), matvec=product, dtype=np.float64)
    tolerance = 1e-6 if dtype == torch.float64 else 1e-3
    try:
        return float(eigsh(operator, k=1, which="LA", v0=start, tol=tolerance, maxiter=MOST, return_eigenvectors=False)[0])
    except ArpackError:
        return float("nan")
