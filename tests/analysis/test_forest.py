"""The forest plot of a comparison: its axis."""

from itertools import product

from studies import GRID, write_run

from descent.analysis.forest import forests
from descent.analysis.load import load
from descent.analysis.verdicts import judge


def test_a_forest_over_less_than_a_decade_has_several_ticks(tmp_path):
    for optimizer, seed in product(("sgd", "adam"), range(1, 11)):
        last = (0.065 if optimizer == "adam" else 0.125) * (1 + 0.005 * seed)
        write_run(tmp_path, optimizer=optimizer, seed=seed, losses=(*(1.0,) * (len(GRID) - 1), last))
    (forest,) = forests(judge(load(tmp_path)))
    places, labels = zip(*forest.ticks, strict=True)
    assert [float(label) for label in labels] == sorted({float(label) for label in labels})
    assert len(labels) > 1
    assert all(0 <= place <= 1 for place in places)
