"""A budget by batch mode: which number a run takes, and what is refused."""

import pytest
from conftest import settings

from descent.errors import InputError

BY_MODE = "++problem.epochs={full: 50, mini: 7}"


@pytest.mark.parametrize(
    ("overrides", "epochs"),
    [
        (["batch=full"], 200),
        (["batch=mini"], 20),
        (["batch=full", "epochs=5"], 5),
        (["batch=full", "problem.epochs=5"], 5),
        (["problem=quadratic", "batch=full", BY_MODE], 50),
        (["problem=quadratic", "batch=stochastic", BY_MODE], 7),  # the least of those of other modes
        (["problem=quadratic", "batch=full", BY_MODE, "epochs=null", "max_steps=3"], None),
    ],
)
def test_a_run_takes_the_budget_of_its_batch_mode(overrides, epochs):
    assert settings(*overrides).epochs == epochs


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("++problem.epochs={ful: 50, mini: 7}", "problem.epochs=ful: must be one of full, mini, stochastic."),
        ("++problem.epochs={full: -1}", "problem.epochs={'full': -1}: must be a number > 0, or a mapping"),
        ("problem.epochs=x", "problem.epochs=x: must be a number > 0, or a mapping"),
        ("epochs={full: 5}", "epochs={'full': 5}: must be a number > 0, or null."),
    ],
)
def test_a_budget_that_cannot_be_is_refused(override, line):
    with pytest.raises(InputError) as error:
        settings("problem=quadratic", "batch=full", override)
    assert str(error.value).startswith(line)
