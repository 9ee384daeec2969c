"""Trajectories in the plane."""

import pytest
from conftest import number
from PIL import Image
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import surfaces


@pytest.mark.slow
def test_all_get_to_the_minima_and_gradient_descent_lingers_at_the_saddle(experiment):
    said, folder = experiment("surfaces")
    assert " not in " not in said
    assert number(r"of the saddle: .*?sgd (\d+)", said) > 40
    assert number(r"of the saddle: .*?adam (\d+)", said) == 0
    assert number(r"on rosenbrock .*?sgd in ([\d,]+)", said) > 5 * number(r"on rosenbrock .*?adam in ([\d,]+)", said)
    with Image.open(folder / "report" / "surfaces.gif") as film:
        assert film.n_frames > 20


def test_it_says_who_never_gets_there_and_that_another_lingers(tmp_path):
    ways = {"sgd": ((1, 0.9, 0.8, 0.7, 0.6), (1, 0.5, 0.1, 0.1, 0.1)), "adam": ((1, 0.5, 0.1, 1e-4, 1e-5), (1.0, 0.9, 0.9, 0, 0))}
    for optimizer, (gaps, x) in ways.items():
        columns = {"w/0": x, "w/1": (0, 0, 0, 0, 1), "train/gap": gaps}
        write_run(tmp_path, problem="saddle", batch="full", optimizer=optimizer, columns=columns)
    said = surfaces.sentence(load(tmp_path))
    assert said.startswith("The gap falls below 0.001 of the start's on saddle adam in 4 and sgd not in 8 steps (median, n = 1).")
    assert said.endswith("Steps spent within 0.2 of the saddle: sgd 2 and adam 0.")


def test_runs_in_other_spaces_are_no_surfaces(tmp_path):
    write_run(tmp_path)
    with pytest.raises(NoData, match="no run is on a surface"):
        surfaces.sentence(load(tmp_path))
