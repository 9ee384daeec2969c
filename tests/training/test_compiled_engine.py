"""engine=compiled: the run of engine=numpy, by the same lines, compiled."""

import os
import subprocess
import sys
import time
from itertools import pairwise

import numba
import numpy as np
import pytest
from conftest import ROOT, names
from from_scratch.test_optimizers import DEFAULTS, KNOBS, VARIANTS

from descent.from_scratch import forms
from descent.from_scratch.objectives import LinearRegression, LogisticRegression, Network, Quadratic, Surface
from descent.from_scratch.optimizers import OPTIMIZERS, like_torch
from descent.training import compilation

WEIGHTS = 37  # no multiple of what a vector register holds
PROBLEMS = [name for name in names("problem") if not name.endswith("_cnn")]
EXACT = 1e-13


def every_optimizer():
    """Yield each optimizer of the house with its settings: the usual ones, each hyperparameter, other libraries' variants."""
    for name, (torchs, arguments) in DEFAULTS.items():
        yield pytest.param(*like_torch(torchs, arguments), id=name)
    for torchs, arguments in KNOBS:
        yield pytest.param(*like_torch(torchs, arguments), id=f"{torchs}({arguments})", marks=pytest.mark.slow)
    for variant, (kind, arguments, *_) in VARIANTS.items():
        yield pytest.param(kind.__name__, arguments, id=variant, marks=pytest.mark.slow)


def compiled_updates(optimizer, w, gradients, lrs):
    """Take steps along given gradients ``[n, P]`` by compiled updates; return the weights after each ``[n, P]``."""
    optimizer.state = [optimizer.start(w)]
    table = optimizer.table(lrs).astype(w.dtype)
    for function in (optimizer.decay, optimizer.rule):
        compilation._register(function)
    decay, rule, columns = optimizer.decay, optimizer.rule, table.shape[1]

    @numba.njit(**compilation.OPTIONS)
    def run(w, gradients, states, table, path):
        for step in range(len(table)):
            numbers = compilation.to_fixed_tuple(table[step], columns)
            compilation.update(decay, rule, w, gradients[step], w.dtype.type(1), states, 0, numbers, numbers[0])
            path[step] = w

    path = np.empty_like(gradients)
    run(w, gradients, tuple(vars(optimizer.state[0]).values()), table, path)
    return path


@pytest.mark.parametrize("dtype", [np.float64, pytest.param(np.float32, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("name", "arguments"), list(every_optimizer()))
def test_every_update_is_numpys_on_the_same_gradients(name, arguments, dtype):
    rng = np.random.default_rng(0)
    gradients = (rng.standard_normal((50, WEIGHTS)) * 10.0 ** rng.integers(-3, 2, WEIGHTS)).astype(dtype)
    start = rng.standard_normal(WEIGHTS).astype(dtype)
    ours, theirs = OPTIMIZERS[name](**arguments), OPTIMIZERS[name](**arguments)
    lrs = theirs.lr * np.linspace(1, 0.1, len(gradients))
    path, w = compiled_updates(ours, start.copy(), gradients, lrs), start.copy()
    for step, gradient in enumerate(gradients):
        theirs.lr = float(lrs[step])
        theirs.step(w, gradient)
        np.testing.assert_allclose(path[step], w, rtol=EXACT if dtype is np.float64 else 2e-5, atol=1e-13)
    assert ours.progress() == pytest.approx(theirs.progress(), rel=EXACT)
    assert np.abs(w - start).max() > 1e-3


def networks():
    for loss in ("cross_entropy", "squared_error", "sigmoid_squared_error", "sigmoid_cross_entropy"):
        for activation in ("relu", "tanh", "sigmoid"):
            yield pytest.param(Network(loss, activation), [4, 5, 6, 3], "labels", id=f"{loss} {activation}")
    yield pytest.param(Network("squared_error", "tanh"), [4, 5, 3], "targets", id="squared_error of targets")
    yield pytest.param(Network("cross_entropy"), [4, 3], "labels", id="softmax regression")


def assert_numpys(objective, params, x, y, dtype):
    """Hold the compiled gradient against NumPy's."""
    params = [array.astype(dtype) for array in params]
    x = x.astype(dtype)
    wanted = np.concatenate([array.ravel() for array in objective.gradient(params, x, y)])
    first, second, third = (*objective.functions, *[compilation.nothing] * 3)[:3]
    for function in (objective.flat_gradient, first, second, third):
        compilation._register(function)
    gradient = objective.flat_gradient

    @numba.njit(**compilation.OPTIONS)
    def run(w, x, y, out, scratch, constants):
        gradient(w, x, y, out, scratch, constants, (first, second, third))

    from descent.training.compiled_engine import _constant

    w = np.concatenate([array.ravel() for array in params])
    constants = tuple(_constant(value, w.dtype) for value in objective.constants(params))
    out = np.full_like(w, np.nan)
    run(w, x, y, out, np.full(objective.room(params, len(x)), np.nan, dtype), constants)
    np.testing.assert_allclose(
        out, wanted, rtol=EXACT if dtype is np.float64 else 1e-4, atol=EXACT if dtype is np.float64 else 1e-6
    )


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("objective", "sizes", "targets"), list(networks()))
def test_every_networks_gradient_is_numpys(objective, sizes, targets, dtype):
    rng = np.random.default_rng(1)
    params = []
    for below, units in pairwise(sizes):
        params += [rng.standard_normal((units, below)), rng.standard_normal(units)]
    for examples in (1, 7):
        y = rng.integers(3, size=examples) if targets == "labels" else rng.standard_normal((examples, 3)).astype(dtype)
        assert_numpys(objective, params, rng.standard_normal((examples, 4)), y, dtype)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_every_other_gradient_is_numpys(dtype):
    rng = np.random.default_rng(2)
    x, c, e = rng.standard_normal((7, 2)), rng.standard_normal(7), rng.standard_normal((7, 2)).astype(dtype)
    w = [rng.standard_normal(2)]
    assert_numpys(LinearRegression(), w, x, rng.standard_normal(7).astype(dtype), dtype)
    assert_numpys(LogisticRegression(0.1), w, x, rng.integers(2, size=7), dtype)
    assert_numpys(Quadratic(np.diag([1.0, 0.1]).astype(dtype)), w, c, e, dtype)
    for surface in ("rosenbrock", "beale", "himmelblau", "rastrigin", "saddle"):
        assert_numpys(Surface(surface, 0.5), w, c, e, dtype)


def test_the_second_form_of_an_operation_does_what_the_first_does():
    rng = np.random.default_rng(3)
    for a in (rng.standard_normal((5, 3)), rng.standard_normal((1, 3))):
        labels, targets, sums = rng.integers(3, size=len(a)), rng.standard_normal(a.shape), np.empty((2, 3))
        calls = {
            forms.apply: (np.tanh,),
            forms.chain: (np.cos, targets),
            forms.softmax: (),
            forms.subtract_targets: (labels,),
        }
        for first, more in calls.items():
            ones, twos = a.copy(), a.copy()
            before = more if first in (forms.apply, forms.chain) else ()
            after = () if before else more
            first(*before, ones, *after)
            forms.SECOND[first](*before, twos, *after)
            np.testing.assert_allclose(twos, ones, rtol=1e-15, atol=1e-16, err_msg=first.__name__)
            assert not np.array_equal(ones, a)
        for row, form in zip(sums, (forms.sum_rows, forms.SECOND[forms.sum_rows]), strict=True):
            form(a, row)
        np.testing.assert_allclose(*sums, rtol=1e-14)
        ones, twos = a.copy(), a.copy()
        forms.subtract_targets(ones, targets)
        forms.SECOND[forms.subtract_targets](twos, targets)
        np.testing.assert_array_equal(ones, twos)
    assert [forms.SECOND[forms.choose](condition, 1.0, 2.0) for condition in (True, False)] == [1.0, 2.0]
    assert set(forms.SECOND) == {*calls, forms.sum_rows, forms.choose}


def both(train, *arguments):
    return [train(*arguments, "precision=64", "logger=[]", f"engine={engine}") for engine in ("numpy", "compiled")]


def assert_alike(numpys, ours, tolerance):
    assert [list(row) for row in ours.rows] == [list(row) for row in numpys.rows]
    for name in numpys.rows[0].keys() - {"seconds"}:
        np.testing.assert_allclose(ours.column(name), numpys.column(name), rtol=tolerance, atol=tolerance, err_msg=name)
    assert ours.result["test"] == pytest.approx(numpys.result["test"], rel=tolerance)
    for part in ("status", "steps", "examples", "gradient_evaluations"):
        assert ours.result[part] == numpys.result[part]


@pytest.mark.slow
@pytest.mark.parametrize("problem", PROBLEMS)
def test_one_step_on_every_problem_is_numpys(train, problem):
    data = ["problem.dataset=stand_in", "records.examples=200"] if "mnist" in problem else []
    assert_alike(*both(train, f"problem={problem}", "max_steps=1", *data), EXACT)


@pytest.mark.slow
def test_one_step_of_whole_matrices_is_numpys(train):
    assert_alike(*both(train, "optimizer=muon", "problem.depth=2", "max_steps=1"), EXACT)


@pytest.mark.slow
@pytest.mark.parametrize("problem", ["linear_regression", "logistic_regression", "quadratic"])
@pytest.mark.parametrize("batch", ["full", "stochastic", "mini"])
def test_200_steps_on_a_convex_problem_are_numpys(train, problem, batch):
    arguments = f"problem={problem}", f"batch={batch}", "optimizer=adam", "schedule=cosine", "epochs=null", "max_steps=200"
    assert_alike(*both(train, *arguments), 1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_200_steps_of_a_network_differ_by_what_one_unit_in_the_last_place_of_the_start_does(train, monkeypatch, optimizer):
    from descent.training.numpy_engine import NumpyEngine

    arguments = f"optimizer={optimizer}", "epochs=null", "max_steps=200"
    numpys, ours = both(train, *arguments)
    begin = NumpyEngine.__init__

    def moved(self, *given, **more):
        begin(self, *given, **more)
        self.flat[...] = np.nextafter(self.flat, np.inf)

    monkeypatch.setattr(NumpyEngine, "__init__", moved)
    other = train(*arguments, "study=moved", "precision=64", "logger=[]", "engine=numpy")
    apart = [np.abs(np.array(run.column("train/loss")) - numpys.column("train/loss")).max() for run in (ours, other)]
    assert 0 < apart[1] < 1e-9
    assert apart[0] < 10 * apart[1]


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        ("batch=stochastic", "batch.replacement=true"),
        ("batch.drop_last=true", "batch.size=100", "epochs=3", "max_steps=null", "batch.order=fixed", "records.epochs=[2]"),
        ("batch=full", "problem.micro_size=400"),
        ("batch.size=500", "problem.micro_size=130", "clip_norm=0.1"),
        ("batch.size=1257",),
        ("schedule=plateau", "schedule.patience=0.1", "epochs=2", "max_steps=null"),
        ("records.layers=true", "clip_norm=0.3", "problem.depth=3"),
        ("problem=wilson", "optimizer=adagrad"),
        ("problem.threads=2", "problem.depth=2", "problem.activation=tanh"),
        ("problem=rosenbrock", "problem.additive=0.1", "problem.multiplicative=0.5"),
        ("optimizer=asgd", "optimizer.t0=10", "optimizer.lr=0.5"),
        ("optimizer=adamw", "optimizer.weight_decay=0.3"),
        ("optimizer.weight_decay=0.3",),
        ("optimizer=adamw", "optimizer.weight_decay=0.3", "optimizer.spare_biases=true", "problem.depth=2"),
        ("optimizer=rprop", "batch=full", "problem=quadratic"),
        ("optimizer=muon", "optimizer.adjust_lr_fn=match_rms_adamw", "optimizer.nesterov=false", "batch=stochastic"),
        ("optimizer=muon", "problem=rosenbrock"),
        (
            *("optimizer=muon", "optimizer.weight_decay=0.3", "optimizer.adamw_weight_decay=0.4", "optimizer.spare_biases=true"),
            *("clip_norm=0.3", "schedule=cosine", "problem.depth=2"),
        ),
    ],
    ids=" ".join,
)
def test_every_setting_means_what_it_means_with_numpy(train, arguments):
    assert_alike(*both(train, "max_steps=30", *arguments), 1e-10)


@pytest.mark.slow
def test_divergence_and_the_same_bits(train):
    settings = "problem=quadratic", "batch=full", "optimizer.lr=2.5", "epochs=2000"
    numpys, ours = both(train, *settings)
    assert ours.result["status"] == numpys.result["status"] == "diverged"
    assert ours.result["diverged_at"] == numpys.result["diverged_at"]
    again = train(*settings, "study=again", "precision=64", "logger=[]", "engine=compiled")
    assert [{**row, "seconds": 0} for row in again.rows[1:]] == [{**row, "seconds": 0} for row in ours.rows[1:]]


@pytest.mark.slow
def test_code_of_other_sources_is_deleted_a_month_after_its_last_use(tmp_path, monkeypatch):
    import numba

    from descent.training import compilation

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    for name, days in (("old", 31), ("recent", 29)):
        kept = tmp_path / "descent" / "compiled" / name
        kept.mkdir(parents=True)
        os.utime(kept, (time.time() - days * 86_400,) * 2)
    ours = compilation.folder.__wrapped__()
    os.utime(ours, (0, 0))
    assert compilation.folder.__wrapped__() == ours  # being used keeps it
    assert sorted(path.name for path in ours.parent.iterdir()) == sorted([ours.name, "recent"])


SCRIPT = """
import descent
from descent.training import compilation
run = descent.run("problem=quadratic", "engine=compiled", "max_steps=300", "logger=[]", "output_dir=out_{number}", "trainer=cpu")
(function,) = compilation.COMPILED
print(sum(function.stats.cache_hits.values()), sum(function.stats.cache_misses.values()), run.rows[-1]["train/loss"])
"""


def start(tmp_path, number, cache):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", SCRIPT.format(number=number)]
    return subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_of_two_processes_one_compiles_and_the_other_finds_it(tmp_path):
    cache = tmp_path / "cache"
    processes = [start(tmp_path, number, cache) for number in range(2)]
    said = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    (hits, misses, losses) = zip(*(out.split() for out, _ in said), strict=True)
    assert sorted(hits) == ["0", "1"]
    assert sorted(misses) == ["0", "1"]
    assert losses[0] == losses[1]
    assert list(cache.rglob("*.nbi"))


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_where_nothing_can_be_kept_it_compiles_in_memory_and_says_so_once(tmp_path):
    (tmp_path / "file").touch()
    process = start(tmp_path, 0, tmp_path / "file")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert out.split()[0] == "0"
    assert err.count("Compiled code cannot be kept in") == 1
    assert "it is compiled again in each process." in err
