"""Some of the mistakes in a process of its own, as typed in a shell."""

import os
import subprocess
import sys
from pathlib import Path

from mistakes.conftest import ROOT, Ended, assert_refused, complete, right, table, wrong


def typed(name: str, *arguments: str) -> Ended:
    """Run `python <name> *arguments` in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(Path.cwd().parent / "modules")])}
    command = [sys.executable, str(ROOT / name), *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@table(
    wrong("+lr=0.5", "lr=0.5", "optimizer.lr"),
    wrong("optimizer=adamm", "optimizer=adamm", "adam"),
    wrong("seed=1,2", "seed=1,2", "-m"),
    wrong("output_dir=out/a=b", "output_dir=out/a=b", "quot"),
    wrong("-m optimizer.lr=0.1,-1", "optimizer.lr=-1", "> 0"),
    wrong(
        "--config-dir CONF optimizer=own",
        "no module myopts",
        files={"optimizer/own.yaml": "_target_: myopts.Adan\nlr: 0.1\n"},
        id="a module that does not exist",
    ),
    quick=2,  # a process takes seconds, and the other tables have these rows too
)
def test_a_mistake_in_a_process_of_its_own(place, case):
    ended = typed("train.py", *complete(place(case)))
    assert_refused(ended, case.words)
    assert not list(Path.cwd().iterdir())


@table(right("optimizer=adam -m seed=1,2 engine=numpy", runs=2))
def test_flags_after_overrides_in_a_process_of_its_own(place, case):
    ended = typed("train.py", *complete(place(case)))
    assert (ended.code, ended.err) == (0, "")
    assert len(list(Path.cwd().rglob("result.json"))) == case.runs


def test_a_traceback_for_whoever_asks_for_one(place, monkeypatch):
    arguments = complete(place(wrong("optimizer=adamm").values[0]))
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    ended = typed("train.py", *arguments)
    assert ended.code != 0
    assert "Traceback" in ended.err
    assert not list(Path.cwd().iterdir())
