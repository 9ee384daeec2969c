"""What a run leaves behind: its curve, its result, and the verdict on both."""

import errno
import json
import math
from pathlib import Path
from typing import Any

import pytest
from studies import seal

from descent.config.schema import Target
from descent.records import judging as verdict
from descent.records import result as results
from descent.records.curve import Curve, Row, read
from descent.records.result import Best, Result

NAN, INF = math.nan, math.inf
ODD = [0.1, 1 / 3, 1e22, 1.7976931348623157e308, 5e-324, -0.0, NAN, INF, -INF]  # floats that are easily lost


def rows_of(losses: list[float], norms: list[float] | None = None, **columns: list[float]) -> list[Row]:
    """A record every 10 steps of 4 examples."""
    rows: list[Row] = []
    for index, loss in enumerate(losses):
        row: Row = {"step": 10 * index, "examples": 40 * index, "gradient_evaluations": 80 * index, "seconds": index / 2}
        row |= {"train/loss": loss, "weight_norm": 1.0 if norms is None else norms[index]}
        rows.append(row | {name.replace("_", "/"): values[index] for name, values in columns.items()})
    return rows


def written(path: Path, rows: list[Row]) -> Curve:
    curve = Curve(path)
    for row in rows:
        curve.append(row)
    return curve


# The curve


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


# The result

COUNTS = {
    "steps": 3,
    "examples": 96,
    "gradient_evaluations": 96,
    "seconds": 0.5,
    "wall_seconds": 0.7,
    "seed": 1,
    "batch_size": 32,
}
TEXTS = ("id", "setting", "label", "problem", "batch", "optimizer", "schedule", "engine")
PLAIN = {
    "schema": results.SCHEMA,
    "status": "finished",
    "metric": "train/loss",
    "final": {"train/loss": 0.1},
    "best": {"train/loss": {"value": 1 / 3, "step": 7}},
    "test": {},
    "target": None,
    "time_to_target": {},
    "diverged_at": None,
    "hyperparameters": {"text": "ü\n"},
    **COUNTS,
    "seed": 1,
    "batch_size": 32,
    **{name: name for name in TEXTS},
}
RESULT = Result.model_validate(PLAIN)


def test_a_result_reads_as_it_was_written(tmp_path: Path) -> None:
    results.write(tmp_path / "result.json", RESULT)
    assert results.read(tmp_path / "result.json") == RESULT
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


def test_numbers_that_are_not_finite_become_null_in_strict_json(tmp_path: Path) -> None:
    results.write(tmp_path / "result.json", RESULT.model_copy(update={"final": {"loss": NAN, "other": -INF}, "seconds": NAN}))

    def not_json(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    again = json.loads((tmp_path / "result.json").read_text(), parse_constant=not_json)
    assert again["final"] == {"loss": None, "other": None}
    assert again["seconds"] is None


def test_a_write_that_fails_leaves_the_old_result_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results.write(tmp_path / "result.json", RESULT)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*result\.json"):
        results.write(tmp_path / "result.json", RESULT.model_copy(update={"seed": 2}))
    assert results.read(tmp_path / "result.json") == RESULT
    assert [file.name for file in tmp_path.iterdir()] == ["result.json"]


@pytest.mark.parametrize("status", results.STATUSES)
def test_the_status_of_a_folder_with_a_result_is_the_results(tmp_path: Path, status: str) -> None:
    results.write(tmp_path / "result.json", RESULT.model_copy(update={"status": status}))
    assert results.status(tmp_path) == status


def test_a_folder_without_a_result_is_unfinished_and_no_folder_is_absent(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert results.status(tmp_path) == "unfinished"
    assert results.status(tmp_path / "file") == results.status(tmp_path / "nothing") == "absent"


@pytest.mark.parametrize(
    "result",
    [
        [],
        "finished",
        None,
        {},
        {"schema": results.SCHEMA},
        {"schema": results.SCHEMA, "status": "unfinished"},
        {"schema": results.SCHEMA, "status": ["finished"]},
        {"status": "finished"},
        {**PLAIN, "schema": results.SCHEMA + 1},
        {name: value for name, value in PLAIN.items() if name != "schema"},
        {**PLAIN, "status": "unfinished"},
        {**PLAIN, "final": None},
        {**PLAIN, "batch_size": None},
        {**PLAIN, "hyperparameters": {"lr": [1]}},
    ],
)
def test_a_result_that_no_run_writes_is_damaged(tmp_path: Path, result: Any) -> None:
    if isinstance(result, dict):
        seal(tmp_path, result)
    else:
        (tmp_path / "result.json").write_text(json.dumps(result))
    assert results.status(tmp_path) == "damaged"
    with pytest.raises(ValueError, match=r"damaged|schema"):
        results.read(tmp_path / "result.json")


def test_a_result_that_was_cut_short_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    results.write(path, RESULT)
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert results.status(tmp_path) == "damaged"
    path.write_bytes(b"\xff\x00\xfe")
    assert results.status(tmp_path) == "damaged"


def test_a_result_that_cannot_be_opened_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "result.json").mkdir()
    assert results.status(tmp_path) == "damaged"


def test_a_result_of_another_schema_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text(json.dumps({**PLAIN, "schema": 1}))
    with pytest.raises(ValueError, match=f"has schema 1, this version writes {results.SCHEMA}"):
        results.read(tmp_path / "result.json")


def test_a_result_of_which_a_digit_changed_is_damaged(tmp_path: Path) -> None:
    results.write(tmp_path / "result.json", RESULT)
    text = (tmp_path / "result.json").read_text()
    (tmp_path / "result.json").write_text(text.replace('"train/loss": 0.1', '"train/loss": 0.2'))
    with pytest.raises(ValueError, match="is damaged"):
        results.read(tmp_path / "result.json")


# The verdict


@pytest.mark.parametrize(
    ("losses", "norms", "optimum", "loss_scale", "step"),
    [
        ([3.0, 2.0, 1.0], None, None, 1.0, None),
        ([1.0, NAN, 0.5], None, None, 1.0, 10),
        ([1.0, 0.5, INF], None, None, 1.0, 20),
        ([1.0, 0.5, 0.5], [1.0, 1.0, INF], None, 1.0, 20),
        ([1.0, 0.5, 0.5], [1.0, NAN, 1.0], None, 1.0, 10),
        ([NAN], None, None, 1.0, 0),
        # twice above the limit of 1,000 times the first loss
        ([1.0, 1001.0, 1001.0, 1.0], None, None, 1.0, 20),
        ([1.0, 1001.0, 2.0, 1001.0, 2.0], None, None, 1.0, None),
        ([1.0, 1000.0, 1000.0], None, None, 1.0, None),
        ([1.0, 0.5, 1001.0], None, None, 1.0, None),
        ([5.0, 4999.0, 4999.0], None, None, 1.0, None),
        ([5.0, 5001.0, 5001.0], None, None, 1.0, 20),
        # or, where the first loss is small, of the scale of the problem
        ([0.001, 999.0, 999.0], None, None, 1.0, None),
        ([0.001, 999.0, 999.0], None, None, 0.1, 20),
        # relative to the optimum
        ([-4.0, 994.0, 994.0], None, -5.0, 0.5, None),
        ([-4.0, 996.0, 996.0], None, -5.0, 0.5, 20),
        ([101.0, 1099.0, 1099.0], None, 100.0, 0.5, None),
        ([101.0, 1101.0, 1101.0], None, 100.0, 0.5, 20),
    ],
)
def test_a_run_diverged_where_it_is_not_finite_or_twice_far_above_its_start(
    losses: list[float], norms: list[float] | None, optimum: float | None, loss_scale: float, step: int | None
) -> None:
    assert verdict.diverged_at(rows_of(losses, norms), optimum, loss_scale) == step


@pytest.mark.parametrize(
    ("losses", "accuracies", "chance", "stalled"),
    [
        ([2.0, 1.0], None, None, False),
        ([2.0, 2.0], None, None, True),
        ([2.0, 1.0, 2.1], None, None, True),
        ([2.0, 3.0, 1.9], None, None, False),
        ([2.0, 1.0], [0.1, 0.5], 0.1, False),
        ([2.0, 1.0], [0.5, 0.1], 0.1, True),  # exactly at chance
        ([2.0, 1.0], [0.5, 0.05], 0.1, True),
        ([2.0, 2.5], [0.1, 0.9], 0.1, True),
        ([2.0, 1.0], [0.1, 0.1], None, False),
        ([2.0, 1.0], None, 0.1, False),
    ],
)
def test_a_run_stalled_that_did_not_improve_or_is_at_chance(
    losses: list[float], accuracies: list[float] | None, chance: float | None, stalled: bool
) -> None:
    rows = rows_of(losses) if accuracies is None else rows_of(losses, train_accuracy=accuracies)
    assert verdict.stalled(rows, chance) is stalled


def test_the_best_accuracy_is_high_and_the_best_loss_low() -> None:
    rows = rows_of([3.0, NAN, 1.0, 2.0], val_accuracy=[0.2, 0.9, 0.9, NAN], val_loss=[1.0, 4.0, INF, -INF], train_gap=[NAN] * 4)
    assert verdict.best(rows) == {
        "train/loss": Best(value=1.0, step=20),
        "val/accuracy": Best(value=0.9, step=10),  # the first of equals
        "val/loss": Best(value=1.0, step=0),
    }


@pytest.mark.parametrize(
    ("metric", "values", "index"),
    [
        ("val/accuracy", [0.1, 0.9, 0.95, 0.2], 1),
        ("val/accuracy", [0.1, 0.9, 0.8, 0.91, 0.92], 3),  # once is luck
        ("val/accuracy", [0.1, 0.2, 0.95], None),  # the last record has no second
        ("val/accuracy", [0.1, 0.2, 0.3], None),
        ("val/accuracy", [0.9, 0.9, 0.1], 0),  # reaching it exactly is enough
        ("val/accuracy", [0.1, NAN, NAN], None),
        ("val/loss", [2.0, 0.9, 0.8, 3.0], 1),
        ("val/loss", [2.0, 0.8, 1.1, 0.8, 0.7], 3),
        ("val/loss", [2.0, 1.5, 1.0], None),
        ("val/loss", [2.0, NAN, NAN], None),
    ],
)
def test_the_target_is_met_at_the_first_of_two_records_in_a_row(metric: str, values: list[float], index: int | None) -> None:
    rows = rows_of([1.0] * len(values), **{metric.replace("/", "_"): values})
    wanted = dict.fromkeys(("steps", "examples", "gradient_evaluations", "seconds"))
    if index is not None:
        wanted = {"steps": 10 * index, "examples": 40 * index, "gradient_evaluations": 80 * index, "seconds": index / 2}
    assert verdict.time_to_target(rows, Target(metric=metric, value=0.9)) == wanted


def test_without_a_target_there_is_no_time_to_it() -> None:
    assert set(verdict.time_to_target(rows_of([2.0, 1.0, 1.0]), None).values()) == {None}
