"""One run over two processes (`trainer=ddp trainer.devices=2`) is the run of one, to rounding.

A run pays for the imports of its two processes, so all that train one are slow.
"""

import os
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, Run, settings, sweep
from studies import wait_for

from descent.errors import InputError
from descent.records.curve import read
from descent.training.run import run

pytestmark = pytest.mark.xdist_group("processes")

DDP = "trainer=ddp"
CLOCK = ("seconds",)


def numbers(run):
    return [{name: value for name, value in row.items() if name not in CLOCK} for row in run.rows]


def assert_alike(one, two):
    assert len(one.rows) == len(two.rows) > 3
    for first, second in zip(numbers(one), numbers(two), strict=True):
        assert first == pytest.approx(second, rel=1e-9, nan_ok=True)


@pytest.mark.slow
def test_two_processes_agree_with_one_on_the_same_global_batches(train):
    """The batches of an epoch are 39 of 32 and one of 9: shares of unequal size count for what they hold."""
    common = ("optimizer=adam", "epochs=2.5", "precision=64", "schedule=cosine")
    one, two = train(*common), train(DDP, *common)
    assert_alike(one, two)
    assert two.result["environment"]["devices"] == 2
    assert two.result["id"] != one.result["id"]
    assert two.result["test"] == pytest.approx(one.result["test"], rel=1e-9)
    assert {path.name.split(".")[0] for path in two.folder.iterdir()} >= {"events", "last", "config", "result"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "chosen",
    [
        ("batch=full", "optimizer=momentum", "max_steps=30", "batch.micro_size=100"),
        ("schedule=plateau", "schedule.patience=1", "optimizer.lr=0.5", "max_steps=300"),  # reads the records, which one makes
        ("problem=quadratic", "problem.additive=0.1", "batch.size=8", "max_steps=50"),
        ("clip_norm=0.3", "optimizer=momentum", "max_steps=60"),
        ("batch.size=157", "batch.drop_last=true", "max_steps=12"),  # the last batch would be too small
        ("problem=mnist_cnn", "problem.dataset=stand_in", "records.examples=100", "max_steps=12", "optimizer.lr=0.01"),
    ],
    ids=lambda chosen: chosen[0],
)
def test_whatever_is_split(train, chosen):
    assert_alike(train(*chosen, "precision=64", "epochs=null"), train(DDP, *chosen, "precision=64", "epochs=null"))


@pytest.mark.slow
def test_one_that_diverges_ends_early(train):
    run = train(DDP, "problem=quadratic", "batch=full", "optimizer.lr=2.5", "max_steps=5000")
    assert run.result["status"] == "diverged"
    assert run.result["steps"] < 5000


@pytest.mark.slow
@pytest.mark.parametrize(("launcher", "seeds"), [("basic", [1]), ("joblib", [1, 2])])
def test_in_a_sweep(monkeypatch, tmp_path, capsys, launcher, seeds, train):
    arguments = [DDP, f"seed={','.join(map(str, seeds))}", "max_steps=60", "precision=64", f"hydra/launcher={launcher}"]
    status, out, _ = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", *arguments)
    assert status == 0
    assert f"0 finished, 0 continued, {len(seeds)} to train\n" in out
    for seed in seeds:
        (folder,) = tmp_path.glob(f"default/*/*/*/*devices=2_seed={seed}-*")
        one = train(f"seed={seed}", "max_steps=60", "precision=64", "study=one").rows
        assert read(folder / "curve.csv")[-1]["train/loss"] == pytest.approx(one[-1]["train/loss"], rel=1e-9)


LONG = (DDP, "optimizer=adam", "epochs=60")


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """The long run, undisturbed."""
    chosen = settings(*LONG, f"output_dir={tmp_path_factory.mktemp('undisturbed')}")
    done = run(chosen)
    return Run(done.result, done.folder)


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["group", "parent", "share"])
def test_one_that_was_cut_off_ends_with_the_bits_of_an_undisturbed_one(train, long, tmp_path, victim):
    """By Ctrl-C, which reaches all its processes; by the death of the one that started them; by that of the second of them."""
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), *LONG, f"output_dir={tmp_path}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )

    def trained_for_a_while():
        assert process.poll() is None, process.communicate()
        curves = [path.read_text().count("\n") for path in tmp_path.glob("*/*/*/*/*/curve.csv")]
        return sum(curves) > 20

    wait_for(trained_for_a_while)
    shares = subprocess.run(["pgrep", "-f", "-P", str(process.pid), "spawn_main"], capture_output=True, text=True).stdout.split()
    assert len(shares) == 2
    if victim == "group":
        os.killpg(process.pid, signal.SIGINT)
    else:
        os.kill(process.pid if victim == "parent" else int(shares[1]), signal.SIGKILL)
    _, err = process.communicate(timeout=60)
    wait_for(lambda: not any(os.path.exists(f"/proc/{share}") for share in shares), 20)  # none is left behind
    if victim == "group":
        assert process.returncode == 130
        assert err.startswith("Stopped at step ")
    assert not list(tmp_path.glob("*/*/*/*/*/result.json"))
    assert numbers(train(*LONG))[1:] == numbers(long)[1:]


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        (
            ("optimizer=lbfgs", "batch=full"),
            "optimizer=lbfgs: it evaluates the whole loss itself, which 2 devices do not have.",
        ),
        (("batch=stochastic",), "trainer.devices=2: a batch of 1 cannot be split over more than 1."),
        (
            ("batch.size=157",),
            "trainer.devices=2: the last batch of an epoch has 1 examples only. Use batch.drop_last=true or another batch.size.",
        ),
        (("engine=numpy",), "trainer.devices=2: engine=numpy runs on one."),
        (("trainer=cpu",), "trainer.devices=2: several devices share a run only with trainer=ddp."),
        (
            ("trainer.devices=0",),
            "trainer.devices=0: must be a whole number >= 1, or a list of whole numbers >= 0 of at least 1 items.",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_split_is_refused_before_anything_is_written(train, tmp_path, chosen, told):
    with pytest.raises(InputError) as refused:
        train(DDP, "trainer.devices=2", *chosen)
    assert str(refused.value) == told
    assert not list(tmp_path.iterdir())
