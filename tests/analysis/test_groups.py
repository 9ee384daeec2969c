"""What may be compared: settings that candidates share, and the names of groups that differ."""

from descent.analysis.groups import UNKNOWN, shared_settings, what_differs

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
    keyed = {(place,): one for place, one in enumerate(settings)}
    return list(what_differs(keyed, among or dict.fromkeys(keyed, "all")).values())


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
    assert differs(shared_settings(CONFIG), wide, among={(0,): "full", (1,): "mini"}) == ["", ""]


def test_unknown_settings_are_a_group_of_their_own():
    assert differs(shared_settings(CONFIG), {}) == ["", UNKNOWN]
    assert differs({}, {}) == ["", ""]
