"""What operating systems do differently: only Linux has some of it, and macOS and Windows get the nearest there is."""

import getpass
import os
import signal
import sys


def cores() -> int:
    """Return how many cores this process may use; where the system does not tell, how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def user() -> str:
    """Return what tells the users of this machine apart, as part of a file's name."""
    return str(os.getuid()) if hasattr(os, "getuid") else getpass.getuser()


def end_with_parent() -> None:
    """Let this process be killed when the one that started it ends; only Linux can."""
    if sys.platform == "linux":
        from torch.multiprocessing import _prctl_pr_set_pdeathsig  # type: ignore[attr-defined]

        _prctl_pr_set_pdeathsig(signal.SIGKILL)
