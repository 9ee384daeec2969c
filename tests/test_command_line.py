"""What a person types, and what is said of a mistake: one line, a non-zero exit, nothing written."""

import runpy
import shutil
import sys
import textwrap

import pytest
from conftest import ROOT, choices


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
        assert f"{group}: {', '.join(choices(group))}\n" in out
    assert "search_space" not in out
    assert "_defaults" not in out
    assert len([part for line in out.splitlines() for part in textwrap.wrap(line, 80) or [""]]) <= 45


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
