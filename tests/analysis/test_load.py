"""Loading a study: one row a run, curves on demand, and whatever can be wrong with the files."""

import json
import math
import pickle

import pytest
from studies import GRID, seal, write_run

from descent.analysis import load
from descent.errors import InputError
from descent.records.lock import lock
from descent.records.result import SCHEMA

NEVER = dict.fromkeys(("steps", "examples", "gradient_evaluations", "seconds"))


def change(folder, **keys):
    seal(folder, json.loads((folder / "result.json").read_text()) | keys)


def test_a_run_is_a_row(tmp_path):
    folder = write_run(tmp_path, optimizer="adam", lr=0.01, seed=3, losses=(1.0, 0.5, 0.4, 0.3, 0.2))
    write_run(tmp_path, batch="full")
    study = load(tmp_path)
    run = study.runs[study.runs["optimizer"] == "adam"].iloc[0]
    assert run["folder"] == folder
    assert dict(run[["problem", "batch", "seed", "lr", "batch_size", "steps", "metric", "status"]]) == {
        "problem": "digits_mlp",
        "batch": "mini",
        "seed": 3,
        "lr": 0.01,
        "batch_size": 32.0,
        "steps": 8.0,
        "metric": "train/loss",
        "status": "finished",
    }
    assert (run["final:train/loss"], run["best:train/loss"]) == (0.2, 0.2)
    assert run["test:loss"] == pytest.approx(0.22)
    assert (run["tuning"], run["search"], run["stage"], run["name"]) == ("default", 0, "final", "adam mini lr=0.01")
    assert study.metric_names == ["train/loss", "val/loss", "val/accuracy"]
    assert (study.skipped, study.waiting) == ([], {})
    assert study.runs["batch_size"].isna().tolist() == [
        study.runs["batch"].iloc[0] == "full",
        study.runs["batch"].iloc[1] == "full",
    ]


def test_what_a_tuner_says_of_a_run_is_kept(tmp_path):
    write_run(tmp_path, tuning="small", search=2, stage="tuning")
    assert dict(load(tmp_path).runs[["tuning", "search", "stage"]].iloc[0]) == {
        "tuning": "small",
        "search": 2,
        "stage": "tuning",
    }


def test_time_to_target_is_infinite_when_never_and_nan_without_a_target(tmp_path):
    target = {"metric": "train/loss", "value": 0.1}
    write_run(tmp_path, optimizer="a", target=target, time_to_target=NEVER)
    write_run(tmp_path, optimizer="b", target=target, time_to_target={**NEVER, "steps": 4})
    write_run(tmp_path, optimizer="c", problem="wilson")
    study = load(tmp_path)
    times = study.runs.set_index("optimizer")["time:steps"]
    assert (times["a"], times["b"]) == (math.inf, 4.0)
    assert math.isnan(times["c"])
    assert not study.skipped


@pytest.mark.parametrize("other", [None, {"metric": "train/loss", "value": 0.2}])
def test_times_to_different_targets_are_not_compared(tmp_path, other):
    target = {"metric": "train/loss", "value": 0.1}
    write_run(tmp_path, seed=1, target=target, time_to_target={**NEVER, "steps": 4})
    write_run(tmp_path, seed=2, target=other, time_to_target={**NEVER, "steps": None})
    write_run(tmp_path, problem="wilson", target=target, time_to_target={**NEVER, "steps": 2})
    study = load(tmp_path)
    assert study.runs.set_index("problem")["time:steps"].dropna().to_dict() == {"wilson": 2.0}
    assert study.skipped == [
        (tmp_path / "digits_mlp", "times to target, as they are to different ones: rerun=true makes them alike")
    ]


def test_settings_share_a_name_over_seeds_and_no_other(tmp_path):
    for seed in (1, 2):
        write_run(tmp_path, seed=seed)
    write_run(tmp_path, setting="elsewhere")  # alike in all that a name tells
    for momentum in (0.5, 0.9):
        write_run(tmp_path, optimizer="ball", hyperparameters={"optimizer.momentum": momentum}, setting=f"heavy{momentum}")
    names = load(tmp_path).runs.groupby("setting")["name"].unique()
    assert all(len(of) == 1 for of in names)
    assert len({of[0] for of in names}) == 4
    assert (names["heavy0.5"][0], names["heavy0.9"][0]) == ("ball mini lr=0.1 momentum=0.5", "ball mini lr=0.1 momentum=0.9")


def test_the_names_are_those_of_the_terminals_table(tmp_path):
    from descent.records.folders import read, run_folders
    from descent.terminal.summary import settings_of

    for lr in (0.1, 0.2):
        write_run(tmp_path, lr=lr)
    results, _ = read(run_folders(tmp_path))
    assert {setting.name for setting in settings_of(list(results.values()))} == set(load(tmp_path).runs["name"])


def test_a_curve_is_read_when_asked_for(tmp_path):
    write_run(tmp_path, losses=(1.0, 0.5, 0.4, 0.3, 0.2))
    study = load(tmp_path)
    ((_, curve),) = study.curves()
    assert curve["step"].tolist() == list(GRID)
    assert curve["train/loss"].tolist() == [1.0, 0.5, 0.4, 0.3, 0.2]


def test_a_record_is_a_row_that_names_its_run(tmp_path):
    write_run(tmp_path, seed=1, losses=(1.0, 0.5, 0.4, 0.3, 0.2))
    write_run(tmp_path, seed=2, columns={"sharpness": (9.0, 8.0, 7.0, 6.0, 5.0)})
    (write_run(tmp_path, seed=3) / "curve.csv").unlink()
    write_run(tmp_path, seed=4, problem="wilson")
    study = load(tmp_path)
    records = study.records.merge(study.runs["seed"], left_on="run", right_index=True)
    assert records.groupby("seed").size().to_dict() == {1: len(GRID), 2: len(GRID), 4: len(GRID)}
    assert records.loc[records["seed"] == 1, "train/loss"].tolist() == [1.0, 0.5, 0.4, 0.3, 0.2]
    assert records["sharpness"].notna().groupby(records["seed"]).any().to_dict() == {1: False, 2: True, 4: False}
    assert [reason[:9] for _, reason in study.skipped] == ["curve.csv"]
    part = study.only("wilson")
    assert set(part.records["run"]) == set(part.runs.index)  # numbered as in the whole study


def write(folder, text):
    (folder / "result.json").write_text(text)


DAMAGES = {
    "half a file": (lambda folder: write(folder, (folder / "result.json").read_text()[:200]), "is damaged"),
    "no JSON": (lambda folder: write(folder, "\x00\xff"), "is damaged"),
    "another thing": (lambda folder: write(folder, "[1, 2]"), "is damaged"),
    "a key is missing": (lambda folder: seal(folder, {"schema": SCHEMA, "status": "finished"}), "is damaged"),
    "an earlier schema": (lambda folder: change(folder, schema=2), f"has schema 2, this version writes {SCHEMA}"),
    "text for a number": (lambda folder: change(folder, seconds="soon"), "is damaged"),
    "a list for a name": (lambda folder: change(folder, problem=["digits"]), "is damaged"),
    "a number that is missing": (lambda folder: change(folder, seconds=None), "is damaged"),
    "a count below zero": (lambda folder: change(folder, examples=-1), "is damaged"),
    "an unknown end": (lambda folder: change(folder, status="won"), "is damaged"),
    "no batch size": (lambda folder: change(folder, batch_size=None), "is damaged"),
    "text for a target": (lambda folder: change(folder, target="fast"), "is damaged"),
    "a target without a value": (lambda folder: change(folder, target={"metric": "train/loss"}), "is damaged"),
    "no mapping": (lambda folder: change(folder, final=[1]), "is damaged"),
    "another schema": (lambda folder: change(folder, schema=7), f"has schema 7, this version writes {SCHEMA}"),
    "an unmeasured metric": (lambda folder: change(folder, metric="val/f1"), "has no val/f1, its metric"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_result_that_cannot_be_used_is_named_and_skipped(tmp_path, damage):
    write_run(tmp_path, seed=1)
    folder = write_run(tmp_path, seed=2)
    act, reason = DAMAGES[damage]
    act(folder)
    study = load(tmp_path)
    assert study.skipped == [(folder, f"result.json {reason}")]
    assert study.runs["seed"].tolist() == [1]


CURVES = {
    "cut in a line": lambda text: text[:-15],
    "cut at a line": lambda text: "\n".join(text.splitlines()[:-1]) + "\n",
    "a short line within": lambda text: text.replace("\n4,", "\n"),
    "no numbers": lambda text: text.replace("0.", "x."),
    "empty": lambda _: "",
    "something else": lambda _: "<html>\n",
}


@pytest.mark.parametrize("damage", CURVES)
def test_a_damaged_curve_is_named_and_its_result_still_counts(tmp_path, damage):
    write_run(tmp_path, seed=1)
    path = write_run(tmp_path, seed=2) / "curve.csv"
    path.write_text(CURVES[damage](path.read_text()))
    study = load(tmp_path)
    assert [run["seed"] for run, _ in study.curves()] == [1]
    assert [run["seed"] for run, _ in study.curves()] == [1]
    ((folder, reason),) = study.skipped  # once, however often it was asked for
    assert folder == path.parent
    assert reason.startswith("curve.csv ")
    assert len(study.runs) == 2


def test_a_missing_curve_is_named(tmp_path):
    folder = write_run(tmp_path)
    (folder / "curve.csv").unlink()
    study = load(tmp_path)
    assert list(study.curves()) == []
    assert study.skipped == [(folder, "curve.csv cannot be read (No such file or directory)")]


def test_failed_runs_are_skipped_with_their_cause_and_those_under_way_counted(tmp_path):
    finished = write_run(tmp_path)
    failed, running, killed, empty = (finished.with_name(name) for name in ("failed", "running", "killed", "empty"))
    for folder in (failed, running, killed, empty):
        folder.mkdir()
    (failed / "error.txt").write_text("ValueError: no\n\nTraceback ...")
    for folder in (running, killed):
        (folder / "config.yaml").write_text("seed: 1")
    with lock(running):
        study = load(tmp_path)
    assert study.skipped == [(failed, "failed: ValueError: no")]
    assert study.waiting == {"running": 1, "unfinished": 1}
    assert len(study.runs) == 1


def test_runs_that_are_being_replaced_are_left_out(tmp_path):
    folder = write_run(tmp_path)
    folder.rename(folder.with_name(f"{folder.name}.rerun"))
    write_run(tmp_path)
    assert len(load(tmp_path).runs) == 1


def test_nothing_is_unpickled(tmp_path):
    folder = write_run(tmp_path)
    bomb = pickle.dumps(print)
    for name in ("result.json", "curve.csv", "last.ckpt", "config.yaml"):
        (folder / name).write_bytes(bomb)
    write_run(tmp_path, seed=2)
    study = load(tmp_path)
    assert study.skipped == [(folder, "result.json is damaged")]
    yaml = f"a: !!python/object/apply:os.system ['touch {tmp_path / 'bang'}']"
    (study.runs["folder"].iloc[0] / "config.yaml").write_text(yaml)
    assert study.config(study.runs.iloc[0]) == {}
    assert not (tmp_path / "bang").exists()


def test_what_is_no_study_is_refused_in_one_line(tmp_path):
    def refused(folder):
        with pytest.raises(InputError) as error:
            load(folder)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert refused(tmp_path / "nothing") == f"study={tmp_path / 'nothing'}: does not exist."
    (tmp_path / "file").write_text("")
    assert refused(tmp_path / "file") == f"study={tmp_path / 'file'}: must be a folder."
    (tmp_path / "empty").mkdir()
    assert refused(tmp_path / "empty").startswith(f"study={tmp_path / 'empty'}: is empty. Train some runs:")
    write_run(tmp_path / "first")
    assert "holds no study" in refused(tmp_path)
    assert refused(tmp_path).endswith("Choose one of the studies in it: first.")
    broken = write_run(tmp_path / "broken")
    write(broken, "{")
    assert f"1 cannot be used, as {broken}: result.json is damaged" in refused(tmp_path / "broken")


def test_a_metric_that_does_not_exist_is_refused_with_those_that_do(tmp_path):
    write_run(tmp_path)
    with pytest.raises(InputError, match="metric=val/f1: must be one of train/loss, val/loss, val/accuracy"):
        load(tmp_path).require("val/f1")
    assert load(tmp_path).require("val/loss") == "val/loss"


def test_a_setting_is_named_with_its_engine_only_where_a_study_has_several(tmp_path):
    for lr in (0.1, 0.2):
        write_run(tmp_path, lr=lr, engine="compiled", label=f"lr={lr:g}_warmup_cosine_compiled")
    assert set(load(tmp_path).runs["name"]) == {"sgd mini lr=0.1_warmup_cosine", "sgd mini lr=0.2_warmup_cosine"}
    write_run(tmp_path, lr=0.3)
    assert "sgd mini lr=0.1_warmup_cosine_compiled" in set(load(tmp_path).runs["name"])
