"""Metrics: a quantity that a problem declares is judged, ranked, summarised and drawn in its own direction."""

import pytest
from studies import write_run

from descent.analysis.load import load
from descent.analysis.ranking import rankings
from descent.metrics import AXES, metric

F1 = {"f1": {"direction": "max", "scale": "linear", "label": "F1"}}
OWN = """
from descent.problems.digits import Digits
class Own(Digits):
    def metrics(self, inputs, targets):
        measured = super().metrics(inputs, targets)
        return {"loss": measured["loss"], "f1": measured["accuracy"]}
"""
OVERRIDES = ("problem=digits_mlp", "problem._target_=f1_digits.Own", "optimizer=adam", "epochs=5")


def test_known_quantities_need_no_declaration():
    assert (metric("train/loss").label, metric("val/accuracy").label) == ("training loss", "validation accuracy")
    assert [metric(name).higher_is_better for name in ("train/loss", "train/gap", "val/accuracy")] == [False, False, True]
    assert [metric(name).scale for name in ("train/loss", "val/accuracy")] == ["log", "linear"]
    assert AXES["steps"].column == "step"


def test_a_diverged_or_missing_value_counts_as_the_worst():
    f1, loss = metric("val/f1", F1), metric("val/loss")
    assert [f1.counted(*run) for run in ((0.5, "finished"), (0.5, "diverged"), (None, "finished"))] == [0.5, f1.worst, f1.worst]
    assert (f1.worst, loss.worst) == (-float("inf"), float("inf"))


def test_a_run_is_judged_in_the_direction_that_its_problem_declares(train, tmp_path, monkeypatch):
    (tmp_path / "f1_digits.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    declared = ("+problem.metrics.f1={direction: max}", "problem.metric=val/f1", "problem.target={metric: val/f1, value: 0.5}")
    run = train(*OVERRIDES, *declared)
    assert run.result["best"]["val/f1"]["value"] == max(run.column("val/f1"))
    assert run.result["metrics"]["f1"]["direction"] == "max"
    met = [value >= 0.5 for value in run.column("val/f1")]
    first = next(row for row, now, then in zip(run.rows, met, met[1:], strict=False) if now and then)
    assert run.result["time_to_target"]["steps"] == first["step"] > 0


@pytest.mark.parametrize(("declared", "first"), [(F1, "high"), ({"f1": {"direction": "min"}}, "low")])
def test_a_ranking_follows_the_direction_that_the_results_hold(tmp_path, declared, first):
    for seed in range(1, 4):
        for optimizer, value in {"high": 0.9, "low": 0.2}.items():
            scores = tuple(value - 0.01 * seed for _ in range(5))
            more = {"columns": {"val/f1": scores}, "metric": "val/f1", "metrics": declared, "status": "finished"}
            write_run(tmp_path, optimizer=optimizer, seed=seed, **more)
    study = load(tmp_path)
    ranking = next(ranking for ranking in rankings(study.runs) if ranking.metric_name == "val/f1")
    assert ranking.candidates[0] == first
    assert ranking.metric.label == ("validation F1" if first == "high" else "validation f1")
