"""What the experiments share; what each must find is tested in the file of its name."""

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
    given = ["experiment=momentum", "optimizer.momentum=0.5,0.9", "seed=7", "max_steps=5"]
    status, out, _ = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", *given)
    assert status == 0
    assert out.startswith("0 finished, 0 continued, 10 to train\n")
    assert out.rstrip().endswith("\n\nNo conclusion: the runs lack 0.")
