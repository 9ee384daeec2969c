"""Each process of a sweep gets a GPU of its own, as long as there are some. There is none here: torch is told otherwise."""

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, os, sys, types
count, calls = int(sys.argv[1]), json.loads(sys.argv[2])
sys.modules["torch"] = types.SimpleNamespace(cuda=types.SimpleNamespace(device_count=lambda: count))
from descent.sweeps import gpus
for call in calls:
    if call == "keep":
        gpus.keep()
    else:
        trainer = types.SimpleNamespace(**call["trainer"])
        gpus.claim(types.SimpleNamespace(by_hand=call["engine"] != "torch", trainer=trainer))
print(os.environ.get("CUDA_VISIBLE_DEVICES"), flush=True)
sys.stdin.read()
"""
GPU = {"engine": "torch", "trainer": {"accelerator": "gpu", "devices": 1}}


@pytest.fixture
def claim(tmp_path):
    """Start a process that claims a GPU and lives; `visible` is its CUDA_VISIBLE_DEVICES before, `seen` afterwards."""
    started = []

    def start(count=2, calls=(GPU,), visible=None):
        environment = {**os.environ, "TMPDIR": str(tmp_path)}
        environment.pop("CUDA_VISIBLE_DEVICES", None)
        if visible is not None:
            environment["CUDA_VISIBLE_DEVICES"] = visible
        command = [sys.executable, "-c", SCRIPT, str(count), json.dumps(calls)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, env=environment, text=True, **pipes)
        started.append(process)
        process.seen = process.stdout.readline().rstrip("\n")
        return process

    yield start
    for process in started:
        process.communicate()


def test_each_process_gets_another_one_and_that_of_a_dead_one_is_free_again(claim):
    first, second, third = claim(), claim(), claim()
    assert [process.seen for process in (first, second, third)] == ["0", "1", "0"]
    second.kill()
    second.wait()
    assert claim().seen == "1"
    assert claim().seen == "1"  # 0 has two, 1 had one


@pytest.mark.parametrize("visible", ["3,5", "GPU-1a, GPU-2b", "MIG-GPU-1a/1/0,MIG-GPU-1a/2/0"])
def test_it_is_one_of_those_that_are_visible(claim, visible):
    assert [claim(visible=visible).seen, claim(visible=visible).seen] == [name.strip() for name in visible.split(",")]


def test_sweeps_on_other_gpus_are_not_in_the_way(claim):
    assert [claim(visible="0,1").seen, claim(visible="2,3").seen, claim(visible="1,2").seen] == ["0", "2", "1"]


def test_a_process_keeps_its_gpu(claim):
    assert [claim(calls=(GPU, GPU)).seen, claim().seen] == ["0", "1"]


@pytest.mark.parametrize(
    ("count", "changed"),
    [
        (0, GPU),
        (1, GPU),
        (2, {**GPU, "engine": "numpy"}),
        (2, {**GPU, "trainer": {"accelerator": "cpu", "devices": 1}}),
        (2, {**GPU, "trainer": {"accelerator": "gpu", "devices": 2}}),
        (2, {**GPU, "trainer": {"accelerator": "gpu", "devices": [1]}}),
    ],
)
def test_nothing_happens_where_there_is_no_choice(claim, count, changed, tmp_path):
    assert claim(count, [changed]).seen == "None"
    assert not list(tmp_path.iterdir())


def test_the_process_that_planned_the_sweep_stays_as_it_is(claim):
    assert claim(calls=("keep", GPU)).seen == "None"
