"""Records of the average of the weights, which averaged SGD keeps."""

import numpy as np
import pytest
from conftest import optimizers, settings

from descent.training import build

AVERAGED = ("optimizer=asgd", "optimizer.lambd=0", "optimizer.alpha=0", "precision=64", "logger=csv")
each_engine = pytest.mark.parametrize("engine", ["torch", "numpy"])


@each_engine
def test_a_record_measures_the_loss_of_the_mean_of_the_weights_after_t0(train, engine):
    """Against a plain loop over steps that keeps all weights."""
    chosen = ("problem=quadratic", "batch=full", *AVERAGED, "optimizer.t0=3", "optimizer.lr=0.7", "max_steps=12")
    run = train(*chosen, f"engine={engine}")
    problem = build.problem(settings(*chosen))
    hessian, weights = problem.get_buffer("hessian").numpy(), [problem.w.detach().numpy().copy()]
    for _ in range(12):
        weights.append(weights[-1] - 0.7 * hessian @ weights[-1])
    for row in run.rows:
        step = int(row["step"])
        # torch's mu_t = 1/max(1, t - t0), from the step after: the mean begins with the weights of step t0 + 2
        mean = np.mean(weights[5 : step + 1], axis=0) if step >= 5 else weights[step]
        assert row["train/average_gap"] == pytest.approx(mean @ hessian @ mean / 2, rel=1e-9)
        assert row["train/average_loss"] == row["train/average_gap"]  # the minimum is 0
    assert run.rows[-1]["train/average_gap"] != pytest.approx(run.rows[-1]["train/gap"], rel=0.1)


@each_engine
def test_measuring_the_average_leaves_the_weights_as_they_were(train, engine, monkeypatch):
    from descent.training.recorder import Recorder

    chosen = (*AVERAGED, "optimizer.t0=5", "epochs=2", f"engine={engine}")
    measured = train(*chosen)
    monkeypatch.setattr(Recorder, "_average", lambda *_: {})
    plain = train(*chosen, "study=plain")
    apart = ("seconds", "train/average_loss")
    strip = [{name: value for name, value in row.items() if name not in apart} for row in measured.rows[1:]]
    assert strip == [{name: value for name, value in row.items() if name != "seconds"} for row in plain.rows[1:]]
    assert measured.result["test"] == plain.result["test"]
    assert measured.column("train/average_loss")[0] == measured.column("train/loss")[0]
    assert measured.column("train/average_loss")[-1] != measured.column("train/loss")[-1]


@pytest.mark.parametrize("optimizer", [name for name in optimizers() if name != "asgd"])
def test_other_optimizers_have_no_such_column(train, optimizer):
    assert not [name for name in train(f"optimizer={optimizer}", "max_steps=1", "logger=csv").rows[0] if "average" in name]
