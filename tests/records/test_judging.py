"""What the records say of a run: diverged, stalled, its best values, its target."""

import math

import pytest

from descent.config.schema import Target
from descent.records import judging as verdict
from descent.records.result import Best

from .rows import rows_of

NAN, INF = math.nan, math.inf


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
