"""Find the yamls of descent."""

from pathlib import Path


def conf() -> Path:
    """Return the folder of the yamls: within an installed package, or in a clone."""
    package = Path(__file__).resolve().parents[1]
    return package / "conf" if (package / "conf").is_dir() else package.parents[1] / "conf"
