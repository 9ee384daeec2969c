"""Small against large batches, in what they say of new examples."""

import pandas as pd
import pytest
from conftest import number
from studies import write_run

from descent.analysis.grid import varied
from descent.analysis.load import load
from descent.experiments import conclude, generalization_gap
from descent.records.folders import run_folders

LOSSES = {8: (2.0, 1.0, 0.5, 0.2, 0.1), 64: (2.0, 1.5, 1.0, 0.5, 0.4)}  # the training loss of each batch size


def written(folder, excess, seeds=12):
    """Write runs whose validation loss is the training loss and `excess` of (batch size, seed), each at two learning rates."""
    for size, losses in LOSSES.items():
        for lr, worse in ((0.1, 0.0), (1.0, 0.5)):
            for seed in range(1, seeds + 1):
                val = tuple(loss + worse + excess(size, seed) for loss in losses)
                columns, config = {"val/loss": val}, {"batch": {"size": size}}
                write_run(folder, lr=lr, seed=seed, size=size, losses=losses, columns=columns, config=config)
    return conclude("generalization_gap", folder, run_folders(folder))


def test_it_may_find_that_only_steps_lack(tmp_path):
    said, figure = written(tmp_path, lambda size, seed: 0.05 + 0.001 * (seed if size == 8 else 14.2 - seed))
    assert figure.exists()
    assert said.startswith(
        "After 512 examples, batches of 8 (lr = 0.1) have a training loss of 0.1 and a validation loss of 0.158, batches of 64 "
        "(lr = 0.1) 0.4 and 0.457. On 10 seeds that did not choose the rates, the large ones have a larger validation loss at "
        "the end (+0.299, 95 % interval +0.295 to +0.304), no clearly different gap between validation and training loss (-0.0"
    )
    assert ") and no clearly different validation loss at equal training loss (-0.0" in said


def test_it_may_find_that_large_batches_generalise_worse_and_better(tmp_path):
    worse, _ = written(tmp_path / "worse", lambda size, seed: (0.3 if size == 64 else 0.1) + 0.001 * seed * size / 8)
    assert "a larger gap between validation and training loss (+0.2" in worse
    assert "a larger validation loss at equal training loss (+0.2" in worse
    better, _ = written(tmp_path / "better", lambda size, seed: (0.1 if size == 64 else 0.3) + 0.001 * seed * size / 64)
    assert "a smaller gap between validation and training loss (-0.1" in better
    assert "a smaller validation loss at equal training loss (-0.1" in better
    few, _ = written(tmp_path / "few", lambda *_: 0.1, seeds=3)
    assert few.startswith("No conclusion: it takes two batch sizes, 2 seeds that choose their learning rates, and two that judge")


def test_the_validation_loss_at_a_training_loss_is_where_that_was_first_reached():
    frame = pd.DataFrame({"train/loss": [2.0, 1.0, 1.5, 0.25, 0.3], "val/loss": [2.1, 1.2, 9.0, 0.6, 9.0]})
    assert generalization_gap._at(frame, 1.0) == pytest.approx(1.2)
    assert generalization_gap._at(frame, 0.5) == pytest.approx(0.8)  # a third of the way from 1/4 to 1
    assert generalization_gap._at(frame, 0.25) == pytest.approx(0.6)


@pytest.mark.slow
def test_what_it_says_is_what_the_runs_hold(experiment):
    said, folder = experiment("generalization_gap")
    runs = varied(load(folder), "batch.size").assign(gap=lambda runs: runs["final:val/loss"] - runs["final:train/loss"])
    ends = {}
    for size in (16, 1024):
        own = runs[runs["batch.size"] == size]
        lr = own[own["seed"] <= 2].groupby("lr")["final:val/loss"].median().idxmin()
        ends[size] = own[(own["lr"] == lr) & (own["seed"] > 2)].set_index("seed")
        assert f"batches of {size} (lr = {lr:g})" in said
    for words, column in (("loss at the end", "final:val/loss"), ("gap between validation and training loss", "gap")):
        change = (ends[1024][column] - ends[16][column]).mean()
        assert number(rf" {words} \(([-+][\d.]+),", said) == pytest.approx(change, abs=0.001)
