"""The condition number, for gradient descent and for Adam."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import conditioning

SLOW, FAST = (1.0, 0.8, 0.5, 0.2, 0.1), (1.0, 0.1, 0.01, 1e-3, 1e-4)


@pytest.mark.slow
def test_steps_grow_with_the_condition_number_but_for_adam_along_the_axes(experiment):
    said, _ = experiment("conditioning")
    assert number(r"e-fold: ([\d.]+) at kappa = 9 ", said) == pytest.approx(4.48, rel=0.01)
    assert number(r"and (\d+) at kappa = 999;", said) == pytest.approx(499.5, rel=0.01)
    assert number(r"all 30 runs are within ([\d.]+) % of theory's", said) < 2
    assert number(r"along the axes the same (\d+) steps at kappa = 9, 99 and 999;", said) < 400
    nine, ninety_nine = number(r"rotated ([\d,]+), ", said), number(r"rotated [\d,]+, ([\d,]+) and more than the 2,000", said)
    assert 2 * nine < ninety_nine


def valley(folder, optimizer, kappa, rotated, distance, lr=0.1):
    config = {"problem": {"condition": kappa, "rotated": rotated}}
    columns = {"distance": distance}
    write_run(folder, problem="quadratic", batch="full", optimizer=optimizer, lr=lr, columns=columns, config=config)


def test_it_says_where_adam_does_notice_the_condition_number_along_the_axes_or_does_not_after_rotation(tmp_path):
    for kappa, aligned in ((10, FAST), (100, SLOW)):
        valley(tmp_path, "adam", kappa, False, aligned)
        valley(tmp_path, "adam", kappa, True, FAST)
    assert conditioning.sentence(load(tmp_path)) == (
        "Steps in which Adam comes to a hundredth of the distance: along the axes 2 and more than the 8 that it had at "
        "kappa = 10 and 100; rotated the same 2 steps at kappa = 10 and 100."
    )


def test_it_says_how_far_gradient_descent_is_from_theory(tmp_path):
    valley(tmp_path, "sgd", 9, True, tuple(0.9**step for step in (0, 1, 2, 4, 8)), lr=1.8)  # theory's rho is 0.8
    assert conditioning.sentence(load(tmp_path)) == (
        "Steps in which gradient descent shrinks the distance e-fold: 9.49 at kappa = 9; rotated, all 1 runs are within "
        "1.1e+02 % of theory's -1/ln rho."
    )


def test_others_say_nothing(tmp_path):
    valley(tmp_path, "momentum", 9, True, FAST)
    with pytest.raises(NoData, match="neither gradient descent nor adam"):
        conditioning.sentence(load(tmp_path))
