"""The commands that read a study: ``descent compare`` and ``descent status``, or the scripts of these names."""

import argparse

from descent.config.flags import Parser
from descent.config.values import File
from descent.errors import InputError
from descent.records import result as results
from descent.records.folders import run_folders
from descent.terminal.console import loading, say
from descent.terminal.summary import counts, name_folders, show_curves, show_failures, show_outcome, show_study


def compare() -> int:
    """Compare the candidates of a study: which is best, by how much and how sure; write the report.

    Reads result files only, at any time, also while the study runs: `<study>/report/index.html`, its tables as `summary.csv` and
    `summary.md`, and its figures.
    """
    parser = Parser(compare.__doc__)
    parser.add("study", File, help="the folder of a study, as outputs/default")
    parser.add("--metric", help="test this one alone, as val/accuracy; default: the problem's own; others are described")
    parser.add("--tensorboard", action=argparse.BooleanOptionalAction, default=True, help="write what TensorBoard shows")
    parser.add("--figures", File, help="a folder with figures of your own: files with plot(study) -> Figure")
    options = parser.read()
    with loading("the study"):
        from descent.report.compare import compare as compared

    done = compared(options.study, options.metric, options.tensorboard, options.figures)
    study = done.study
    show_outcome(done.outcome)
    waiting = ", ".join(f"{count} {state}" for state, count in study.waiting.items())
    say(f"{len(study.runs)} runs{f'; without a result yet: {waiting}' if waiting else ''}")
    name_folders("skipped", study.folder, study.skipped)
    say(f"report   {done.report}")
    if done.medians is not None:
        show_curves(study.folder)
    if done.faults:
        (file, fault), *more = done.faults
        others = f"; so did {len(more)} more" if more else ""
        raise InputError("figures", file, f"{fault}{others}", "The report is written without what is missing.")
    return 0


def status() -> int:
    """Show a study at any time, also while it runs: how many runs there are, and how they ended."""
    parser = Parser(status.__doc__)
    parser.add("study", File, help="the folder of a study, as in outputs/default")
    study = parser.read().study
    folders = run_folders(study)
    if not folders:
        raise InputError("study", study, "must be a folder of runs, as in outputs/default")
    states = counts(folders)
    say(f"{len(folders)} runs: {', '.join(f'{count} {state}' for state, count in states.items())}\n")
    show_study(study, folders)
    show_failures(study, [folder for folder in folders if results.status(folder) == "failed"])
    return 0
