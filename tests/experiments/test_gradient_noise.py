"""The noise of mini-batches, the floor it leaves, and what comes below it."""

import pandas as pd
import pytest
from conftest import number

from descent.experiments import gradient_noise


@pytest.mark.slow
def test_noise_is_what_theory_says_and_the_best_rate_grows_with_the_batch(experiment):
    said, _ = experiment("gradient_noise")
    assert number(r"falls as B\^([-\d.]+) ", said) == pytest.approx(-1, abs=0.03)
    assert number(r"leave a floor ([\d.]+) to", said) > 0.9
    assert number(r"leave a floor [\d.]+ to ([\d.]+) times", said) < 1.1
    assert number(r"reshuffled ones ([\d.e-]+) to", said) < 0.3
    assert number(r"of the grid is ([\d.]+) for batches of 1 ", said) < number(r"for batches of 1 and ([\d.]+) for", said)
    assert number(r"average of these weights leaves [\d.e-]+, ([\d.e+]+) times less", said) > 100
    assert number(r"falls as 1/t [\d.e-]+, ([\d.e+]+) times less", said) > 50
    assert number(r"average of these weights leaves ([\d.e-]+),", said) < 2 * number(r"theory's best: ([\d.e-]+)\)", said)


@pytest.mark.parametrize(
    ("best", "says"),
    [
        ({1: 0.1, 8: 0.3, 64: 1}, "is 0.1 for batches of 1 and 1 for 64, the largest."),
        ({1: 0.1, 8: 1, 64: 1}, "is 0.1 for batches of 1 and 1 for 8, where its growth ends: for 64 it is 1."),
        ({1: 0.1, 8: 1, 64: 0.3}, "is 0.1 for batches of 1 and 1 for 8, where its growth ends: for 64 it is 0.3."),
        ({1: 0.3, 8: 0.1, 64: 0.3}, "is 0.3 for batches of 1, and no larger for larger ones, up to 64."),
    ],
)
def test_it_says_how_the_best_rate_grows_and_that_it_does_not(best, says):
    assert gradient_noise._growth(pd.Series(best)).endswith(f"On digits_mlp the best learning rate of the grid {says}")
