"""Problems made of a table of the user's: what the columns become, the split, the engines, and what is refused."""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import settings

from descent.config.identity import identity, key
from descent.config.schema import RunConfig
from descent.errors import InputError
from descent.problems.base import Problem
from descent.training import build

ROWS = 200
RNG = np.random.default_rng(0)
AREA = RNG.normal(100, 30, ROWS).round(1)
CITY = RNG.choice(["Bern", "Basel", "Chur"], ROWS, p=[0.5, 0.4, 0.1])
HOUSES = pd.DataFrame({"area": AREA, "zip": RNG.choice([3000, 4000], ROWS), "city": CITY, "sold": RNG.random(ROWS) < 0.5})
HOUSES["price"] = (3 * AREA + np.where(CITY == "Bern", 50, 0) + RNG.normal(0, 5, ROWS)).round(2)
HOUSES["dear"] = np.where(HOUSES["price"] > 320, "yes", "no")


def write(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        np.savez(path, **{name: frame[name].to_numpy(str if frame[name].dtype == "str" else None) for name in frame})
    return path


def problem(file: Path, *overrides: str, target: str = "price", seed: int = 1) -> Problem:
    return build.problem(
        settings("problem=table", f"problem.file={file}", f"problem.target={target}", f"seed={seed}", *overrides)
    )


def test_the_columns_become_scaled_numbers_and_one_hot_texts_fitted_on_the_training_rows(tmp_path):
    frame = HOUSES.drop(columns="dear")
    frame.loc[[3, 50, 120], "area"] = np.nan
    frame.loc[7, "city"] = None
    made = problem(write(frame, tmp_path / "mine.csv"), "problem.categorical=[zip]")
    inputs, targets = (part.double().numpy() for part in made.data("train"))
    assert [len(made.data(part)[0]) for part in ("train", "val", "test")] == [120, 40, 40]
    assert inputs.shape == (120, 1 + 4 + 2 + 2)  # area; three cities or none; false, true; two zip codes
    numbers, one_hot = inputs[:, 0], inputs[:, 1:]
    assert numbers.mean() == pytest.approx(0, abs=1e-6)
    assert numbers.std() == pytest.approx(1, abs=1e-5)
    assert set(np.unique(one_hot)) == {0, 1}
    assert (one_hot.sum(1) == 3).all()
    assert (targets.mean(), targets.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-5))
    held_out = np.concatenate([made.data(part)[0][:, 0].numpy() for part in ("val", "test")])
    assert abs(held_out.mean()) > 1e-3  # scaled by numbers of the training rows
    # the least-squares fit of the inputs explains the price as far as its noise lets it: nothing was lost or mixed up
    fit = np.linalg.lstsq(inputs, targets, rcond=None)[0]
    assert 1 - np.square(inputs @ fit - targets).mean() > 0.99


def test_each_seed_draws_a_split_that_has_every_class_and_fixed_draws_one(tmp_path):
    frame = HOUSES.drop(columns="price")
    frame.loc[:4, "dear"] = "very"
    file = write(frame, tmp_path / "mine.csv")
    one, other = (problem(file, target="dear", seed=seed) for seed in (1, 2))
    for made in (one, other):
        assert [len(made.data(part)[1].unique()) for part in ("train", "val", "test")] == [3, 3, 3]
    assert one.checksum != other.checksum
    fixed = [problem(file, "problem.split=fixed", target="dear", seed=seed).checksum for seed in (1, 2)]
    assert fixed[0] == fixed[1]


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_files_of_each_kind_hold_the_same_data(tmp_path, suffix):
    if suffix == ".parquet":
        pytest.importorskip("pyarrow")
    files = [write(HOUSES, tmp_path / f"mine{ending}") for ending in (".csv", suffix)]
    assert len({problem(file).checksum for file in files}) == 1


@pytest.mark.parametrize(
    ("target", "overrides", "kind", "outputs"),
    [
        ("price", [], "Regression", 1),
        ("dear", [], "Classification", 2),
        ("sold", [], "Classification", 2),
        ("zip", [], "Classification", 2),
        ("zip", ["problem.task=regression"], "Regression", 1),
        ("price", ["problem=table_linear"], "Regression", 1),
    ],
)
def test_the_target_says_what_is_learnt(tmp_path, target, overrides, kind, outputs):
    made = problem(write(HOUSES, tmp_path / "mine.csv"), *overrides, target=target)
    assert (type(made).__name__, list(made.parameters())[-1].numel()) == (kind, outputs)
    assert made.labelled == (kind == "Classification")
    measured = made.measure("val", 7)
    name = "val/accuracy" if made.labelled else "val/r2"
    inputs, targets = made.data("val")
    outputs_ = made.network(inputs).detach()
    expected = (
        (outputs_.argmax(1) == targets).float().mean()
        if made.labelled
        else 1
        - (outputs_ - targets).var(correction=0) / targets.var(correction=0)
        - (outputs_ - targets).mean() ** 2 / targets.var(correction=0)
    )
    assert measured[name] == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize(("target", "batch"), [("price", "full"), ("dear", "mini"), ("price", "stochastic")])
def test_every_engine_and_batch_mode_trains_it_alike(tmp_path, train, target, batch):
    file = write(HOUSES.drop(columns="dear" if target == "price" else "price"), tmp_path / "mine.csv")
    short = (
        "problem=table",
        f"problem.file={file}",
        f"problem.target={target}",
        f"batch={batch}",
        "max_steps=40",
        "precision=64",
    )
    ends = {engine: train(*short, "optimizer.lr=0.05", f"engine={engine}") for engine in ("torch", "numpy", "compiled")}
    rows = {engine: run.rows[-1] for engine, run in ends.items()}
    for engine in ("numpy", "compiled"):
        assert rows[engine]["train/loss"] == pytest.approx(rows["torch"]["train/loss"], rel=1e-9)
        assert rows[engine]["val/loss"] == pytest.approx(rows["torch"]["val/loss"], rel=1e-9)
    assert rows["torch"]["train/loss"] < ends["torch"].rows[0]["train/loss"]


def test_the_contents_of_the_file_are_part_of_the_identity_and_its_name_is_not(tmp_path):
    def ids(file: Path) -> str:
        return key(identity(settings("problem=table", f"problem.file={file}", "problem.target=price"), "cpu"))

    file, copy = write(HOUSES, tmp_path / "mine.csv"), write(HOUSES, tmp_path / "copy.csv")
    before = ids(file)
    assert ids(copy) == before
    file.write_text(file.read_text() + "100,3000,Bern,True,300,no\n")
    assert ids(file) != before


def test_separators_marks_and_blank_lines_of_other_programs_are_read(tmp_path):
    plain = write(HOUSES, tmp_path / "mine.csv").read_text()
    other = tmp_path / "other.csv"
    other.write_bytes(("\ufeff" + plain.replace(",", ";").replace("\n", "\r\n") + "\r\n").encode())
    assert problem(other).checksum == problem(tmp_path / "mine.csv").checksum


def csv(**columns: Any) -> bytes:
    """Return the houses, with other columns, as a CSV."""
    return HOUSES.assign(**columns).to_csv(index=False).encode()


def put(name: str, *rows: int, value: Any) -> bytes:
    return csv(**{name: HOUSES[name].astype(object).where(~HOUSES.index.isin(rows), value)})


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


# What is wrong: the file, its bytes, arguments other than column="price", and what the one line says.
MISTAKES: dict[str, tuple[str, bytes | None, dict[str, Any], str]] = {
    "no such file": ("mine.csv", None, {}, r"problem.file=.*mine.csv: cannot be read \(No such file or directory\)"),
    "an empty file": ("mine.csv", b"", {}, "is empty"),
    "a header alone": ("mine.csv", b"a,price\n", {}, "has no rows"),
    "few rows": ("mine.csv", b"a,price\n1,2.5\n2,3.5\n", {}, "has 2 rows; 20 are needed"),
    "another ending": ("mine.xlsx", b"", {}, "must end in .csv, .npz, .parquet"),
    "not UTF-8": ("mine.csv", csv() + "1,1,Zürich,True,3,no\n".encode("latin-1"), {}, "line 202 is not UTF-8"),
    "no such column": ("mine.csv", csv(), {"column": "prize"}, r"problem.target=prize: .*area, zip.* Did you mean price\?"),
    "no column": ("mine.csv", csv(), {"column": None}, "problem.target=null: must be one of area, zip"),
    "no column to drop": ("mine.csv", csv(), {"drop": ["city", "citi"]}, r"problem.drop=citi: .* Did you mean city\?"),
    "the target dropped": ("mine.csv", csv(), {"drop": ["price"]}, "problem.drop=price: must be one of area"),
    "nothing left": ("mine.csv", csv(), {"drop": [*HOUSES.columns.drop("price")]}, "leaves no column .* beside price"),
    "two columns of a name": ("mine.csv", b"a,a,price\n1,2,3\n", {}, "line 1 names two columns a"),
    "more fields": ("mine.csv", b"a,price\n1,2\n1,2,3\n", {}, "Expected 2 fields in line 3, saw 3"),
    "more fields from the start": ("mine.csv", b"a,price\n1,2,3\n1,2,3\n", {}, "line 2 has more fields than the 2 names"),
    "a constant target": ("mine.csv", put("price", *range(ROWS), value=1), {}, "problem.target=price: is 1 in all rows"),
    "a missing target": ("mine.csv", put("price", 3, 9, value=None), {}, "line 5: price is missing.*, and in 1 more"),
    "a text among targets": ("mine.csv", put("price", 4, value="?"), {}, r"line 6: price is '\?', in a column of numbers"),
    "texts as numbers": ("mine.csv", csv(), {"column": "dear", "task": "regression"}, "line 2 .* is (yes|no)"),
    "a class of one": ("mine.csv", put("dear", 8, value="?"), {"column": "dear"}, r"line 10: dear is \?, a class of 1 example;"),
    "a text among numbers": (
        "mine.csv",
        put("area", 4, 5, value="12O"),
        {},
        "line 6: area is '12O', in a .*, and in 1 more",
    ),
    "an infinite number": ("mine.csv", put("area", 4, value=math.inf), {}, "line 6: area is infinite"),
    "an empty column": ("mine.csv", put("area", *range(ROWS), value=None), {}, "column area is empty.*problem.drop=.area."),
    "a name in each row": ("mine.csv", csv(name=[f"n{i}" for i in range(ROWS)]), {}, "column name is another text in each row"),
    "a loss of classes": (
        "mine.csv",
        csv(),
        {"loss": "cross_entropy"},
        "problem.loss=cross_entropy: must be one of squared",
    ),
    "too many examples": ("mine.csv", csv(), {"examples": 121}, "problem.examples=121: must be <= 120"),
    "a width of no use": ("mine.csv", csv(), {"network": "linear"}, "problem.width=32: has no effect"),
    "no archive": ("mine.npz", b"nonsense", {}, "is no .npz file"),
    "rows that differ": ("mine.npz", npz(x=np.ones(30), price=np.ones(31)), {}, "array x has 30 rows, and price 31"),
    "objects": ("mine.npz", npz(x=np.array([{}, 1], object), price=np.ones(2)), {}, "is no .npz file of numbers and texts"),
    "one number": ("mine.npz", npz(price=1.0), {}, r"array price of float64 \(\) has no rows"),
    "no Parquet": ("mine.parquet", b"nonsense", {}, "is no Parquet file|needs the package pyarrow"),
}


@pytest.fixture(scope="module")
def typed() -> RunConfig:
    return settings("problem=table", "problem.target=price")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_column(tmp_path, typed, mistake):
    name, content, arguments, message = MISTAKES[mistake]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    changed = typed.problem.with_arguments({**typed.problem.arguments, "file": tmp_path / name, **arguments})
    with pytest.raises(InputError, match=message):
        build.problem(typed.model_copy(update={"problem": changed}))
