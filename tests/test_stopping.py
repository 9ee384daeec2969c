"""Signals: the first asks a run to stop, a second one ends it, an ignored one stays ignored, and a command says one line."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from studies import wait_for

from descent import stopping


@pytest.fixture(autouse=True)
def usual(monkeypatch):
    """Let signals do what they do in a shell's foreground, and a second one count at once."""
    before = {number: signal.getsignal(number) for number in stopping.SIGNALS}
    for number in stopping.SIGNALS:
        signal.signal(number, signal.default_int_handler)
    yield monkeypatch
    for number, handler in before.items():
        signal.signal(number, handler)


def raised(*numbers):
    """Raise signals while a run is on; return what asks it to stop."""
    with stopping.deferred():
        for number in numbers:
            signal.raise_signal(number)
        return stopping.asked()


@pytest.mark.parametrize("number", stopping.SIGNALS)
def test_a_first_signal_asks_and_the_end_of_the_run_tells(number):
    with pytest.raises(stopping.Stopped, match=r"^Stopped\. Repeat the command to continue\.$") as stopped:
        raised(number, number)  # `timeout` sends two at once
    assert stopped.value.number == number
    assert stopping.asked() == 0
    assert signal.getsignal(number) is signal.default_int_handler


def test_a_second_signal_does_what_it_would_do_outside(monkeypatch):
    monkeypatch.setattr(stopping, "GRACE", -1)
    with pytest.raises(KeyboardInterrupt) as ended:
        raised(signal.SIGINT, signal.SIGTERM)
    assert type(ended.value) is KeyboardInterrupt


def test_a_signal_that_is_ignored_stays_so():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    assert raised(signal.SIGHUP) == 0


def test_handlers_that_a_library_replaced_are_set_again():
    with stopping.listening(stopping.ask):
        signal.signal(signal.SIGTERM, lambda *_: None)
        stopping.listen_again()
        signal.raise_signal(signal.SIGTERM)
        assert stopping.asked() == signal.SIGTERM
    with stopping.deferred():
        assert stopping.asked() == 0


@pytest.mark.parametrize(
    ("number", "arguments"),
    [
        (signal.SIGINT, ("train.py",)),
        (signal.SIGHUP, ("train.py", "-m", "seed=1,2")),
        (signal.SIGTERM, ("train.py", "status", "x")),
    ],
)
def test_a_signal_in_the_first_seconds_is_one_line(tmp_path, number, arguments):
    """It comes as soon as the process listens, before Hydra is imported."""
    command = [sys.executable, str(ROOT / "train.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        wait_for(lambda: _catches(process.pid, signal.SIGHUP))
        process.send_signal(number)
        assert process.stderr.read() == "Stopped. Repeat the command to continue.\n"
    assert process.returncode == 128 + number
    assert not list(tmp_path.iterdir())


def _catches(process, number):
    """Whether a process has a handler for a signal."""
    (caught,) = (line for line in Path(f"/proc/{process}/status").read_text().splitlines() if line.startswith("SigCgt"))
    return int(caught.split()[1], 16) >> (number - 1) & 1
