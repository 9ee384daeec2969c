"""Sharpness and the learning rate."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import edge_of_stability


@pytest.mark.slow
def test_sharpness_rises_to_2_over_lr_and_stays(experiment):
    finding, _ = experiment("edge_of_stability", "records.growth=1.06")
    below, *others = finding["rates"]
    assert [row["lr"] for row in others] == [0.15, 0.2, 0.3]
    for row in others:
        assert row["edge"] == "at"
        assert row["sharpness"] == pytest.approx(1, abs=0.05)
    assert (below["lr"], below["edge"]) == (0.05, "below")
    assert below["sharpness"] < 0.95
    assert max(finding["falls"]) < 1


@pytest.mark.parametrize(
    ("sharpness", "edge", "mean"),
    [((5, 10, 20, 22, 20.2), "at", 1.01), ((5, 10, 12, 14, 16), "below", 0.8), ((5, 10, 24, 22, 10), "off", 0.5)],
)
def test_sharpness_is_measured_against_2_over_lr_at_the_end(tmp_path, sharpness, edge, mean):
    write_run(tmp_path, batch="full", losses=(1, 0.8, 0.6, 0.5, 0.4), columns={"sharpness": sharpness})
    finding = edge_of_stability.analyse(load(tmp_path))
    (row,) = finding["rates"]
    assert row["edge"] == edge
    assert (row["sharpness"], row["low"], row["high"]) == pytest.approx((mean, mean, mean))
    assert finding["falls"] == [1]  # one record is all of the end
    assert edge_of_stability.plot(load(tmp_path)).axes


def test_it_needs_sharpness(tmp_path):
    write_run(tmp_path)
    with pytest.raises(NoData, match="measured sharpness"):
        edge_of_stability.analyse(load(tmp_path))
