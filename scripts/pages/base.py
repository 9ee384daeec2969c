"""Where the pages lie, and what they share."""

import re
import textwrap
from pathlib import Path
from typing import Any

import yaml

from descent.plots.figures import small

ROOT = Path(__file__).resolve().parents[2]
CONF, DOCS = ROOT / "conf", ROOT / "docs"
FIGURES = DOCS / "figures"
WIDTH = 130  # letters of a line of prose
SPECIAL = r"\`*_$<>[]|~"  # what Markdown and GitHub's mathematics read as more than a letter


def names(group: str) -> list[str]:
    """Return the choices of a group of settings."""
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def values(group: str, name: str) -> dict[str, Any]:
    """Return what a yaml sets."""
    settings: dict[str, Any] = yaml.safe_load((CONF / group / f"{name}.yaml").read_text())
    return settings


def remark(group: str, name: str) -> str:
    """Return the first comment of a yaml; empty where it has none."""
    lines = (CONF / group / f"{name}.yaml").read_text().splitlines()
    return next((line[2:] for line in lines if line.startswith("# ") and "@package" not in line), "")


def prose(text: str) -> str:
    """Return a paragraph in lines of one width."""
    return textwrap.fill(" ".join(text.split()), WIDTH, break_long_words=False, break_on_hyphens=False)


def literal(text: str) -> str:
    """Return Markdown that shows a text letter by letter."""
    return re.sub(f"([{re.escape(SPECIAL)}])", r"\\\1", text)


def keep(picture: Path, kept: Path) -> None:
    """Put a picture among those of the pages, in 256 colours."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(small(picture.read_bytes()))
