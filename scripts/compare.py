"""Which setting of a study wins, and how sure that is: `python scripts/compare.py outputs/<study>`.

Reads result files only, at any time, also while the study runs. Prints the rankings and what they say, and writes the report:
`<study>/report/index.html`, its tables as `summary.csv` and `summary.md`, and its figures.
"""

import argparse
import gc
import shlex
import sys
from pathlib import Path

from descent.errors import InputError
from descent.records.folders import REPORT
from descent.terminal.console import errors, loading, printable, say

SELECTED = 40  # runs beyond which TensorBoard selects none by itself
NAMED = 5  # of the folders that were skipped; the report names all


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="the folder of a study, as outputs/default")
    parser.add_argument("--metric", help="rank by this one alone, as val/accuracy; default: training, and validation")
    parser.add_argument("--reference", help="the optimizer that others are compared with; default: the best in tuning, or sgd")
    parser.add_argument("--tensorboard", action=argparse.BooleanOptionalAction, default=True, help="write what TensorBoard shows")
    given = parser.parse_args()
    with loading("the study"):
        from descent.analysis import load
        from descent.analysis.outcome import outcome
        from descent.plots import figures
        from descent.report import page as report
        from descent.terminal.summary import show_outcome

        try:
            study = load(given.study)
            gc.freeze()  # none of this is garbage, for which statsmodels searches at each correction: a third of the time
            found = outcome(study, given.metric, given.reference)
        except InputError as error:
            errors.print(f"error: {error}", markup=False, soft_wrap=True)
            return 2
        finally:
            gc.unfreeze()
    show_outcome(found)
    waiting = ", ".join(f"{count} {state}" for state, count in study.waiting.items())
    say(f"{len(study.runs)} runs{f'; without a result yet: {waiting}' if waiting else ''}")
    folder = given.study / REPORT
    drawn = figures.save(study, folder / "figures")
    for path, why in study.skipped[:NAMED]:  # drawing found the curves that are damaged
        say(printable(f"skipped  {path}: {why}"))
    if len(study.skipped) > NAMED:
        say(f"{len(study.skipped)} skipped in all, which the report names")
    say(f"report   {report.write(found, drawn)}")
    if given.tensorboard:
        from descent.report import tensorboard

        moving = {path.with_suffix("") for path in drawn if path.suffix == ".gif"}
        images = {}
        for path in drawn:
            if path.suffix == (".gif" if path.with_suffix("") in moving else ".png"):
                name = path.relative_to(folder / "figures").with_suffix("").as_posix()
                images[name] = path.read_bytes() if path.suffix == ".gif" else figures.small(path.read_bytes())
        alone = tensorboard.write(study, found.sentences, images, folder)
        say(f"curves   tensorboard --logdir {shlex.quote(str(given.study))}")
        if len(study.runs) > SELECTED:
            say(f"         tensorboard --logdir {shlex.quote(str(alone))}, the medians alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
