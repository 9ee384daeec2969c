"""The same run on a GPU: same start, same order, nearly the same numbers, and the same bits each time."""

import pytest
import torch
from conftest import names, optimizers

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


@pytest.mark.parametrize("name", optimizers())
def test_every_optimizer_trains_on_a_gpu(train, name):
    run = train("problem=digits_mlp", f"optimizer={name}", "batch=full", "max_steps=30", "epochs=null", "trainer=gpu")
    assert run.rows[-1]["train/loss"] < run.rows[0]["train/loss"]


DATA = {name: ["problem.dataset=stand_in", "records.examples=200"] if "mnist" in name else [] for name in names("problem")}
MUON = 1e-2  # it makes its momentum orthogonal in bfloat16


@pytest.mark.slow
@pytest.mark.parametrize("batch", names("batch"))
@pytest.mark.parametrize("optimizer", optimizers())
@pytest.mark.parametrize("problem", names("problem"))
def test_50_steps_in_float64_end_where_those_of_the_cpu_end(train, problem, optimizer, batch):
    common = (f"problem={problem}", *DATA[problem], f"optimizer={optimizer}", f"batch={batch}", "precision=64", "epochs=null")
    cpu, gpu = train(*common, "max_steps=50"), train(*common, "max_steps=50", "trainer=gpu")
    tolerance = MUON if optimizer == "muon" else 1e-9
    assert gpu.column("train/loss") == pytest.approx(cpu.column("train/loss"), rel=tolerance, abs=1e-13)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lbfgs", "muon"])
def test_a_run_on_a_gpu_that_was_cut_off_continues_to_the_same_bits(train, monkeypatch, optimizer):
    from descent.training import recorder

    arguments = (f"optimizer={optimizer}", "epochs=3", "logger=csv", "trainer=gpu")
    whole = train(*arguments, "study=whole")
    plain, blocks = recorder.Recorder.block_ended, iter(range(1000))

    def dies(self, engine):
        stops = plain(self, engine)
        if next(blocks) == 5:
            raise RuntimeError("the process dies here")
        return stops

    monkeypatch.setattr(recorder, "CHECKPOINT_EVERY", 0)
    monkeypatch.setattr(recorder.Recorder, "block_ended", dies)
    with pytest.raises(RuntimeError, match="dies here"):
        train(*arguments, "study=cut")
    monkeypatch.undo()
    cut = train(*arguments, "study=cut")
    assert [{**row, "seconds": 0} for row in cut.rows] == [{**row, "seconds": 0} for row in whole.rows]


def test_between_two_records_nothing_waits_for_the_gpu(train):
    """Torch raises where the processor would wait for the device: inside a block it must not."""
    from descent.training.module import DescentModule

    plain = DescentModule.training_step

    def strict(self, *given):
        torch.cuda.set_sync_debug_mode("error")
        try:
            return plain(self, *given)
        finally:
            torch.cuda.set_sync_debug_mode("default")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(DescentModule, "training_step", strict)
        assert train("optimizer=adam", "batch=full", "max_steps=50", "trainer=gpu").result["status"] == "finished"


def test_auto_finds_the_gpu():
    from descent.config.compose import compose
    from descent.training import build

    assert build.device(compose("trainer=auto")) == "cuda"
