"""Find the settings of `settings=tuned`: `python scripts/tune.py [PROBLEM ...] [--root data]`.

Tunes each optimizer for each problem and batch mode by one small search, as `hydra/sweeper=tuned` does, in the study `tune`, and
writes a file for each below `conf/settings/tuned/`. Where a best learning rate lies at the end of its range, all optimizers are
tuned again for that problem and batch mode, with ranges that reach ten times further there, once, in the study `tune_extended`.
Trains what is missing; a second call only reads. `--study` names tuned studies to read in place of that: nothing is trained.
"""

import subprocess
import sys
from pathlib import Path

import yaml
from data_sets import data_set, require

from descent.config.compose import compose
from descent.config.flags import Parser, leave_with, require_folder_to_write
from descent.config.targets import resolve
from descent.config.values import File
from descent.config.yamls import conf
from descent.errors import InputError, one_of
from descent.optimizers.muon import Muon
from descent.sweeps.shipped import files
from descent.terminal.console import say
from descent.training import build

ROOT = Path(__file__).resolve().parents[1]
PROBLEMS = {  # and the batch modes that each is tuned for
    **dict.fromkeys(("digits_mlp", "digits_logreg", "quadratic", "rosenbrock"), "full,mini,stochastic"),
    "mnist_mlp": "mini",  # 55,000 single examples an epoch, or ten full batches
}
OPTIMIZERS = "sgd,momentum,nesterov,adagrad,rmsprop,adam,adamw,nadam"
TUNED = ("hydra/sweeper=tuned", "hydra.sweeper.final_seeds=1", "logger=[]")
STUDY, EXTENDED = "tune", "tune_extended"


def train(problem: str, modes: str, matrices: bool, *more: str) -> None:
    """Tune all optimizers for a problem; Muon where it has matrices.

    Raises:
        InputError: the command failed, and has told why.
    """
    chosen = f"problem={problem}", f"batch={modes}", f"optimizer={OPTIMIZERS}{',muon' * matrices}", "engine=compiled"
    if subprocess.run([sys.executable, str(ROOT / "train.py"), "-m", *TUNED, *chosen, *more], check=False).returncode:
        raise InputError("problem", problem, "could not be tuned, as its sweep says above")


def flagged(study: Path, problem: str) -> dict[str, str]:
    """Return the batch modes in which a best value lies at an end of its range, and at which; low only where none is high."""
    ends: dict[str, str] = {}
    for place, text in files(study).items():
        of, mode, _ = place.split("/")
        for end in yaml.safe_load(text)["tuned"]["edges"].values() if of == problem else ():
            ends[mode] = end if end == "high" else ends.get(mode, end)
    return ends


def main() -> int:
    parser = Parser(__doc__)
    parser.add("problem", nargs="*", help=f"only these of {', '.join(PROBLEMS)}; default: all whose data are there")
    parser.add("--root", File, help="the folder that holds MNIST/raw; default: leave out what needs such data")
    parser.add("--studies", File, default=Path("outputs"), help="the folder of the studies; default: outputs")
    parser.add("--study", File, nargs="+", help="only read these tuned studies")
    given = parser.read()
    for name in given.problem:
        if name not in PROBLEMS:
            raise one_of("problem", name, list(PROBLEMS))
    require_folder_to_write("--studies", given.studies)
    for name in () if given.study else given.problem or PROBLEMS:
        more = []
        if data := data_set(compose(f"problem={name}").problem):
            if given.root is None and not given.problem:
                say(f"{name}: left as it was; --root must name a folder that holds {data}/raw")
                continue
            require(given.root, data, f"problem={name}")
            more = [f"problem.root={given.root}"]
        weights = list(build.problem(resolve(compose(f"problem={name}", *more))).parameters())
        matrices = not Muon.without_effect(weights)
        train(name, PROBLEMS[name], matrices, f"study={STUDY}", f"output_dir={given.studies}", *more)
        for mode, end in flagged(given.studies / STUDY, name).items():
            further = (f"study={EXTENDED}", f"hydra.sweeper.extended={end}", f"output_dir={given.studies}")
            train(name, mode, matrices, *further, *more)
    for study in given.study or [path for path in (given.studies / STUDY, given.studies / EXTENDED) if path.is_dir()]:
        for place, text in files(study).items():
            if not given.problem or place.partition("/")[0] in given.problem:
                path = conf() / "settings" / "tuned" / place
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                say(str(path))
    return 0


if __name__ == "__main__":
    leave_with(main)
