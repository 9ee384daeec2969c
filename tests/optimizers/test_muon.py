"""Muon, torch's and from scratch, against torch's own parts and against its equations in plain float64."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from descent import from_scratch
from descent.config.compose import compose
from descent.from_scratch.optimizers.muon import orthogonalise
from descent.optimizers.muon import Muon
from descent.training import build

MATRICES = ((4, 3), (2, 5), (3, 3))
OTHERS = ((4,), (2, 1, 3, 3), ())
KNOBS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "no nesterov": {"nesterov": False, "momentum": 0.8},
    "weight decay": {"weight_decay": 0.3, "adamw_weight_decay": 0.2},
    "rates": {"lr": 0.2, "adamw_lr": 0.05},
    "iteration": {"ns_steps": 2, "ns_coefficients": (2.0, -1.5, 0.5), "eps": 1e-3},
    "match_rms_adamw": {"adjust_lr_fn": "match_rms_adamw"},
    "spectral_unclamped": {"adjust_lr_fn": "spectral_unclamped"},
    "adamw": {"adamw_betas": (0.5, 0.9), "adamw_eps": 0.1},
}
each_setting = pytest.mark.parametrize("knobs", KNOBS.values(), ids=KNOBS)


def weights(shapes: tuple[tuple[int, ...], ...]) -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_() for shape in shapes]


def set_gradients(params: list[Tensor], step: int) -> None:
    """Gradients that do not depend on the weights, so that rounding does not add up."""
    generator = torch.Generator().manual_seed(100 + step)
    for p in params:
        p.grad = torch.randn(p.shape, generator=generator, dtype=torch.float64)


def advance(optimizer: torch.optim.Optimizer, params: list[Tensor], first: int, last: int) -> None:
    for step in range(first, last):
        set_gradients(params, step)
        optimizer.step()


@each_setting
@pytest.mark.parametrize(
    "shapes", [MATRICES + OTHERS, OTHERS + MATRICES, MATRICES, OTHERS], ids=["both", "turned", "2-D", "rest"]
)
def test_each_step_is_torchs_muon_on_matrices_and_adamw_on_the_rest(
    knobs: dict[str, Any], shapes: tuple[tuple[int, ...], ...]
) -> None:
    ours, theirs = weights(shapes), weights(shapes)
    optimizer = Muon(ours, **knobs)
    of_adamw = {name.removeprefix("adamw_"): value for name, value in knobs.items() if name.startswith("adamw_")}
    of_muon = {name: value for name, value in knobs.items() if not name.startswith("adamw_")}
    parts: list[torch.optim.Optimizer] = []
    if matrices := [p for p in theirs if p.ndim == 2]:
        parts.append(torch.optim.Muon(matrices, **{"lr": 0.01, "weight_decay": 0.0} | of_muon))
    if others := [p for p in theirs if p.ndim != 2]:
        parts.append(torch.optim.AdamW(others, **{"lr": 0.003, "weight_decay": 0.0} | of_adamw))
    for step in range(8):
        advance(optimizer, ours, step, step + 1)
        set_gradients(theirs, step)
        for part in parts:
            part.step()
        for mine, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, other, rtol=1e-12, atol=1e-14)


def newton_schulz(matrix: np.ndarray, steps: int = 5) -> np.ndarray:
    """``X <- a X + b (X X^T) X + c (X X^T)^2 X``, from the matrix over its Frobenius norm."""
    a, b, c = 3.4445, -4.775, 2.0315
    x = matrix / np.linalg.norm(matrix)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + b * gram @ x + c * gram @ gram @ x
    return x


def adjusted(name: str, rows: int, columns: int) -> float:
    return {
        "original": max(1, rows / columns) ** 0.5,
        "match_rms_adamw": 0.2 * max(rows, columns) ** 0.5,
        "spectral_unclamped": (rows / columns) ** 0.5,
    }[name]


@pytest.mark.parametrize("shape", [(6, 2), (2, 6), (4, 4), (1, 5)])
@pytest.mark.parametrize("nesterov", [True, False])
@pytest.mark.parametrize("adjust", ["original", "match_rms_adamw", "spectral_unclamped"])
def test_a_step_follows_the_equations_of_the_docstring(shape: tuple[int, int], nesterov: bool, adjust: str) -> None:
    lr, decay, momentum = 0.1, 0.2, 0.9
    (w,) = params = weights((shape,))
    knobs: dict[str, Any] = {"weight_decay": decay, "momentum": momentum, "nesterov": nesterov, "adjust_lr_fn": adjust}
    optimizer, by_hand = Muon(params, lr=lr, **knobs), from_scratch.Muon(lr, **knobs)
    ours = w.detach().numpy().copy()
    average = np.zeros(shape)
    for step in range(6):
        before = w.detach().numpy().copy()
        advance(optimizer, params, step, step + 1)
        assert w.grad is not None
        gradient = w.grad.numpy()
        average = momentum * average + (1 - momentum) * gradient
        update = (1 - momentum) * gradient + momentum * average if nesterov else average
        wanted = -lr * adjusted(adjust, *shape) * newton_schulz(update)
        taken = w.detach().numpy() - (1 - lr * decay) * before
        assert np.linalg.norm(taken - wanted) < 0.08 * np.linalg.norm(wanted)  # bfloat16 keeps 8 bits
        expected = (1 - lr * decay) * ours + wanted
        by_hand.step({"w": ours}, {"w": gradient})
        np.testing.assert_allclose(ours, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("shape", [(6, 2), (2, 6), (5, 5), (1, 4)])
def test_newton_schulz_maps_singular_values_and_keeps_singular_vectors(shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(0).standard_normal(shape)
    left, values, right = np.linalg.svd(matrix, full_matrices=False)
    values /= np.linalg.norm(values)
    for _ in range(5):
        values = 3.4445 * values - 4.775 * values**3 + 2.0315 * values**5
    expected = (left * values) @ right
    np.testing.assert_allclose(orthogonalise(matrix, 1e-7, 5, 3.4445, -4.775, 2.0315), expected, rtol=1e-12, atol=1e-13)
    assert not orthogonalise(0 * matrix, 1e-7, 5, 3.4445, -4.775, 2.0315).any()


@pytest.mark.parametrize("shape", [(40, 10), (10, 40)])
def test_a_step_is_about_orthogonal(shape: tuple[int, int]) -> None:
    (w,) = params = weights((shape,))
    before = w.detach().clone()
    optimizer = Muon(params, lr=1.0, adjust_lr_fn="original")
    advance(optimizer, params, 0, 1)
    singular = torch.linalg.svdvals((before - w.detach()) / max(1, shape[0] / shape[1]) ** 0.5)
    assert singular.min() > 0.5
    assert singular.max() < 1.3


@pytest.mark.parametrize("shapes", [MATRICES + OTHERS, MATRICES, OTHERS], ids=["both", "2-D", "rest"])
def test_a_saved_state_continues_bit_for_bit(shapes: tuple[tuple[int, ...], ...]) -> None:
    params = weights(shapes)
    optimizer = Muon(params, weight_decay=0.1)
    advance(optimizer, params, 0, 4)
    file = io.BytesIO()
    torch.save({"weights": params, "optimizer": optimizer.state_dict()}, file)
    advance(optimizer, params, 4, 8)

    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again = weights(shapes)
    with torch.no_grad():
        for p, value in zip(again, saved["weights"], strict=True):
            p.copy_(value)
    resumed = Muon(again, weight_decay=0.7)  # the state brings the settings
    resumed.load_state_dict(saved["optimizer"])
    advance(resumed, again, 4, 8)
    assert all(torch.equal(p, q) for p, q in zip(params, again, strict=True))
    mine, theirs = resumed.state_dict(), optimizer.state_dict()
    torch.testing.assert_close(mine["state"], theirs["state"], rtol=0, atol=0)
    assert mine["param_groups"] == theirs["param_groups"]


@pytest.mark.parametrize("loaded", [False, True])
def test_a_schedule_reaches_both_parts_through_the_groups(loaded: bool) -> None:
    params = weights(MATRICES + OTHERS)
    optimizer = Muon(params)
    advance(optimizer, params, 0, 2)
    if loaded:
        optimizer.load_state_dict(optimizer.state_dict())
    before = [p.detach().clone() for p in params]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    advance(optimizer, params, 2, 3)
    assert all(torch.equal(p, q) for p, q in zip(params, before, strict=True))
    for group in optimizer.param_groups:
        group["lr"] = 0.1
    advance(optimizer, params, 3, 4)
    assert not any(torch.equal(p, q) for p, q in zip(params, before, strict=True))


def test_a_closure_is_evaluated_once_with_gradients() -> None:
    params = weights(MATRICES + OTHERS)
    optimizer = Muon(params)
    calls = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = torch.stack([p.square().sum() for p in params]).sum()
        loss.backward()
        calls.append(loss.item())
        return loss

    before = [p.detach().clone() for p in params]
    told: Any = optimizer.step(closure)
    assert calls == [told.item()]
    assert not any(torch.equal(p, q) for p, q in zip(params, before, strict=True))


def test_its_yaml_builds_an_optimizer_whose_state_loads_safely() -> None:
    settings = compose("optimizer=muon")
    params = weights(MATRICES + OTHERS)
    optimizer = build.optimizer(settings, "cpu")(params)
    assert isinstance(optimizer, Muon)
    assert [group["lr"] for group in optimizer.param_groups] == [
        settings.optimizer.arguments[name] for name in ("lr", "adamw_lr")
    ]
    advance(optimizer, params, 0, 2)
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    optimizer.load_state_dict(torch.load(file, weights_only=True))


def test_a_group_brings_its_own_decay_of_what_is_no_matrix() -> None:
    params = weights(OTHERS)
    for p in params:
        p.grad = torch.zeros_like(p)
    before = [p.detach().clone() for p in params]
    Muon([{"params": params[1:]}, {"params": params[:1], "weight_decay": 0.0}], adamw_lr=0.1, adamw_weight_decay=1.0).step()
    assert torch.equal(params[0], before[0])
    torch.testing.assert_close(params[1], 0.9 * before[1])


@pytest.mark.parametrize(
    "knobs",
    [{"lr": -1.0}, {"adamw_lr": -1.0}, {"adamw_betas": (1.0, 0.9)}, {"adjust_lr_fn": "best"}, {"ns_steps": 100}, {"lr": 0.0}],
)
def test_values_out_of_range_are_refused(knobs: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(knobs))):
        from_scratch.Muon(**knobs)
    if knobs not in ({"ns_steps": 100}, {"lr": 0.0}):  # torch refuses the first at its first step, and takes the other
        with pytest.raises(ValueError, match=r"."):
            Muon(weights(MATRICES + OTHERS), **knobs)
