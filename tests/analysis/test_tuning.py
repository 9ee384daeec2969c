"""What other trials would have found, when a range is too wide, and when budgets are unequal."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from analysis.tables import ranked, study
from descent.analysis.trials import best_of
from descent.analysis.tuning import Tuned


def test_the_best_of_k_trials_is_that_of_all_ways_to_draw_them():
    losses = [5.0, 1.0, math.inf, 3.0, 2.0, 8.0]
    for k in range(1, 7):
        best = sorted(min(drawn) for drawn in itertools.combinations(losses, k))
        for value, share in zip(best_of(losses, k), (0.5, 0.05, 0.95), strict=True):
            assert value == best[math.ceil(share * len(best) - 1e-9) - 1]


@pytest.mark.parametrize(("near", "wide"), [(1, True), (2, False)])
def test_a_range_in_which_hardly_a_trial_comes_near_the_best_is_too_wide(near, wide):
    one = Tuned("sgd", "sgd", {}, {}, np.arange(8.0), near, np.zeros(3), pd.Series(dtype=float))
    assert one.wide is wide


def test_unequal_trials_are_not_ranked_and_who_lacks_how_many_is_said():
    tables = [study({f"{name}@{search}": range(1, 11)}, search=search) for name in ("adam", "sgd") for search in (1, 2)]
    rates = {"adam": (1, 2, 3), "sgd": (1, 2)}
    trials = [study({f"{name}@{lr}": [1.0]}, search=1, stage="trial") for name, some in rates.items() for lr in some]
    trials += [study({f"adam@{lr}": [1.0]}, search=2, stage="trial") for lr in (4, 5)]
    one = ranked(pd.concat([*tables, *trials]).assign(tuning="small"))
    assert one.refused == "tuning is unequal (sgd lacks 3 of 5 trials)"
    assert not one.tested
