"""`python scripts/compare.py`: what it prints and writes, and how it refuses what it cannot use."""

import re
import subprocess
import sys

import pandas as pd
import pytest
from conftest import ROOT
from studies import GRID, write_run
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from descent.config.flags import leave_with
from descent.plots import figures
from descent.records.result import SCHEMA
from descent.terminal.commands import compare
from descent.terminal.console import console

SEEDS = range(1, 11)


def losses(seed, shift):
    return tuple(1 / (1 + step) + shift + 0.001 * (seed % 3) for step in GRID)


def ten_seeds(folder, shifts):
    for optimizer, shift in shifts.items():
        for seed in SEEDS:
            write_run(folder, optimizer=optimizer, seed=seed, losses=losses(seed, shift + 1e-4 * seed))


@pytest.fixture
def command(monkeypatch, capsys):
    """Run the script, with two figures of all; return its exit status and what it printed."""
    every = figures.known()
    monkeypatch.setattr(figures, "known", lambda *_: {name: every[name] for name in ("loss_by_examples", "loss_by_steps")})

    def ran(*arguments):
        monkeypatch.setattr(sys, "argv", ["compare.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            leave_with(compare)
        return ended.value.code, *capsys.readouterr()

    return ran


def test_it_prints_rankings_and_verdicts_and_writes_the_report(command, tmp_path):
    study = tmp_path / "first"
    ten_seeds(study, {"adam": 0.01, "sgd": 0.03})
    status, out, err = command(study)
    assert (status, err) == (0, "")
    assert out.startswith("adam is best: training loss 1.16 times lower than sgd's (1.16 to 1.16), n = 10.\n\n")
    assert "digits_mlp: training loss at the end, median and 95 % interval" in out
    assert re.search(r"mini \(32\) +1 adam lr=0.1 10 +0.12\d+ ", out)
    assert "in the report: 1 more verdict and 3 notes" in out
    assert "20 runs\n" in out
    assert f"report   {study / 'report' / 'index.html'}\n" in out
    for name in ("index.html", "summary.csv", "summary.md", "figures/digits_mlp/loss_by_examples.svg", "tensorboard"):
        assert (study / "report" / name).exists()


def test_a_figure_of_your_own_that_raises_is_named_once_the_rest_is_written(capsys, tmp_path, monkeypatch):
    write_run(tmp_path / "study")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "broken.py").write_text("def plot(study):\n    return study.runs['no such column']\n")
    (tmp_path / "own" / "empty.py").write_text("def plot(study):\n    pass\n")
    monkeypatch.setattr(sys, "argv", ["compare.py", str(tmp_path / "study"), "--figures", str(tmp_path / "own")])
    with pytest.raises(SystemExit, match="2"):
        leave_with(compare)
    out, err = capsys.readouterr()
    fault = "raised KeyError in line 2 ('no such column'); so did 1 more. The report is written without what is missing."
    assert err == f"error: figures={tmp_path / 'own' / 'broken.py'}: {fault}\n"
    assert (tmp_path / "study" / "report" / "index.html").exists()
    assert "report   " in out


def test_it_fits_a_screen_however_large_the_study_is(command, tmp_path, monkeypatch):
    monkeypatch.setattr(console, "width", 80)
    for batch in ("full", "mini", "stochastic"):
        for number in range(7):
            for seed in SEEDS:
                write_run(tmp_path, batch=batch, optimizer=f"optimizer{number}", seed=seed, losses=losses(seed, number / 10))
    _, out, _ = command(tmp_path, "--no-tensorboard")
    assert out.startswith("optimizer0 is best in full, mini (32) and stochastic: training loss 1.89 times \nlower")
    assert re.search(r"and \d+ more in the report", out)
    assert len(out.splitlines()) <= 40
    assert max(map(len, out.splitlines()[:-1])) <= 80  # the last one is an address


def test_a_table_does_not_repeat_what_its_title_says(command, tmp_path):
    for size in (8, 32):
        write_run(tmp_path, size=size, label=f"size={size}_lr=0.1")
    _, out, _ = command(tmp_path, "--no-tensorboard")
    assert out.count(" sgd lr=0.1 ") == 2
    assert out.count("mini (8) ") == 2  # in the plot, and in the verdicts below it
    assert "size=" not in out


@pytest.mark.parametrize("seeds", [2, 21])
def test_tensorboard_shows_the_medians_first_and_the_runs_one_click_away(command, tmp_path, seeds):
    for problem in ("digits_mlp", "moons_mlp"):
        for seed in range(seeds):
            write_run(tmp_path, problem=problem, seed=seed, losses=losses(seed, 0.1))
    _, out, _ = command(tmp_path)
    alone = tmp_path / "report" / "tensorboard"
    assert f"curves   tensorboard --logdir {alone}\nruns     tensorboard --logdir {tmp_path}\n" in out
    images = EventAccumulator(str(alone), {"images": 0}).Reload().Tags()["images"]
    assert {f"wide/{problem}/loss_by_steps" for problem in ("digits_mlp", "moons_mlp")} <= set(images)
    assert any(EventAccumulator(str(path.parent)).Reload().Tags()["scalars"] for path in alone.glob("**/events.*"))


def test_the_text_in_tensorboard_leads_with_the_verdicts(command, tmp_path):
    ten_seeds(tmp_path, {"adam": 0.01, "sgd": 0.03})
    command(tmp_path)
    (event,) = EventAccumulator(str(tmp_path / "report/tensorboard"), {"tensors": 0}).Reload().Tensors("verdict")
    lines = event.tensor_proto.string_val[0].decode().replace("\\", "").split("\n")
    assert lines[0] == "### Verdict"
    assert lines[2].startswith("- adam is best: training loss 1.16 ")
    assert lines[3].startswith("- digits_mlp, mini (32): training loss (optimization): adam is best: training loss 1.16 ")
    assert lines[4].startswith("- digits_mlp, mini (32): validation loss (generalization): ")


def test_another_metric_can_be_tested(command, tmp_path):
    ten_seeds(tmp_path, {name: shift / 20 for shift, name in enumerate("abcdefgh")})
    status, out, _ = command(tmp_path, "--metric", "val/accuracy", "--no-tensorboard")
    assert status == 0
    assert "digits_mlp: validation accuracy at the end" in out
    assert "loss" not in out
    assert (
        "a is best: validation accuracy 5 points higher than b's (5 to 5), 10 points higher than c's (10 to 10) and "
        in " ".join(out.split())
    )
    assert "Tested is validation accuracy, as it was asked for." in (tmp_path / "report" / "index.html").read_text()
    assert not (tmp_path / "report" / "tensorboard").exists()
    assert "tensorboard --logdir" not in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "does not exist."),
        (["empty"], "is empty. Train some runs: "),
        (["."], "holds no study; that is a folder of runs, as outputs/default. Choose one of the studies in it: first."),
        (["first", "--metric", "loss"], "error: metric=loss: must be one of train/loss, val/loss, val/accuracy."),
    ],
)
def test_bad_input_is_one_line(command, tmp_path, arguments, message):
    for optimizer in ("adam", "sgd"):
        write_run(tmp_path / "first", optimizer=optimizer)
    (tmp_path / "empty").mkdir()
    status, out, err = command(tmp_path / arguments[0], *arguments[1:])
    assert (status, out) == (2, "")
    assert message in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "first" / "report").exists()


def test_a_study_that_runs_is_read_and_what_is_damaged_is_named(command, tmp_path):
    for seed in (1, 2):
        write_run(tmp_path, seed=seed)
    (write_run(tmp_path, seed=3) / "result.json").write_text("{")
    waiting = write_run(tmp_path, seed=4)
    (waiting / "result.json").unlink()
    (waiting / "config.yaml").write_text("seed: 4")
    write_run(tmp_path, seed=5, schema=99)
    (write_run(tmp_path, seed=6) / "curve.csv").write_text("step,examples\n")
    status, out, _ = command(tmp_path, "--no-tensorboard")
    assert status == 0
    assert "3 runs; without a result yet: 1 unfinished\n" in out
    assert "curve.csv does not end at step 8, where the run did\n" in out
    assert "result.json is damaged\n" in out
    assert f"result.json has schema 99, this version writes {SCHEMA}\n" in out
    assert command(tmp_path, "--no-tensorboard")[1] == out  # the report is no run


def test_names_are_shown_and_not_obeyed(command, tmp_path):
    write_run(tmp_path, optimizer="[red]adam[/]\x1b[2J", label="[/bold]")
    status, out, _ = command(tmp_path, "--no-tensorboard")
    assert status == 0
    assert "[red]adam[/]" in out
    assert "\x1b" not in out


def test_nothing_that_trains_is_loaded(tmp_path):
    write_run(tmp_path)
    script = str(ROOT / "scripts" / "compare.py")
    code = (
        f"import sys, runpy; sys.argv = ['compare.py', {str(tmp_path)!r}]\n"
        f"try: runpy.run_path({script!r}, run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "assert not {'torch', 'lightning', 'hydra', 'omegaconf', 'sklearn', 'tensorflow'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_summary_has_one_row_a_setting_and_metric(command, tmp_path):
    for lr in (0.1, 1.0):
        for seed in (1, 2, 3):
            write_run(
                tmp_path, lr=lr, seed=seed, losses=losses(seed, lr), status="diverged" if lr == 1 and seed == 3 else "finished"
            )
    command(tmp_path, "--no-tensorboard")
    rows = pd.read_csv(tmp_path / "report" / "summary.csv").set_index(["setting", "metric"])
    assert set(rows.index) == {
        (f"sgd mini lr={lr}", metric) for lr in ("0.1", "1") for metric in ("train/loss", "val/loss", "val/accuracy")
    }
    good, bad = (rows.loc[f"sgd mini lr={lr}", "train/loss"] for lr in ("0.1", "1"))
    assert good[["n", "diverged", "failed_share"]].tolist() == [3, 0, 0]
    assert good["median"] == losses(1, 0.1)[-1]
    assert bad[["n", "diverged", "failed"]].tolist() == [3, 1, 1]
    assert bad["max"] == float("inf")
    assert bad["median"] == losses(2, 1.0)[-1]


def test_problems_that_did_not_measure_a_metric_are_not_ranked_by_another(command, tmp_path):
    write_run(tmp_path)
    write_run(tmp_path, problem="quadratic", final={"train/loss": 0.1})
    status, out, _ = command(tmp_path, "--metric", "val/accuracy", "--no-tensorboard")
    assert status == 0
    assert "digits_mlp: validation accuracy at the end" in out
    assert "quadratic" not in out
