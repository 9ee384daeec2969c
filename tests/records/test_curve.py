"""curve.csv: what is written is read again, bit for bit; what is damaged is refused."""

import math
from pathlib import Path

import pytest

from descent.records.curve import Curve, Row, read

from .rows import rows_of

NAN, INF = math.nan, math.inf
ODD = [0.1, 1 / 3, 1e22, 1.7976931348623157e308, 5e-324, -0.0, NAN, INF, -INF]  # floats that are easily lost


def written(path: Path, rows: list[Row]) -> Curve:
    curve = Curve(path)
    for row in rows:
        curve.append(row)
    return curve


def test_reading_a_curve_gives_the_same_bits(tmp_path: Path) -> None:
    rows = rows_of(ODD)
    rows[-1]["examples"] = 10**18 + 1  # more than a float can count
    curve = written(tmp_path / "curve.csv", rows)
    again = read(curve.path)
    assert repr(again) == repr(rows) == repr(curve.rows)  # types, -0.0 and nan included
    assert curve.path.read_text().splitlines()[0] == "step,examples,gradient_evaluations,seconds,train/loss,weight_norm"


def test_each_row_is_on_disk_before_append_returns(tmp_path: Path) -> None:
    curve = Curve(tmp_path / "curve.csv")
    for count, row in enumerate(rows_of([3.0, 2.0, 1.0]), start=1):
        curve.append(row)
        assert len(read(curve.path)) == count


def test_a_new_curve_replaces_an_old_file(tmp_path: Path) -> None:
    written(tmp_path / "curve.csv", rows_of([3.0, 2.0]))
    assert written(tmp_path / "curve.csv", rows_of([5.0])).rows == read(tmp_path / "curve.csv")


def test_a_torn_last_line_is_dropped_wherever_it_was_torn(tmp_path: Path) -> None:
    rows = rows_of([1.25, 0.5, 0.125])
    path = written(tmp_path / "curve.csv", rows).path
    whole = path.read_bytes()
    header = whole.index(b"\n")
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        if length <= header:
            with pytest.raises(ValueError, match=r"curve\.csv is not a curve"):
                read(path)
        else:
            assert read(path) == rows[: whole[:length].count(b"\n") - 1]


@pytest.mark.parametrize(
    "text",
    [
        "step,train/loss\n0,1.0\n10\n20,0.5\n",
        "step,train/loss\n0,1.0\n10,0.7,3\n",
        "step,train/loss\n0,1.0\n\n20,0.5\n",
        "step,train/loss\n0,1.0\n10,abc\n",
        "step,train/loss\n0,1.0\n10.5,0.7\n",
        "step,train/loss\n0,1.0\n,0.7\n",
        "loss,step\n1.0,0\n",
        "\n",
        "",
    ],
)
def test_a_damaged_curve_raises(tmp_path: Path, text: str) -> None:
    path = tmp_path / "curve.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"."):
        read(path)


def test_a_missing_curve_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "curve.csv")


@pytest.mark.parametrize("kept", [1, 2, 5])
def test_a_cut_keeps_the_rows_of_a_checkpoint_and_the_curve_goes_on(tmp_path: Path, kept: int) -> None:
    rows = rows_of([5.0, 4.0, 3.0, NAN, 0.1])
    path = tmp_path / "curve.csv"
    counted = written(path, rows[:kept]).settle()
    written(path, rows)
    whole = path.read_bytes()
    curve = Curve(path)
    curve.cut(*counted)
    assert repr(curve.rows) == repr(read(path)) == repr(rows[:kept])
    for row in rows[kept:]:
        curve.append(row)
    assert path.read_bytes() == whole
    assert [file.name for file in tmp_path.iterdir()] == ["curve.csv"]


@pytest.mark.parametrize(
    "text", ["", "step,train/loss\n", "step,train/loss\n0,1.0\n10,0.5", "step,train/loss\n0,1.0\n10,0.6\n", "step\n0\n10\n20\n"]
)
def test_a_curve_that_is_not_the_one_of_the_checkpoint_cannot_be_continued(tmp_path: Path, text: str) -> None:
    path = tmp_path / "curve.csv"
    curve = written(path, [{"step": 0, "train/loss": 1.0}, {"step": 10, "train/loss": 0.5}])
    counted = curve.settle()
    path.write_text(text)
    curve = Curve(path)
    with pytest.raises(ValueError, match=r"curve\.csv is damaged, or of another run"):
        curve.cut(*counted)
    assert curve.rows == []
    assert path.read_text() == text


def test_a_curve_that_csv_cannot_read_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "curve.csv").write_text(f'step,train/loss\n0,"{"1" * 200_000}"\n')
    with pytest.raises(ValueError, match="is not a curve"):
        read(tmp_path / "curve.csv")
