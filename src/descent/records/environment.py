"""The environment of a run: versions, platform and source revision."""

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
    folder = Path(__file__).resolve().parent
    try:
        description = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return description.stdout.strip() or None
