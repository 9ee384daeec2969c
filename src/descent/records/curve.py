"""curve.csv: one row a record, written as the run goes."""

import csv
import os
from pathlib import Path

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
        """Add a row, on disk before this returns."""
        new = not self.rows
        self.rows.append(row)
        with open(self.path, "w" if new else "a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if new:
                writer.writerow(row)
            writer.writerow(repr(value) for value in row.values())

    def cut(self, step: int) -> None:
        """Keep the rows of the file up to `step`, where a checkpoint lies.

        What was written after the checkpoint will be written again, with the same numbers.

        Raises:
            OSError: there is no such file.
            ValueError: the file is damaged, or does not begin with step 0; nothing was changed.
        """
        rows = [row for row in read(self.path) if row["step"] <= step]
        if not rows or rows[0]["step"] != 0:
            raise ValueError(f"{self.path} does not begin with step 0")
        fresh = self.path.with_suffix(".cut")
        copy = Curve(fresh)
        for row in rows:
            copy.append(row)
        os.replace(fresh, self.path)
        self.rows = rows


def read(path: Path) -> list[Row]:
    """Return the whole rows of a curve; a line that was cut short, as by a kill, ends it.

    Raises:
        OSError: there is no such file.
        ValueError: it is not a curve.
    """
    with open(path, newline="") as file:
        text = file.read()
    lines = list(csv.reader(text[: text.rfind("\n") + 1].splitlines()))
    if not lines or lines[0][:1] != ["step"]:
        raise ValueError(f"{path} is not a curve")
    header, rows = lines[0], []
    for line in lines[1:]:
        if len(line) != len(header):
            raise ValueError(f"{path} has a damaged row")
        rows.append({name: int(value) if name in WHOLE else float(value) for name, value in zip(header, line, strict=True)})
    return rows
