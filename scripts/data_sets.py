"""Which data set a configuration trains on, and whether a folder holds it."""

from pathlib import Path

from descent.config.schema import Problem
from descent.errors import InputError


def data_set(problem: Problem) -> str:
    """Return the data set that must be downloaded for a problem; empty where the data are in the package or made."""
    return str(problem.arguments["dataset"]) if "root" in problem.arguments else ""


def holds(root: Path, data: str) -> bool:
    """Return whether a folder holds a data set."""
    return (root / data / "raw").is_dir()


def require(root: Path | None, data: str, who: str) -> None:
    """Refuse a folder that does not hold a data set.

    Args:
        root: the value of --root.
        data: as of `data_set`.
        who: needs it.

    Raises:
        InputError: names the folder that is missing.
    """
    if root is None:
        raise InputError("--root", "", f"{who} needs {data}", f"Name a folder that holds {data}/raw: --root data.")
    if not holds(root, data):
        raise InputError("--root", root, f"must be a folder that holds {data}/raw, which {who} needs", "--root data, perhaps.")
