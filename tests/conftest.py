"""What the tests share: composing settings, and training a run in this process, which has paid for its imports once."""

import os
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from descent.settings import compose

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf"
Settings = dict[str, Any]


def names(group: str) -> list[str]:
    """Return the choices of a config group: whoever adds a yaml is tested."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def settings(*overrides: str) -> Settings:
    """Compose what `python train.py *overrides` would run, on the CPU."""
    return compose(CONF, "trainer=cpu", *overrides)


@pytest.fixture(scope="session")
def mnist_root() -> str:
    """A folder that holds the real MNIST, or the reason to skip."""
    for root in (os.environ.get("DESCENT_DATA"), ROOT / "data", ROOT.parent / "shared" / "data"):
        if root and (Path(root) / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
            return str(root)
    pytest.skip("MNIST is not here: name a folder that holds MNIST/raw in DESCENT_DATA")


def sweep(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[Any, str, str]:
    """Run `python train.py -m *arguments` in this process; return (exit status, standard output, standard error)."""
    monkeypatch.setattr(sys, "argv", [str(ROOT / "train.py"), "-m", *arguments])
    capsys.readouterr()
    status: Any = 0
    try:
        runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
    except SystemExit as ended:
        status = ended.code
    out, err = capsys.readouterr()
    return status, out, err


class Run:
    """A finished run: its result and what it left behind."""

    def __init__(self, result: dict[str, Any], folder: Path) -> None:
        from descent.records.curve import read

        self.result, self.folder = result, folder
        self.rows = read(folder / "curve.csv")

    def column(self, name: str) -> list[float]:
        return [row[name] for row in self.rows]


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Run]:
    """Train a run as the command line would, and return it."""
    from descent.run import run

    def trained(*overrides: str) -> Run:
        chosen = settings(f"output_dir={tmp_path}", *overrides)
        result = run(chosen)
        (folder,) = (tmp_path / chosen["study"]).glob(f"*/*/*/*-{result['id']}")
        return Run(result, folder)

    return trained
