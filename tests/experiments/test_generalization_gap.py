"""Small against large batches, in what they say of new examples."""

import pandas as pd
import pytest
from studies import write_run

from descent.analysis.load import load
from descent.analysis.settings import varied
from descent.experiments import conclude, generalization_gap
from descent.records.folders import run_folders

LOSSES = {8: (2.0, 1.0, 0.5, 0.2, 0.1), 64: (2.0, 1.5, 1.0, 0.5, 0.4)}  # the training loss of each batch size


def concluded(folder, excess, seeds=12):
    """Write runs whose validation loss is the training loss and `excess` of (batch size, seed), each at two learning rates."""
    for size, losses in LOSSES.items():
        for lr, worse in ((0.1, 0.0), (1.0, 0.5)):
            for seed in range(1, seeds + 1):
                val = tuple(loss + worse + excess(size, seed) for loss in losses)
                columns, config = {"val/loss": val}, {"batch": {"size": size}}
                write_run(folder, lr=lr, seed=seed, size=size, losses=losses, columns=columns, config=config)
    return conclude("generalization_gap", folder, run_folders(folder))


def changes(finding):
    return {name: finding[name]["change"] for name in generalization_gap.CHANGES}


def test_it_may_find_that_only_steps_lack(tmp_path):
    done = concluded(tmp_path, lambda size, seed: 0.05 + 0.001 * (seed if size == 8 else 14.2 - seed))
    finding = done.finding
    assert done.figure.exists()
    assert (finding["examples"], finding["seeds"]) == (512, 10)
    assert finding["small"] == pytest.approx({"size": 8, "lr": 0.1, "train": 0.1, "val": 0.1575}, abs=1e-6)
    assert finding["large"] == pytest.approx({"size": 64, "lr": 0.1, "train": 0.4, "val": 0.4567}, abs=1e-6)
    assert changes(finding) == {"loss": "higher", "gap": "unclear", "equal": "unclear"}
    assert (finding["loss"]["mean"], finding["loss"]["low"], finding["loss"]["high"]) == pytest.approx(
        (0.299, 0.295, 0.304), abs=1e-3
    )


def test_it_may_find_that_large_batches_generalise_worse_and_better(tmp_path):
    worse = concluded(tmp_path / "worse", lambda size, seed: (0.3 if size == 64 else 0.1) + 0.001 * seed * size / 8).finding
    assert changes(worse) == {"loss": "higher", "gap": "higher", "equal": "higher"}
    assert 0.2 < worse["gap"]["mean"] < 0.3
    better = concluded(tmp_path / "better", lambda size, seed: (0.1 if size == 64 else 0.3) + 0.001 * seed * size / 64).finding
    assert changes(better) == {"loss": "higher", "gap": "lower", "equal": "lower"}
    assert -0.2 < better["gap"]["mean"] < -0.1
    few = concluded(tmp_path / "few", lambda *_: 0.1, seeds=3).finding
    assert few["missing"].startswith("it takes two batch sizes, 2 seeds that choose their learning rates, and two that judge")


def test_the_validation_loss_at_a_training_loss_is_where_that_was_first_reached():
    frame = pd.DataFrame({"train/loss": [2.0, 1.0, 1.5, 0.25, 0.3], "val/loss": [2.1, 1.2, 9.0, 0.6, 9.0]})
    assert generalization_gap._at(frame, 1.0) == pytest.approx(1.2)
    assert generalization_gap._at(frame, 0.5) == pytest.approx(0.8)  # a third of the way from 1/4 to 1
    assert generalization_gap._at(frame, 0.25) == pytest.approx(0.6)


@pytest.mark.slow
def test_its_numbers_are_what_the_runs_hold(experiment):
    finding, folder = experiment("generalization_gap")
    runs = varied(load(folder), size="batch.size").assign(gap=lambda runs: runs["final:val/loss"] - runs["final:train/loss"])
    ends = {}
    for row in (finding["small"], finding["large"]):
        own = runs[runs["size"] == row["size"]]
        assert row["lr"] == own[own["seed"] <= 2].groupby("lr")["final:val/loss"].median().idxmin()
        ends[row["size"]] = own[(own["lr"] == row["lr"]) & (own["seed"] > 2)].set_index("seed")
    for name, column in (("loss", "final:val/loss"), ("gap", "gap")):
        change = (ends[1024][column] - ends[16][column]).mean()
        assert finding[name]["mean"] == pytest.approx(change)
