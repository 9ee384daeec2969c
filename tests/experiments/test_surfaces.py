"""Trajectories in the plane."""

import pytest
from PIL import Image
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import surfaces


def steps(rows, column="reached"):
    return {row["name"]: row[column] for row in rows}


@pytest.mark.slow
def test_all_get_to_the_minima_and_gradient_descent_lingers_at_the_saddle(experiment):
    finding, folder = experiment("surfaces")
    computed = {surface["name"]: steps(surface["optimizers"]) for surface in finding["surfaces"]}
    assert None not in {count for surface in computed.values() for count in surface.values()}
    assert steps(finding["saddle"], "near")["sgd"] > 40
    assert steps(finding["saddle"], "near")["adam"] == 0
    assert computed["rosenbrock"]["sgd"] > 5 * computed["rosenbrock"]["adam"]
    with Image.open(folder / "report" / "surfaces.gif") as animation:
        assert animation.n_frames > 20


def test_one_may_never_get_there_and_another_linger(tmp_path):
    trajectories = {
        "sgd": ((1, 0.9, 0.8, 0.7, 0.6), (1, 0.5, 0.1, 0.1, 0.1)),
        "adam": ((1, 0.5, 0.1, 1e-4, 1e-5), (1.0, 0.9, 0.9, 0, 0)),
    }
    for optimizer, (gaps, x) in trajectories.items():
        columns = {"w/0": x, "w/1": (0, 0, 0, 0, 1), "train/gap": gaps}
        write_run(tmp_path, problem="saddle", batch="full", optimizer=optimizer, columns=columns)
    finding = surfaces.analyse(load(tmp_path))
    (surface,) = finding["surfaces"]
    assert (surface["name"], surface["budget"], steps(surface["optimizers"])) == ("saddle", 8, {"adam": 4, "sgd": None})
    assert steps(finding["saddle"], "near") == {"sgd": 2, "adam": 0}
    assert finding["seeds"] == 1


def test_runs_in_other_spaces_are_no_surfaces(tmp_path):
    write_run(tmp_path)
    with pytest.raises(NoData, match="no run is on a surface"):
        surfaces.analyse(load(tmp_path))
