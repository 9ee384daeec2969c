"""docs/accuracy.md, which two scripts write: the checks, and below them the error rates of a report's claims."""

from pathlib import Path

ERROR_RATES = "\n## Error rates of a report's claims\n"  # where the second part begins


def parts(file: Path) -> tuple[str, str]:
    """Return the two parts of a page; empty where there is none."""
    checks, heading, rates = (file.read_text() if file.is_file() else "").partition(ERROR_RATES)
    return checks, heading + rates


def write(file: Path, checks: str | None = None, rates: str | None = None) -> None:
    """Write one part of a page, and leave the other as it is."""
    old = parts(file)
    file.write_text((old[0] if checks is None else checks) + (old[1] if rates is None else rates))
