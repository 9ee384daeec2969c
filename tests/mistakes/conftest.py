"""What the tables of mistakes share: running a command in this process, and what is asserted of each wrong input."""

import logging
import os
import runpy
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10  # of CPU after which a command is stopped: it trains what cannot be trained
WAIT = 60  # seconds of the clock after which it is stopped: it waits for what never comes
QUICK = 10  # rows of a table that are tested each time
NOWHERE = "http://127.0.0.1:9"  # nothing listens there
TINY = ("problem=quadratic", "max_steps=3", "trainer=cpu", "logger=csv", "output_dir=out")  # where a row says nothing else


@dataclass(frozen=True)
class Case:
    """A command: its arguments as typed in a shell, and the files that it finds.

    Args:
        arguments: as typed in a shell; CONF stands for a folder of yamls.
        words: what the one line must contain.
        files: from names to contents: ``*.py`` can be imported, ``here/*`` lie in the current folder, others in CONF.
        runs: how many results a command that works leaves behind.
    """

    arguments: str
    words: tuple[str, ...] = ()
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    runs: int = 0


@dataclass(frozen=True)
class Ended:
    """How a command ended: its exit code and what it wrote to either stream."""

    code: int
    out: str
    err: str


def wrong(arguments: str, *words: str, files: Mapping[str, str | bytes] | None = None, id: str | None = None) -> Any:
    """Return a row of a table of mistakes; `words` are what the one line must contain, the key as typed first."""
    return pytest.param(Case(arguments, words, files or {}), id=id or arguments)


def right(arguments: str, runs: int, files: Mapping[str, str | bytes] | None = None, id: str | None = None) -> Any:
    """Return a row of a table of inputs that work."""
    return pytest.param(Case(arguments, (), files or {}, runs), id=id or arguments)


def table(*rows: Any, quick: int = QUICK) -> pytest.MarkDecorator:
    """Make a test run once for each row; all but the first `quick` rows are slow, for composing takes 0.2 s each."""
    later = [row._replace(marks=[*row.marks, pytest.mark.slow]) for row in rows[quick:]]
    return pytest.mark.parametrize("case", [*rows[:quick], *later])


class TooLong(BaseException):
    """A command ran for longer than SECONDS, or waited for longer than WAIT."""


def _key(argument: str) -> str:
    return argument.lstrip("+~").partition("=")[0]


def complete(arguments: list[str]) -> list[str]:
    """Return the arguments of train.py with those of a tiny run after them, where they say nothing of the same key."""
    given = {_key(argument) for argument in arguments}
    return [*arguments, *(default for default in TINY if _key(default) not in given)]


@pytest.fixture(scope="session", autouse=True)
def _imported() -> None:
    """Import what commands import, which takes longer than SECONDS, and which a stop in its middle would leave broken."""
    with pytest.MonkeyPatch.context() as kept:
        kept.setattr(os, "environ", os.environ.copy())
        for name in (
            "lightning.pytorch",
            "descent.training.build",
            "descent.sweeps.sweep",
            "descent.training.train",
            "descent.training.torch_engine",
        ):
            if find_spec(name):
                import_module(name)


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Case], list[str]]:
    """Write a case's files, enter the folder where its command is typed, and return its arguments."""
    here, conf, modules = (tmp_path / name for name in ("here", "conf", "modules"))
    for folder in (here, conf, modules):
        folder.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.syspath_prepend(str(modules))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SEED", "3")
    for name in ("NOPE", "HYDRA_FULL_ERROR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, NOWHERE)

    def placed(case: Case) -> list[str]:
        for name, content in case.files.items():
            path = (modules if name.endswith(".py") else tmp_path if name.startswith("here/") else conf) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return [argument.replace("CONF", str(conf)) for argument in shlex.split(case.arguments)]

    return placed


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run a script of this repository in this process, as `python <name> *arguments` would."""

    def called(name: str, *arguments: str) -> Ended:
        environment, modules = dict(os.environ), set(sys.modules)
        handlers, level = list(logging.root.handlers), logging.root.level
        monkeypatch.setattr(sys, "argv", [str(ROOT / name), *arguments])
        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None
        before = {number: signal.signal(number, _stop) for number in (signal.SIGALRM, signal.SIGPROF)}
        signal.setitimer(signal.ITIMER_REAL, WAIT)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        capfd.readouterr()
        try:
            runpy.run_path(str(ROOT / name), run_name="__main__")
            code: Any = 0
        except SystemExit as ended:
            code = ended.code or 0
        except (Exception, TooLong):
            traceback.print_exc()
            code = 1
        finally:
            for timer in (signal.ITIMER_REAL, signal.ITIMER_PROF):
                signal.setitimer(timer, 0)
            for number, handler in before.items():
                signal.signal(number, handler)
            GlobalHydra.instance().clear()
            os.environ.clear()
            os.environ.update(environment)
            logging.root.handlers[:] = handlers
            logging.root.setLevel(level)
            for module in set(sys.modules) - modules:
                if module.startswith("own_"):
                    del sys.modules[module]
        out, err = capfd.readouterr()
        return Ended(code, out, err) if isinstance(code, int) else Ended(1, out, f"{err}{code}\n")

    return called


def _stop(number: int, _: object) -> None:
    raise TooLong(f"the command ran for {SECONDS} s" if number == signal.SIGPROF else f"the command waited for {WAIT} s")


@pytest.fixture
def command(script: Callable[..., Ended]) -> Callable[..., Ended]:
    """Run `python train.py *arguments` in this process."""
    return lambda *arguments: script("train.py", *arguments)


def assert_refused(ended: Ended, words: tuple[str, ...]) -> None:
    """Assert that a command ended with exit code 2 and one line, which begins with "error: " and contains `words`."""
    assert "Traceback" not in ended.out + ended.err, ended.err
    assert ended.code == 2, f"exit code {ended.code}; {ended.out}{ended.err}"
    lines = [line for line in ended.err.splitlines() if line.strip()]
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("error: ")
    missing = [word for word in words if word not in lines[0]]
    assert not missing, f"{missing} not in {lines[0]!r}"


def _left(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.fixture
def refused(place: Callable[[Case], list[str]], command: Callable[..., Ended]) -> Callable[[Case], None]:
    """Assert that train.py refuses a case in one line and writes nothing."""

    def asserted(case: Case) -> None:
        arguments = complete(place(case))
        before = _left(Path.cwd())
        assert_refused(command(*arguments), case.words)
        assert _left(Path.cwd()) == before

    return asserted


@pytest.fixture
def script_refused(place: Callable[[Case], list[str]], script: Callable[..., Ended]) -> Callable[[Case], None]:
    """Assert that a script, whose name begins the arguments of a case, refuses the others in one line and writes nothing."""

    def asserted(case: Case) -> None:
        name, *arguments = place(case)
        before = _left(Path.cwd())
        assert_refused(script(f"scripts/{name}", *arguments), case.words)
        assert _left(Path.cwd()) == before

    return asserted
