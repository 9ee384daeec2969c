"""Slurm on one machine, as far as submitit asks: called as sbatch, srun and sacct, it runs a job's tasks here.

The state of each task is a file in the folder FAKE_SLURM, beside a copy of what was submitted.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

STATES = Path(os.environ["FAKE_SLURM"])


def sbatch(script: str) -> None:
    job = str(os.getpid())
    text = Path(script).read_text()
    (STATES / f"{job}.sh").write_text(text)
    array = re.search(r"--array=0-(\d+)", text)
    for task in range(int(array[1]) + 1) if array else [None]:
        name = job if task is None else f"{job}_{task}"
        (STATES / name).write_text("RUNNING")
        here = {"SLURM_JOB_ID": job, "SLURM_NTASKS": "1", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_NAME": "train"}
        if task is not None:
            here |= {"SLURM_ARRAY_JOB_ID": job, "SLURM_ARRAY_TASK_ID": str(task)}
        command = [sys.executable, __file__, "task", name, script]
        nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.Popen(command, env={**os.environ, **here}, start_new_session=True, **nowhere)
    print(f"Submitted batch job {job}")


def task(name: str, script: str) -> None:
    failed = subprocess.run(["bash", script]).returncode
    (STATES / name).write_text("FAILED" if failed else "COMPLETED")


def srun(*arguments: str) -> int:
    places, command = {}, list(arguments)
    while command[0].startswith("--"):
        option = command.pop(0)
        if option in ("--output", "--error"):
            array, index = os.environ.get("SLURM_ARRAY_JOB_ID", ""), os.environ.get("SLURM_ARRAY_TASK_ID", "")
            place = command.pop(0).replace("%A", array).replace("%a", index)
            places[option] = place.replace("%j", os.environ["SLURM_JOB_ID"]).replace("%t", "0")
    here = {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_JOB_NODELIST": "localhost"}
    with open(places["--output"], "a") as out, open(places["--error"], "a") as err:
        return subprocess.run(command, env={**os.environ, **here}, stdout=out, stderr=err).returncode


def sacct(*_: str) -> None:
    print("JobID|State|NodeList")
    for state in STATES.iterdir():
        if not state.suffix:
            print(f"{state.name}|{state.read_text()}|localhost")


if __name__ == "__main__":
    name, *arguments = sys.argv[1:]
    sys.exit({"sbatch": sbatch, "srun": srun, "sacct": sacct, "task": task}[name](*arguments))
