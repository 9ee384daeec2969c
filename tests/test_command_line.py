"""What a person types, and what is said of a mistake: one line, a non-zero exit, nothing written."""

import runpy
import shutil
import sys

import pytest
from conftest import ROOT, names


@pytest.fixture
def command(monkeypatch, tmp_path, capsys):
    """Run `python train.py *arguments` in this process; return its exit status and what it said on either stream."""

    def called(*arguments):
        chosen = {f"output_dir={tmp_path / 'out'}", "trainer=cpu"}
        chosen -= {default for default in chosen for given in arguments if default.split("=")[0] == given.split("=")[0]}
        monkeypatch.setattr(sys, "argv", ["train.py", *arguments, *sorted(chosen)])
        status = 0
        try:
            runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
        except SystemExit as left:
            status = left.code
        told = capsys.readouterr()
        return status, told.out, told.err

    return called


MISTAKES = [  # arguments, what the line says
    (["experiment=momentum"], "experiment=momentum: is a study, not a single run. Use python train.py -m experiment=momentum."),
    (["optimizer.lr=0"], "optimizer.lr=0: must be a number > 0."),
    (["optimizer.lr=-1"], "optimizer.lr=-1: must be a number > 0."),
    (["optimizer.lr=fast"], "optimizer.lr=fast: must be a number > 0."),
    (["optimizer.lr=nan"], "optimizer.lr=nan: must be a number > 0."),
    (["optimizer=momentum", "optimizer.momentum=1"], "optimizer.momentum=1: must be a number >= 0 and < 1."),
    (["optimizer=adam", "optimizer.betas=[0.9,1]"], "optimizer.betas.1=1: must be a number >= 0 and < 1."),
    (["optimizer=adam", "optimizer.betas=[0.9]"], "optimizer.betas=[0.9]: must be a list of 2 numbers"),
    (["optimizer=adam", "optimizer.betas=0.9"], "optimizer.betas=0.9: must be a list of 2 numbers"),
    (["optimizer=sgd", "optimizer.dampening=0.5"], "optimizer.dampening=0.5: has no effect without momentum."),
    (["optimizer=sgd", "optimizer.nesterov=true"], "optimizer.nesterov=true: has no effect without momentum."),
    (["optimizer=nesterov", "optimizer.dampening=0.5"], "optimizer.dampening=0.5: must be 0 with optimizer.nesterov=true."),
    (["+optimizer.speed=9"], "optimizer.speed=9: torch.optim.SGD has no such setting; it has lr, momentum,"),
    (["optimizer.weight_decay=-1"], "optimizer.weight_decay=-1: must be a number >= 0."),
    (["optimizer=adam", "optimizer.fused=true", "+optimizer.foreach=true"], "optimizer=Adam: `fused` and `foreach` cannot be"),
    (["batch.size=0"], "batch.size=0: must be a whole number >= 1."),
    (["batch.size=1.5"], "batch.size=1.5: must be a whole number >= 1."),
    (["batch.size=1258"], "batch.size=1258: must be 1 to N, and N is 1257 here. For all examples, use batch=full."),
    (["batch=full", "+batch.size=5"], "batch.size=5: descent.batching.full has no such setting; it has micro_size."),
    (["problem.activation=gelu"], "problem.activation=gelu: must be one of relu, tanh, sigmoid."),
    (["problem.initialisation=zero"], "problem.initialisation=zero: must be one of pytorch, normal,"),
    (["problem.loss=hinge"], "problem.loss=hinge: must be one of cross_entropy, squared_error, sigmoid_squared_error."),
    (["problem.split=0"], "problem.split=0: must be one of seed, fixed."),
    (["problem.depth=0"], "problem.depth=0: must be a whole number >= 1."),
    (["problem.network=linear"], "problem.width=32: has no effect with problem.network=linear."),
    (["schedule=inverse_time", "schedule.half=0"], "schedule.half=0: must be a number > 0 and <= 1."),
    (["schedule=range_test", "schedule.start_factor=0.0"], "schedule.start_factor=0.0: must be > 0, as the learning"),
    (
        ["schedule=exponential", "schedule.final_factor=0.0"],
        "schedule.final_factor=0.0: must be > 0, as the learning",
    ),
    (
        ["schedule=inverse_time", "epochs=null", "max_seconds=1"],
        "schedule=inverse_time: needs a horizon in steps, and",
    ),
    (["problem.label_noise=1.5"], "problem.label_noise=1.5: must be a number >= 0 and <= 1."),
    (["problem=wilson", "+problem.label_noise=0.1"], "problem.label_noise=0.1: descent.problems.wilson.Wilson has no such"),
    (["problem=quadratic", "problem.examples=3"], "problem.examples=3: must be an even number >= 2"),
    (["problem=quadratic", "problem.condition=0.5"], "problem.condition=0.5: must be a number >= 1."),
    (["problem=chebyshev_mlp", "problem.degree=0"], "problem.degree=0: must be a whole number >= 1."),
    (["problem=chebyshev_mlp", "problem.degree=2.5"], "problem.degree=2.5: must be a whole number >= 1."),
    (["problem=wilson", "problem.positive=0.5"], "problem.positive=0.5: must be a number > 0.5 and < 1."),
    (["problem=wilson", "problem.positive=0.99"], "problem.positive=0.99: must leave every split both labels"),
    (["problem.target=0.1"], "problem.target=0.1: must be null, or as in problem.target={metric: train/loss, value: 0.1}."),
    (["~problem.target.value"], "problem.target={'metric': 'train/loss'}: must be null, or as in problem.target={metric:"),
    (["problem.target.value=low"], "problem.target.value=low: must be a number."),
    (["problem.target.value=true"], "problem.target.value=true: must be a number."),
    (["problem.target.metric=1"], "problem.target.metric=1: must be the name of a metric, as train/loss."),
    (
        ["problem.target.metric=train/gap"],
        "problem.target.metric=train/gap: must be one of train/loss, train/accuracy, val/loss,",
    ),
    (["problem=wilson", "problem.target={metric: loss, value: 1}"], "problem.target.metric=loss: must be one of train/loss,"),
    (["problem.metric=loss"], "problem.metric=loss: must be one of train/loss, train/accuracy, val/loss, val/accuracy."),
    (["epochs=0"], "epochs=0: must be a number > 0, or null."),
    (["epochs=-3"], "epochs=-3: must be a number > 0, or null."),
    (["max_steps=0"], "max_steps=0: must be a whole number >= 1, or null."),
    (["epochs=null"], "epochs=null: a run needs a budget. Set one of epochs, max_steps and max_seconds."),
    (
        ["epochs=null", "max_seconds=1", "schedule=cosine"],
        "schedule=cosine: needs a horizon in steps, and only max_seconds is set.",
    ),
    (["seed=-1"], "seed=-1: must be a whole number >= 0."),
    (["seed=one"], "seed=one: must be a whole number >= 0."),
    (["precision=16"], "precision=16: must be one of 32, 64, bf16."),
    (["records.growth=1"], "records.growth=1: must be a number > 1."),
    (["study=../elsewhere"], "study=../elsewhere: must be the name of a folder"),
    (["trainer.accelerator=tpu"], "trainer.accelerator=tpu: must be one of auto, cpu, gpu."),
    (["+trainer.max_epochs=3"], "trainer.max_epochs=3: is not Lightning's to decide here."),
    (["+trainer.speed=9"], "trainer="),
    (["problem=mnist_mlp", "problem.root=/nowhere/at/all"], "problem.root=/nowhere/at/all: is not a folder."),
    (["problem=mnist_mlp", "problem.dataset=KMNIST"], "problem.dataset=KMNIST: must be one of MNIST, FashionMNIST, stand_in."),
]


@pytest.mark.parametrize(("arguments", "line"), MISTAKES, ids=[" ".join(arguments) for arguments, _ in MISTAKES])
def test_a_mistake_gets_one_line_and_leaves_nothing_behind(command, tmp_path, arguments, line):
    status, out, err = command(*arguments)
    assert status == 2
    assert err.startswith(f"error: {line}")
    assert err.count("\n") == 1
    assert out == ""
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "arguments",
    [["optimizer=adamm"], ["problem.widht=3"], ["optimizer=adagrad", "optimizer.momentum=0.9"], ["batch=full", "batch.size=5"]],
    ids=" ".join,
)
def test_hydras_own_message_stands_for_an_unknown_choice_or_key(command, tmp_path, arguments):
    status, _, err = command(*arguments)
    assert status == 1
    assert "Could not" in err
    assert "Traceback" not in err
    assert not (tmp_path / "out").exists()


def test_a_gpu_that_is_not_there_is_refused(command):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    status, _, err = command("trainer=gpu")
    assert (status, err) == (2, "error: trainer=gpu: torch finds no CUDA device here. Use trainer=cpu or trainer=auto.\n")


def test_an_output_folder_that_cannot_be_written_is_named(command, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = command(f"output_dir={tmp_path / 'file'}", "max_steps=1")
    assert status == 2
    assert f"error: output_dir={tmp_path / 'file'}: cannot be written (Not a directory" in err


@pytest.mark.parametrize("harm", ["cut", "changed", "empty", "garbled header"])
def test_a_damaged_data_file_is_named(command, tmp_path, mnist_root, harm):
    raw = tmp_path / "MNIST" / "raw"
    shutil.copytree(f"{mnist_root}/MNIST/raw", raw, copy_function=lambda src, dst: shutil.copyfile(src, dst))
    file = raw / "train-labels-idx1-ubyte"
    content = bytearray(file.read_bytes())
    content[20_000] = (content[20_000] + 1) % 10
    harmed = {"cut": content[:1000], "changed": content, "empty": b"", "garbled header": b"\xff" * 8 + content[8:]}[harm]
    file.chmod(0o644)
    file.write_bytes(harmed)
    status, _, err = command("problem=mnist_mlp", f"problem.root={tmp_path}")
    assert status == 2
    assert err.startswith(f"error: problem.root={tmp_path}: {raw}")
    assert "damaged" in err
    assert err.count("\n") == 1


def test_no_network_when_a_download_is_needed_names_the_ways_out(command, tmp_path, monkeypatch):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nothing listens there
    status, _, err = command("problem=fashion_mnist_mlp", f"problem.root={tmp_path}")
    assert status == 2
    last = err.strip().splitlines()[-1]
    assert last.startswith(f"error: problem.root={tmp_path}: no FashionMNIST there, and it cannot be downloaded (")
    assert "Connect and try again, or set problem.root to a folder that holds FashionMNIST/raw." in last


def test_a_data_folder_that_cannot_be_written_is_named(command, tmp_path):
    (tmp_path / "MNIST").write_text("a file where a folder must go")
    status, _, err = command("problem=mnist_mlp", f"problem.root={tmp_path}")
    assert status == 2
    assert f"error: problem.root={tmp_path}: cannot be used" in err


def test_help_lists_every_choice(command):
    _, out, _ = command("--help")
    for group in ("problem", "batch", "optimizer", "schedule", "trainer", "logger"):
        assert f"{group}: {', '.join(names(group))}\n" in out
    assert "search_space" not in out
    assert "problem_defaults" not in out


def test_a_run_says_how_far_it_is_and_ends_with_a_table_and_where_to_look(command, tmp_path):
    status, out, _ = command("optimizer=adam", "epochs=1")
    assert status == 0
    assert "step 40  1,257 examples" in out
    for word in ("final", "best", "test", "train/loss", "val/accuracy", "40 steps, 1,257 examples"):
        assert word in out
    assert f"curves   tensorboard --logdir {tmp_path / 'out' / 'default'}\n" in out
    assert f"results  {tmp_path / 'out' / 'default' / 'digits_mlp' / 'mini' / 'adam'}" in out


def test_a_sweep_trains_every_combination(command, tmp_path):
    status, _, err = command("-m", "optimizer=sgd,adam", "seed=0,1", "max_steps=3")
    assert (status, err) == (0, "")
    assert len(list((tmp_path / "out" / "default").glob("*/*/*/*/result.json"))) == 4
