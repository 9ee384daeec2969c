"""Which setting of a study wins, and how sure that is: `python scripts/compare.py outputs/<study>`.

Reads result files only, at any time, also while the study runs. Prints the rankings and what they say, and writes the report:
`<study>/report/index.html`, its tables as `summary.csv` and `summary.md`, and its figures.
"""

import argparse
import gc
import shlex

from descent.config.flags import Parser, leave_with
from descent.config.values import File
from descent.display import loading, printable, say
from descent.records.study import REPORT

SELECTED = 40  # runs beyond which TensorBoard selects none by itself
NAMED = 5  # of the folders that were skipped; the report names all


def main() -> int:
    parser = Parser(__doc__)
    parser.add("study", File, help="the folder of a study, as outputs/default")
    parser.add("--metric", help="rank by this one alone, as val/accuracy; default: training, and validation")
    parser.add("--reference", help="the optimizer that others are compared with; default: the best in tuning, or sgd")
    parser.add("--tensorboard", action=argparse.BooleanOptionalAction, default=True, help="write what TensorBoard shows")
    given = parser.read()
    with loading("the study"):
        from descent.comparison import figures, load, report
        from descent.comparison.outcome import outcome
        from descent.table import show_outcome

        try:
            study = load(given.study)
            gc.freeze()  # none of this is garbage, for which statsmodels searches at each correction: a third of the time
            found = outcome(study, given.metric, given.reference)
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
        from descent.comparison import tensorboard

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
    leave_with(main)
