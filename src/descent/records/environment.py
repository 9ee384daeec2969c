"""Where and with what a run was made."""

import platform
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("torch", "lightning", "numpy", "hydra-core", "scikit-learn")


@cache
def environment() -> dict[str, str | None]:
    """Return versions, platform and the source revision (None outside a git checkout)."""
    from descent import __version__

    packages = {name: version(name) for name in PACKAGES}
    return {
        "descent": __version__,
        "python": platform.python_version(),
        **packages,
        "platform": platform.platform(),
        "revision": revision(),
    }


def revision() -> str | None:
    """Return the commit of the source, with ``+`` where tracked files differ from it."""
    here = Path(__file__).resolve().parent
    try:
        told = subprocess.run(
            ["git", "-C", str(here), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout.strip() or None
