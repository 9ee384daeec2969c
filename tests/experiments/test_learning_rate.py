"""Learning rates that are too low, good and too high, and the limit 2/L."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import learning_rate

FALLS, RISES, TURNS = (2.0, 1.0, 0.5, 0.25, 0.1), (2.0, 3.0, 4.0, 5.0, 6.0), (2.0, 1.0, 0.5, 0.4, 0.6)


@pytest.mark.slow
def test_learning_rates_above_two_over_l_diverge_and_a_range_test_finds_where_they_become_too_high(experiment):
    said, _ = experiment("learning_rate")
    assert "all 12 learning rates below 2/L lowered the loss, and all 4 above raised it" in said
    turn, best = number(r"lowest at lr = ([\d.]+)", said), number(r"of constant ones ([\d.]+) is best", said)
    assert best / 4 < turn < 4 * best
    low, high = number(r"low\) at ([\d.]+)", said), number(r"high\) at ([\d.]+\d)", said)
    assert 10 * number(r"training loss at ([\d.]+)", said) < min(low, high)
    assert (
        1 <= number(r"([\d.]+) is best after 60 steps", said) <= number(r"theory's is 2/\(L \+ mu\) = ([\d.]+\d)", said) == 1.82
    )


def quadratic(folder, losses_of):
    for lr, losses in losses_of.items():
        write_run(folder, problem="quadratic", batch="full", lr=lr, losses=losses, config={"problem": {"condition": 10}})
    return load(folder)


@pytest.mark.parametrize(
    ("losses_of", "said"),
    [
        (
            {1.0: FALLS, 2.1: RISES},
            "(L = 1) all 1 learning rates below 2/L lowered the loss, and all 1 above raised it; 1 is best",
        ),
        ({1.0: FALLS, 2.1: FALLS[:4]}, "2/L did not divide the learning rates: 2.1 did otherwise"),
        ({1.0: FALLS, 1.9: TURNS, 2.1: RISES}, "2/L did not divide the learning rates: 1.9 did otherwise; 1 is best"),
    ],
)
def test_it_says_whether_two_over_l_divides_the_learning_rates(tmp_path, losses_of, said):
    assert f"On the quadratic {said}" in learning_rate.sentence(quadratic(tmp_path, losses_of))


def test_it_says_where_a_range_test_turns_and_which_constant_learning_rate_is_best(tmp_path):
    losses = [(0.01, RISES), (0.1, TURNS), (1.0, FALLS)]
    for lr, loss in losses:
        write_run(tmp_path, lr=lr, losses=loss)
    write_run(tmp_path, schedule="range_test", losses=TURNS, columns={"lr": (0.01, 0.1, 0.2, 0.3, 0.4)})
    assert learning_rate.sentence(load(tmp_path)) == (
        "The range test's loss is lowest at lr = 0.3; of constant ones 1 is best, which leaves the training loss at 0.1, "
        "0.01 (too low) at 6."
    )


def test_it_says_where_a_range_test_falls_to_its_end(tmp_path):
    write_run(tmp_path, schedule="range_test", losses=FALLS)
    assert learning_rate.sentence(load(tmp_path)) == "The range test's loss falls to its end."


def test_one_learning_rate_is_no_grid(tmp_path):
    with pytest.raises(NoData, match="hold neither two learning rates"):
        learning_rate.sentence(quadratic(tmp_path, {1.0: FALLS}))
