"""Find the yamls of descent, and write one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # in C, where PyYAML was built with it: a seventh of the time
_written: dict[str, tuple[str, str]] = {}  # each group's last values and their text


def conf() -> Path:
    """Return the folder of the yamls: within an installed package, or in a clone."""
    package = Path(__file__).resolve().parents[1]
    return package / "conf" if (package / "conf").is_dir() else package.parents[1] / "conf"


def text(settings: Mapping[str, Any]) -> str:
    """Return settings as YAML, group by group, as most groups of a study's run are those of the run before."""
    for group, values in settings.items():
        if _written.get(group, ("", ""))[0] != (shown := repr(values)):
            _written[group] = shown, yaml.dump({group: values}, Dumper=Dumper, sort_keys=False)
    return "".join(_written[group][1] for group in settings)
