"""Hold the numbers of this working tree against those of a git revision, bit for bit: `python scripts/freeze.py REVISION`.

Both trees train the same short runs on this machine, and each number that the revision writes to `result.json` and `curve.csv`
must be there with the same bits; ids, folders and seconds aside. `python scripts/freeze.py --write` writes the final numbers of
this tree to `tests/golden/runs.json`, which `tests/golden/test_runs.py` compares later trees with.
"""

import csv
import itertools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from descent.config.flags import Parser, leave_with
from descent.errors import InputError

ROOT = Path(__file__).resolve().parents[1]
GOLDEN = ROOT / "tests" / "golden" / "runs.json"
KEY = ("problem", "batch", "optimizer", "schedule", "engine", "seed")  # what tells the runs of a case apart, with the precision
COUNTS = ("status", "steps", "examples", "gradient_evaluations")
SHARED = "sgd,momentum,nesterov,adagrad,adadelta,rmsprop,adam,amsgrad,adamw,adamax,nadam,radam,asgd,rprop"  # by both engines
SURFACES = "quadratic,rosenbrock,beale,himmelblau,rastrigin,saddle"
SCHEDULES = "constant,step,exponential,linear,cosine,warmup_cosine,inverse_sqrt,inverse_time,one_cycle,range_test,plateau"
# Each case is a sweep, and its name the study's. Few steps, so that another machine's rounding is not amplified.
CASES = {
    "optimizers": f"optimizer={SHARED},adafactor,lbfgs,muon precision=32,64 max_steps=8",
    "optimizers_numpy": f"engine=numpy optimizer={SHARED} precision=32,64 max_steps=8",
    "problems": "problem=digits_mlp,digits_logreg,moons_mlp,chebyshev_mlp,linear_regression,logistic_regression,wilson,"
    f"{SURFACES} batch=full,stochastic,mini engine=torch,numpy precision=64 optimizer=momentum max_steps=5",
    "schedules": f"problem=quadratic schedule={SCHEDULES} engine=torch,numpy precision=64 optimizer.lr=0.5 batch.size=10 "
    "batch.drop_last=true epochs=12",
    "options": "problem=digits_mlp,moons_mlp batch=full,mini engine=torch,numpy precision=32,64 optimizer=adam clip_norm=0.1 "
    "problem.label_noise=0.2 problem.micro_size=10 optimizer.weight_decay=0.1 records.layers=true max_steps=6",
    "draws": "engine=numpy problem=digits_logreg,linear_regression batch=stochastic,mini batch.replacement=true seed=1,2 "
    "precision=64 optimizer.lr=3 optimizer.weight_decay=0.01 records.sharpness=true max_steps=20",  # the regression diverges
    "images": "problem=mnist_cnn problem.dataset=stand_in records.examples=200 optimizer=muon precision=32,bf16 max_steps=3",
}


def runs(case: str) -> list[list[str]]:
    """Return the overrides of each run of a case."""
    choices = [(name, values.split(",")) for name, _, values in (override.partition("=") for override in CASES[case].split())]
    return [list(run) for run in itertools.product(*([f"{name}={value}" for value in values] for name, values in choices))]


def read(output: Path) -> dict[str, dict[str, Any]]:
    """Return the numbers of all runs below a folder of studies, by the case and what tells its runs apart.

    The keys are paths: ``steps``, ``final/train/loss``, ``best/train/loss/step``, ``test/loss``, ``curve/3/train/loss``.
    """
    runs: dict[str, dict[str, Any]] = {}
    for path in sorted(output.glob("*/**/result.json")):
        result = json.loads(path.read_text())
        names = [path.relative_to(output).parts[0], *(result[name] for name in KEY), result["hyperparameters"]["precision"]]
        numbers = {name: result[name] for name in COUNTS}
        numbers |= {f"{part}/{name}": value for part in ("final", "test") for name, value in result[part].items()}
        numbers |= {f"best/{name}/{key}": best[key] for name, best in result["best"].items() for key in ("value", "step")}
        with open(path.with_name("curve.csv"), newline="") as file:
            for number, row in enumerate(csv.DictReader(file)):
                numbers |= {f"curve/{number}/{name}": float(value) for name, value in row.items() if name != "seconds"}
        key = " ".join(map(str, names))
        if key in runs:
            raise ValueError(f"{key}: two runs of this name; a case may only vary {', '.join(KEY)} and the precision")
        runs[key] = numbers
    return runs


def golden(numbers: dict[str, Any]) -> dict[str, Any]:
    """Return what holds on other machines, but for rounding: all but the curve and at which step each best value was."""
    return {name: value for name, value in numbers.items() if not name.startswith("curve/") and not name.endswith("/step")}


def train(tree: Path) -> dict[str, dict[str, Any]]:
    """Train all cases with the `train.py` of a tree, and return their numbers."""
    environment = {**os.environ, "PYTHONPATH": str(tree / "src")}
    with tempfile.TemporaryDirectory() as folder:
        for case, overrides in CASES.items():
            print(f"{case}: {len(runs(case))} runs", flush=True)
            arguments = [*overrides.split(), f"study={case}", f"output_dir={folder}", "trainer=cpu", "logger=[]"]
            command = [sys.executable, str(tree / "train.py"), "-m", *arguments]
            ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            if ended.returncode:
                sys.exit(f"{' '.join(command[1:])}\n{ended.stdout}{ended.stderr}")
        return read(Path(folder))


def train_revision(commit: str) -> dict[str, dict[str, Any]]:
    """Train all cases with a commit, in a worktree that is removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--quiet", "--detach", str(tree), commit)
        try:
            return train(tree)
        finally:
            git("worktree", "remove", "--force", str(tree))


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the names of numbers that are missing in `new` or have other bits; what only `new` has is no difference."""
    return [name for name, value in old.items() if name not in new or repr(value) != repr(new[name])]


def git(*arguments: str) -> str:
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    parser = Parser(__doc__)
    parser.add("revision", nargs="?", help="what to compare with, as HEAD~3")
    parser.add("--write", action="store_true", help="write tests/golden/runs.json instead")
    arguments = parser.read()
    if arguments.write == bool(arguments.revision):
        what = "cannot be given with --write" if arguments.write else "must be given, or --write"
        raise InputError("revision", arguments.revision or "", what, "Type either a git revision, as HEAD~3, or --write.")
    if arguments.write:
        numbers = {key: golden(values) for key, values in train(ROOT).items() if not key.endswith("bf16")}
        lines = [f"{json.dumps(key)}: {json.dumps(values, sort_keys=True)}" for key, values in sorted(numbers.items())]
        GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")
        print(f"{len(numbers)} runs written to {GOLDEN.relative_to(ROOT)}")
        return 0
    try:
        commit = git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{arguments.revision}^{{commit}}")
    except subprocess.CalledProcessError:
        problem = "must be a commit of this repository, as HEAD~3"
        raise InputError("revision", arguments.revision, problem, "git log --oneline lists them.") from None
    old, new = train_revision(commit), train(ROOT)
    changed = {key: differences(old[key], new[key]) if key in old and key in new else ["run"] for key in sorted({*old, *new})}
    for key, names in changed.items():
        if names:
            print(f"{key}: {', '.join(names[:5])}{f' and {len(names) - 5} more' if len(names) > 5 else ''}")
    different = sum(map(bool, changed.values()))
    print(f"{different} of {len(changed)} runs differ" if different else f"{len(changed)} runs agree bit for bit")
    return 1 if different else 0


if __name__ == "__main__":
    leave_with(main)
