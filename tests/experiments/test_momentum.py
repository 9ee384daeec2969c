"""Momentum in a narrow valley."""

import pytest


@pytest.mark.slow
def test_momentum_shortens_the_way_through_a_valley_and_too_much_of_it_does_not(experiment):
    finding, _ = experiment("momentum")
    assert finding["best"]["momentum"] == 0.94
    assert finding["without"] / finding["best"]["gap"] > 1e5
    assert finding["largest"]["momentum"] == 0.99
    assert finding["largest"]["gap"] > 1e-2
    effective = finding["effective"]
    assert (effective["rate"], effective["momenta"], effective["fold"]) == (pytest.approx(0.1), [0, 0.5, 0.9], 10)
    assert effective["alike"]
    assert effective["spread"] < 0.05
