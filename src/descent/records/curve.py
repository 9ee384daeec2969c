"""curve.csv: one row a record, written as the run goes."""

import csv
import hashlib
import io
import os
from pathlib import Path

from descent.outside import writing

Row = dict[str, float]
WHOLE = ("step", "examples", "gradient_evaluations")  # columns that count


class Curve:
    """The rows of a run, in memory and in `path`; the first row names the columns.

    Numbers are written so that reading them gives the same bits.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows: list[Row] = []

    def append(self, row: Row) -> None:
        """Add a row, which readers of the file see at once."""
        new = not self.rows
        self.rows.append(row)
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        if new:
            writer.writerow(row)
        writer.writerow(repr(value) for value in row.values())
        with writing(self.path), open(self.path, "wb" if new else "ab") as file:
            file.write(text.getvalue().encode())

    def settle(self) -> tuple[int, str]:
        """Return the number of rows and the SHA-256 of the file, once they are safe from a power cut."""
        with open(self.path, "rb") as file:
            os.fsync(file.fileno())
            return len(self.rows), hashlib.sha256(file.read()).hexdigest()

    def cut(self, rows: int, sha256: str) -> None:
        """Truncate the curve to the rows that a checkpoint counts on.

        Later rows will be written again, with the same numbers.

        Args:
            rows: their number.
            sha256: of the file that ends with them, as `settle` returned it.

        Raises:
            OSError: there is no such file.
            ValueError: the file does not begin with these rows; nothing was changed.
        """
        lines = self.path.read_bytes().splitlines(keepends=True)
        kept = b"".join(lines[: rows + 1])
        if hashlib.sha256(kept).hexdigest() != sha256:
            raise ValueError(f"{self.path.name} is damaged, or of another run")
        os.truncate(self.path, len(kept))
        self.rows = read(self.path)


def read(path: Path, sha256: str | None = None) -> list[Row]:
    """Return the whole rows of a curve; a line that was cut short, as by a kill, ends it.

    Args:
        path: the file.
        sha256: required of the file; None: any.

    Raises:
        OSError: there is no such file.
        ValueError: it is not a curve, or not the right one.
    """
    content = path.read_bytes()
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ValueError(f"{path} is damaged")
    text = content.decode()
    try:
        lines = list(csv.reader(text[: text.rfind("\n") + 1].splitlines()))
    except csv.Error as error:
        raise ValueError(f"{path} is not a curve") from error
    if not lines or lines[0][:1] != ["step"]:
        raise ValueError(f"{path} is not a curve")
    header, rows = lines[0], []
    for line in lines[1:]:
        if len(line) != len(header):
            raise ValueError(f"{path} has a damaged row")
        rows.append({name: int(value) if name in WHOLE else float(value) for name, value in zip(header, line, strict=True)})
    return rows
