"""Copies of one optimizer, each tuned with a scramble of its own, on losses by a formula: what a report says wrongly of them."""

import math

import numpy as np
import pytest
from simulated.honesty import Pool, flags, reports, spaces

from descent.config.search_space import search_space


@pytest.fixture(scope="module")
def losses():
    """A valley in the logarithm of the rate, with a cliff a decade above its lowest point, and noise over seeds."""
    space = search_space("sgd")["optimizer.lr"]
    rates = np.array([space.value(share) for share in np.linspace(0, 1, 40)])
    noise = np.random.default_rng(0).normal(size=26)
    scores = np.log10(rates / 0.3)[:, None] ** 2 + 0.1 * noise
    return Pool(space, rates, np.where(rates[:, None] > 3 + noise, math.inf, scores))


def test_between_two_rates_the_score_is_between_theirs(losses):
    middle = math.sqrt(losses.rates[4] * losses.rates[5])
    assert losses.score(middle, [3]) == pytest.approx(losses.scores[4:6, 3].mean(), abs=1e-3)
    assert losses.score(losses.rates[39], [0]) == [math.inf]
    assert losses.score(losses.rates[39] * 2, [0]) == [math.inf]
    assert losses.score(losses.rates[0] / 100, [5]) == losses.scores[0, 5]


@pytest.mark.slow
def test_copies_are_rarely_told_apart_over_searches_and_often_by_one(losses):
    assert np.mean(list(reports(losses, 60, 3))) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 60)
    assert np.mean(list(reports(losses, 20, 1))) > 0.5  # why one search is descriptive of others


def test_a_wide_range_and_a_best_value_at_its_edge_are_flagged(losses):
    shares = {name: flags(losses, space, 20) for name, space in spaces(losses).items()}
    assert shares["as it is"].edge < 0.2
    assert shares["as it is"].cost == 1
    assert shares["ten times as many decades"].wide > 0.7
    assert shares["ten times as many decades"].cost > 1
    assert shares["ends at a third of the best rate"].edge > 0.7
