"""What the experiments share; what each must find is tested in the file of its name."""

import json
import sys

import pytest
from conftest import ROOT, names, sweep

from descent.experiments import modules


def test_each_experiment_has_a_yaml_and_a_file_of_its_own():
    assert list(modules()) == names("experiment")


def test_each_experiment_has_tests_of_its_own():
    files = {path.stem for path in (ROOT / "tests" / "experiments").glob("test_*.py")}
    assert files - {"test_modules"} == {f"test_{name}" for name in names("experiment")}


def test_two_experiments_at_once_are_refused(capsys, monkeypatch, tmp_path):
    status, _, err = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", "experiment=momentum,momentum")
    assert (status, err) == (2, "error: experiment=momentum,momentum: must be one experiment. Run one after the other.\n")


def test_what_the_command_sets_replaces_the_grid(capsys, monkeypatch, tmp_path):
    given = ["experiment=momentum", "engine=numpy", "optimizer.momentum=0.5,0.9", "seed=7", "max_steps=5"]
    status, out, _ = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", *given)
    assert status == 0
    assert out.startswith("0 finished, 0 continued, 10 to train\n")
    assert out.rstrip().endswith("\n\nNo conclusion: the runs lack 0.")


OWN_YAML = """# @package _global_
# Does a higher learning rate end lower?
defaults:
  - override /problem: quadratic
  - override /batch: full
  - override /optimizer: sgd

study: mine
engine: numpy
epochs: 10
hydra:
  sweeper:
    experiment: {_target_: TARGET}
    grids:
      - {optimizer.lr: "0.1,0.5", seed: "1,2"}
"""
OWN_MODULE = '''"""Does a higher learning rate end lower?"""

from matplotlib.figure import Figure

from descent.analysis.findings import Finding
from descent.analysis.load import Study
from descent.analysis.settings import median
from descent.plots.medians import draw_ends, row
from descent.plots.style import styled

TEXT = "Training loss at the end: {% for row in rates %}{{ row.loss }} at lr {{ row.lr }}; {% endfor %}"


def analyse(study: Study) -> Finding:
    """Compute the median training loss at the end for each learning rate."""
    losses = median(study.runs, "train/loss", "lr")
    return Finding(rates=[{"lr": lr, "loss": loss} for lr, loss in losses.items()])


@styled
def plot(study: Study) -> Figure:
    """Draw the training loss at the end over the learning rate."""
    figure, (axes,) = row(1)
    draw_ends(axes, study.runs, "train/loss", "lr")
    axes.set(xlabel="learning rate", ylabel="training loss at the end")
    return figure
'''


def own(folder, target="own_experiment", module=OWN_MODULE, name="mine"):
    """Write an experiment of the user's own: its yaml, and its module beside the folder of the yamls."""
    (folder / "conf" / "experiment").mkdir(parents=True)
    (folder / "conf" / "experiment" / f"{name}.yaml").write_text(OWN_YAML.replace("TARGET", target))
    (folder / "own_experiment.py").write_text(module)
    return f"--config-dir={folder / 'conf'}", f"experiment={name}", f"output_dir={folder / 'outputs'}"


@pytest.fixture
def _own_modules(monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    sys.modules.pop("own_experiment", None)


@pytest.mark.usefixtures("_own_modules")
def test_an_experiment_may_live_beside_the_folder_of_its_yaml(capsys, monkeypatch, tmp_path):
    status, out, err = sweep(capsys, monkeypatch, *own(tmp_path))
    assert (status, err) == (0, "")
    report = tmp_path / "outputs" / "mine" / "report"
    kept = json.loads((report / "mine.json").read_text())
    low, high = kept["finding"]["rates"]
    assert (low["lr"], high["lr"]) == (0.1, 0.5)
    assert high["loss"] < low["loss"]
    assert out.rstrip().endswith(f"at lr 0.5;\nfigure   {report / 'mine.png'}")
    assert (report / "mine.png").exists()


@pytest.mark.usefixtures("_own_modules")
@pytest.mark.parametrize(
    ("how", "line"),
    [
        ({"target": "own_nowhere"}, "error: experiment._target_=own_nowhere: there is no module own_nowhere; Python looks in "),
        ({"target": "5"}, "error: experiment._target_=5: must be the import path of a module, as in my_experiment."),
        ({"module": "1 / 0\n"}, "error: experiment._target_=own_experiment: cannot be imported (ZeroDivisionError: "),
        (
            {"module": "TEXT = ''\n"},
            "error: experiment._target_=own_experiment: must have analyse(study), plot(study) and TEXT, ",
        ),
        (
            {"target": "null"},
            "error: experiment=mine: has a yaml and no module descent.experiments.mine. Name the module in it: ",
        ),
    ],
)
def test_an_experiment_without_a_module_is_refused_before_anything_trains(capsys, monkeypatch, tmp_path, how, line):
    status, out, err = sweep(capsys, monkeypatch, *own(tmp_path, **how))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(line)
    assert not (tmp_path / "outputs").exists()


@pytest.mark.usefixtures("_own_modules")
@pytest.mark.parametrize(
    ("old", "new", "line", "kept"),
    [
        (
            'study.runs, "train/loss", "lr")\n    return',
            'study.runs, "no/metric", "lr")\n    return',
            "No conclusion: no run",
            True,
        ),
        ("return Finding(rates=", "return Finding(rate=", "raised UndefinedError ('rates' is undefined)", False),
        ('draw_ends(axes, study.runs, "train/loss", "lr")', "1 / 0", "raised ZeroDivisionError in line 24 (division", True),
    ],
)
def test_an_experiment_that_raises_is_named_in_one_line(capsys, monkeypatch, tmp_path, old, new, line, kept):
    assert old in OWN_MODULE
    status, out, err = sweep(capsys, monkeypatch, *own(tmp_path, module=OWN_MODULE.replace(old, new)))
    assert line in (err if "raised" in line else out)
    assert (status, err.count("\n")) == ((2, 1) if "raised" in line else (0, 0))
    assert (tmp_path / "outputs" / "mine" / "report" / "mine.json").exists() is kept
