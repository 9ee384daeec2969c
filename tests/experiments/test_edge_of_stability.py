"""Sharpness and the learning rate."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import edge_of_stability


@pytest.mark.slow
def test_sharpness_rises_to_2_over_lr_and_stays(experiment):
    said, _ = experiment("edge_of_stability")
    for lr in (0.1, 0.15, 0.2):
        assert number(rf"([\d.]+) at lr {lr} \(", said) == pytest.approx(1, abs=0.05)
    assert number(r"not yet risen to it, and is ([\d.]+) at lr 0.05", said) < 0.95
    assert number(r"is [\d.e-]+ to ([\d.e-]+) times that", said) < 1


@pytest.mark.parametrize(
    ("sharpness", "says"),
    [
        ((5, 10, 20, 22, 20.2), "stays at 1.01 at lr 0.1 (1.01 to 1.01) times 2/lr (n = 1; "),
        ((5, 10, 12, 14, 16), "has not yet risen to it, and is 0.80 at lr 0.1 times 2/lr"),
        ((5, 10, 24, 22, 10), "does not stay there, and is 0.50 at lr 0.1 times 2/lr"),
    ],
)
def test_it_says_what_the_runs_say(tmp_path, sharpness, says):
    write_run(tmp_path, batch="full", losses=(1, 0.8, 0.6, 0.5, 0.4), columns={"sharpness": sharpness})
    said = edge_of_stability.sentence(load(tmp_path))
    assert says in said
    assert said.endswith("The loss at the end is 1 times that at the beginning of these.")  # one record is all of the end
    assert edge_of_stability.plot(load(tmp_path)).axes


def test_it_needs_sharpness(tmp_path):
    write_run(tmp_path)
    with pytest.raises(NoData, match="measured sharpness"):
        edge_of_stability.sentence(load(tmp_path))
