"""The experiments: each trains its study, draws its figure and says what came out; and what must come out, does."""

import re

import pytest
from conftest import names, sweep

from descent.comparison.experiments import modules


@pytest.fixture
def experiment(capsys, monkeypatch, tmp_path):
    """Train an experiment as `python train.py -m experiment=name` does; return the sentence that ends it."""

    def concluded(name, *overrides):
        status, out, err = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", f"experiment={name}", *overrides)
        assert (status, err) == (0, "")
        *_, sentence, figure = out.rstrip().splitlines()
        assert figure == f"figure   {tmp_path / name / 'report' / name}.png"
        assert (tmp_path / name / "report" / f"{name}.png").stat().st_size > 10_000
        assert (tmp_path / name / "report" / f"{name}.svg").exists()
        return sentence

    return concluded


def number(pattern, sentence):
    """The number that a group of a pattern holds."""
    return float(re.search(pattern, sentence)[1])


def test_each_experiment_has_a_yaml_and_a_file_of_its_own():
    assert list(modules()) == names("experiment")


def test_two_experiments_at_once_are_refused(capsys, monkeypatch, tmp_path):
    status, _, err = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", "experiment=momentum,momentum")
    assert (status, err) == (2, "error: experiment=momentum,momentum: must be one experiment. Run one after the other.\n")


def test_what_the_command_sets_replaces_the_grid(capsys, monkeypatch, tmp_path):
    given = ["experiment=momentum", "optimizer.momentum=0.5,0.9", "seed=7", "max_steps=5"]
    status, out, _ = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", *given)
    assert status == 0
    assert out.startswith("0 finished, 0 continued, 4 to train\n")
    assert out.rstrip().endswith("\n\nNo conclusion: the runs lack 0.")


@pytest.mark.slow
def test_momentum_shortens_the_way_through_a_valley_and_too_much_of_it_does_not(experiment):
    said = experiment("momentum")
    assert number(r"momentum ([\d.]+) leaves", said) == 0.94
    assert number(r"none [\d.e-]+: ([\d.e+]+) times more", said) > 1e5
    assert number(r"Too much, 0.99, leaves ([\d.e-]+)\.$", said) > 1e-2
