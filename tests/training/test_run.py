"""A run as a whole: its files, its identity, its records, its verdict."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import names

QUICK = ("problem=digits_mlp", "max_steps=30")


def test_a_run_leaves_its_configuration_curve_events_checkpoint_and_result(train):
    run = train(*QUICK, "optimizer=adam")
    left = {path.name.split(".tfevents")[0] for path in run.folder.iterdir()}
    assert left == {".lock", "config.yaml", "curve.csv", "events.out", "result.json"}  # no checkpoint of a run this short
    assert run.folder.relative_to(run.folder.parents[3]).parts[:3] == ("digits_mlp", "mini", "adam")
    assert run.folder.name.startswith("size=32_lr=0.003_seed=1-")
    assert yaml.safe_load((run.folder / "config.yaml").read_text())["optimizer"]["lr"] == 0.003
    assert json.loads((run.folder / "result.json").read_text()).items() >= run.result.items()
    header = (run.folder / "curve.csv").read_text().splitlines()[0].split(",")
    assert header[:6] == ["step", "examples", "gradient_evaluations", "epoch", "seconds", "lr"]
    assert {"train/loss", "val/loss", "val/accuracy", "gradient_norm", "update_norm"} <= set(header)


def test_the_result_sums_up_the_curve(train):
    run = train(*QUICK, "optimizer=adam")
    result, last = run.result, run.rows[-1]
    assert (result["status"], result["steps"], result["examples"]) == ("finished", 30, 960)
    assert result["final"]["train/loss"] == last["train/loss"]
    assert result["best"]["val/accuracy"]["value"] == max(run.column("val/accuracy"))
    assert result["best"]["train/loss"]["value"] == min(run.column("train/loss"))
    assert set(result["test"]) == {"loss", "accuracy"}
    assert len(result["environment"]["data_checksum"]) == 64
    assert result["environment"]["threads"] == 1
    assert result["seconds"] <= result["wall_seconds"]


@pytest.mark.parametrize("batch", names("batch"))
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(train, batch):
    def weights(*more):
        run = train(*QUICK, f"batch={batch}", "optimizer=adam", *more)
        return [[value for name, value in row.items() if name != "seconds"] for row in run.rows[1:]]

    first = weights()
    assert weights("rerun=true") == first
    assert weights("seed=0") != first


def test_every_optimizer_and_batch_mode_starts_from_the_same_weights_and_split(train):
    starts = {
        tuple(train(*QUICK, f"batch={batch}", f"optimizer={optimizer}").rows[0][name] for name in ("train/loss", "val/loss"))
        for batch, optimizer in (("full", "sgd"), ("mini", "adam"), ("stochastic", "momentum"), ("full", "muon"))
    }
    assert len(starts) == 1


def test_a_finished_run_is_shown_again_and_rerun_trains_it_anew(train, capsys):
    first = train(*QUICK)
    stamp = (first.folder / "result.json").stat().st_mtime_ns
    capsys.readouterr()
    again = train(*QUICK)
    assert again.result == first.result
    assert (again.folder / "result.json").stat().st_mtime_ns == stamp
    assert "finished; here is its result again (rerun=true trains it anew)" in capsys.readouterr().out
    anew = train(*QUICK, "rerun=true")
    assert (anew.folder / "result.json").stat().st_mtime_ns > stamp
    assert anew.folder == first.folder
    assert [path.name for path in first.folder.parent.iterdir()] == [first.folder.name]


def test_what_determines_the_result_is_its_identity_and_nothing_else(train):
    same = [(), ("logger=csv",), ("problem.batch_size=32",), ("epochs=20",), ("study=other",)]
    assert len({train(*QUICK, *more).result["id"] for more in same}) == 1
    other = ["seed=2", "optimizer.lr=0.01", "batch.size=16", "epochs=21", "records.growth=2", "precision=64", "problem.width=8"]
    assert len({train(*QUICK, *more).result["id"] for more in [(), *((key,) for key in other)]}) == 1 + len(other)


def test_records_lie_on_the_same_grid_of_examples_for_all_batch_modes(train):
    examples = {batch: train("problem=digits_mlp", f"batch={batch}", "epochs=2").column("examples") for batch in names("batch")}
    grid = examples["stochastic"]
    assert grid[0] == 0
    assert grid[-1] == 2 * 1257
    assert sum(0 < point <= 1257 for point in grid) == 10
    for batch, size in (("mini", 32), ("full", 1257)):
        reached = {next(e for e in examples[batch] if e >= point) for point in grid}
        assert reached == set(examples[batch])
        assert all(any(0 <= e - point < size for point in grid) for e in examples[batch])


def test_a_record_measures_the_whole_training_set_without_the_weight_decay_penalty(train):
    plain, decayed = (
        train("problem=linear_regression", "max_steps=1", "batch=full", *more) for more in ([], ["optimizer.weight_decay=1"])
    )
    assert plain.rows[0]["train/loss"] == decayed.rows[0]["train/loss"]
    assert plain.rows[1] == pytest.approx(
        decayed.rows[1] | {"seconds": plain.rows[1]["seconds"]}
    )  # w starts at 0, so no decay yet


def test_a_batch_of_all_examples_and_accumulated_micro_batches_equal_full_batch(train):
    common = ("problem=digits_mlp", "precision=64", "max_steps=20", "optimizer=momentum", "logger=csv")
    full = train(*common, "batch=full")
    others = [
        train(*common, "batch=mini", "batch.size=1257"),
        train(*common, "batch=full", "batch.micro_size=100"),
        train(*common, "batch=mini", "batch.size=1257", "batch.micro_size=500"),
    ]
    for other in others:
        assert other.column("train/loss") == pytest.approx(full.column("train/loss"), rel=1e-12)
        assert other.column("gradient_norm")[1:] == pytest.approx(full.column("gradient_norm")[1:], rel=1e-11)
        assert other.result["gradient_evaluations"] == full.result["gradient_evaluations"] == 20 * 1257


def test_gradient_descent_follows_the_update_rule(train):
    """w <- w - lr grad f(w) on the full-batch quadratic, by hand in NumPy."""
    from conftest import settings

    from descent.training import build

    problem = build.problem(settings("problem=quadratic", "precision=64"))
    hessian = problem.get_buffer("hessian").numpy()
    w = problem.w.detach().numpy().copy()
    for _ in range(50):
        w = w - 0.5 * hessian @ w
    run = train("problem=quadratic", "precision=64", "batch=full", "optimizer=sgd", "optimizer.lr=0.5", "epochs=50")
    assert run.rows[-1]["train/loss"] == pytest.approx(w @ hessian @ w / 2, rel=1e-12)
    assert run.rows[-1]["distance"] == pytest.approx(np.linalg.norm(w), rel=1e-12)


def test_a_learning_rate_beyond_2_over_L_diverges_and_is_a_result(train):
    run = train("problem=quadratic", "batch=full", "optimizer.lr=2.5", "epochs=200")
    assert run.result["status"] == "diverged"
    assert run.result["diverged_at"] == run.rows[-1]["step"] < 200
    assert train("problem=quadratic", "batch=full", "optimizer.lr=1.9", "epochs=200").result["status"] == "finished"


def test_a_loss_that_overflows_is_diverged_and_its_result_is_strict_json(train):
    run = train("problem=rosenbrock", "batch=full", "optimizer.lr=1000", "epochs=100")
    assert run.result["status"] == "diverged"
    json.loads((run.folder / "result.json").read_text(), parse_constant=lambda name: pytest.fail(name))


def test_a_run_that_ends_at_chance_is_stalled(train):
    run = train("problem=digits_mlp", "optimizer.lr=100", "epochs=2")
    assert run.result["status"] in ("stalled", "diverged")
    run = train("problem=digits_mlp", "optimizer.lr=1e-12", "epochs=1", "precision=64")
    assert run.result["status"] in ("stalled", "finished")
    run = train("problem=quadratic", "batch=full", "optimizer.lr=2.0", "problem.condition=1", "epochs=9", "problem.additive=0")
    assert run.result["status"] == "stalled"  # w -> -w for ever


def test_max_seconds_ends_a_run_with_a_record(train):
    run = train("problem=digits_mlp", "epochs=null", "max_seconds=0.3", "logger=csv")
    assert 0.3 <= run.result["seconds"] < 3
    assert run.rows[-1]["step"] == run.result["steps"] > 0


def test_the_first_limit_ends_a_run(train):
    assert train("problem=digits_mlp", "epochs=1", "max_steps=7").result["steps"] == 7
    assert train("problem=digits_mlp", "epochs=1", "max_steps=7000").result["steps"] == math.ceil(1257 / 32)
    assert train("problem=digits_mlp", "epochs=0.5").result["steps"] == math.ceil(1257 / 64)
    assert train("problem=digits_mlp", "epochs=1", "batch.drop_last=true").result["steps"] == 1257 // 32


@pytest.mark.parametrize("name", [name for name in names("schedule") if name not in ("constant", "plateau")])
def test_a_schedule_moves_the_learning_rate_of_every_group(train, name):
    run = train("problem=digits_mlp", "max_steps=200", f"schedule={name}", "optimizer=muon")
    rates = run.column("lr")
    assert max(rates) <= 0.01 * (1 + 1e-12)
    assert len(set(rates)) > 2
    assert (rates[-1] < max(rates)) == (name != "range_test")  # which rises to the end


def test_plateau_lowers_the_learning_rate_when_the_loss_stops_falling(train):
    common = ("problem=quadratic", "batch=stochastic", "optimizer.lr=0.5", "epochs=100", "engine=numpy")
    run = train(*common, "schedule=plateau")
    rates = run.column("lr")
    assert rates[0] == 0.5
    assert rates[-1] < 0.5
    assert rates == sorted(rates, reverse=True)
    constant = train(*common)
    assert run.rows[-1]["train/loss"] < constant.rows[-1]["train/loss"]


def test_lbfgs_counts_every_gradient_evaluation(train):
    run = train("problem=digits_mlp", "batch=full", "optimizer=lbfgs", "max_steps=10")
    assert run.result["steps"] == 10
    assert run.result["examples"] == 10 * 1257
    assert run.result["gradient_evaluations"] > 10 * 1257
    assert run.result["gradient_evaluations"] % 1257 == 0


@pytest.mark.parametrize("precision", ["64", "bf16"])
def test_each_precision_trains(train, precision):
    run = train("problem=digits_mlp", "epochs=3", f"precision={precision}", "optimizer=adam")
    assert run.rows[-1]["train/loss"] < 0.7 * run.rows[0]["train/loss"]
    exact = train("problem=digits_mlp", "epochs=3", "optimizer=adam")
    assert run.rows[-1]["train/loss"] == pytest.approx(exact.rows[-1]["train/loss"], rel=0.1 if precision == "bf16" else 1e-3)
    assert run.rows[-1]["train/loss"] != exact.rows[-1]["train/loss"]


def test_a_target_is_met_at_the_first_of_two_records(train):
    run = train("problem=digits_mlp", "optimizer=adam", "epochs=5", "problem.target={metric: train/loss, value: 1.5}")
    met = [row["train/loss"] <= 1.5 for row in run.rows]
    first = next(row for row, now, then in zip(run.rows, met, met[1:], strict=False) if now and then)
    assert run.result["time_to_target"]["steps"] == first["step"]
    assert train(*QUICK, "problem.target={metric: train/loss, value: 0}").result["time_to_target"]["steps"] is None


def test_a_target_judges_a_run_and_does_not_make_it_another(train):
    judged = [train(*QUICK, f"problem.target={target}", "rerun=true") for target in ("null", "{metric: train/loss, value: 9}")]
    assert judged[0].folder == judged[1].folder
    assert [run.result["target"] for run in judged] == [None, {"metric": "train/loss", "value": 9}]
    assert [run.result["time_to_target"]["steps"] for run in judged] == [None, 0]


@pytest.mark.slow
def test_the_real_mnist_trains(train, mnist_root):
    run = train("problem=mnist_mlp", f"problem.root={mnist_root}", "optimizer=adam", "epochs=1")
    assert run.result["test"]["accuracy"] > 0.93
    assert run.rows[-1]["examples"] == 50_000


def test_a_damaged_checkpoint_or_result_is_named_and_the_run_trained_again(train, capsys):
    first = train(*QUICK)
    (first.folder / "result.json").write_text("{")
    (first.folder / "last.ckpt").write_bytes(b"not a checkpoint")
    again = train(*QUICK)
    told = capsys.readouterr().err
    assert "result.json" in told
    assert "last.ckpt cannot be continued" in told
    assert again.column("train/loss") == first.column("train/loss")


@pytest.mark.usefixtures("checkpoints")
def test_a_run_killed_between_its_last_step_and_its_result_is_finished_without_training(train, capsys):
    first = train(*QUICK)
    (first.folder / "result.json").unlink()
    capsys.readouterr()
    again = train(*QUICK)
    assert "Training had ended" in capsys.readouterr().out
    assert {**again.result, "environment": 0, "files": 0} == {**first.result, "environment": 0, "files": 0}


def test_tensorboard_shows_the_curve_over_examples_and_over_steps(train):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(*QUICK, "optimizer=adam")
    events = EventAccumulator(str(run.folder)).Reload()
    tags = {"train/loss": "train/loss", "train/accuracy": "train_set/accuracy", "val/loss": "val/loss", "lr": "weights/lr"}
    for name, tag in tags.items():
        shown = [(event.step, np.float32(event.value)) for event in events.Scalars(tag)]
        assert shown == [(row["examples"], np.float32(row[name])) for row in run.rows]
        assert [event.step for event in events.Scalars(f"vs_step/{name}")] == run.column("step")
    assert len(events.Scalars("weights/gradient_norm")) == len(run.rows) - 1  # none before the first step
    assert min(events.Tags()["scalars"], key=lambda tag: tag.replace("/", "\0")) == "train/loss"  # TensorBoard's first chart


def test_resuming_replaces_the_events(train):
    first = train(*QUICK)
    (first.folder / "result.json").unlink()
    again = train(*QUICK)
    assert len(list(again.folder.glob("events.*"))) == 1


def test_settings_that_work_but_not_as_expected_are_warned_about(train, capsys):
    train(*QUICK, "optimizer=rprop")
    train("problem=quadratic", "max_steps=5", "optimizer=muon")
    told = capsys.readouterr().err
    assert "rprop is meant for exact gradients" in told
    assert "quadratic: it has no 2-D weights for Muon" in told


@pytest.mark.usefixtures("checkpoints")
def test_data_stay_out_of_the_checkpoint(train):
    assert (train(*QUICK).folder / "last.ckpt").stat().st_size < 100_000


def test_the_output_folder_is_relative_to_where_the_command_is_run(monkeypatch, tmp_path):
    from conftest import settings

    from descent.training.run import run

    monkeypatch.chdir(tmp_path)
    run(settings(*QUICK))
    assert list(Path("outputs/default").glob("*/*/*/*/result.json"))
