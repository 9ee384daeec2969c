"""Where each optimizer fails, as its page in docs/optimizers/ says: one test, named as its yaml."""

import math
from collections.abc import Iterator
from itertools import chain, cycle, islice, repeat

import numpy as np
import pytest
import torch
from conftest import names

from descent.from_scratch import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    AMSGrad,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RAdam,
    RMSprop,
    Rprop,
    minimize,
    quadratic,
)
from descent.optimizers.muon import Muon

BOWL = quadratic(np.eye(1))  # L = 1


def steps(optimizer: Optimizer, gradients: Iterator[float], number: int) -> np.ndarray:
    """Return the first steps along gradients that do not depend on the weight."""
    w, ways = np.zeros(1), [0.0]
    for g in islice(gradients, number):
        ways.append(float(optimizer.step(w, np.full(1, g))[0]))
    return np.diff(ways)


def outlier(size: float) -> Iterator[float]:
    """Gradients of -1, but for the first, which is `size` times as large."""
    return chain([-size], repeat(-1.0))


def diverges(optimizer: Optimizer, number: int = 2000) -> bool:
    """Say whether the optimizer leaves the bowl."""
    return not np.abs(minimize(*BOWL, [1.0], optimizer, number).points).max() < 1e4


def test_each_test_is_named_as_an_optimizer():
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert tests - {"each_test_is_named_as_an_optimizer"} <= set(names("optimizer"))


def test_sgd():
    assert diverges(SGD(lr=2.01))
    assert not diverges(SGD(lr=1.99))
    for kappa in (100, 1000):
        path = minimize(*quadratic(np.diag([1, 1 / kappa])), [1.0, 1.0], SGD(lr=2 / (1 + 1 / kappa)), steps=kappa)
        distances = np.linalg.norm(path.points, axis=1)
        assert np.argmax(distances < distances[0] / math.e) == pytest.approx(kappa / 2, rel=0.02)


def test_momentum():
    assert diverges(Momentum(lr=2 * 1.9 + 0.01, momentum=0.9))
    assert not diverges(Momentum(lr=2 * 1.9 - 0.01, momentum=0.9))
    for lr in (0.1, 1.0, 2.0):
        points = minimize(*BOWL, [1.0], Momentum(lr=lr, momentum=0.99), steps=2000).points[:, 0]
        early, late = (np.abs(points[at : at + 100]).max() for at in (400, 1900))  # over swings
        assert (late / early) ** (1 / 1500) == pytest.approx(math.sqrt(0.99), rel=1e-3)
        assert points.min() < -0.5
    assert math.log(10) / -math.log(math.sqrt(0.99)) == pytest.approx(458, abs=1)


def test_nesterov():
    limit = 2 * 1.9 / 2.8
    assert limit == pytest.approx(1.36, abs=0.01)
    assert diverges(Nesterov(lr=limit + 0.01, momentum=0.9))
    assert not diverges(Nesterov(lr=limit - 0.01, momentum=0.9))
    points = minimize(*BOWL, [1.0], Nesterov(lr=0.01, momentum=0.99), steps=1500).points[:, 0]
    early, late = (np.abs(points[at : at + 100]).max() for at in (400, 1400))
    assert points.min() < -0.5
    assert (late / early) ** (1 / 1000) == pytest.approx(math.sqrt(0.99 * (1 - 0.01)), rel=1e-3)


def test_asgd():
    averages = {}
    for t0 in (1e6, 0):
        optimizer = ASGD(lr=0.1, t0=t0)
        w = minimize(*BOWL, [1.0], optimizer, steps=1000).points[-1]
        averages[t0] = optimizer.state[0].average
    assert averages[1e6] == w
    assert averages[0] > 1e6 * np.abs(w)


def test_adagrad():
    np.testing.assert_allclose(steps(Adagrad(lr=0.1), repeat(-7), 400), 0.1 / np.sqrt(np.arange(1, 401)))
    assert steps(Adagrad(lr=1.0), outlier(1000), 1000)[1:].max() < 1 / 1000


def test_rmsprop():
    assert steps(RMSprop(lr=0.01), repeat(-5e3), 1)[0] == pytest.approx(0.1, rel=1e-6)
    late = minimize(*BOWL, [1.0], RMSprop(lr=0.01), steps=20_000).points[-100:, 0]
    assert late.min() < 0 < late.max()
    np.testing.assert_allclose(np.abs(np.diff(late)), 0.01, rtol=0.1)


def test_adadelta():
    ways = steps(Adadelta(), repeat(-1e3), 1000)
    assert ways[0] == pytest.approx(math.sqrt(1e-6 / 0.1), rel=1e-3)
    assert ways.sum() == pytest.approx(7.6, abs=0.05)
    assert 0 < np.diff(ways).max() < 3e-4


def test_rprop():
    gradients = [0.1] * 9 + [-0.9]
    assert sum(gradients) == pytest.approx(0)
    assert steps(Rprop(), cycle(gradients), 400).sum() < -1000
    assert abs(steps(SGD(lr=0.01), cycle(gradients), 400).sum()) < 1e-9


def test_adam():
    gradients = [3.0, -1.0, -1.0]
    assert steps(Adam(lr=0.01, betas=(0.0, 0.1)), cycle(gradients), 999).sum() > 1
    assert steps(SGD(lr=0.01), cycle(gradients), 999).sum() < -1
    turn = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)
    valley = np.diag([1.0, 1e-3])
    along, turned = (
        minimize(*quadratic(hessian), start, Adam(lr=0.02), steps=150).values
        for hessian, start in ((valley, [1.0, 1.0]), (turn @ valley @ turn.T, turn @ [1.0, 1.0]))
    )
    assert turned[-1] / turned[0] > 10 * along[-1] / along[0]


def test_amsgrad():
    amsgrad, adam = (steps(made(lr=1.0), outlier(1000), 20_000)[-1] for made in (AMSGrad, Adam))
    assert 1 / amsgrad == pytest.approx(math.sqrt(0.001) * 1000, rel=0.01)  # 32
    assert adam == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize("decay", [0.5, 0.1])
def test_adamw(decay):
    path = minimize(lambda w: (w[0] - 30) ** 2 / 2, lambda w: w - 30, [0.0], AdamW(lr=0.01, weight_decay=decay), steps=20_000)
    assert path.points[-1, 0] == pytest.approx(1 / decay, rel=1e-3)


def test_adamax():
    adamax, adam = (steps(made(lr=1.0), outlier(100), 1001)[-1] for made in (Adamax, Adam))
    assert 1 / adamax == pytest.approx(100 * 0.999**1000, rel=0.01)  # 37
    assert 1 / adam == pytest.approx(2.6, rel=0.01)
    assert math.log(100) / 0.001 == pytest.approx(4600, rel=0.01)


def test_nadam():
    eps = 1e150  # beside which v counts for nothing

    def grows(optimizer: Optimizer) -> bool:
        points = np.abs(minimize(*BOWL, [1.0], optimizer, steps=1000).points)
        return bool(points[-100:].max() > points[300:400].max())

    def limit(mu: float) -> float:
        return 2 * 1.9 / ((1 - mu) * 1.9 + mu * 0.1)  # where -1 is a root; Adam's is that of mu = 1

    assert limit(1) / limit(0.45) == pytest.approx(10, rel=0.1)
    assert limit(1) / limit(0.9) == pytest.approx(3, rel=0.1)
    for share, beyond in ((0.95, False), (1.05, True)):
        rate = share * eps
        assert grows(Adam(lr=limit(1) * rate, eps=eps)) is beyond
        assert grows(NAdam(lr=limit(0.45) * rate, eps=eps, momentum_decay=0)) is beyond  # mu = beta1/2, as at first
        assert grows(NAdam(lr=limit(0.9) * rate, eps=eps, momentum_decay=1e3)) is beyond  # mu = beta1


def test_radam():
    ways = steps(RAdam(lr=0.01), repeat(-1000), 6)
    np.testing.assert_allclose(ways[:5], 0.01 * 1000)
    assert ways[5] / steps(Adam(lr=0.01), repeat(-1000), 6)[5] == pytest.approx(0.026, abs=0.0005)


def test_adafactor():
    w = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.Adafactor([w], lr=0.01, weight_decay=0.0)
    w.grad = torch.tensor([1.0, -10.0, 1e4])
    optimizer.step()
    assert w.abs().max().item() == pytest.approx(1e-5)
    for lr in (0.5, 1.0):
        v = torch.ones(1, requires_grad=True)
        optimizer = torch.optim.Adafactor([v], lr=lr, weight_decay=0.0)
        for _ in range(100):
            before = v.item()
            v.grad = -torch.ones(1)
            optimizer.step()
        assert v.item() / before - 1 == pytest.approx(1 / math.sqrt(100), rel=1e-3)


def test_lbfgs(train):
    full, stochastic = (
        train("problem=quadratic", "problem.condition=10", "optimizer=lbfgs", f"batch={batch}", "max_steps=200", "logger=csv")
        for batch in ("full", "stochastic")
    )
    assert full.rows[-1]["train/gap"] < 1e-9
    assert stochastic.rows[-1]["train/gap"] > 1e-4
    assert stochastic.result["gradient_evaluations"] > 1.5 * stochastic.result["examples"]


def test_muon():
    torch.manual_seed(0)
    w = torch.randn(4, 4, requires_grad=True)
    optimizer = Muon([w], lr=0.1)
    for _ in range(500):
        optimizer.zero_grad()
        (w**2).sum().div(2).backward()
        before = w.detach().clone()
        optimizer.step()
    assert torch.linalg.svdvals(w.detach() - before).mean().item() == pytest.approx(0.1, rel=0.3)
    assert w.detach().norm().item() > 0.05
