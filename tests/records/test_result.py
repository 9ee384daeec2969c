"""result.json: what is written is read again; what no run writes is damaged."""

import errno
import json
import math
from pathlib import Path
from typing import Any

import pytest
from studies import seal

from descent.records import result as results
from descent.records.result import Result

NAN, INF = math.nan, math.inf
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
        results.write(tmp_path / "result.json", RESULT.model_copy(update={"seed": 2, "wall_seconds": 60.0}))
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
