"""A study through `python train.py -m`: only what is missing is trained, and nothing that happens to it loses a result."""

import errno
import json
import math
import os
import pty
import re
import runpy
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, settings, sweep
from hydra.core.plugins import Plugins
from hydra.core.utils import JobStatus
from studies import seal, wait_for, write_run

from descent.config.compose import compose
from descent.records import journal as journals
from descent.records.journal import Journal, Outcome
from descent.records.result import SCHEMA
from descent.sweeps.sweep import sweep as sweep_of
from descent.sweeps.worker import work
from descent.terminal.sweep_progress import StudyDisplay
from descent.training.numpy_engine import NumpyEngine

save = NumpyEngine.save

QUICK = ("engine=numpy", "max_steps=20", "logger=csv")


@pytest.fixture
def command(capsys, monkeypatch, tmp_path):
    return lambda *arguments: sweep(capsys, monkeypatch, f"output_dir={tmp_path}", *QUICK, *arguments)


def results(folder):
    return {path.parent: json.loads(path.read_text()) for path in Path(folder).glob("*/*/*/*/*/result.json")}


def packed(text):
    """Return a text without blanks and rules: the table breaks its lines where a folder's name is long."""
    return re.sub(r"[│━╇┃\s]", "", text)


def curves(folder):
    """The curves of a study by run, without the clock."""
    found = {}
    for path in Path(folder).glob("*/*/*/*/curve.csv"):
        header, *rows = (line.split(",") for line in path.read_text().splitlines())
        clock = header.index("seconds")
        found[path.parent.name] = [row[:clock] + row[clock + 1 :] for row in rows]
    return found


def test_a_sweep_trains_its_runs_and_shows_a_row_for_each_setting(command, tmp_path):
    status, out, err = command("optimizer=sgd,adam", "seed=1,2,3")
    assert (status, err) == (0, "")
    assert out.startswith("0 finished, 0 continued, 6 to train\n")
    assert len(results(tmp_path)) == 6
    row = r"^(adam|sgd) mini size=32_lr=([\d.]+) +│ +3 │ +([\d.]+) │ +([\d.]+) to ([\d.]+) *(?:│.*)?$"
    rows = re.findall(row, out, re.M)
    assert [row[0] for row in rows] == ["adam", "sgd"]  # the best first
    for optimizer, _, *shown in rows:
        values = sorted(r["final"]["train/loss"] for r in results(tmp_path).values() if r["optimizer"] == optimizer)
        assert [float(number) for number in shown] == [pytest.approx(values[i], rel=1e-3) for i in (1, 0, 2)]


def test_repeating_it_trains_only_what_is_missing(command, tmp_path):
    command("optimizer=sgd,adam", "seed=1,2")
    before = {path: (path / "result.json").stat().st_mtime_ns for path in results(tmp_path)}
    status, out, _ = command("optimizer=sgd,adam,momentum", "seed=1,2,3")
    assert status == 0
    assert out.startswith("4 finished, 0 continued, 5 to train\n")
    assert len(results(tmp_path)) == 9
    assert {path: (path / "result.json").stat().st_mtime_ns for path in before} == before
    assert command("optimizer=sgd,adam,momentum", "seed=1,2,3")[1].startswith("9 finished, 0 continued, 0 to train\n")


def test_rerun_trains_all_anew(command, tmp_path):
    command("seed=1,2")
    before = {
        path: result["environment"] and (path / "result.json").stat().st_mtime_ns for path, result in results(tmp_path).items()
    }
    assert command("seed=1,2", "rerun=true")[1].startswith("0 finished, 0 continued, 2 to train\n")
    assert all((path / "result.json").stat().st_mtime_ns > then for path, then in before.items())
    assert not list(tmp_path.glob("*/*/*/*/*.rerun"))


def test_choices_and_values_mix_as_in_a_single_run(command, tmp_path):
    """The sweep composes what shares its choices once; each run's config.yaml is Hydra's own composition."""
    grid = [
        "seed=2",
        "problem=quadratic,digits_logreg",
        "batch=full,mini",
        "optimizer=momentum,adam",
        "schedule=step",
        "epochs=null",
    ]
    values = ["schedule.milestones=[0.2,0.7]", "optimizer.weight_decay=0.0,0.01", "records={first_epoch: 3, growth: 2.0}"]
    assert command(*grid, *values)[0] == 0
    assert len(results(tmp_path)) == 16
    assert command(*grid, *values)[1].startswith("16 finished, ")
    for path in results(tmp_path):
        made = yaml.safe_load((path / "config.yaml").read_text())
        overrides = [f"{group}={made['names'][group]}" for group in ("problem", "batch", "optimizer")]
        overrides += [f"seed={made['seed']}", f"optimizer.weight_decay={made['optimizer']['weight_decay']}", *grid[4:], values[0]]
        assert made == settings(*overrides, *values[2:], *QUICK, f"output_dir={tmp_path}").settings()


def test_a_run_given_twice_is_one_run(command):
    assert command("optimizer.lr=0.1,0.10")[1].startswith("0 finished, 0 continued, 1 to train\n")


def test_a_setting_that_cannot_work_is_refused_before_anything_is_trained(command, tmp_path):
    status, out, err = command("optimizer.lr=0.1,-1")
    assert (status, out, err) == (2, "", "error: optimizer.lr=-1: must be a number > 0.\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        ("optimizer=sgd,adma", "optimizer=adma: must be one of adabelief, adadelta, adafactor, adagrad, adam, "),
        ("optimizer.lrr=0.1,0.2", "optimizer.lrr=0.1: optimizer=sgd has no such setting; it has spare_biases, lr, momentum, "),
        ("batch=mini,full batch.size=8", "batch.size=8: batch=full has no such setting; it has micro_size."),
        ("optimiser=sgd,adam", "optimiser=sgd: there is no such setting. Did you mean optimizer?"),
        ("seed=range(3,3)", "seed=range(3,3): is an empty sweep."),
        ("seed=1,2 optimizer.lr=0.1,fast", "optimizer.lr=fast: must be a number."),
    ],
)
def test_a_mistake_in_one_of_many_runs_gets_one_line(command, tmp_path, mistake, told):
    status, out, err = command(*mistake.split())
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {told}")
    assert not list(tmp_path.iterdir())


@pytest.fixture
def failing(monkeypatch):
    """Let runs of adagrad fail, as where memory does not suffice."""
    from descent.sweeps import worker

    plain = worker.run

    def run(config, *arguments, **more):
        if config.names.optimizer == "adagrad":
            raise RuntimeError("not enough memory")
        return plain(config, *arguments, **more)

    monkeypatch.setattr(worker, "run", run)


@pytest.mark.usefixtures("failing")
def test_runs_that_fail_are_recorded_and_the_others_go_on(command, tmp_path):
    status, out, err = command("optimizer=sgd,adagrad,adam", "seed=1,2")
    assert (status, err) == (1, "")
    assert Counter(result["optimizer"] for result in results(tmp_path).values()) == {"adam": 2, "sgd": 2}
    written = sorted(path.parent for path in tmp_path.glob("*/*/*/*/*/error.txt"))
    cause, _, trace = (written[0] / "error.txt").read_text().partition("\n\n")
    assert cause == "RuntimeError: not enough memory"
    assert trace.startswith("Traceback")
    _, heading, told = packed(out).partition(packed(f"2 failed, in {tmp_path / 'default'}"))
    assert heading
    assert packed(f"2 {cause} " + " ".join(str(path.relative_to(tmp_path / "default")) for path in written)) in told
    status, out, _ = command("optimizer=sgd,adagrad,adam", "seed=1,2")
    assert status == 1
    assert out.startswith("4 finished, 0 continued, 2 to train\n")
    assert re.search(r"^4/6 done, 2 failed, 0:00:\d\d$", out, re.M)
    assert "tensorboard" not in command("optimizer=adagrad", "study=nothing_to_see")[1]


def test_diverged_runs_are_results(command):
    status, out, _ = command("problem=quadratic", "batch=full", "optimizer.lr=0.1,2.5", "max_steps=500")
    assert status == 0
    assert "1 diverged" in out
    assert re.search(r"lr=2.5 +│ +1 │ +none │", out)


def test_rows_of_one_label_tell_what_sets_them_apart(command):
    out = command("optimizer=momentum", "optimizer.momentum=0.5,0.8")[1]
    assert "momentum mini size=32_lr=0.01 momentum=0.5" in out
    assert "momentum mini size=32_lr=0.01 momentum=0.8" in out


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("result.json", ["result.json is damaged"]),
        (
            "curve.csv",
            ["curve.csv is damaged", "last.ckpt cannot be continued (ValueError: curve.csv is damaged, or of another run)"],
        ),
        ("events*", ["events.out.tfevents."]),
        ("config.yaml", ["config.yaml is damaged"]),
    ],
)
@pytest.mark.usefixtures("checkpoints")
def test_damage_to_a_finished_run_is_named_and_costs_that_run_alone(command, tmp_path, file, words):
    command("seed=1,2", "logger=tensorboard")
    undisturbed = curves(tmp_path / "default")
    damaged, sound = sorted(results(tmp_path))
    before = (sound / "result.json").stat().st_mtime_ns
    (path,) = damaged.glob(file)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content[: len(content) // 2] if file == "result.json" else content)
    status, out, err = command("seed=1,2", "logger=tensorboard")
    assert status == 0
    assert out.startswith("1 finished, ")
    lines = err.splitlines()
    assert len(lines) == len(words)
    for line, word in zip(lines, words, strict=True):
        assert line.startswith(f"warning: {damaged / word}")
        assert line.endswith("; the run is trained again.")
        assert f"repaired {damaged.relative_to(tmp_path / 'default')}: {word}" in out  # and under the table
    assert (sound / "result.json").stat().st_mtime_ns == before
    assert curves(tmp_path / "default") == undisturbed
    assert command("seed=1,2", "logger=tensorboard")[::2] == (0, "")
    assert not list(tmp_path.glob("*/*/*/*/*.rerun"))


def test_a_sweep_writes_and_recommends_the_medians_first(command, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    study = tmp_path / "default"
    medians = study / "report" / "tensorboard"
    _, out, _ = command("seed=1,2,3", "batch=full,mini", "logger=tensorboard")
    assert f"curves   tensorboard --logdir {medians}\nruns     tensorboard --logdir {study}\n" in out
    shown = EventAccumulator(str(medians / "sgd full")).Reload().Scalars("train/loss")
    final = sorted(result["final"]["train/loss"] for folder, result in results(tmp_path).items() if result["batch"] == "full")
    assert shown[-1].value == pytest.approx(final[1])
    before = {path: path.stat().st_mtime_ns for path in medians.rglob("*")}
    command("seed=1,2,3", "batch=full,mini", "logger=tensorboard")  # nothing to train: a verdict that is there stays
    assert {path: path.stat().st_mtime_ns for path in medians.rglob("*")} == before
    command("seed=4", "logger=tensorboard")
    assert {path: path.stat().st_mtime_ns for path in medians.rglob("*")} != before


def test_without_events_a_sweep_writes_no_medians(command, tmp_path):
    _, out, _ = command("seed=1,2")
    assert not (tmp_path / "default" / "report").exists()
    assert f"curves   tensorboard --logdir {tmp_path / 'default'}\n" in out


def test_events_may_be_thrown_away(command, tmp_path):
    command("seed=1", "logger=tensorboard")
    next(tmp_path.glob("*/*/*/*/*/events*")).unlink()
    assert command("seed=1", "logger=csv")[1].startswith("1 finished, ")


@pytest.mark.parametrize("file", ["curve.csv", "last.ckpt"])
@pytest.mark.usefixtures("checkpoints")
def test_damage_to_an_unfinished_run_is_named_and_costs_a_new_start(command, tmp_path, file):
    command("seed=1,2")
    undisturbed = curves(tmp_path / "default")
    path = sorted(results(tmp_path))[0]
    (path / "result.json").unlink()
    (path / file).write_bytes(b"\x00damaged")
    status, out, err = command("seed=1,2")
    assert status == 0
    assert out.startswith("1 finished, 1 continued, 0 to train\n")
    assert f"{path / 'last.ckpt'} cannot be continued (" in err
    assert curves(tmp_path / "default") == undisturbed


@pytest.mark.parametrize("word", [True, False], ids=["the cause can be written", "nothing can be written"])
@pytest.mark.usefixtures("checkpoints")
def test_a_full_disk_fails_the_runs_that_it_meets(command, tmp_path, monkeypatch, word):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(NumpyEngine, "save", lambda self, path: full() if "seed=2" in str(path) else save(self, path))
        if not word:
            patched.setattr("descent.records.result.fail", full)
        status, out, err = command("seed=1,2,3")
    assert status == 1
    assert re.search(r"No[│\s]+space[│\s]+left", out if word else err)
    assert sorted(result["seed"] for result in results(tmp_path).values()) == [1, 3]
    status, out, _ = command("seed=1,2,3")
    assert status == 0
    assert out.startswith("2 finished, 0 continued, 1 to train\n")
    assert not list(tmp_path.glob("*/*/*/*/*/error.txt"))


def test_a_result_of_another_version_is_named(command, tmp_path):
    command("seed=1,2")
    path = sorted(results(tmp_path))[0] / "result.json"
    found = json.loads(path.read_text())
    seal(path.parent, found | {"environment": found["environment"] | {"descent": "0.0.1"}})
    assert "1 results are of descent 0.0.1" in command("seed=1,2")[2]
    seal(path.parent, found | {"schema": SCHEMA - 1})
    _, out, err = command("seed=1,2")
    assert f"result.json has schema {SCHEMA - 1}, this version writes {SCHEMA}; the run is trained again." in err
    assert out.startswith("1 finished, ")


def test_a_run_that_another_process_trains_is_left_to_it(command, tmp_path):
    """The other process is a lock holder that lets go after a while; the run is then found or trained."""
    command("seed=1")
    (folder,) = results(tmp_path)
    (folder / "result.json").unlink()
    script = "import sys, time; from pathlib import Path; from descent.records.lock import lock\n"
    script += "with lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(3)"
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        begun = time.monotonic()
        status, _, _ = command("seed=1,2")
        assert time.monotonic() - begun > 1
    assert status == 0
    assert len(results(tmp_path)) == 2


def test_an_unwritable_folder_is_refused_in_one_line(command, tmp_path):
    (tmp_path / "file").write_text("")
    status, _, err = command("seed=1,2", f"output_dir={tmp_path / 'file'}")
    assert status == 2
    assert err.startswith(f"error: output_dir={tmp_path / 'file'}: cannot be written (")
    assert err.count("\n") == 1


def test_what_a_sweep_keeps_in_memory_does_not_grow_by_configurations(command, monkeypatch):
    """Hydra's own launcher is used where something is asked of it, and gives a configuration back for each job."""
    Plugins.instance()
    basic = sys.modules["hydra._internal.core_plugins.basic_launcher"].BasicLauncher
    plain, kept = basic.launch, []
    monkeypatch.setattr(basic, "launch", lambda *given, **named: kept.extend(plain(*given, **named)))
    command("seed=1,2", "+hydra.job.env_set.COLOUR=blue")
    assert [(job.status, job.cfg, job.hydra_cfg) for job in kept] == [(JobStatus.COMPLETED, None, None)] * 2


def test_the_display_reads_only_of_runs_that_have_begun(tmp_path, monkeypatch):
    ended, *others = [tmp_path / "problem" / "mini" / "sgd" / str(seed) for seed in range(1000)]
    write_run(tmp_path).rename(ended.parent.mkdir(parents=True) or ended)
    with journals.opened(tmp_path, tmp_path, local=True) as journal:
        journal.note(ended.name, Outcome.ENDED)
        read, plain = [], Journal.notes
        monkeypatch.setattr(Journal, "notes", lambda self, run: read.append(run) or plain(self, run))
        with StudyDisplay([ended, *others], [ended, *others], journal) as display:
            pass
    assert read == [ended.name]
    assert ", 1/1000 done, 0 running, 0:00:0" in display.line()


@pytest.mark.usefixtures("failing")
def test_a_clock_ahead_of_the_file_servers_changes_nothing(command, tmp_path, monkeypatch):
    """Files that a sweep has just written seem to be of the minute before it."""
    clock, fit, trained = time.time, NumpyEngine.fit, []
    monkeypatch.setattr(time, "time", lambda: clock() + 60)
    monkeypatch.setattr(NumpyEngine, "fit", lambda self: trained.append(0) or fit(self))
    for rerun in ("false", "true"):
        trained.clear()
        status, _, err = command("optimizer=sgd,adagrad", "seed=1,2", f"rerun={rerun}")
        assert (status, err, len(trained)) == (1, "", 2)
        assert all(result["optimizer"] == "sgd" for result in results(tmp_path).values())
        causes = [path.read_text().partition("\n")[0] for path in tmp_path.glob("*/*/*/*/*/error.txt")]
        assert causes == ["RuntimeError: not enough memory"] * 2
    assert not list(tmp_path.glob("default/.*"))


def test_runs_are_found_where_they_were_planned_whatever_their_working_directory(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    there = ("hydra.job.chdir=true", "hydra.sweep.dir=elsewhere", "hydra.sweep.subdir=${hydra.job.num}", "output_dir=here")
    for trained in (2, 0):
        status, out, err = command("seed=1,2", *there)
        assert (status, err) == (0, "")
        assert f", {trained} to train\n" in out
    assert len(results("here")) == 2


def test_only_a_run_that_had_begun_is_taken_for_one_that_kills_its_worker(tmp_path):
    """A pool breaks with all its runs: one that has not begun must not fail for that."""

    def launch(missing, journal):
        if len(missing) == 2:
            journal.note(missing[0].folder.name, Outcome.BEGUN)
            raise RuntimeError("a worker was killed")
        return [work(planned.config, journal)[0] for planned in missing]

    jobs = [(*QUICK, f"seed={seed}", f"output_dir={tmp_path}", "trainer=cpu") for seed in (1, 2)]
    assert sweep_of(jobs, lambda overrides: compose(*overrides), launch) == 1
    assert [result["seed"] for result in results(tmp_path).values()] == [2]
    (error,) = tmp_path.glob("*/*/*/*/*/error.txt")
    assert error.read_text().startswith("RuntimeError: a worker was killed\n")


@pytest.mark.usefixtures("failing")
def test_status_shows_the_same_at_any_time(command, tmp_path, capsys, monkeypatch):
    out = command("optimizer=sgd,adagrad", "seed=1,2")[1]
    monkeypatch.setattr(sys, "argv", ["status.py", str(tmp_path / "default")])
    with pytest.raises(SystemExit):
        runpy.run_path(str(ROOT / "scripts" / "status.py"), run_name="__main__")
    shown = capsys.readouterr().out
    assert shown.startswith("4 runs: 2 finished, 2 failed\n")
    table = out[out.index("digits_mlp, train/loss") :]
    assert table in shown


def test_status_refuses_what_is_no_study(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "argv", ["status.py", str(tmp_path / "nothing")])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "scripts" / "status.py"), run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"error: study={tmp_path / 'nothing'}: must be a folder of runs")


CHAOS = ("engine=numpy", "batch=stochastic", "optimizer=sgd,adam", "logger=csv")


def start(folder, *arguments, **how):
    """Begin a sweep in a process of its own."""
    arguments = ["-m", f"output_dir={folder}", *CHAOS, "max_steps=30000", *arguments]
    return subprocess.Popen([sys.executable, str(ROOT / "train.py"), *arguments], text=True, **how)


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_worker_that_alone_gets_a_signal_costs_nothing(tmp_path, number):
    process = start(tmp_path, "seed=1,2,3", "hydra/launcher=joblib", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: list(tmp_path.glob("*/*/*/*/*/curve.csv")))
    workers = subprocess.run(
        ["pgrep", "-P", str(process.pid), "-f", "loky.*process"], capture_output=True, text=True
    ).stdout.split()
    os.kill(int(workers[0]), number)
    out, _ = process.communicate(timeout=200)
    assert process.returncode == 0
    assert "failed" not in out
    assert len(results(tmp_path)) == 6


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_two_sweeps_of_one_study_share_its_runs(tmp_path):
    written = set()

    def ended():
        written.update((path, path.stat().st_mtime_ns) for path in tmp_path.glob("*/*/*/*/*/result.json"))
        return all(process.poll() is not None for process in both)

    both = [start(tmp_path, "seed=1,2,3", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(2)]
    wait_for(ended, 200)
    assert [(process.returncode, process.communicate()[1]) for process in both] == [(0, "")] * 2
    assert len(written) == len(results(tmp_path)) == 6  # none was written twice


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_a_person_at_a_terminal_sees_one_live_display(tmp_path):
    terminal, side = pty.openpty()
    process = start(tmp_path, "seed=1,2,3,4", stdout=side, env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})
    os.close(side)
    shown = b""
    try:
        while part := os.read(terminal, 4096):
            shown += part
    except OSError:  # the process closed its side
        pass
    assert process.wait() == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert "0 finished, 0 continued, 8 to train" in text
    assert re.search(r"ETA 0:\d\d:\d\d, [1-7]/8 done, 1 running, 0:\d\d:\d\d", text)
    assert re.search(r"best median train/loss so far +stochastic\s+digits_mlp (adam|sgd) +[\d.e-]+ \(\d\)", text)
    assert b"\x1b[1A" in shown  # it is drawn again in its place


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "final"),
        (("optimizer.lr=2.5", "batch=full", "max_steps=500"), math.inf),
        (("engine=torch", "optimizer=adagrad"), math.inf),
    ],
    ids=["finished", "diverged", "failed"],
)
@pytest.mark.usefixtures("failing")
def test_other_sweepers_are_told_the_problems_metric_and_the_worst_of_what_failed(tmp_path, arguments, expected):
    value = work(settings("problem=quadratic", *QUICK, *arguments, f"output_dir={tmp_path}"))[1]
    finals = [result["final"]["train/gap"] for result in results(tmp_path).values()]
    assert value == (finals[0] if expected == "final" else expected)


def test_hydras_own_sweeper_trains_a_study_too(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # where it leaves a multirun.yaml
    status, _, err = command("hydra/sweeper=basic", "problem=quadratic", "seed=1,2")
    assert (status, err) == (0, "")
    assert len(results(tmp_path)) == 2
