"""When to stop, and what the rest of training changes."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import load
from descent.experiments import conclude, overfitting
from descent.records.folders import run_folders


def written(folder, end, accuracy, seeds=14, noise=0.4):
    """Write runs whose validation loss is 0.5 at epoch 2, the fourth of five records, and ends as `end` and `accuracy` say."""
    for seed in range(1, seeds + 1):
        loss, right = (2.0, 1.0, 0.8, 0.5, end(seed)), (0.1, 0.5, 0.6, 0.8, accuracy(seed))
        columns = {"val/loss": loss, "val/accuracy": right}
        train = (2.0, 1.0, 0.8, 0.5, 0.1 + 0.01 * seed)
        write_run(folder, seed=seed, losses=train, columns=columns, config={"problem": {"label_noise": noise}})
    return conclude("overfitting", folder, run_folders(folder))


def test_it_says_that_the_loss_turned_and_whether_accuracy_tells_the_same(tmp_path):
    said, figure = written(tmp_path / "same", lambda seed: 0.7 + 0.01 * seed, lambda seed: 0.7 - 0.002 * seed)
    assert figure.exists()
    assert said == (
        "With 40 % wrong labels, the validation loss is lowest at epoch 2 of 4 and the training loss falls on from there; on 10 "
        "other seeds the validation loss is 0.5 there and 0.795 at the end (95 % interval of the change +0.273 to +0.317: it "
        "turned), and the accuracy falls (80.0 % there, 68.1 % at the end, change -12.3 to -11.5 points)."
    )
    other, _ = written(tmp_path / "other", lambda seed: 0.7 + 0.01 * seed, lambda seed: 0.9 + 0.001 * seed)
    assert "it turned), but the accuracy rises (80.0 % there, 91.0 % at the end" in other
    still, _ = written(tmp_path / "still", lambda seed: 0.7 + 0.01 * seed, lambda seed: 0.8 + 0.01 * (-1) ** seed)
    assert "it turned), but the accuracy does not clearly change (80.0 % there, 80.0 % at the end" in still


def test_it_may_find_no_reason_to_stop(tmp_path):
    falls, _ = written(tmp_path / "falls", lambda _: 0.4, lambda _: 0.9)
    assert falls == (
        "With 40 % wrong labels, the validation loss is lowest at the end, after 4 epochs: there is no reason to stop earlier."
    )
    luck = lambda seed: 0.6 if seed <= overfitting.TUNING else 0.5 + 0.1 * (-1) ** seed  # noqa: E731
    unclear, _ = written(tmp_path / "unclear", luck, lambda seed: 0.8 + 0.01 * (-1) ** seed)
    assert "no clear turn), and the accuracy does not clearly change (" in unclear
    further, _ = written(tmp_path / "further", lambda seed: 0.6 if seed <= overfitting.TUNING else 0.4, lambda _: 0.9)
    assert "it fell further), and the accuracy rises (" in further
    few, _ = written(tmp_path / "few", lambda _: 0.6, lambda _: 0.9, seeds=5)
    assert few == "No conclusion: it takes 4 seeds that choose when to stop, and two that judge."


@pytest.mark.slow
def test_what_it_says_is_what_the_runs_hold(experiment):
    said, folder = experiment("overfitting")
    study = load(folder)
    noisy = study.runs[[study.config(run)["problem"]["label_noise"] == 0.4 for _, run in study.runs.iterrows()]]
    ends = noisy.loc[noisy["seed"] > overfitting.TUNING, "final:val/loss"]
    told = said.partition("With 40 % wrong labels")[2]
    assert number(r"there and ([\d.]+) at the end \(95", told) == pytest.approx(ends.mean(), rel=0.01)
    assert number(r"lowest at epoch ([\d.]+) of", told) < 40
    assert "it turned" in told  # 40 % of the labels are noise, and the network has room for all of them
