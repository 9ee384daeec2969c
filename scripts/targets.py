"""Find each problem's target: `python scripts/targets.py [PROBLEM ...] [--root data] [--write]`.

`descent.sweeps.target` says what a target is and finds it.

Trains what is missing of the study `targets`, with engine=compiled; a second call only reads. `--write` puts a line into each
problem's yaml: the target, and a comment that tells people how it was found, or why there is none.
"""

from pathlib import Path

import yaml
from data_sets import data_set, holds, require

from descent.config.compose import compose
from descent.config.flags import Parser, leave_with, require_folder, require_folder_to_write
from descent.config.values import File
from descent.config.yamls import conf
from descent.errors import InputError, one_of
from descent.sweeps.target import TargetEstimate, find
from descent.terminal.console import say


def write(path: Path, estimate: TargetEstimate) -> None:
    """Put a target into a problem's yaml, in place of the one before; a first one at its end."""
    lines = path.read_text().splitlines()
    places = [at for at, line in enumerate(lines) if line.startswith("target:")]
    if places:
        lines[places[0]] = str(estimate)
    else:
        lines.append(str(estimate))
    text = "\n".join(lines) + "\n"
    if yaml.safe_load(text)["target"] != estimate.target:
        raise ValueError(f"{path}: its target cannot be replaced by {estimate}")
    path.write_text(text)


def main() -> int:
    known = sorted(path.stem for path in (conf() / "problem").glob("*.yaml"))
    parser = Parser(__doc__)
    parser.add("problem", nargs="*", help="only these; default: all")
    parser.add("--root", File, help="the folder that holds MNIST/raw; default: leave out what needs such data")
    parser.add("--studies", File, default=Path("outputs"), help="the folder of the studies; default: outputs")
    parser.add("--write", action="store_true", help="put what is found into conf/problem/")
    arguments = parser.read()
    for name in arguments.problem:
        if name not in known:
            raise one_of("problem", name, known)
    if arguments.root:
        require_folder("--root", arguments.root, "that holds MNIST/raw")
    require_folder_to_write("--studies", arguments.studies)
    data = {problem: data_set(compose(f"problem={problem}").problem) for problem in arguments.problem or known}
    for problem in arguments.problem:
        if data[problem]:
            require(arguments.root, data[problem], f"problem={problem}")
    failed = 0
    for problem, needed in data.items():
        if needed and not (arguments.root and holds(arguments.root, needed)):
            say(f"{problem}: left as it was; --root must name a folder that holds {needed}/raw")
            failed += arguments.root is not None  # without it, these were not asked for
            continue
        try:
            estimate = find(problem, arguments.studies, *([f"problem.root={arguments.root}"] if needed else []))
        except InputError as error:
            say(f"{problem}: left as it was; {error}")
            failed += 1
            continue
        edge = "; at the edge of the learning rates that were tried" if estimate.at_the_edge else ""
        say(f"{problem}: {estimate}{edge}")
        if arguments.write:
            write(conf() / "problem" / f"{problem}.yaml", estimate)
    return 1 if failed else 0


if __name__ == "__main__":
    leave_with(main)
