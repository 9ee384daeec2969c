"""Learning rates that are too low, good and too high, and the limit 2/L."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import learning_rate

FALLS, RISES, TURNS = (2.0, 1.0, 0.5, 0.25, 0.1), (2.0, 3.0, 4.0, 5.0, 6.0), (2.0, 1.0, 0.5, 0.4, 0.6)


@pytest.mark.slow
def test_learning_rates_above_two_over_l_diverge_and_a_range_test_finds_where_they_become_too_high(experiment):
    finding, _ = experiment("learning_rate")
    quadratic, best = finding["quadratic"], finding["best"]
    assert (quadratic["below"], quadratic["above"], quadratic["exceptions"]) == (12, 4, [])
    assert best["lr"] / 4 < finding["turn"] < 4 * best["lr"]
    assert [row["side"] for row in finding["others"]] == ["low", "high"]
    assert 10 * best["loss"] < min(row["loss"] for row in finding["others"])
    assert quadratic["steps"] == 60
    assert 1 <= quadratic["best"] <= quadratic["theory"] == pytest.approx(2 / 1.1)


def quadratic(folder, losses_of):
    for lr, losses in losses_of.items():
        write_run(folder, problem="quadratic", batch="full", lr=lr, losses=losses, config={"problem": {"condition": 10}})
    return load(folder)


@pytest.mark.parametrize(
    ("losses_of", "exceptions"),
    [
        ({1.0: FALLS, 2.1: RISES}, []),
        ({1.0: FALLS, 2.1: FALLS[:4]}, [2.1]),
        ({1.0: FALLS, 1.9: TURNS, 2.1: RISES}, [1.9]),
    ],
)
def test_two_over_l_divides_the_learning_rates_or_does_not(tmp_path, losses_of, exceptions):
    finding = learning_rate.analyse(quadratic(tmp_path, losses_of))["quadratic"]
    assert finding["exceptions"] == exceptions
    assert (finding["below"], finding["above"], finding["best"]) == (len(losses_of) - 1, 1, 1)


def test_it_finds_where_a_range_test_turns_and_which_constant_learning_rate_is_best(tmp_path):
    losses = [(0.01, RISES), (0.1, TURNS), (1.0, FALLS)]
    for lr, loss in losses:
        write_run(tmp_path, lr=lr, losses=loss)
    write_run(tmp_path, schedule="range_test", losses=TURNS, columns={"lr": (0.01, 0.1, 0.2, 0.3, 0.4)})
    finding = learning_rate.analyse(load(tmp_path))
    assert (finding["turn"], finding["turns"]) == (0.3, [0.3])
    assert finding["best"] == {"lr": 1, "loss": 0.1}
    assert finding["others"] == [{"side": "low", "lr": 0.01, "loss": 6}]
    assert finding["quadratic"] is None


def test_a_range_test_may_fall_to_its_end(tmp_path):
    write_run(tmp_path, schedule="range_test", losses=FALLS)
    finding = learning_rate.analyse(load(tmp_path))
    assert (finding["turn"], finding["turns"], finding["best"]) == (None, [None], None)


def test_one_learning_rate_is_no_grid(tmp_path):
    with pytest.raises(NoData, match="hold neither two learning rates"):
        learning_rate.analyse(quadratic(tmp_path, {1.0: FALLS}))
