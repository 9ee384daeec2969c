"""Tuning with equal budgets: which settings are tried, which is chosen, on which seeds; only what is missing is trained."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from conftest import names, settings, sweep

from descent.analysis.load import load
from descent.analysis.verdicts import judge
from descent.config.search_space import Range, search_space
from descent.sweeps.candidates import AXES, Protocol, candidates
from descent.sweeps.tuning import points

QUICK = ("hydra/sweeper=tuned", "problem=quadratic", "engine=numpy", "batch=full", "max_steps=8", "logger=[]", "trainer=cpu")


@pytest.fixture
def tuned(capsys, monkeypatch, tmp_path):
    def run(*arguments):
        return sweep(
            capsys, monkeypatch, *QUICK, f"output_dir={tmp_path}", "study=tuned", "hydra.sweeper.final_seeds=3", *arguments
        )

    return run


def trained(out: str) -> list[int]:
    """Return how many runs each stage had to train, or to go on with."""
    lines = [line.split() for line in out.splitlines() if line.endswith(" to train")]
    return [int(continued) + int(missing) for _, _, continued, _, missing, *_ in lines]


@pytest.mark.parametrize("scale", ["log", "log_one_minus", "linear"])
def test_a_range_is_covered_from_end_to_end(scale):
    usual = Range(low=0.5, high=0.99, scale=scale)
    shares = np.linspace(0, 1, 7)
    values = [usual.value(share) for share in shares]
    assert values[0] == pytest.approx(0.5)
    assert values[-1] == pytest.approx(0.99)
    assert np.allclose([usual.share(value) for value in values], shares, atol=1e-3)
    assert [usual.edge(value) for value in values] == ["low", *[""] * 5, "high"]


def test_half_of_log_one_minus_lies_between_the_ends_of_its_logarithm():
    assert Range(low=0.9, high=0.999, scale="log_one_minus").value(0.5) == 0.99
    assert Range(low=0.01, high=100, scale="log").value(0.5) == 1


def test_points_are_spread_shared_by_shorter_searches_and_other_in_another_search():
    sample = points(64, 1)
    assert sample.shape == (64, len(AXES))
    assert (sample >= 0).all()
    assert (sample < 1).all()
    for column in sample.T:  # each eighth of an axis is tried
        assert (np.histogram(column, 8, (0, 1))[0] >= 5).all()
    assert (points(8, 1) == sample[:8]).all()
    assert not np.isclose(points(8, 2), sample[:8]).any()


@pytest.mark.parametrize("optimizer", names("search_space"))
def test_every_optimizer_with_a_search_space_can_be_tuned(optimizer):
    protocol = Protocol(trials="huge", searches=1, final_seeds=10)
    (one,) = candidates([[f"optimizer={optimizer}"]], lambda job: settings(*job), protocol, [])
    for point in (np.zeros(len(AXES)), np.ones(len(AXES))):
        setting = one.setting(point)
        chosen = settings(*one.job(protocol, 1, "trial", 5, setting))
        assert chosen.seed == 5
        assert chosen.tuning.model_dump() == {"trials": "huge", "search": 1, "stage": "trial"}
        for key, value in setting.items():
            assert value in search_space(optimizer)[key]
            name, _, item = key.removeprefix("optimizer.").removesuffix("]").partition("[")
            argument = chosen.optimizer.arguments[name]
            assert (argument[int(item)] if item else argument) == value


def test_larger_budgets_search_more_axes():
    def axes(trials):
        protocol = Protocol(trials=trials, searches=1, final_seeds=10)
        (one,) = candidates([["optimizer=adamw"]], lambda job: settings(*job), protocol, [])
        return set(one.space)

    assert axes("small") == {"optimizer.lr"}
    assert axes("medium") == {"optimizer.lr", "optimizer.betas[0]"}
    assert axes("large") == {"optimizer.lr", "optimizer.betas[0]", "optimizer.eps", "optimizer.weight_decay"}
    assert axes("huge") == axes("large") | {"optimizer.betas[1]"}


def test_the_best_median_of_the_best_trials_is_trained_on_seeds_that_no_stage_has_seen(tuned, tmp_path):
    status, out, _ = tuned("optimizer=sgd,momentum")
    assert status == 0
    assert trained(out) == [16, 18, 12]
    study = load(tmp_path / "tuned")
    runs = study.runs
    assert set(runs["tuning"]) == {"small"}
    for _, own in runs.groupby("optimizer"):
        stages = dict(list(own.groupby("stage")))
        seeds = [set(stages[name]["seed"]) for name in ("trial", "selection", "final")]
        assert [len(some) for some in seeds] == [1, 3, 3]
        assert len(set.union(*seeds)) == 7
        trials = stages["trial"].assign(loss=counted(stages["trial"])).sort_values("loss", kind="stable")
        assert set(trials["lr"][:3]) == set(stages["selection"]["lr"])
        selection = stages["selection"].assign(loss=counted(stages["selection"]))
        assert set(stages["final"]["lr"]) == {selection.groupby("lr")["loss"].median().idxmin()}
    lrs = [np.log(own["lr"].to_numpy()) for _, own in runs[runs["stage"] == "trial"].groupby("optimizer")]
    ends = [np.log((usual.low, usual.high)) for usual in (search_space(name)["optimizer.lr"] for name in ("momentum", "sgd"))]
    shares = [np.sort((lr - low) / (high - low)) for lr, (low, high) in zip(lrs, ends, strict=True)]
    assert np.allclose(shares[0], shares[1], atol=1e-3)  # the same points

    (group,) = judge(study).tunings
    assert (group.trials, group.seconds.keys()) == (8, {"trial", "selection", "default", "final"})
    one = next(candidate for candidate in group.candidates if candidate.name == "sgd")
    sgd = runs[runs["optimizer"] == "sgd"]
    ends, rates = sgd.set_index(["stage", "seed"])["final:train/gap"], sgd.groupby("stage")["lr"].first()
    assert one.gain == pytest.approx(np.log(ends["default"] / ends["final"]).to_numpy())
    assert one.settings == {1: {"optimizer.lr": rates["final"]}}
    assert len(one.losses) == 8
    assert group.notes[0].startswith("Searched: ")
    assert {row[0][0] for row in group.rows} == {"sgd", "momentum"}


def test_baselines_are_trained_at_their_shipped_settings_and_judged_with_what_is_tuned(capsys, monkeypatch, tmp_path):
    chosen = [argument for argument in QUICK if not argument.startswith("max_steps")]
    more = (f"output_dir={tmp_path}", "study=tuned", "optimizer=nesterov", "hydra.sweeper.baselines=[adam,momentum]")
    status, out, _ = sweep(capsys, monkeypatch, *chosen, *more)
    assert status == 0
    assert trained(out) == [8, 9, 33]
    runs = load(tmp_path / "tuned").runs
    assert set(runs["tuning"]) == {"small"}
    for optimizer in ("adam", "momentum"):
        rivals = runs[runs["optimizer"] == optimizer]
        assert set(rivals["seed"]) == set(range(1, 11))
        assert set(rivals["stage"]) == {"final"}
        assert set(rivals["lr"]) == {
            settings("problem=quadratic", "batch=full", f"optimizer={optimizer}", "settings=tuned").optimizer.lr
        }
    assert "on what they hold for" in out  # the report


def counted(runs):
    return runs["final:train/gap"].where(runs["status"] == "finished", math.inf)


def test_repeating_it_trains_nothing_and_one_more_optimizer_only_its_own_runs(tuned):
    tuned("optimizer=sgd")
    assert trained(tuned("optimizer=sgd")[1]) == [0, 0, 0]
    assert trained(tuned("optimizer=sgd,momentum")[1]) == [8, 9, 6]
    assert trained(tuned("optimizer=sgd", "hydra.sweeper.final_seeds=4")[1]) == [0, 0, 1]


def test_another_search_has_settings_and_seeds_of_its_own(tuned, tmp_path):
    status, out, _ = tuned("optimizer=sgd", "hydra.sweeper.searches=2")
    assert status == 0
    assert trained(out) == [16, 18, 9]
    runs = load(tmp_path / "tuned").runs
    first, second = (own for _, own in runs[runs["stage"].isin(["trial", "selection"])].groupby("search"))
    assert not set(first["seed"]) & set(second["seed"])
    assert not set(first["lr"]) & set(second["lr"])


def test_without_trials_the_defaults_are_trained_as_an_ordinary_sweep_would(tuned, tmp_path, capsys, monkeypatch):
    assert trained(tuned("optimizer=sgd", "hydra.sweeper.trials=default")[1]) == [3]
    ordinary = [argument for argument in QUICK if not argument.startswith("hydra")]
    _, out, _ = sweep(capsys, monkeypatch, *ordinary, f"output_dir={tmp_path}", "study=tuned", "optimizer=sgd", "seed=1,2,3")
    assert trained(out) == [0]


def test_a_best_value_at_the_end_of_its_range_is_flagged(tuned, tmp_path):
    space = tmp_path / "conf" / "search_space"
    space.mkdir(parents=True)
    (space / "sgd.yaml").write_text("optimizer.lr: {low: 1.0e-6, high: 1, scale: log, axis: lr}\n")
    status, out, _ = tuned("--config-dir", str(tmp_path / "conf"), "optimizer=sgd")
    assert status == 0
    assert "lr lies at the high end of its range: tune all in another study with hydra.sweeper.extended" in out
    (group,) = judge(load(tmp_path / "tuned")).tunings  # the range is kept with the study
    assert "Searched: sgd lr 1e-06 to 1." in group.notes
    assert any("lies in the upper tenth of its range: extend that, and tune all again." in note for note in group.notes)
    more = ("optimizer=sgd", "hydra.sweeper.extended=high", "study=extended")
    assert "end of its range" not in tuned("--config-dir", str(tmp_path / "conf"), *more)[1]
    (group,) = judge(load(tmp_path / "extended")).tunings
    assert "Searched: sgd lr 1e-06 to 10." in group.notes


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["optimizer.lr=0.1"], "error: optimizer.lr=0.1: is what hydra/sweeper=tuned decides."),
        (["seed=1,2"], "error: seed=1: is what hydra/sweeper=tuned decides."),
        (["tuning.stage=trial"], "error: tuning.stage=trial: is what hydra/sweeper=tuned decides."),
        (["hydra.sweeper.trials=tiny"], "error: hydra.sweeper.trials=tiny: must be one of default, small, medium, large, huge."),
        (["hydra.sweeper.searches=0"], "error: hydra.sweeper.searches=0: must be"),
        (["hydra.sweeper.final_seeds=many"], "error: hydra.sweeper.final_seeds=many: must be"),
        (["experiment=momentum"], "error: experiment=momentum: is not tuned."),
        (["hydra.sweeper.baselines=[tree]"], "error: optimizer=tree: must be one of"),
        (["hydra.sweeper.baselines=[lbfgs]"], "error: settings=tuned: has no settings/tuned/quadratic/full/lbfgs.yaml."),
        (
            ["hydra.sweeper.baselines=[adam]"],
            "error: hydra.sweeper.baselines=adam: the tuned settings are for max_steps=null, and this run has max_steps=8.",
        ),
        (
            ["hydra.sweeper.baselines=[adam]", "hydra.sweeper.trials=medium"],
            "error: hydra.sweeper.baselines=adam: was tuned with hydra.sweeper.trials=small and hydra.sweeper.searches=1, and",
        ),
        (["hydra.sweeper.trails=small"], "error: hydra.sweeper.trails=small: "),
    ],
)
def test_what_tuning_decides_or_cannot_be_is_refused_in_a_line(tuned, tmp_path, arguments, line):
    status, out, err = tuned("optimizer=sgd", *arguments)
    assert status == 2, out
    assert err.startswith(line)
    assert err.count("\n") == 1
    assert not (tmp_path / "tuned").exists()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("optimizer.lr: {low: 1, high: 0.1, scale: log, axis: lr}", "optimizer.lr.low=1: must be below high=0.1."),
        (
            "optimizer.rate: {low: 0.1, high: 1, scale: log, axis: lr}",
            "search_space/sgd: optimizer.rate=null: optimizer=sgd has no such setting",
        ),
        ("optimizer.lr: {low: a, high: 1, scale: log, axis: lr}", "optimizer.lr.low=a: must be a number"),
        ("optimizer.weight_decay: {low: 0, high: 1, scale: linear}", "optimizer=sgd: has no range on the axes"),
        ("- optimizer.lr", "must be a mapping"),
        ("optimizer.lr: [", "cannot be read"),
    ],
)
def test_a_bad_search_space_is_refused_in_a_line(tuned, tmp_path, text, line):
    space = tmp_path / "conf" / "search_space"
    space.mkdir(parents=True)
    (space / "sgd.yaml").write_text(text)
    status, _, err = tuned("--config-dir", str(tmp_path / "conf"), "optimizer=sgd")
    assert status == 2
    assert line in err
    assert err.count("\n") == 1
    assert not (tmp_path / "tuned").exists()


def test_a_part_in_tuning_is_part_of_a_run_and_not_of_its_setting(train):
    common = ("problem=quadratic", "engine=numpy", "batch=full", "max_steps=4", "logger=[]")
    plain = train(*common).result
    trial = train(*common, "tuning.trials=small", "tuning.search=1", "tuning.stage=trial").result
    assert plain["id"] != trial["id"]
    assert plain["setting"] == trial["setting"]
    assert (trial["tuning"], trial["search"], trial["stage"]) == ("small", 1, "trial")


def test_an_unfinished_study_goes_on_with_what_is_missing(tuned, tmp_path):
    tuned("optimizer=sgd")
    finals = [
        path for path in Path(tmp_path).glob("tuned/*/*/*/*/result.json") if json.loads(path.read_text())["stage"] != "trial"
    ]
    assert len(finals) == 15
    for path in finals:
        path.unlink()
    assert trained(tuned("optimizer=sgd")[1]) == [0, 9, 6]


def test_nothing_is_chosen_from_runs_that_all_failed(tuned, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no memory")

    monkeypatch.setattr("descent.sweeps.worker.run", broken)
    status, out, _ = tuned("optimizer=sgd")
    assert status == 1
    assert trained(out) == [8]
    assert "8 failed" in out
    assert "of 8 trials" not in out


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_workers_live_through_all_stages(tuned):
    status, out, _ = tuned("optimizer=sgd", "hydra/launcher=joblib", "hydra.launcher.n_jobs=1")
    assert status == 0, out
    assert trained(out) == [8, 9, 6]
