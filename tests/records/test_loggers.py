"""Where records go besides curve.csv through Lightning's loggers: everything once, and no trouble there costs a run."""

import json
import math
import struct
from types import SimpleNamespace

import pytest
from conftest import settings

from descent.records.loggers import LightningLogger
from descent.terminal.console import show_warnings

ROWS = [{"step": step, "examples": 32 * step, "seconds": 0.1 * step, "train/loss": 1 / (1 + step)} for step in range(4)]


class Remote:
    """A logger with Lightning's methods, and what it was told. `breaks` names the method that raises."""

    def __init__(self, run=None, breaks=None):
        self.version = run or "new"
        self.breaks = breaks
        self.told = []

    def log_hyperparams(self, params):
        self._tell("log_hyperparams", params)

    def log_metrics(self, metrics, step):
        self._tell("log_metrics", metrics, step)

    def finalize(self, status):
        self._tell("finalize", status)

    def _tell(self, *told):
        if told[0] == self.breaks:
            raise ConnectionError("no\nnetwork")
        self.told.append(told)

    @property
    def steps(self):
        return [told[2] // 32 for told in self.told if told[0] == "log_metrics"]


@pytest.fixture
def start(tmp_path):
    """Start, or continue, the logger of one run; return it with its remote."""

    def started(rows=(), breaks=None):
        remotes = []

        def make(run):
            if breaks == "make":
                raise ConnectionError("no\nnetwork")
            remotes.append(Remote(run, breaks))
            return remotes[0]

        sink = LightningLogger("remote", tmp_path, {"lr": 0.1}, rows, make)
        return sink, remotes[0] if remotes else None

    return started


def test_a_run_is_told_once_over_examples_under_the_names_of_the_curve(start):
    sink, remote = start()
    sink.record(ROWS[0])
    sink.record({**ROWS[1], "gradient_norm": math.nan, "update_norm": math.inf})
    sink.close()
    assert remote.told == [
        ("log_hyperparams", {"lr": 0.1}),
        ("log_metrics", ROWS[0], 0),
        ("log_metrics", ROWS[1], 32),
        ("finalize", "success"),
    ]


def test_a_continued_run_goes_on_where_its_remote_one_ended(start):
    sink, _ = start()
    for row in ROWS[:3]:
        sink.record(row)
    sink, remote = start(rows=ROWS[:2])  # killed: the curve is cut to its checkpoint, and what followed comes again
    for row in ROWS[2:]:
        sink.record(row)
    assert (remote.version, remote.steps) == ("new", [3])
    assert "log_hyperparams" not in [told[0] for told in remote.told]


@pytest.mark.parametrize("state", [None, "", "damaged", "[]"])
def test_a_run_that_began_without_it_is_told_from_its_start(start, tmp_path, state):
    if state is not None:
        (tmp_path / "remote.json").write_text(state)
    assert start(rows=ROWS[:3])[1].steps == [0, 1, 2]


@pytest.mark.parametrize("breaks", ["make", "log_hyperparams", "log_metrics", "finalize"])
def test_trouble_is_told_once_and_the_run_goes_on(start, capsys, breaks):
    show_warnings()
    sink, _ = start(breaks=breaks)
    for row in ROWS:
        sink.record(row)
    sink.close()
    told = "warning: logger=remote stopped (ConnectionError: no); the run goes on without it.\n"
    assert capsys.readouterr().err == told


def broken(folder, hyperparameters, rows):
    return LightningLogger("broken", folder, hyperparameters, rows, lambda run: Remote(run, "log_metrics"))


@pytest.mark.parametrize("engine", ["torch", "numpy"])
def test_a_run_whose_logger_breaks_ends_like_any_other(train, engine, capsys):
    common = (f"engine={engine}", "max_steps=20")
    plain = train(*common, "study=plain", "logger=csv")
    run = train(*common, "logger=csv", "+logger.broken._target_=records.test_loggers.broken")
    assert capsys.readouterr().err.count("logger=broken stopped") == 1
    assert run.result["id"] == plain.result["id"]
    assert run.column("train/loss") == plain.column("train/loss")


@pytest.mark.parametrize(
    ("chosen", "names"),
    [
        ("logger=csv", []),
        ("logger=[]", []),
        ("logger=wandb", ["wandb"]),
        ("logger=[csv,mlflow]", ["mlflow"]),
        ("logger=[tensorboard,wandb,mlflow]", ["tensorboard", "wandb", "mlflow"]),
    ],
)
def test_one_or_several_can_be_chosen(chosen, names):
    assert list(settings(chosen).logger) == names
    assert list(settings().logger) == ["tensorboard"]


@pytest.mark.parametrize("found", [None, SimpleNamespace(origin=None)], ids=["nothing", "a folder of that name"])
@pytest.mark.parametrize("name", ["wandb", "mlflow"])
def test_a_package_that_is_missing_is_said_before_anything_is_written(train, name, found, tmp_path, monkeypatch):
    monkeypatch.setattr("descent.config.parse.find_spec", lambda _: found)
    with pytest.raises(ValueError, match=rf"^logger={name}: needs the package {name}\. Install it: pip install {name}$"):
        train(f"logger=[tensorboard,{name}]")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # MLflow's own packages
def test_mlflow_shows_what_the_curve_says(train, tmp_path, monkeypatch):
    tracking = pytest.importorskip("mlflow.tracking", reason="needs the extra mlflow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    common = ("engine=numpy", "max_steps=50", "logger=mlflow")
    run = train(*common)
    client = tracking.MlflowClient()

    def found():
        (experiment,) = [found for found in client.search_experiments() if found.name == "descent/default"]
        return client.search_runs([experiment.experiment_id])

    def check(remote):
        for name in run.rows[0]:
            told = [(metric.step, metric.value) for metric in client.get_metric_history(remote.info.run_id, name)]
            assert told == [(row["examples"], row[name]) for row in run.rows if math.isfinite(row[name])], name

    (remote,) = found()
    check(remote)
    assert (remote.info.status, remote.data.params["optimizer"], remote.data.params["lr"]) == ("FINISHED", "sgd", "0.1")
    assert remote.info.run_name == str(run.folder.relative_to(tmp_path / "default"))
    (run.folder / "result.json").unlink()
    train(*common)
    (remote,) = found()  # continued
    check(remote)
    train(*common, "rerun=true")
    assert len(found()) == 2


@pytest.mark.slow
def test_wandb_keeps_what_the_curve_says_in_the_runs_folder(train, tmp_path, monkeypatch):
    pytest.importorskip("wandb", reason="needs the extra wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.chdir(tmp_path)
    run = train("engine=numpy", "max_steps=50", "logger=[wandb,tensorboard]")
    assert {path.name for path in tmp_path.iterdir()} == {"default"}
    (file,) = run.folder.glob("wandb/offline-run-*/run-*.wandb")
    records = list(wandb_records(file.read_bytes()))
    (told,) = [record.run for record in records if record.HasField("run")]
    assert (told.project, told.run_group) == ("descent", "default")
    assert told.run_id == json.loads((run.folder / "wandb.json").read_text())["run"]
    assert told.display_name == str(run.folder.relative_to(tmp_path / "default"))
    chosen = {item.key: json.loads(item.value_json) for record in records for item in record.config.update}
    assert (chosen["optimizer"], chosen["lr"]) == ("sgd", 0.1)
    items = [record.history.item for record in records if record.HasField("history")]
    history = [{item.nested_key[0]: json.loads(item.value_json) for item in row} for row in items]
    shown = [{name: value for name, value in row.items() if name in run.rows[0]} for row in history]
    assert shown == [{name: value for name, value in row.items() if math.isfinite(value)} for row in run.rows]
    assert all(row["trainer/global_step"] == row["examples"] for row in history)


def wandb_records(data):
    """The records of wandb's file: LevelDB's log format after a header of 7 bytes, in blocks of 32 KiB."""
    from wandb.proto.wandb_internal_pb2 import Record

    at, parts = 7, b""
    while at < len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        size, kind = struct.unpack("<HB", data[at + 4 : at + 7])
        parts += data[at + 7 : at + 7 + size]
        at += 7 + size
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(parts)
            parts = b""
