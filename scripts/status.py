"""Show a study at any time, also while it runs: `python scripts/status.py outputs/<study>`."""

import argparse
import sys
from pathlib import Path

from descent.records.folders import run_folders
from descent.terminal.console import errors, say
from descent.terminal.summary import counts, show_failures, show_study


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="the folder of a study, as in outputs/default")
    study = parser.parse_args().study
    folders = run_folders(study)
    if not folders:
        errors.print(f"error: study={study}: must be a folder of runs, as in outputs/default.", soft_wrap=True)
        return 2
    found = counts(folders)
    say(f"{len(folders)} runs: {', '.join(f'{count} {status}' for status, count in found.items())}\n")
    show_study(study, folders)
    show_failures(study, folders)
    return 0


if __name__ == "__main__":
    sys.exit(main())
