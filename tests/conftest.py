"""What the tests share: composing settings, and training a run in this process, which has paid for its imports once."""

import json
import os
import re
import runpy
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from descent.config.compose import compose
from descent.config.schema import RunConfig
from descent.config.targets import resolve
from descent.records.result import Result

ROOT = Path(__file__).resolve().parents[1]
CONF = ROOT / "conf"
WORKERS = 8  # at most: each pays for its imports, with 5 s and half a gigabyte


def pytest_configure() -> None:
    """Let each worker, and what it starts, use one thread, but where a run's settings say another number; keep compiled code.

    Containers often set PYTHONDONTWRITEBYTECODE: each of about a hundred processes would compile torch and Lightning again.
    Signals that whoever started the tests ignores, as nohup SIGHUP and a shell Ctrl-C in the background, stop what tests start.
    """
    for number in (signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGINT)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache"))  # compiling takes seconds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return the number of workers of `-n auto`: one a core that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(WORKERS, cores)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Name the group of a test in its id, which decides its worker.

    pytest-xdist 3.8 writes it where pytest 9.2 no longer looks, and groups are lost in silence.
    """
    for item in items:
        with_group = getattr(item, "_nodeid", item.nodeid)
        if item.nodeid != with_group:
            item._id = type(item.id).parse(with_group)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Start each test with one thread of torch: a run sets its own number, and the next test may be of any file."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def imports_of_one_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget after each test from which folders `--config-dir` let Python import."""
    monkeypatch.setattr("descent.config.imports.folders", [])
    monkeypatch.setattr(sys, "path", [*sys.path])


def choices(group: str) -> list[str]:
    """Return the choices of a config group."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def names(group: str) -> list[str]:
    """Return the choices of a config group that need no file of the user's: whoever adds a yaml is tested."""
    return [name for name in choices(group) if "\nfile: null" not in (CONF / group / f"{name}.yaml").read_text()]


def optimizers(packaged: bool = False) -> list[str]:
    """Return the optimizers of torch and of descent or, if `packaged`, those of a package that an extra brings.

    Those whose class ``optimizer.name`` chooses are in neither.
    """
    texts = {name: (CONF / "optimizer" / f"{name}.yaml").read_text() for name in names("optimizer")}
    brought = {name: text for name, text in texts.items() if re.search(r"^_target_: (?!torch\.|descent\.)", text, re.M)}
    return [name for name, text in texts.items() if "\nname: null" not in text and (name in brought) == packaged]


def settings(*overrides: str) -> RunConfig:
    """Compose what `python train.py *overrides` would run, on the CPU."""
    return resolve(compose("trainer=cpu", *overrides))


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

    def __init__(self, result: Result, folder: Path) -> None:
        from descent.records.curve import read

        self.result, self.folder = result.model_dump(by_alias=True), folder
        self.rows = read(folder / "curve.csv")

    def column(self, name: str) -> list[float]:
        return [row[name] for row in self.rows]


@pytest.fixture
def train(tmp_path: Path) -> Callable[..., Run]:
    """Train a run as the command line would, and return it."""
    from descent.terminal.console import show_warnings
    from descent.terminal.run_progress import RunProgress, show
    from descent.training.run import run

    def trained(*overrides: str) -> Run:
        chosen = settings(f"output_dir={tmp_path}", *overrides)
        show_warnings()
        done = run(chosen, RunProgress())
        show(done, chosen.folder)
        return Run(done.result, done.folder)

    return trained


@pytest.fixture
def checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """Save a checkpoint at each block, also of runs of milliseconds."""
    monkeypatch.setattr("descent.training.recorder.CHECKPOINT_EVERY", 0.0)


@pytest.fixture
def experiment(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., tuple[dict[str, Any], Path]]:
    """Train an experiment as `python train.py -m experiment=name` does; return its finding and the folder of its study."""

    from descent import experiments

    def concluded(name: str, *overrides: str) -> tuple[dict[str, Any], Path]:
        status, out, err = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", f"experiment={name}", *overrides)
        assert (status, err) == (0, "")
        report = tmp_path / name / "report"
        *_, sentence, figure = out.rstrip().splitlines()
        assert figure == f"figure   {report / name}.png"
        assert (report / f"{name}.png").stat().st_size > 10_000
        assert (report / f"{name}.svg").exists()
        kept = json.loads((report / f"{name}.json").read_text())
        assert kept["figure"] == f"{name}.png"
        assert sentence == experiments.sentence(experiments.modules()[name], kept["finding"])
        return kept["finding"], tmp_path / name

    return concluded
