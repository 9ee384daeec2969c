"""Read a table of the user's: a CSV, an .npz or a Parquet file, as a frame with one row an example."""

import csv
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from descent.errors import InputError, first_line

KEY = "problem.file"
SEPARATORS = ",;\t"
UTF8 = "utf-8-sig"  # with or without the mark that Excel puts first
MOSTLY = 0.5  # the share of numbers above which a column is one of numbers, in which a text is a mistake


@dataclass(frozen=True)
class Table:
    """The rows of a file.

    Attributes:
        file: where they come from.
        frame: one column a feature or target; numbers, or texts.
        unit: in which its index counts, ``line`` or ``row``.
    """

    file: Path
    frame: pd.DataFrame
    unit: str

    def wrong(self, rows: "pd.Series[bool]", what: str, remedy: str) -> InputError:
        """Return the error for rows of the file; names the first and counts the others."""
        first, more = self.frame.index[rows.to_numpy().argmax()], int(rows.sum()) - 1
        return InputError(KEY, self.file, f"{self.unit} {first}: {what}{f', and in {more:,} more' if more else ''}", remedy)


def read(file: Path) -> Table:
    """Read a table of at least one row.

    Raises:
        InputError: the file cannot be read; names the line where one is at fault.
    """
    reader = READERS.get(file.suffix.lower())
    if reader is None:
        raise InputError(KEY, file, f"must end in {', '.join(READERS)}")
    try:
        table = Table(file, *reader(file))
    except OSError as error:
        raise InputError(KEY, file, f"cannot be read ({error.strerror or first_line(error)})") from error
    if table.frame.empty:
        raise InputError(KEY, file, "has no rows" if len(table.frame.columns) else "is empty")
    return table


def _csv(file: Path) -> tuple[pd.DataFrame, str]:
    try:
        with file.open(encoding=UTF8, newline="") as lines:
            header = lines.readline()
        separator = max(SEPARATORS, key=header.count)
        names = next(csv.reader([header], delimiter=separator), [])
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InputError(KEY, file, f"line 1 names two columns {twice}")
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                file, sep=separator, index_col=False, skip_blank_lines=False, low_memory=False, encoding="utf-8-sig"
            )
    except UnicodeDecodeError:
        raise InputError(KEY, file, f"line {_not_utf8(file)} is not UTF-8", "Save it as UTF-8.") from None
    except pd.errors.EmptyDataError:
        return pd.DataFrame(), "line"
    except pd.errors.ParserWarning:
        raise InputError(KEY, file, f"line 2 has more fields than the {len(names)} names of line 1") from None
    except (ValueError, csv.Error) as error:  # of pandas' parser, which names the line
        raise InputError(KEY, file, first_line(error).removeprefix("Error tokenizing data. C error: ")) from error
    frame.index += 2  # the lines of the file, as long as no text has a line break
    return frame.dropna(how="all"), "line"


def _not_utf8(file: Path) -> int:
    for number, line in enumerate(file.read_bytes().split(b"\n"), start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            return number
    return 1


def _npz(file: Path) -> tuple[pd.DataFrame, str]:
    columns: dict[str, np.ndarray] = {}
    try:
        with np.load(file, allow_pickle=False) as arrays:
            for name in arrays:
                array = np.asarray(arrays[name])
                if array.dtype.kind not in "biufU" or array.ndim == 0:
                    raise InputError(KEY, file, f"array {name} of {array.dtype} {array.shape} has no rows of numbers or texts")
                table = array.reshape(len(array), -1).T
                columns |= {name: table[0]} if len(table) == 1 else {f"{name}_{i}": row for i, row in enumerate(table)}
    except (ValueError, BadZipFile, EOFError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(KEY, file, f"is no .npz file of numbers and texts ({first_line(error)})") from error
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        (one, rows), (other, others) = min(lengths.items(), key=lambda x: x[1]), max(lengths.items(), key=lambda x: x[1])
        raise InputError(KEY, file, f"array {one} has {rows:,} rows, and {other} {others:,}: must all have the same")
    return _counted(pd.DataFrame(columns, copy=False)), "row"


def _parquet(file: Path) -> tuple[pd.DataFrame, str]:
    try:
        frame = pd.read_parquet(file, engine="pyarrow")
    except ImportError:
        raise InputError(KEY, file, "needs the package pyarrow", "Install it: pip install pyarrow") from None
    except ValueError as error:  # of pyarrow
        raise InputError(KEY, file, f"is no Parquet file ({first_line(error)})") from error
    return _counted(frame.rename(columns=str)), "row"


def _counted(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose index counts rows from 1 on."""
    return frame.set_axis(pd.RangeIndex(1, len(frame) + 1))


READERS: dict[str, Callable[[Path], tuple[pd.DataFrame, str]]] = {".csv": _csv, ".npz": _npz, ".parquet": _parquet}


def is_number(column: pd.Series) -> bool:
    """Return whether a column holds numbers, true and false among them not."""
    return is_numeric_dtype(column) and not is_bool_dtype(column)


def require_numbers(table: Table, name: str, remedy: str) -> None:
    """Refuse what cannot be meant in a column of numbers: an infinite one, or a text among numbers.

    Raises:
        InputError: names the first such line.
    """
    column = table.frame[name]
    if is_number(column):
        infinite = pd.Series(np.isinf(column.to_numpy(float, na_value=np.nan)))
        if infinite.any():
            raise table.wrong(infinite, f"{name} is infinite", "Leave the cell empty, or delete the line.")
        return
    if is_bool_dtype(column):
        return
    texts = column.notna() & pd.to_numeric(column, errors="coerce").isna()
    if texts.any() and texts.sum() < (1 - MOSTLY) * column.notna().sum():
        text = column[texts.to_numpy()].iloc[0]
        raise table.wrong(texts, f"{name} is {text!r}, in a column of numbers", remedy)
