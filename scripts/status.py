"""Show a study at any time, also while it runs: `python scripts/status.py outputs/<study>`."""

from descent.config.flags import leave_with
from descent.terminal.commands import status

if __name__ == "__main__":
    leave_with(status)
