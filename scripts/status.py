"""Show a study at any time, also while it runs: `python scripts/status.py outputs/<study>`."""

from descent.config.flags import Parser, leave_with
from descent.config.values import File
from descent.display import say
from descent.errors import InputError
from descent.records.study import run_folders
from descent.table import counts, show_failures, show_study


def main() -> int:
    parser = Parser(__doc__)
    parser.add("study", File, help="the folder of a study, as in outputs/default")
    study = parser.read().study
    folders = run_folders(study)
    if not folders:
        raise InputError("study", study, "must be a folder of runs, as in outputs/default")
    found = counts(folders)
    say(f"{len(folders)} runs: {', '.join(f'{count} {status}' for status, count in found.items())}\n")
    show_study(study, folders)
    show_failures(study, folders)
    return 0


if __name__ == "__main__":
    leave_with(main)
