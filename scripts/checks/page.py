"""docs/accuracy.md, whose parts are written by a script each: checks, error rates of a report's claims, honesty, kills."""

from pathlib import Path

ERROR_RATES = "\n## Error rates of a report's claims\n"
HONESTY = "\n## Honesty of a tuned comparison\n"
KILLS = "\n## Kills\n"
CHECKS = ""  # the first part, with the title


def parts(file: Path) -> dict[str, str]:
    """Return the parts of a page by their headings, in order, each with its heading; empty where there is none."""
    rest, sections = file.read_text() if file.is_file() else "", {}
    for heading in (KILLS, HONESTY, ERROR_RATES):
        rest, mark, text = rest.partition(heading)
        sections[heading] = mark + text
    return {CHECKS: rest, **{heading: sections[heading] for heading in (ERROR_RATES, HONESTY, KILLS)}}


def write(file: Path, part: str, text: str) -> None:
    """Write one part of a page, and leave the others as they are."""
    file.write_text("".join({**parts(file), part: text}.values()))
