"""The same run on a GPU: same start, same order, nearly the same numbers, and the same bits each time."""

import pytest
import torch
from conftest import names

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_a_gpu_starts_where_the_cpu_starts_and_follows_it(train):
    common = ("problem=digits_mlp", "optimizer=adam", "epochs=2", "precision=64")
    cpu, gpu = train(*common), train(*common, "trainer=gpu")
    assert cpu.result["id"] != gpu.result["id"]
    assert gpu.column("train/loss") == pytest.approx(cpu.column("train/loss"), rel=1e-6)


@pytest.mark.parametrize("problem", ["digits_mlp", "mnist_cnn"])
def test_the_same_seed_gives_the_same_bits_on_a_gpu(train, problem):
    data = ["problem.dataset=stand_in"] if "mnist" in problem else []
    common = (f"problem={problem}", *data, "optimizer=adam", "max_steps=50", "trainer=gpu")
    first = train(*common).column("train/loss")
    assert train(*common, "rerun=true").column("train/loss") == first


@pytest.mark.parametrize("name", names("optimizer"))
def test_every_optimizer_trains_on_a_gpu(train, name):
    run = train("problem=digits_mlp", f"optimizer={name}", "batch=full", "max_steps=30", "epochs=null", "trainer=gpu")
    assert run.rows[-1]["train/loss"] < run.rows[0]["train/loss"]


def test_auto_finds_the_gpu():
    from descent.config.compose import compose
    from descent.training import build

    assert build.device(compose("trainer=auto")) == "cuda"
