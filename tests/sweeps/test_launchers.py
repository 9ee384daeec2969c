"""A study through every launcher: the same bits, a few processes at a time, and a worker that dies is replaced."""

import os
import re
import runpy
import shlex
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import conftest
import pytest
from conftest import ROOT
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from studies import wait_for

from descent.config.compose import compose
from descent.sweeps.worker import train_planned
from descent.training import build
from hydra_plugins.descent_study import launchers

from .test_sweep import curves, results

LAUNCHERS = ("basic", "joblib", "submitit_local", "submitit_slurm", "ray")
TINY = ("engine=torch,numpy", "max_steps=20", "logger=csv", "trainer=cpu", "study=default", "optimizer=sgd", "seed=1")
README = (ROOT / "README.md").read_text().replace("\\\n", "")
DOCUMENTED = [shlex.split(line, comments=True) for line in README.splitlines() if " hydra/launcher=" in line]


def sweep(*arguments, check=True):
    """Run the command in a process of its own, as launchers leave threads and servers behind."""
    command = [sys.executable, str(ROOT / "train.py"), "-m", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder that gets what sbatch was given, with commands of Slurm that run it here."""
    commands, states = tmp_path / "bin", tmp_path / "slurm"
    commands.mkdir()
    states.mkdir()
    for name in ("sbatch", "srun", "sacct"):
        command = commands / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT / "tests" / "sweeps" / "fake_slurm.py"} {name} "$@"\n')
        command.chmod(command.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{commands}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_SLURM", str(states))
    return states


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The curves of the small study, trained one after the other in one process."""
    folder = tmp_path_factory.mktemp("basic")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", [str(ROOT / "train.py"), "-m", f"output_dir={folder}", *TINY])
        runpy.run_path(sys.argv[0], run_name="__main__")
    return curves(folder / "default")


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize("launcher", LAUNCHERS[1:])
def test_every_launcher_gives_the_same_bits(launcher, tmp_path, expected, slurm, capsys, monkeypatch):
    if launcher == "ray":
        pytest.importorskip("ray", reason="needs the extra ray")
    (command,) = [words for words in DOCUMENTED if f"hydra/launcher={launcher}" in words]
    arguments = (f"output_dir={tmp_path / 'out'}", *TINY)
    done = sweep(*command[3:], *arguments)  # the later of two settings counts
    assert done.stderr == ""
    ours = r"0 finished, 0 continued, 2 to train|(?:ETA [\d:]+, )?\d/2 done, .*|digits_mlp, train/loss .*|setting .*|━.*|"
    ours += r"sgd mini .*|curves .*|verdict .*|"
    assert [line for line in done.stdout.splitlines() if not re.fullmatch(ours, line)] == []
    assert curves(tmp_path / "out" / "default") == expected
    assert [path.name for path in (tmp_path / "out" / "default").iterdir()] == ["digits_mlp"]
    assert conftest.sweep(capsys, monkeypatch, *arguments)[1].startswith("2 finished, 0 continued, 0 to train\n")
    if launcher == "submitit_slurm":  # was asked for one array, with the cores that a run needs
        (script,) = slurm.glob("*.sh")
        asked = dict(re.findall(r"^#SBATCH --([\w-]+)=(.*)$", script.read_text(), re.M))
        assert (asked["array"], asked["cpus-per-task"], asked["partition"], asked["time"]) == ("0-1%2", "1", "main", "240")
        assert "gpus-per-node" not in asked


def test_the_longest_runs_begin_first_where_several_train_at_a_time(tmp_path, capsys, monkeypatch):
    begun = []

    def train(journal, planned):
        begun.append(planned.config.max_steps)
        return train_planned(journal, planned)

    monkeypatch.setattr("descent.sweeps.worker.train_planned", train)
    chosen = (f"output_dir={tmp_path}", "logger=[]", "problem=quadratic", "engine=numpy", "max_steps=4,9,2")
    for more in (("study=one", "hydra/launcher=joblib", "hydra.launcher.n_jobs=1"), ("study=other",)):
        assert conftest.sweep(capsys, monkeypatch, *chosen, *more)[0] == 0
    assert begun == [9, 4, 2, 4, 9, 2]


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_submitit_runs_a_few_at_a_time_and_replaces_one_that_is_killed(tmp_path):
    """A worker is killed as soon as its run has a record; its logs stay until the sweep has ended well."""
    arguments = ("engine=numpy", "batch=stochastic", "max_steps=60000", "logger=csv", f"output_dir={tmp_path}", "seed=1,2,3")
    command = [sys.executable, str(ROOT / "train.py"), "-m", *arguments, "hydra/launcher=submitit_local"]
    most, killed, logs = 0, 0, set()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            found = workers(tmp_path)
            most = max(most, len(found))
            if found and not killed and list(tmp_path.glob("*/*/*/*/*/curve.csv")):
                os.kill(found[0], signal.SIGKILL)
                killed = found[0]
            logs |= {path.name for path in tmp_path.glob("default/.submitit-*/*_log.err")}
            time.sleep(0.1)
        assert process.stderr.read() == ""
    assert (process.returncode, len(results(tmp_path))) == (0, 3)
    assert killed
    assert most == min(3, len(os.sched_getaffinity(0)))
    assert len(logs) == 4
    assert not list(tmp_path.glob("default/.submitit-*"))
    sweep(*arguments, "study=undisturbed")
    assert curves(tmp_path / "default") == curves(tmp_path / "undisturbed")


def workers(folder):
    """The processes that submitit started for a study in `folder`, but for those that only watch them.

    A child that such a process has just forked, for `git` say, has its command line until it becomes another program.
    """
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text().split("\0")
            parent = int((path.parent / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if "submitit.core._submit" in words and any(str(folder) in word for word in words):
            found[int(path.parent.name)] = parent
    return [process for process, parent in found.items() if parent not in found]


def test_no_slurm_is_said_in_one_line_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    done = sweep(f"output_dir={tmp_path}", "seed=1,2", "hydra/launcher=submitit_slurm", check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: hydra/launcher=submitit_slurm: finds no sbatch and srun here. ")
    assert not list(tmp_path.iterdir())


def launcher(name, **given):
    """The configuration of a launcher as Hydra registers it."""
    from hydra.core.plugins import Plugins

    Plugins.instance()
    config = OmegaConf.create(OmegaConf.to_container(ConfigStore.instance().load(f"hydra/launcher/{name}.yaml").node))
    return OmegaConf.merge(config, given)


@pytest.mark.parametrize(
    ("name", "given", "accelerator"),
    [
        ("joblib", {}, None),
        ("submitit_local", {}, None),
        ("submitit_slurm", {}, "cpu"),
        ("submitit_slurm", {"gpus_per_node": 1}, "gpu"),
        ("submitit_slurm", {"gres": "gpu:1"}, "gpu"),
        ("ray", {}, None),
        ("ray", {"ray": {"init": {"address": "auto"}}}, "cpu"),
        ("ray", {"ray": {"init": {"address": "auto"}, "remote": {"num_gpus": 0.5}}}, "gpu"),
    ],
)
def test_auto_means_what_a_cluster_is_asked_for(name, given, accelerator):
    if name == "ray":
        pytest.importorskip("ray", reason="needs the extra ray")
    assert launchers.elsewhere(launcher(name, **given)) == accelerator


def test_a_login_node_without_a_gpu_may_plan_for_those_that_have_one(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    wanted = {trainer: compose(f"trainer={trainer}") for trainer in ("auto", "cpu", "gpu")}
    assert [build.device(wanted[trainer], "gpu") for trainer in ("auto", "cpu", "gpu")] == ["cuda", "cpu", "cuda"]
    assert [build.device(wanted[trainer], "cpu") for trainer in ("auto", "cpu", "gpu")] == ["cpu", "cpu", "cuda"]
    assert build.device(wanted["auto"].model_copy(update={"engine": "numpy"}), "gpu") == "cpu"


def test_slurm_is_asked_for_the_cores_of_a_run(tmp_path):
    config = launcher("submitit_slurm")
    launchers.complete(config, threads=2, gpu=False, study=tmp_path)
    assert (config.cpus_per_task, config.gpus_per_node) == (2, None)


def test_runs_that_want_a_gpu_ask_slurm_for_one(tmp_path):
    asked = [launcher("submitit_slurm"), launcher("submitit_slurm", gres="gpu:a100:1")]
    for config in asked:
        launchers.complete(config, threads=1, gpu=True, study=tmp_path)
    assert [config.gpus_per_node for config in asked] == [1, None]


@pytest.mark.parametrize(("devices", "share"), [(1, 0.25), (2, 0.5), (8, 1)])
def test_ray_shares_the_gpus_of_this_machine_among_its_workers(devices, share, tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    monkeypatch.setattr("torch.cuda.device_count", lambda: devices)
    ray = launcher("ray")
    launchers.complete(ray, threads=2, gpu=True, study=tmp_path)
    assert (ray.ray.remote.num_cpus, ray.ray.remote.num_gpus, ray.ray.init.num_cpus) == (2, share, 8)


def test_a_ray_cluster_decides_for_itself_how_many_cores_it_has(tmp_path, monkeypatch):
    pytest.importorskip("ray", reason="needs the extra ray")
    here, there = launcher("ray"), launcher("ray", ray={"init": {"address": "auto"}})
    for config in (here, there):
        launchers.complete(config, threads=1000, gpu=False, study=tmp_path)
    cores = len(os.sched_getaffinity(0))
    assert (here.ray.init.address, here.ray.init.num_cpus, here.ray.remote.num_cpus) == ("local", cores, cores)
    assert ("num_cpus" in there.ray.init, there.ray.remote.num_cpus) == (False, 1000)
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert launchers.elsewhere(launcher("ray")) == "cpu"


@pytest.mark.parametrize("visible", [None, "1,0"])
def test_submitits_local_processes_see_the_gpus_that_the_sweep_sees(visible, monkeypatch):
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    made = launchers.LocalLauncher(gpus_per_node=None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # as submitit does in its processes
    theirs = launchers.LocalLauncher.__bases__[-1]  # not by its name: Hydra may have loaded its plugins once more
    monkeypatch.setattr(theirs, "__call__", lambda _: None)
    made()
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == visible


def test_what_the_command_line_says_stands(tmp_path):
    local = launcher("submitit_local", submitit_folder="mine/%j", cpus_per_task=3)
    launchers.complete(local, threads=1, gpu=False, study=tmp_path)
    assert (local.submitit_folder, local.cpus_per_task) == ("mine/%j", 3)
    joblib = launcher("joblib", n_jobs=7)
    launchers.complete(joblib, threads=1, gpu=False, study=tmp_path)
    assert joblib.n_jobs == 7
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("threads", [1, 2, 1000])
def test_as_many_processes_at_a_time_as_the_cores_allow(threads, tmp_path):
    joblib, local = launcher("joblib"), launcher("submitit_local")
    for config in (joblib, local):
        launchers.complete(config, threads=threads, gpu=False, study=tmp_path)
    at_once = max(1, len(os.sched_getaffinity(0)) // threads)
    assert joblib.n_jobs == launchers.LocalLauncher(cpus_per_task=local.cpus_per_task).at_once == at_once


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ray_stops_as_the_others_do(tmp_path, number):
    """Ray sets handlers of its own, which end the process with 134, and makes a KeyboardInterrupt of what ours raise."""
    pytest.importorskip("ray", reason="needs the extra ray")
    arguments = ["hydra/launcher=ray", "batch=stochastic", "engine=numpy", "epochs=400", "logger=[]", "trainer=cpu", "seed=1"]
    command = [sys.executable, str(ROOT / "train.py"), "-m", f"output_dir={tmp_path}", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(tmp_path.glob("*/*/*/*/*/last.ckpt")) or process.poll() is not None)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert err.endswith("Stopped. Repeat the command to continue.\n")
