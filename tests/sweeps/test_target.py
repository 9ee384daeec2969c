"""The targets of the problems: as their yamls say, and as they are found and written."""

import math

import pytest
import yaml
from conftest import CONF, names, settings
from targets import write

from descent.config import target as module
from descent.config.schema import Target
from descent.records import judging as verdict
from descent.sweeps import target as targets

TARGETS = {name: settings(f"problem={name}").problem.target for name in names("problem")}
HAVE = [name for name, target in TARGETS.items() if target]


@pytest.mark.parametrize("name", names("problem"))
def test_a_problem_says_its_target_itself_if_only_that_it_has_none(name):
    written = yaml.safe_load((CONF / "problem" / f"{name}.yaml").read_text())["target"]
    assert written == (TARGETS[name].model_dump() if name in HAVE else None)


@pytest.mark.parametrize("name", HAVE)
def test_a_target_is_of_the_metric_and_has_two_digits(name):
    problem = settings(f"problem={name}").problem
    assert problem.target.metric == problem.metric
    assert problem.target.value == float(f"{problem.target.value:.1e}") > 0


@pytest.mark.parametrize("name", [name for name in HAVE if "root" not in settings(f"problem={name}").problem.arguments])
def test_a_run_says_when_it_met_the_target(train, name):
    run = train(f"problem={name}", "engine=numpy", "logger=csv")
    assert run.result["target"] == TARGETS[name].model_dump()
    assert run.result["time_to_target"] == verdict.time_to_target(run.rows, TARGETS[name])


@pytest.mark.parametrize("sign", [1, -1])
def test_what_was_reached_is_the_hardest_target_that_a_run_meets_in_time(sign):
    metric = "train/loss" if sign == 1 else "train/accuracy"
    values = [0.9, 0.5, 0.7, 0.3, 0.4, 0.1, 0.2]
    examples = [0, 10, 20, 30, 60, 80, 100]
    rows = [
        {"step": at, "examples": at, "gradient_evaluations": at, "seconds": at, metric: sign * value}
        for at, value in zip(examples, values, strict=True)
    ]
    best = targets.reached(values, [at / 100 for at in examples])
    assert best == 0.4  # at 30; 0.2 too late
    assert verdict.time_to_target(rows, Target(metric=metric, value=sign * best))["examples"] == 30
    assert verdict.time_to_target(rows, Target(metric=metric, value=sign * math.nextafter(best, 0)))["examples"] > 75


def test_a_target_is_rounded_to_the_easy_side():
    assert [float(targets.EASIER.create_decimal(repr(value))) for value in (0.1, 0.1201, 0.999, -0.9799)] == [0.1, 0.13, 1, -0.97]


@pytest.mark.parametrize("before", ["metric: train/gap  # that\ntarget: null\nthreads: 1\n", "metric: train/gap\nthreads: 1"])
def test_a_target_replaces_the_one_before_and_can_be_read(tmp_path, before):
    path = tmp_path / "p.yaml"
    path.write_text(before)
    for value, why in ((3e-6, ""), (1e-9, "reach 1e-09, which is rounding"), (0.25, "")):
        write(path, targets.TargetEstimate("train/gap", value, "sgd", 0.1, why))
        target = None if why else {"metric": "train/gap", "value": value}
        assert yaml.safe_load(path.read_text()) == {"metric": "train/gap", "threads": 1, "target": target}
        assert path.read_text().splitlines()[0] == before.splitlines()[0]


@pytest.mark.slow
def test_a_target_is_found_again(tmp_path):
    assert targets.find("quadratic", tmp_path).target == TARGETS["quadratic"].model_dump()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "why"), [("wilson", "which is rounding"), ("rastrigin", "no more than a local minimum")])
def test_where_a_target_would_tell_nothing_there_is_none(tmp_path, monkeypatch, name, why):
    monkeypatch.setattr(targets, "OPTIMIZERS", ("momentum",))
    monkeypatch.setattr(targets, "RATES", (0.1,))
    assert targets.find(name, tmp_path).why.endswith(why)


@pytest.mark.parametrize(
    ("overrides", "target"),
    [
        (["seed=5", "batch=full", "epochs=3", "optimizer=adam", "problem.record_examples=10"], 0.032),
        (["problem.width=16"], None),
        (["problem.label_noise=0.1"], None),
        (["problem.width=16", "problem.target={metric: train/loss, value: 0.5}"], 0.5),
        (["problem.target=null"], None),
        (["problem=mnist_logreg", "problem.root=/data"], 0.25),
        (["problem=mnist_logreg", "problem.dataset=stand_in"], None),
    ],
)
def test_a_target_is_dropped_where_data_model_or_loss_are_others(overrides, target):
    found = settings(*overrides).problem.target
    assert (found and found.value) == target


def test_a_run_tells_why_it_has_no_time_to_target(train, capsys):
    module._tell.cache_clear()
    run = train("problem.width=16", "engine=numpy", "max_steps=2", "logger=[]")
    assert (run.result["target"], run.result["time_to_target"]["steps"]) == (None, None)
    train("problem.width=16", "engine=numpy", "max_steps=2", "logger=[]", "seed=2")  # told once
    line = "No time to target: that of problem=digits_mlp is for width=32. Set problem.target to have one.\n"
    assert capsys.readouterr().out.count(line) == 1
