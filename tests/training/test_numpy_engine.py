"""engine=numpy: the same run as engine=torch, by hand-written gradients and updates."""

import numpy as np
import pytest
from conftest import ROOT, names, optimizers, settings

from descent.errors import InputError
from descent.from_scratch.optimizers import OPTIMIZERS

SHARED = [name for name in names("optimizer") if name in {made.lower() for made in OPTIMIZERS}]
PROBLEMS = [name for name in names("problem") if not name.endswith("_cnn")]
MUON = 3e-2  # torch makes its momentum orthogonal in bfloat16: after 30 steps gradient norms were 0.010 apart
MEASURED = (
    "train/loss",
    "train/average_loss",
    "train/average_gap",
    "train/accuracy",
    "val/loss",
    "val/accuracy",
    "val/r2",
    "train/gap",
    "gradient_norm",
    "update_norm",
    "weight_norm",
    "lr",
    "w/0",
)


def data(problem):
    return ["problem.dataset=stand_in", "records.examples=200"] if "mnist" in problem else []


def both(train, *arguments):
    """Train with each engine in float64."""
    return [train(*arguments, "precision=64", "logger=csv", f"engine={engine}") for engine in ("torch", "numpy")]


def assert_alike(torchs, ours, tolerance=1e-9):
    assert [row["step"] for row in ours.rows] == [row["step"] for row in torchs.rows]
    for name in set(MEASURED) & set(torchs.rows[0]):
        np.testing.assert_allclose(ours.column(name), torchs.column(name), rtol=tolerance, atol=1e-13, err_msg=name)
    assert ours.result["test"] == pytest.approx(torchs.result["test"], rel=tolerance)
    for part in ("status", "steps", "examples", "gradient_evaluations"):
        assert ours.result[part] == torchs.result[part]


def test_it_has_every_optimizer_but_three():
    assert set(optimizers()) - set(SHARED) == {"adafactor", "lbfgs", "sam"}
    assert len(SHARED) == len(OPTIMIZERS)


@pytest.mark.parametrize("optimizer", SHARED)
def test_every_optimizer_draws_torchs_curve(train, optimizer):
    batch = "full" if optimizer == "rprop" else "mini"
    engines = both(train, f"optimizer={optimizer}", f"batch={batch}", "max_steps=30", "schedule=cosine")
    assert_alike(*engines, tolerance=MUON if optimizer == "muon" else 1e-9)
    if optimizer == "muon":  # but for torch's counts of steps
        assert engines[1].result["state_bytes"] == pytest.approx(engines[0].result["state_bytes"], abs=16)


@pytest.mark.parametrize("problem", [pytest.param(name, marks=pytest.mark.slow if "mnist" in name else ()) for name in PROBLEMS])
def test_every_problem_has_torchs_loss_and_gradient(train, problem):
    assert_alike(*both(train, f"problem={problem}", "optimizer.lr=0.01", "max_steps=5", *data(problem)))


@pytest.mark.parametrize(
    "arguments",
    [
        ("batch=stochastic", "optimizer=adam"),
        ("batch.replacement=true", "optimizer=momentum"),
        ("batch.drop_last=true", "batch.size=100", "batch.order=fixed", "records.epochs=[2]"),
        ("batch=full", "problem.micro_size=400", "optimizer=adam"),
        ("batch.size=500", "problem.micro_size=130"),
        ("problem.activation=tanh", "problem.loss=squared_error", "problem.depth=3"),
        ("problem.activation=sigmoid", "problem.initialisation=normal"),
        ("problem.activation=sigmoid", "problem.loss=sigmoid_squared_error"),
        ("problem.loss=sigmoid_cross_entropy", "problem.examples=100"),
        ("optimizer=sgd", "optimizer.momentum=0.9", "optimizer.nesterov=true", "optimizer.weight_decay=0.01"),
        ("optimizer=adamw", "optimizer.amsgrad=true", "optimizer.weight_decay=0.1"),
        ("optimizer=sgd", "optimizer.spare_biases=true", "optimizer.weight_decay=0.1"),
        ("optimizer=rmsprop", "optimizer.centered=true", "optimizer.momentum=0.5"),
        ("schedule=plateau", "schedule.patience=0.1", "epochs=2", "max_steps=null"),
        ("optimizer=asgd", "optimizer.t0=10", "optimizer.lr=0.5"),
        ("problem=quadratic", "optimizer=asgd", "optimizer.t0=10", "optimizer.lr=0.5", "schedule=inverse_time"),
        ("problem.label_noise=0.3",),
        ("problem=rosenbrock", "problem.additive=0.1", "problem.multiplicative=0.5", "optimizer=adam"),
    ],
    ids=" ".join,
)
def test_every_setting_means_the_same(train, arguments):
    assert_alike(*both(train, "max_steps=40", *arguments))


def test_float32_gives_the_same_curve_to_its_rounding(train):
    torchs, ours = (train("max_steps=50", f"engine={engine}") for engine in ("torch", "numpy"))
    assert_alike(torchs, ours, tolerance=2e-4)


def test_divergence_is_a_result_here_too(train):
    torchs, ours = both(train, "problem=quadratic", "batch=full", "optimizer.lr=2.5", "epochs=2000")
    assert ours.result["status"] == "diverged"
    assert ours.result["diverged_at"] == torchs.result["diverged_at"]


def test_the_folder_has_the_same_files_under_another_name(train):
    torchs, ours = (train("max_steps=3", f"engine={engine}") for engine in ("torch", "numpy"))
    assert [path.name.split(".")[0] for path in sorted(ours.folder.iterdir())] == [
        path.name.split(".")[0] for path in sorted(torchs.folder.iterdir())
    ]
    assert ours.folder.parent == torchs.folder.parent
    assert "_numpy_" in ours.folder.name
    assert "numpy" not in torchs.folder.name
    assert ours.result["engine"] == "numpy"
    assert list(ours.rows[0]) == list(torchs.rows[0])


def test_the_same_seed_gives_the_same_bits(train):
    first, second = (train("max_steps=60", "engine=numpy", f"study={study}") for study in ("one", "two"))
    assert [{**row, "seconds": 0} for row in first.rows[1:]] == [{**row, "seconds": 0} for row in second.rows[1:]]


def test_what_only_numpy_has_can_be_set(train):
    plain, variant = (
        train("engine=numpy", "optimizer=adam", "max_steps=1", *more) for more in ((), ("+optimizer.bias_correction=false",))
    )
    ratio = variant.column("update_norm")[-1] / plain.column("update_norm")[-1]
    assert ratio == pytest.approx(0.1 / np.sqrt(0.001), rel=1e-3)  # eps tells on small gradients


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("optimizer=lbfgs",), "optimizer=lbfgs: engine={engine} has no such optimizer; it has sgd, momentum, nesterov, asgd, "),
        (
            ("optimizer=any", "optimizer.name=torch.optim.Muon", "+optimizer.args.lr=0.1"),
            "engine={engine} has no such optimizer; it has sgd, ",
        ),
        (
            ("problem=mnist_cnn", "problem.dataset=stand_in"),
            "problem=mnist_cnn: engine={engine} has no hand-written gradient of it; it has linear and logistic regression, ",
        ),
        (("precision=bf16",), "precision=bf16: must be 32 or 64 with engine={engine}."),
        (("+trainer.precision=64",), "trainer.precision=64: is not the Trainer's to decide here. See precision."),
        (("optimizer.fused=true",), "optimizer.fused=true: has no effect with engine={engine}."),
        (("trainer=gpu",), "trainer=gpu: engine={engine} runs on the CPU. Use trainer=cpu or engine=torch."),
        (("+optimizer.eps=1",), "optimizer.eps=1: SGD has no such setting; it has lr, weight_d"),
        (("optimizer=adam", "+optimizer.eps_placement=left"), "optimizer.eps_placement=left: must be corrected or uncorrected."),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
@pytest.mark.parametrize("engine", ["numpy", "compiled"])
def test_what_it_lacks_is_refused_in_one_line(tmp_path, arguments, line, engine):
    from descent.training.run import run

    with pytest.raises(InputError) as refused:
        run(settings(f"engine={engine}", f"output_dir={tmp_path}", *arguments))
    assert line.format(engine=engine) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_an_unknown_engine_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match="engine=jax: must be one of torch, numpy, compiled"):
        settings("engine=jax")


def test_it_needs_no_lightning(tmp_path):
    """In a process of its own, as this one has imported Lightning long ago."""
    import subprocess
    import sys

    script = (
        "import runpy, sys; sys.argv[1:] = ['engine=numpy', 'max_steps=3', 'logger=csv', 'output_dir=out'];"
        f"runpy.run_path({str(ROOT / 'train.py')!r}, run_name='__main__');"
        "assert 'lightning' not in sys.modules, 'lightning'"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True)
