"""When to stop, and what the rest of training changes."""

import pytest
from studies import write_run

from descent.analysis.load import load
from descent.experiments import conclude, overfitting
from descent.records.folders import run_folders


def concluded(folder, end, accuracy, seeds=14, noise=0.4):
    """Write runs whose validation loss is 0.5 at epoch 2, the fourth of five records, and ends as `end` and `accuracy` say."""
    for seed in range(1, seeds + 1):
        loss, right = (2.0, 1.0, 0.8, 0.5, end(seed)), (0.1, 0.5, 0.6, 0.8, accuracy(seed))
        columns = {"val/loss": loss, "val/accuracy": right}
        train = (2.0, 1.0, 0.8, 0.5, 0.1 + 0.01 * seed)
        write_run(folder, seed=seed, losses=train, columns=columns, config={"problem": {"label_noise": noise}})
    return conclude("overfitting", folder, run_folders(folder))


def changes(done):
    """Return how the validation loss and the accuracy change after the stop."""
    (row,) = done.finding["shares"]
    return row["loss"]["change"], row["accuracy"]["change"]


def test_it_finds_that_the_loss_turned_and_whether_accuracy_tells_the_same(tmp_path):
    done = concluded(tmp_path / "same", lambda seed: 0.7 + 0.01 * seed, lambda seed: 0.7 - 0.002 * seed)
    (row,) = done.finding["shares"]
    assert done.figure.exists()
    assert (row["noise"], row["epoch"], row["last"], row["seeds"]) == (0.4, 2, 4, 10)
    assert row["training"]["change"] == "lower"
    assert (row["loss"]["stop"], row["loss"]["end"]) == pytest.approx((0.5, 0.795))
    assert (row["loss"]["low"], row["loss"]["high"]) == pytest.approx((0.273, 0.317), abs=5e-4)
    assert (row["accuracy"]["stop"], row["accuracy"]["end"]) == pytest.approx((80, 68.1))
    assert (row["accuracy"]["low"], row["accuracy"]["high"]) == pytest.approx((-12.3, -11.5), abs=0.05)
    assert changes(done) == ("higher", "lower")
    other = concluded(tmp_path / "other", lambda seed: 0.7 + 0.01 * seed, lambda seed: 0.9 + 0.001 * seed)
    assert changes(other) == ("higher", "higher")
    still = concluded(tmp_path / "still", lambda seed: 0.7 + 0.01 * seed, lambda seed: 0.8 + 0.01 * (-1) ** seed)
    assert changes(still) == ("higher", "unclear")


def test_it_may_find_no_reason_to_stop(tmp_path):
    (row,) = concluded(tmp_path / "falls", lambda _: 0.4, lambda _: 0.9).finding["shares"]
    assert row["epoch"] == row["last"] == 4
    luck = lambda seed: 0.6 if seed <= overfitting.TUNING else 0.5 + 0.1 * (-1) ** seed  # noqa: E731
    unclear = concluded(tmp_path / "unclear", luck, lambda seed: 0.8 + 0.01 * (-1) ** seed)
    assert changes(unclear) == ("unclear", "unclear")
    further = concluded(tmp_path / "further", lambda seed: 0.6 if seed <= overfitting.TUNING else 0.4, lambda _: 0.9)
    assert changes(further) == ("lower", "higher")
    few = concluded(tmp_path / "few", lambda _: 0.6, lambda _: 0.9, seeds=5)
    assert few.finding == {"missing": "it takes 4 seeds that choose when to stop, and two that judge"}


@pytest.mark.slow
def test_its_numbers_are_what_the_runs_hold(experiment):
    finding, folder = experiment("overfitting")
    study = load(folder)
    noisy = study.runs[[study.config(run)["problem"]["label_noise"] == 0.4 for _, run in study.runs.iterrows()]]
    ends = noisy.loc[noisy["seed"] > overfitting.TUNING, "final:val/loss"]
    row = {row["noise"]: row for row in finding["shares"]}[0.4]
    assert row["loss"]["end"] == pytest.approx(ends.mean())
    assert row["epoch"] < 40
    assert row["loss"]["change"] == "higher"  # 40 % of the labels are noise, and the network has room for all of them
