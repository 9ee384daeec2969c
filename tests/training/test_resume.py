"""A run that was cut off continues, and ends with the bits of one that was not."""

import os
import pty
import signal
import subprocess
import sys

import pytest
from conftest import ROOT, Run, settings

from descent.stopping import Stopped
from descent.training.run import run

LONG = ("optimizer=adam", "batch=stochastic", "schedule=cosine", "max_steps=30000", "trainer=cpu")


def start(folder, *arguments, **how):
    return subprocess.Popen([sys.executable, str(ROOT / "train.py"), f"output_dir={folder}", *LONG, *arguments], text=True, **how)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Train a run that nothing disturbs, once for all tests of a worker that compare with it."""
    kept = {}

    def trained(*arguments):
        if arguments not in kept:
            chosen = settings(*arguments, f"output_dir={tmp_path_factory.mktemp('undisturbed')}")
            done = run(chosen)
            kept[arguments] = Run(done.result, done.folder)
        return kept[arguments]

    return trained


def curve(run):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in run.rows[1:]]


def compiles(what):
    """Mark as slow what compiles for seconds."""
    return [pytest.mark.slow] if "engine=compiled" in what else []


@pytest.mark.parametrize(("cut", "number"), [(1, signal.SIGINT), (5, signal.SIGTERM), (9, signal.SIGHUP)])
@pytest.mark.parametrize(
    "what",
    [
        pytest.param(what, marks=[pytest.mark.xdist_group(" ".join(what)), *compiles(what)])
        for what in (
            ("optimizer=adam",),
            ("optimizer=muon", "schedule=cosine"),
            ("optimizer=lbfgs", "batch=full", "epochs=30"),
            ("optimizer=sgd", "schedule=plateau", "batch.replacement=true"),
            ("optimizer=adamax", "problem=rosenbrock"),
            ("optimizer=momentum", "clip_norm=0.3"),
            ("engine=numpy", "optimizer=sgd", "schedule=plateau"),
            ("engine=numpy", "optimizer=momentum", "clip_norm=0.3"),
            ("engine=numpy", "optimizer=nadam", "batch=stochastic"),
            ("engine=numpy", "optimizer=muon", "schedule=cosine"),
            ("engine=numpy", "optimizer=asgd", "problem=rosenbrock"),
            ("engine=numpy", "optimizer=asgd", "optimizer.t0=20"),
            ("engine=compiled", "optimizer=sgd", "schedule=plateau"),
            ("engine=compiled", "optimizer=nadam", "batch=stochastic", "clip_norm=0.3"),
            ("engine=compiled", "optimizer=asgd", "problem=rosenbrock"),
            ("engine=compiled", "optimizer=muon", "schedule=cosine"),
            ("optimizer=asgd", "optimizer.t0=20"),
        )
    ],
    ids=" ".join,
)
def test_a_run_stopped_at_any_block_continues_bit_for_bit(train, undisturbed, monkeypatch, what, cut, number):
    """A signal at the edge of block `cut`, in this process: what a SIGKILL leaves is the checkpoint that this writes."""
    from descent.training.recorder import Recorder

    handler = signal.signal(number, signal.default_int_handler)  # it is ignored where the tests run in the background

    arguments = ("epochs=5", *what, "logger=csv")
    expected = undisturbed(*arguments)
    blocks = iter(range(1000))
    plain = Recorder.block_ended

    def with_interrupt(self, engine):
        if next(blocks) == cut:
            signal.raise_signal(number)
        return plain(self, engine)

    monkeypatch.setattr(Recorder, "block_ended", with_interrupt)
    with pytest.raises(Stopped, match=r"^Stopped at step [\d,]+\. Repeat the command to continue\.$") as stopped:
        train(*arguments)
    assert stopped.value.number == number
    assert signal.signal(number, handler) is signal.default_int_handler
    monkeypatch.undo()
    continued = train(*arguments)
    assert curve(continued) == curve(expected)
    assert continued.result["final"] == expected.result["final"]
    assert continued.result["test"] == expected.result["test"]


def test_a_reader_that_closes_the_pipe_ends_nothing(train, monkeypatch):
    """As `python train.py | head -1`; a terminal that is gone gives another error, and goes the same way."""
    read, written = os.pipe()
    os.close(read)
    with open(written, "w") as closed:
        monkeypatch.setattr(sys, "stdout", closed)
        assert train("engine=numpy", "max_steps=20").result["steps"] == 20


@pytest.mark.parametrize("engine", ["torch", "numpy"])
def test_rows_written_after_the_checkpoint_are_written_again_with_the_same_numbers(train, undisturbed, monkeypatch, engine):
    from descent.training import recorder as recording

    arguments = ("epochs=3", f"engine={engine}")
    expected = undisturbed(*arguments)
    monkeypatch.setattr(recording, "CHECKPOINT_EVERY", 0)
    plain = recording.Recorder.block_ended

    def dies(self, engine):
        stops = plain(self, engine)
        recording.CHECKPOINT_EVERY = 1e9  # only the first one
        if engine.position.step > 50:
            raise RuntimeError("the process dies here")
        return stops

    monkeypatch.setattr(recording.Recorder, "block_ended", dies)
    with pytest.raises(RuntimeError, match="dies here"):
        train(*arguments)
    monkeypatch.undo()
    assert curve(train(*arguments)) == curve(expected)


@pytest.mark.xdist_group("damaged checkpoints")
@pytest.mark.parametrize("engine", ["torch", "numpy"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_a_checkpoint_with_one_wrong_byte_starts_the_run_again(train, undisturbed, tmp_path, monkeypatch, capsys, engine, share):
    """Wherever the damage is: nothing of it is taken up."""
    from descent.training import recorder as recording

    arguments = ("epochs=3", f"engine={engine}", "optimizer=adam", "logger=csv")
    expected = undisturbed(*arguments)
    plain = recording.Recorder.block_ended

    def dies(self, engine):
        plain(self, engine)
        raise RuntimeError("the process dies here")

    monkeypatch.setattr(recording, "CHECKPOINT_EVERY", 0)
    monkeypatch.setattr(recording.Recorder, "block_ended", dies)
    with pytest.raises(RuntimeError, match="dies here"):
        train(*arguments)
    monkeypatch.undo()
    (checkpoint,) = tmp_path.glob("*/*/*/*/*/last.ckpt")
    content = bytearray(checkpoint.read_bytes())
    content[int(share * len(content))] ^= 0xFF
    checkpoint.write_bytes(content)
    capsys.readouterr()
    again = train(*arguments)
    assert curve(again) == curve(expected)
    out, err = capsys.readouterr()
    assert ("last.ckpt cannot be continued" in err) != ("Continuing at step" in out)


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_a_terminal_shows_a_live_bar(tmp_path):
    parent, child = pty.openpty()
    process = start(tmp_path, "max_steps=5000", stdout=child, stderr=child, env={**os.environ, "TERM": "xterm", "COLUMNS": "120"})
    os.close(child)
    shown = ""
    try:
        while chunk := os.read(parent, 4096).decode(errors="replace"):
            shown += chunk
    except OSError:  # how Linux says that the other side closed
        pass
    assert process.wait() == 0
    for word in ("Loading Lightning", "examples", "steps/s", "ETA", "train/loss", "val/accuracy", "100 %"):
        assert word in shown
    assert "step 0 " not in shown  # no plain lines beside the bar
