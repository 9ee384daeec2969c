"""Gradient clipping where the landscape has walls."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import clipping


@pytest.mark.slow
def test_clipping_lets_higher_learning_rates_survive(experiment):
    said, _ = experiment("clipping")
    assert number(r"those up to ([\d.]+) survive without clipping", said) == 1
    assert number(r"those up to ([\d.]+) survive with clip_norm", said) >= 3
    assert number(r"and ([\d.e-]+) with it", said) < number(r"least gap is ([\d.e-]+) without", said)


@pytest.mark.parametrize(
    ("free", "clipped", "says"),
    [
        (
            ("finished", "diverged"),
            ("finished", "finished"),
            "those up to 0.1 survive without clipping and those up to 1 survive",
        ),
        (("finished", "finished"), ("finished", "finished"), "(n = 1). Clipping does not widen the range."),
        (
            ("finished", "finished"),
            ("diverged", "finished"),
            "none survives with clip_norm 0.5 (n = 1). Clipping narrows the range.",
        ),
        (
            ("diverged", "diverged"),
            ("diverged", "diverged"),
            "none survives without clipping and none survives with clip_norm 0.5",
        ),
    ],
)
def test_it_says_what_the_runs_say(tmp_path, free, clipped, says):
    for clip, statuses in ((None, free), (0.5, clipped)):
        for lr, status in zip((0.1, 1.0), statuses, strict=True):
            gaps = {"train/gap": (1.0, 0.5, 0.4, 0.3, 0.2)}
            write_run(tmp_path, batch="full", lr=lr, status=status, columns=gaps, config={"clip_norm": clip})
    assert says in clipping.sentence(load(tmp_path))
    assert clipping.plot(load(tmp_path)).axes


@pytest.mark.parametrize(("clip", "lack"), [(None, "the runs lack a clip_norm"), (0.5, "the runs lack runs without clipping")])
def test_it_needs_both(tmp_path, clip, lack):
    write_run(tmp_path, columns={"train/gap": (1.0,) * 5}, config={"clip_norm": clip})
    with pytest.raises(NoData, match=lack):
        clipping.sentence(load(tmp_path))
