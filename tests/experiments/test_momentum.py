"""Momentum in a narrow valley."""

import pytest
from conftest import number


@pytest.mark.slow
def test_momentum_shortens_the_way_through_a_valley_and_too_much_of_it_does_not(experiment):
    said, _ = experiment("momentum")
    assert number(r"momentum ([\d.]+) leaves", said) == 0.94
    assert number(r"none [\d.e-]+: ([\d.e+]+) times more", said) > 1e5
    assert number(r"Too much, 0.99, leaves ([\d.e-]+)\. ", said) > 1e-2
    assert number(r"= 0.1, momenta 0 to 0.9 end within ([\d.e-]+) % of one another, though their lr differ 10-fold\.$", said) < 5
