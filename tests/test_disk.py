"""A disk that is full and folders that can only be read: one line from every command, and nothing half-written stays."""

import builtins
import errno
import io
import os
import resource
import runpy
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import ROOT, settings

from descent.config.flags import leave_with
from descent.outside import write_text
from descent.records import curve
from descent.records.result import read
from descent.training.run import run

QUICK = ("problem=digits_logreg", "max_steps=60", "optimizer=adam")
SLOW = pytest.mark.slow
ENGINES = [pytest.param("torch", marks=[SLOW, pytest.mark.xdist_group("full disk, torch")]), "numpy"]


@contextmanager
def room(size: int) -> Iterator[None]:
    """Let no file become larger than `size` bytes, as where a quota ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder in which nothing can be written: what tests as root may do with any other."""

    def refuse(path: object) -> None:
        if isinstance(path, (str, os.PathLike)) and Path(path).is_relative_to(tmp_path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    opened, low, mkdir = builtins.open, os.open, os.mkdir

    def open_(path, mode="r", *more, **named):
        if set(mode) & set("wax+"):
            refuse(path)
        return opened(path, mode, *more, **named)

    def os_open(path, flags, *more, **named):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            refuse(path)
        return low(path, flags, *more, **named)

    def protect() -> Path:
        for module in (builtins, io):
            monkeypatch.setattr(module, "open", open_)
        monkeypatch.setattr(os, "open", os_open)
        monkeypatch.setattr(os, "mkdir", lambda path, *more, **named: refuse(path) or mkdir(path, *more, **named))
        return tmp_path

    return protect


@pytest.fixture
def command(capsys, monkeypatch):
    """Run a command in this process; return (exit status, standard output, standard error)."""

    def ended(name: str, *arguments: str) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", [str(ROOT / name), *map(str, arguments)])
        capsys.readouterr()
        status: object = 0
        try:
            runpy.run_path(str(ROOT / name), run_name="__main__")
        except SystemExit as left:
            status = left.code or 0
        return status, *capsys.readouterr()

    return ended


def numbers(folder: Path) -> object:
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in curve.read(folder / "curve.csv")]
    return repr(rows), read(folder / "result.json").final


def one_line(ended: tuple[object, str, str]) -> str:
    status, out, err = ended
    assert (status, err.count("\n")) == (2, 1), out + err
    assert err.startswith("error: ")
    assert "Traceback" not in out
    return err


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    return lambda engine: run(settings(*QUICK, f"engine={engine}", f"output_dir={folder}")).folder


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("size", [0, 500, 1500, 2300, 4000, 6000])
def test_a_run_on_a_full_disk_ends_in_one_line_and_goes_on_when_there_is_room(command, undisturbed, tmp_path, engine, size):
    expected = numbers(undisturbed(engine))
    arguments = (*QUICK, f"engine={engine}", "trainer=cpu", f"output_dir={tmp_path}")
    with room(size):
        told = one_line(command("train.py", *arguments))
    assert told.startswith(f"error: output_dir={tmp_path}: cannot be written (File too large: {tmp_path}")
    assert told.endswith("Free some space, and repeat the command.\n")
    assert not list(tmp_path.rglob("*.tmp"))
    status, _, err = command("train.py", *arguments)
    assert (status, err) == (0, "")
    (folder,) = (path.parent for path in tmp_path.rglob("result.json"))
    assert numbers(folder) == expected


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_a_run_of_two_processes_on_a_full_disk_ends_in_one_line(tmp_path):
    """Of the processes that Lightning starts alone, as the first shares its data with them by files."""
    limit = (
        "import resource, sys\nif '--multiprocessing-fork' in sys.argv: resource.setrlimit(resource.RLIMIT_FSIZE, (8000, 8000))"
    )
    (tmp_path / "sitecustomize.py").write_text(limit)
    command = (sys.executable, ROOT / "train.py", *QUICK, "trainer=ddp", "trainer.accelerator=cpu", "trainer.devices=2")
    path = os.pathsep.join((str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])))
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    ended = subprocess.run([*command, f"output_dir={tmp_path}"], env=environment, capture_output=True, text=True, timeout=300)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1), ended.stderr
    assert ended.stderr.startswith(f"error: output_dir={tmp_path}: cannot be written (File too large")


def test_nothing_is_written_into_a_folder_that_can_only_be_read(command, read_only):
    folder = read_only()
    for more in ((), ("-m", "seed=1,2")):
        told = one_line(command("train.py", *more, *QUICK, "engine=numpy", f"output_dir={folder}"))
        assert told.startswith(f"error: output_dir={folder}: cannot be written (Read-only file system")


def test_a_study_that_can_only_be_read_is_shown(command, read_only, tmp_path):
    arguments = ("-m", *QUICK, "engine=numpy", "seed=1,2", f"output_dir={tmp_path}")
    assert command("train.py", *arguments)[0] == 0
    folder = read_only()
    status, out, err = command("train.py", *arguments)
    assert (status, err) == (0, "")
    assert out.startswith("2 finished, 0 continued, 0 to train\n")
    assert "adam mini" in out
    assert command("train.py", *QUICK, "engine=numpy", "seed=1", f"output_dir={folder}")[0] == 0
    assert command("scripts/status.py", folder / "default")[0] == 0


def test_an_experiment_that_can_only_be_read_still_concludes(command, read_only, tmp_path):
    arguments = ("-m", "experiment=momentum", "seed=1", f"output_dir={tmp_path}")
    sentence = command("train.py", *arguments)[1].rstrip().splitlines()[-2]
    read_only()
    status, out, err = command("train.py", *arguments)
    assert (status, out.rstrip().splitlines()[-1]) == (0, sentence)
    assert err.startswith(f"warning: figure={tmp_path / 'momentum' / 'report' / 'momentum.png'}: cannot be written (Read-only")
    assert err.count("\n") == 1


@pytest.mark.parametrize("where", ["full", "read-only"])
def test_a_comparison_that_cannot_be_written_ends_in_one_line(command, read_only, tmp_path, where):
    from studies import write_run

    for seed in (1, 2):
        write_run(tmp_path / "study", seed=seed)
    if where == "full":
        with room(5000):
            told = one_line(command("scripts/compare.py", tmp_path / "study"))
    else:
        told = one_line(command("scripts/compare.py", read_only() / "study"))
    assert told.startswith(f"error: study={tmp_path / 'study'}: cannot be written (")
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("where", ["full", "read-only"])
def test_every_script_that_cannot_write_ends_in_one_line(capsys, read_only, tmp_path, where):
    """By the one way in which they all end."""

    def main() -> int:
        if where == "read-only":
            read_only()
        write_text(tmp_path / "table.md", "x" * 100)
        return 0

    with room(10), pytest.raises(SystemExit) as left:
        leave_with(main)
    told = one_line((left.value.code, *capsys.readouterr()))
    assert told.startswith(f"error: file={tmp_path / 'table'}.")
    assert ": cannot be written (" in told
    assert not list(tmp_path.iterdir())
