"""The live lines: what comes first, what is dropped by width, and when a sweep will end."""

import time

import pytest
from conftest import settings
from studies import write_run

from descent.records import journal as journals
from descent.records.journal import Outcome
from descent.terminal.run_progress import header, line, sparkline
from descent.terminal.sweep_progress import StudyDisplay

PARTS = ("▇▅▂", "train/loss 0.0123", "val/accuracy 0.9667", "12,345 steps/s", "1,234 examples")


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (30, "━━━━━─────  50 %  ETA 0:01:30"),
        (60, "━━━━━─────  50 %  ETA 0:01:30  ▇▅▂  train/loss 0.0123"),
        (80, "━━━━━─────  50 %  ETA 0:01:30  ▇▅▂  train/loss 0.0123  val/accuracy 0.9667"),
        (120, f"━━━━━─────  50 %  ETA 0:01:30  {'  '.join(PARTS)}"),
    ],
)
def test_a_line_begins_with_bar_percent_and_time_left_and_drops_what_does_not_fit(width, shown):
    assert line(0.5, 90.0, PARTS, width) == shown


def test_a_sparkline_falls_as_the_loss_does_and_leaves_out_what_is_not_finite():
    assert sparkline([1.0, float("inf"), 0.1, 0.01]) == "█▅▁"
    assert len(sparkline([1 / (1 + step) for step in range(100)])) == 8
    assert sparkline([]) == ""


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["optimizer=adam", "seed=3"], ["adam lr=0.003 · mini 32", "digits_mlp", "seed 3"]),
        (["optimizer=sgd", "batch=full", "problem=quadratic"], ["sgd lr=0.1 · full", "quadratic", "seed 1"]),
    ],
)
def test_a_header_says_what_is_trained(overrides, words):
    assert header(settings(*overrides)) == words


def test_the_time_left_of_a_sweep_is_that_of_the_kinds_of_runs_to_come(tmp_path):
    quick, slow = (
        write_run(tmp_path, batch=batch, wall_seconds=seconds) for batch, seconds in (("full", 1.0), ("stochastic", 9.0))
    )
    others = [quick.parent / "another", quick.parent / "a third"]
    with journals.opened(tmp_path, tmp_path, local=True) as journal:
        journal.expect(2)
        assert StudyDisplay([quick], [quick], journal).line() == "0/1 done, starting 2 workers, 0:00:00"
        for folder in (quick, slow):
            journal.note(folder.name, Outcome.ENDED)
        with StudyDisplay([quick, slow, *others], [quick, slow, *others], journal) as display:
            display._look()
            display.entered = time.monotonic() - 100
            assert display.line().startswith("ETA 0:00:20, 2/4 done")  # of 10 s of runs in 100 s, 2 s more
