"""Data of the user's: classes or numbers in one column of a table, predicted from the other columns."""

from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import torch
from annotated_types import Ge

from descent.config.values import LATER, Count, File, Whole
from descent.errors import InputError, one_of
from descent.problems.base import Problem
from descent.problems.classification import LOSSES, Classification
from descent.problems.frames import KEY, Table, is_number, read, require_numbers
from descent.problems.regression import Regression
from descent.problems.splits import FIXED, limited
from descent.randomness import generator

CLASSES = 20  # whole numbers with more values than this are no classes
PARTS = ("train", "train", "train", "val", "test")  # what each five rows of a class are dealt out to
FEWEST = 20  # rows
EXAMPLE = "problem.file=mine.csv problem.target=price"


def table(
    *,
    seed: int,
    dtype: torch.dtype,
    file: File | None,
    column: str | None,
    task: Literal["classification", "regression"] | None,
    categorical: list[str],
    drop: list[str],
    categories: Annotated[Whole, Ge(2)],
    split: Literal["seed", "fixed"],
    network: str,
    initialisation: str,
    loss: str | None,
    width: Count | None = None,
    depth: Count | None = None,
    activation: str | None = None,
    examples: Annotated[Count | None, LATER] = None,
) -> Problem:
    """Predict a column of a table from the others; 60 % of the rows train, 20 % validate, 20 % test, of each class alike.

    What is done to the columns is fitted on the training rows alone. Numbers: a missing one becomes the median, then mean 0 and
    variance 1. Texts: one-hot, a missing one is a category of its own. A target of numbers has mean 0 and variance 1 too, so
    that a loss of 0.5 is that of the mean.

    Args:
        seed: draws the split and the initial weights.
        file: CSV, .npz or Parquet; see `frames.read`.
        column: the target.
        task: None: classification where the target is text, or has at most 20 whole numbers; else regression.
        categorical: columns of numbers that stand for categories.
        drop: columns that are left out.
        categories: at most, of a column; the rarest count as one.
        split: ``seed`` draws another split for each seed, ``fixed`` the same one always.
        loss: of `LOSSES` for classes, ``squared_error`` for numbers; None: the first of these.
        examples: the first so many of the training rows, which lie in random order; None: all.

    Raises:
        InputError: names the file and, where there is one, the line and the column.
    """
    if file is None:
        raise InputError(KEY, None, "must be a CSV, .npz or Parquet file", f"Type {EXAMPLE}.")
    data = read(file)
    names = [str(name) for name in data.frame.columns]
    if column is None or column not in names:
        raise one_of("problem.target", column, names, "" if column else "It is the column to predict.")
    for key, chosen in (("drop", drop), ("categorical", categorical)):
        for name in chosen:
            if name not in names or name == column:
                raise one_of(f"problem.{key}", name, (other for other in names if other != column))
    features = [name for name in names if name not in (column, *drop)]
    if not features:
        raise InputError("problem.drop", drop, f"leaves no column of {file} beside {column}")
    if len(data.frame) < FEWEST:
        raise InputError(KEY, file, f"has {len(data.frame)} rows; {FEWEST} are needed to train, validate and test")
    y = _target(data, column, task)
    numbers, texts = _kinds(data, [name for name in features if name not in categorical])
    texts += categorical
    labelled = y.dtype.kind == "i"
    rows = _deal(y if labelled else np.zeros(len(y)), generator(seed if split == "seed" else FIXED, "split"))
    x = _inputs(data.frame, rows, numbers, texts, categories, np.float64 if dtype == torch.float64 else np.float32)
    splits = {part: (x[part], y[rows[part]]) for part in rows}
    made: dict[str, Any] = {"seed": seed, "dtype": dtype, "network": network, "initialisation": initialisation}
    made |= {"width": width, "depth": depth, "activation": activation}
    if labelled:
        return Classification(splits, scaling="none", loss=loss or next(iter(LOSSES)), examples=examples, **made)
    mean, deviation = splits["train"][1].mean(), splits["train"][1].std() or 1.0
    splits = {part: (x, ((y - mean) / deviation)[:, None]) for part, (x, y) in splits.items()}
    return Regression(limited(splits, examples), loss=loss or "squared_error", **made)


def _target(data: Table, name: str, task: str | None) -> np.ndarray:
    """Return the targets ``[N]``: labels as whole numbers from 0 on, or numbers in float64.

    Raises:
        InputError: a missing, infinite or constant one; a text where numbers are asked for; a class that cannot be split.
    """
    column = data.frame[name]
    if column.isna().any():
        raise data.wrong(column.isna(), f"{name} is missing, which is to be predicted", "Fill it in, or delete the line.")
    if task != "classification":
        require_numbers(data, name, "Correct it, or use problem.task=classification.")
    values = column.unique()
    if len(values) == 1:
        raise InputError("problem.target", name, f"is {values[0]} in all rows of {data.file}: there is nothing to learn")
    if task is None:
        few = is_number(column) and len(values) <= CLASSES and (column % 1 == 0).all()
        task = "classification" if few or not is_number(column) else "regression"
    if task == "regression":
        if not is_number(column):
            what = f"must be numbers for a regression, and {data.unit} {column.index[0]} of {data.file} is {column.iloc[0]}"
            raise InputError("problem.target", name, what, "Use problem.task=classification.")
        return column.to_numpy(np.float64)
    classes, labels, counts = np.unique(column.astype(str), return_inverse=True, return_counts=True)
    rarest, fewest = classes[counts.argmin()], int(counts.min())
    if fewest < len(PARTS):
        what = f"{name} is {rarest}, a class of {fewest} example{'s' * (fewest > 1)}; each needs {len(PARTS)}"
        remedy = "Delete such lines, join classes" + (", or use problem.task=regression." if is_number(column) else ".")
        raise data.wrong(column.astype(str).duplicated().eq(False) & (column.astype(str) == rarest), what, remedy)
    return labels.astype(np.int64)


def _kinds(data: Table, names: list[str]) -> tuple[list[str], list[str]]:
    """Return the columns of numbers and those of texts.

    Raises:
        InputError: an empty column, one of texts that are all different, or a text or an infinite number among numbers.
    """
    numbers, texts = [], []
    for name in names:
        column = data.frame[name]
        if column.isna().all():
            raise InputError(KEY, data.file, f"column {name} is empty", f"Leave it out: problem.drop=[{name}].")
        require_numbers(data, name, f"Correct it, leave the cell empty, or use problem.categorical=[{name}].")
        if is_number(column):
            numbers.append(name)
        elif column.nunique() == len(column):
            raise InputError(
                KEY, data.file, f"column {name} is another text in each row", f"Leave it out: problem.drop=[{name}]."
            )
        else:
            texts.append(name)
    return numbers, texts


def _deal(labels: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the rows of each part, in random order: those of each class are dealt out in turn, so that all parts have it."""
    order = rng.permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    part = np.resize(PARTS, len(order))
    return {name: rng.permutation(order[part == name]) for name in dict.fromkeys(PARTS)}


def _inputs(
    frame: pd.DataFrame, rows: dict[str, np.ndarray], numbers: list[str], texts: list[str], categories: int, precision: type
) -> dict[str, np.ndarray]:
    """Return the inputs of each part ``[N, D]``, by transformers that are fitted on the training rows."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    scale = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    one_hot = OneHotEncoder(max_categories=categories, handle_unknown="infrequent_if_exist", sparse_output=False, dtype=precision)
    transformer = ColumnTransformer([("numbers", scale, numbers), ("texts", one_hot, texts)], sparse_threshold=0)
    cells = {name: frame[name].astype(np.float64) for name in numbers}
    cells |= {name: frame[name].map(str, na_action="ignore").astype(object).fillna("") for name in texts}
    readable = pd.DataFrame(cells)
    transformer.fit(readable.iloc[rows["train"]])
    return {part: transformer.transform(readable.iloc[chosen]).astype(precision) for part, chosen in rows.items()}
