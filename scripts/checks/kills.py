"""Kill runs and sweeps while they train, start them again, and compare what they come to with undisturbed ones."""

import atexit
import multiprocessing
import os
import random
import runpy
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from descent.records import curve
from descent.records import result as results
from descent.records.lock import held

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
KILLS = tuple((number, group) for number in SIGNALS for group in (False, True))
STEPS = {"torch": 3000, "numpy": 20_000, "compiled": 1_000_000}  # of a run, about a second
MARK = "DESCENT_KILLS"  # in the environment of whatever a killed process has started
PRELOADED = (
    *("descent.training.train", "descent.training.numpy_engine", "descent.training.torch_engine"),
    *("descent.sweeps.sweep", "descent.config.compose", "descent.problems.digits"),
    *("hydra_plugins.descent_study.launchers", "hydra.main"),
)
RIGHT = "final", "best", "test", "steps", "examples", "gradient_evaluations", "status", "diverged_at"


@dataclass
class Case:
    """How a study was killed, and what is left of it.

    Attributes:
        launcher: of the sweep; ``none``: single runs.
        engine: that trains.
        kills: by the name of the signal.
        continued: runs that a kill left with a checkpoint.
        compared: runs of the study in the end.
        different: those that differ in a bit from undisturbed ones.
        lost: results that a kill has changed or removed.
        misled: kills after which the process did not end as it should: 128 + n and one line.
        left: processes that went on without the one that had started them.
    """

    launcher: str
    engine: str
    kills: Counter[str] = field(default_factory=Counter)
    continued: int = 0
    compared: int = 0
    different: int = 0
    lost: int = 0
    misled: list[str] = field(default_factory=list)
    left: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.different or self.lost or self.misled or self.left) and self.compared > 0


def kill(launcher: str, engine: str, kills: Any, folder: Path, seed: int = 0) -> Case:
    """Train a study that is killed again and again, until it is done; then one that is not, and compare.

    Args:
        launcher: of the sweep; ``none``: single runs, one after the other.
        engine: that trains.
        kills: pairs of the signal, and whether it reaches the whole process group, as Ctrl-C does, or its first process alone.
        folder: for the studies, new.
        seed: of the moments. What a kill hits depends on the machine all the same, what comes out must not.
    """
    case, chance, seeds = Case(launcher, engine), random.Random(seed), 2
    study = folder / "killed"
    for number, group in kills:
        while not _hit(case, study, seeds, number, group, chance.uniform(0, 1)):
            seeds += 1  # all was done before
    _end(_start(study, launcher, engine, seeds))
    _end(_start(folder / "undisturbed", "none" if launcher == "none" else "basic", engine, seeds))
    killed, undisturbed = _numbers(study), _numbers(folder / "undisturbed")
    case.compared = len(undisturbed)
    case.different = sum(killed.get(name) != numbers for name, numbers in undisturbed.items())
    return case


def _hit(case: Case, study: Path, seeds: int, number: signal.Signals, group: bool, seconds: float) -> bool:
    """Start the study, kill it some seconds after it began to train, and see what is left; return whether it was hit."""
    process = _start(study, case.launcher, case.engine, seeds)
    _wait(lambda: process.exitcode is not None or any(held(run) for run in _runs(study)))
    process.join(seconds)
    before = {path: path.read_bytes() for path in study.glob("*/*/*/*/result.json")}
    if process.exitcode is None:
        (os.killpg if group else os.kill)(process.pid, number)
    process.join()
    _wait(lambda: not _started(study), 120, must=False)  # one that still imports ends when it has
    ours = _started(study)
    case.left += len(ours)
    for worker in ours:
        os.kill(worker, signal.SIGKILL)
    if process.exitcode == 0 or len(before) == len(_runs(study)) == _planned(case, seeds):
        return False
    case.kills[number.name] += 1
    case.lost += sum(not path.exists() or path.read_bytes() != content for path, content in before.items())
    case.continued += sum((run / "last.ckpt").exists() and not (run / "result.json").exists() for run in _runs(study))
    told, lines = process.exitcode, Path(f"{study}.err").read_text().splitlines()
    expected = -number if number == signal.SIGKILL else 128 + number
    one_line = len(lines) == 1 and lines[0].startswith("Stopped") and lines[0].endswith("Repeat the command to continue.")
    if told != expected or not (one_line or number == signal.SIGKILL):
        case.misled.append(f"{number.name} {'to the group' if group else 'alone'}: exit status {told}, {lines}")
    return True


def _planned(case: Case, seeds: int) -> int:
    return seeds if case.launcher == "none" else 2 * seeds


def _start(study: Path, launcher: str, engine: str, seeds: int) -> Any:
    """Begin to train in a process that is forked from one that has paid for the imports."""
    arguments = [f"output_dir={study.parent}", f"study={study.name}", f"engine={engine}", "logger=csv", "batch=stochastic"]
    arguments += [f"max_steps={STEPS[engine]}", "trainer=cpu"]
    if launcher != "none":
        listed = ",".join(map(str, range(seeds)))
        arguments = ["-m", *arguments, "optimizer=sgd,adam", f"seed={listed}", f"hydra/launcher={launcher}"]
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(list(PRELOADED))
    process = processes.Process(target=_train, args=(study, arguments, 1 if launcher != "none" else seeds))
    process.start()
    return process


def _train(study: Path, arguments: list[str], times: int) -> None:
    """Do what the command does, in a session of its own."""
    from descent.training import recorder

    os.setsid()
    for number in SIGNALS[:-1]:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ[MARK] = str(study)
    for stream, path in ((1, os.devnull), (2, f"{study}.err")):
        os.makedirs(study.parent, exist_ok=True)
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    recorder.CHECKPOINT_EVERY = 0.05
    try:
        for seed in range(times):
            sys.argv = [str(Path(__file__).parents[2] / "train.py"), *arguments, *([f"seed={seed}"] if times > 1 else [])]
            runpy.run_path(sys.argv[0], run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # not done in what multiprocessing starts; joblib would wait 300 s for its idle workers


def _end(process: Any) -> None:
    process.join()
    if process.exitcode:
        raise RuntimeError(f"the study ended with exit status {process.exitcode}")


def _runs(study: Path) -> list[Path]:
    return [run for run in study.glob("*/*/*/*") if run.is_dir()]


def _numbers(study: Path) -> dict[str, Any]:
    """Return what must be the same, by run: the curve without its clock, and the result."""
    numbers = {}
    for run in _runs(study):
        rows = [{name: repr(value) for name, value in row.items() if name != "seconds"} for row in curve.read(run / "curve.csv")]
        result = results.read(run / "result.json").model_dump()
        best = {name: value for name, value in result["best"].items() if name != "seconds"}
        numbers[run.name] = rows, repr([best, *(result[name] for name in RIGHT if name != "best")])
    return numbers


def _started(study: Path) -> list[int]:
    """Return the processes that one of the study's has started; where there is no /proc, none."""
    mark, processes = f"{MARK}={study}".encode(), []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark in path.read_bytes().split(b"\0"):
                processes.append(int(path.parent.name))
        except OSError:
            continue
    return processes


def _wait(happens: Callable[[], object], seconds: float = 300, must: bool = True) -> None:
    end = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > end:
            if must:
                raise RuntimeError(f"nothing happened for {seconds:.0f} s")
            return
        time.sleep(0.02)


def lines(cases: list[Case]) -> Iterator[str]:
    """Yield the table of the cases, a line each."""
    names = [number.name for number in SIGNALS]
    yield f"| launcher | engine | {' | '.join(names)} | continued | runs | different | results lost | wrong ends | left behind |"
    yield "|---|---|" + "--:|" * (len(names) + 6)
    for case in cases:
        counts = [*(case.kills[name] for name in names), case.continued, case.compared, case.different, case.lost]
        counts += [len(case.misled), case.left]
        yield f"| {case.launcher} | {case.engine} | {' | '.join(map(str, counts))} |"
