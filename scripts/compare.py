"""Which setting of a study wins, and how sure that is: `python scripts/compare.py outputs/<study>`."""

from descent.config.flags import leave_with
from descent.terminal.commands import compare

if __name__ == "__main__":
    leave_with(compare)
