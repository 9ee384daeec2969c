"""Wrappers against their equations in plain float64, and weights to evaluate that are not the weights to train."""

import signal

import numpy as np
import pytest
import torch
from conftest import settings

from descent.stopping import Stopped
from descent.training import build
from descent.training.recorder import Recorder

QUADRATIC = ("problem=quadratic", "batch=full", "precision=64", "optimizer.lr=0.5", "max_steps=12", "epochs=null", "logger=csv")
OF_PACKAGES = ("schedule_free_sgd", "schedule_free_adamw", "sophia", "soap", "prodigy", "shampoo")


def descent(number, perturbed=0.0):
    """Return the weights of gradient descent on the quadratic, from the first on, with gradients at `perturbed` from them."""
    problem = build.problem(settings(*QUADRATIC))
    hessian, weights = problem.get_buffer("hessian").numpy(), [problem.w.detach().numpy().copy()]
    for _ in range(number):
        gradient = hessian @ weights[-1]
        gradient = hessian @ (weights[-1] + perturbed * gradient / np.linalg.norm(gradient))
        weights.append(weights[-1] - 0.5 * gradient)
    return hessian, weights


def losses(hessian, weights):
    return [w @ hessian @ w / 2 for w in weights]


def test_ema_evaluates_the_weighted_mean_and_trains_as_the_optimizer_alone(train):
    run = train(*QUADRATIC, "wrapper=ema", "wrapper.decay=0.8")
    hessian, weights = descent(12)
    means = [weights[0]]
    for t in range(1, 13):
        shares = 0.8 ** np.arange(t - 1, -1, -1.0)
        means.append(shares @ np.array(weights[1 : t + 1]) / shares.sum())
    assert run.column("train/loss") == pytest.approx([losses(hessian, means)[int(row["step"])] for row in run.rows], rel=1e-12)
    assert run.column("weight_norm") == pytest.approx([np.linalg.norm(weights[int(row["step"])]) for row in run.rows])


def test_lookahead_evaluates_its_slow_weights(train):
    run = train(*QUADRATIC, "wrapper=lookahead", "wrapper.period=3", "wrapper.alpha=0.4")
    hessian, (slow, *_) = descent(0)
    fast, evaluated = slow, [slow]
    for t in range(1, 13):
        fast = fast - 0.5 * hessian @ fast
        if t % 3 == 0:
            slow = fast = slow + 0.4 * (fast - slow)
        evaluated.append(slow)
    measured = [losses(hessian, evaluated)[int(row["step"])] for row in run.rows]
    assert run.column("train/loss") == pytest.approx(measured, rel=1e-12)


@pytest.mark.parametrize("chosen", [("wrapper=sam",), ("optimizer=sam", "optimizer.momentum=0", "optimizer.lr=0.5")])
def test_sam_steps_with_the_gradient_at_the_worst_point_nearby(train, chosen):
    run = train(*QUADRATIC, *chosen, f"{chosen[0].partition('=')[0]}.rho=0.3")
    hessian, weights = descent(12, perturbed=0.3)
    assert run.column("train/loss") == pytest.approx([losses(hessian, weights)[int(row["step"])] for row in run.rows], rel=1e-12)
    assert run.result["gradient_evaluations"] == 2 * run.result["examples"]


def package(name):
    return "schedulefree" if name.startswith("schedule_free") else "pytorch_optimizer"


def cases():
    """Return what needs more than ``step()``, each as overrides."""
    wrapped = [("optimizer=adam", "wrapper=ema"), ("optimizer=momentum", "wrapper=lookahead"), ("optimizer=lbfgs", "wrapper=ema")]
    return [*wrapped, ("optimizer=muon", "wrapper=sam"), ("optimizer=sam",), *((f"optimizer={name}",) for name in OF_PACKAGES)]


@pytest.mark.parametrize("chosen", cases(), ids=" ".join)
def test_a_run_that_was_stopped_continues_bit_for_bit_and_keeps_the_evaluated_weights(train, monkeypatch, chosen):
    name = chosen[0].partition("=")[2]
    if name in OF_PACKAGES:
        pytest.importorskip(package(name))
    arguments = (*chosen, "max_steps=40", "schedule=cosine", "logger=csv")
    expected = train(*arguments, "study=undisturbed")
    blocks, plain = iter(range(1000)), Recorder.block_ended
    handler = signal.signal(signal.SIGTERM, signal.default_int_handler)

    def with_signal(self, engine):
        if next(blocks) == 3:
            signal.raise_signal(signal.SIGTERM)
        return plain(self, engine)

    monkeypatch.setattr(Recorder, "block_ended", with_signal)
    with pytest.raises(Stopped):
        train(*arguments)
    signal.signal(signal.SIGTERM, handler)
    monkeypatch.undo()
    continued = train(*arguments)
    assert continued.column("train/loss") == expected.column("train/loss")
    assert continued.result["test"] == expected.result["test"]
    problem = build.problem(settings(*chosen))
    saved = torch.load(continued.folder / "last.ckpt", weights_only=True)["state_dict"]
    problem.load_state_dict({name.removeprefix("problem."): value for name, value in saved.items()})
    assert problem.measure("train", 4096)["train/loss"] == continued.rows[-1]["train/loss"]
    assert problem.measure("test", 4096)["test/loss"] == continued.result["test"]["loss"]


def test_records_of_other_weights_do_not_change_the_steps(train):
    pytest.importorskip("schedulefree")
    common = ("optimizer=schedule_free_adamw", "epochs=2", "logger=csv")
    few, many = (train(*common, f"records.first_epoch={count}") for count in (1, 20))
    assert few.rows[-1]["train/loss"] == many.rows[-1]["train/loss"]
    assert len(few.rows) < len(many.rows)


def test_a_result_holds_what_an_optimizer_keeps_between_steps(train):
    weights = sum(p.numel() for p in build.problem(settings("problem=digits_mlp")).parameters())
    tensors = len(list(build.problem(settings("problem=digits_mlp")).parameters()))
    kept = {
        ("optimizer=sgd",): 0,
        ("optimizer=momentum",): 4 * weights,
        ("optimizer=adam",): 2 * 4 * weights + 4 * tensors,  # a count of steps for each tensor
        ("optimizer=adam", "wrapper=ema"): 3 * 4 * weights + 4 * tensors,
        ("optimizer=adam", "engine=numpy"): 2 * 4 * weights,
    }
    for chosen, size in kept.items():
        run = train("problem=digits_mlp", *chosen, "max_steps=2", "logger=csv")
        assert run.result["state_bytes"] == pytest.approx(size, abs=16), chosen
