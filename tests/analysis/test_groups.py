"""What may be compared: settings that candidates share, and the names of groups that differ."""

import math

from studies import write_run

from descent.analysis.groups import UNKNOWN, shared_settings, what_differs
from descent.analysis.load import load
from descent.analysis.verdicts import judge

CONFIG = {
    "names": {"problem": "quadratic", "optimizer": "sgd"},
    "problem": {"_target_": "descent.problems.Quadratic", "condition": 100, "epochs": 200, "target": {"metric": "train/gap"}},
    "optimizer": {"lr": 0.1},
    "schedule": {"_target_": "descent.schedules.constant"},
    "batch": {"size": 8},
    "records": {"growth": 1.2},
    "logger": {"tensorboard": {}},
    "trainer": {"devices": 1},
    "epochs": 20,
    "max_steps": None,
    "seed": 1,
    "study": "a",
}


def changed(**values):
    return shared_settings({**CONFIG, **values})


def differs(*settings, among=None):
    return what_differs(settings, among or ["all"] * len(settings))


def test_candidates_share_all_but_optimizer_schedule_and_seed():
    assert shared_settings(CONFIG) == {
        "problem._target_": "descent.problems.Quadratic",
        "problem.condition": "100",
        "batch.size": "8",
        "records.growth": "1.2",
        "epochs": "20",
        "max_steps": "none",
    }
    assert changed(optimizer={"lr": 1}, schedule={}, seed=9, study="b", trainer={"devices": 2}) == shared_settings(CONFIG)
    assert changed(problem={**CONFIG["problem"], "root": "elsewhere"}) == shared_settings(CONFIG)  # the data's checksum tells


def test_groups_are_named_by_what_differs():
    wide = changed(problem={**CONFIG["problem"], "condition": 2})
    assert differs(shared_settings(CONFIG), shared_settings(CONFIG)) == ["", ""]
    assert differs(shared_settings(CONFIG), wide) == ["condition=100", "condition=2"]
    assert differs(shared_settings(CONFIG), changed(max_seconds=0.02)) == ["max_seconds=none", "max_seconds=0.02"]
    assert differs(shared_settings(CONFIG), changed(epochs=5, clip_norm=1)) == [
        "epochs=20, clip_norm=none",
        "epochs=5, clip_norm=1",
    ]


def test_names_that_end_alike_keep_their_group():
    one, other = (
        changed(records={"examples": 1}, problem={"examples": 2}),
        changed(records={"examples": 3}, problem={"examples": 4}),
    )
    assert differs(one, other)[0] == "problem.examples=2, records.examples=1"


def test_names_tell_apart_within_a_class():
    wide = changed(problem={**CONFIG["problem"], "condition": 2})
    assert differs(shared_settings(CONFIG), wide, among=["full", "mini"]) == ["", ""]


def test_unknown_settings_are_a_group_of_their_own():
    assert differs(shared_settings(CONFIG), {}) == ["", UNKNOWN]
    assert differs({}, {}) == ["", ""]


def runs(folder, optimizer, last, seeds=range(1, 11), **options):
    for seed in seeds:
        write_run(folder, optimizer=optimizer, seed=seed, losses=(2.0, 1.8, 1.5, 1.2, last + seed / 1e4), **options)


def found(folder):
    """Return what is said of the training loss of each group."""
    return {v.ranking.batch: v.sentence for v in judge(load(folder)).verdicts if v.ranking.metric_name == "train/loss"}


def test_different_problems_of_one_name_are_not_ranked_as_one(tmp_path):
    runs(tmp_path, "sgd", 0.5, config=CONFIG, setting="sgd 100")
    runs(tmp_path, "momentum", 0.1, config={**CONFIG, "problem": {**CONFIG["problem"], "condition": 2}}, setting="momentum 2")
    assert {batch: text.partition(":")[0] for batch, text in found(tmp_path).items()} == {
        "mini (32), condition=100": "Only sgd was run (n = 10)",
        "mini (32), condition=2": "Only momentum was run (n = 10)",
    }


def test_budgets_are_compared_as_asked(tmp_path):
    runs(tmp_path, "sgd", 0.5, config={**CONFIG, "max_seconds": 0.02})
    runs(tmp_path, "adagrad", 0.1, config={**CONFIG, "max_seconds": 0.4})
    assert list(found(tmp_path)) == ["mini (32), max_seconds=0.02", "mini (32), max_seconds=0.4"]


def test_optimizers_and_schedules_may_differ(tmp_path):
    runs(tmp_path, "sgd", 0.5, config=CONFIG)
    runs(tmp_path, "adam", 0.1, config={**CONFIG, "optimizer": {"lr": 3}, "schedule": {"factor": 2}, "trainer": {"devices": 2}})
    assert [text.partition(":")[0] for text in found(tmp_path).values()] == ["adam is best"]


def data(name):
    return {"environment": {"data_checksum": name}}


def test_other_data_are_never_pooled(tmp_path):
    runs(tmp_path, "sgd", 0.5, **data("a"))
    runs(tmp_path, "adam", 0.1, **data("a"))
    assert list(found(tmp_path)) == ["mini (32)"]
    runs(tmp_path, "muon", 0.2, **data("b"))
    assert {batch: text.partition(":")[0] for batch, text in found(tmp_path).items()} == {
        "mini (32), data 1": "adam is best",
        "mini (32), data 2": "Only muon was run (n = 10)",
    }


def test_data_that_differ_by_seed_alone_are_one_group(tmp_path):
    for seed in range(1, 11):
        runs(tmp_path, "sgd", 0.5, [seed], **data(f"split {seed}"))
        runs(tmp_path, "adam", 0.1, [seed], **data(f"split {seed}"))
        runs(tmp_path, "muon", 0.2, [seed], **data(f"other {seed}"))
    runs(tmp_path, "muon", 0.2, [11, 12], **data("later"))
    assert {batch: text.partition(":")[0] for batch, text in found(tmp_path).items()} == {
        "mini (32), data 1": "adam is best",
        "mini (32), data 2": "Only muon was run (n = 12)",
    }


def test_data_that_changed_within_a_setting_are_apart_too(tmp_path):
    runs(tmp_path, "sgd", 0.5, range(1, 11), **data("a"))
    runs(tmp_path, "adam", 0.1, range(1, 11), **data("a"))
    runs(tmp_path, "muon", 0.1, range(1, 6), **data("a"))
    runs(tmp_path, "muon", 0.1, range(6, 11), **data("b"))
    table = load(tmp_path).runs
    assert table[table["variant"] == "data 2"]["data"].tolist() == ["b"] * 5


def test_margins_and_floors_come_from_the_configuration(tmp_path):
    runs(tmp_path, "sgd", 0.5, [1], config={"problem": {"margin": 1.2, "loss_scale": 2.0}, "precision": 64})
    runs(tmp_path, "adam", 0.5, [1], config={"problem": {"loss_scale": 2.0}, "precision": 32})
    table = load(tmp_path).runs.set_index("optimizer")
    assert table.loc["sgd", ["margin", "floor"]].tolist() == [1.2, 2 * 2.0**-52]
    assert math.isnan(table.loc["adam", "margin"])
    assert table.loc["adam", "floor"] == 2 * 2.0**-23


def test_other_versions_and_devices_are_named(tmp_path):
    runs(tmp_path, "sgd", 0.5, environment={"torch": "2.1", "device": "cpu"})
    runs(tmp_path, "adam", 0.1, environment={"torch": "2.2", "device": "cpu"})
    assert judge(load(tmp_path)).common[-1] == "Runs were made with different torch 2.1 and 2.2."
