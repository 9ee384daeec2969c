"""Gradient clipping where the landscape has walls."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import clipping


@pytest.mark.slow
def test_clipping_lets_higher_learning_rates_survive(experiment):
    finding, _ = experiment("clipping")
    assert finding["free"]["safe"] == 1
    assert finding["clipped"]["safe"] >= 3
    assert finding["lowest"]["gap"] < finding["free"]["gap"]


@pytest.mark.parametrize(
    ("free", "clipped", "safe"),
    [
        (("finished", "diverged"), ("finished", "finished"), (0.1, 1)),
        (("finished", "finished"), ("finished", "finished"), (1, 1)),
        (("finished", "finished"), ("diverged", "finished"), (1, 0)),
        (("diverged", "diverged"), ("diverged", "diverged"), (0, 0)),
    ],
)
def test_a_learning_rate_is_safe_where_it_and_all_smaller_ones_finish(tmp_path, free, clipped, safe):
    for clip, statuses in ((None, free), (0.5, clipped)):
        for lr, status in zip((0.1, 1.0), statuses, strict=True):
            gaps = {"train/gap": (1.0, 0.5, 0.4, 0.3, 0.2)}
            write_run(tmp_path, batch="full", lr=lr, status=status, columns=gaps, config={"clip_norm": clip})
    finding = clipping.analyse(load(tmp_path))
    assert (finding["free"]["safe"], finding["clipped"]["safe"]) == safe
    assert finding["clipped"]["clip_norm"] == 0.5
    assert (finding["lowest"] is None) == (safe == (0, 0))  # where nothing finishes there is no lowest loss
    assert clipping.plot(load(tmp_path)).axes


@pytest.mark.parametrize(("clip", "lack"), [(None, "the runs lack a clip_norm"), (0.5, "the runs lack runs without clipping")])
def test_it_needs_both(tmp_path, clip, lack):
    write_run(tmp_path, columns={"train/gap": (1.0,) * 5}, config={"clip_norm": clip})
    with pytest.raises(NoData, match=lack):
        clipping.analyse(load(tmp_path))
