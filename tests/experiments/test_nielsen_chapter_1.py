"""The network of Nielsen's first chapter."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import nielsen_chapter_1


@pytest.mark.slow
def test_it_learns_at_the_books_rate_and_not_at_the_others(experiment, mnist_root):
    finding, _ = experiment("nielsen_chapter_1", f"problem.root={mnist_root}")
    tests = {row["lr"]: row["test"] for row in finding["rates"]}
    assert tests[3.0] > 0.9
    assert tests[0.001] < 0.3
    assert tests[100.0] < 0.3
    assert -5 < finding["book"]["points"] < 0


def test_on_random_images_it_says_nothing_of_the_book(experiment):
    short = ("problem.dataset=stand_in", "records.examples=100", "max_steps=3", "optimizer.lr=3.0", "engine=numpy")
    finding, _ = experiment("nielsen_chapter_1", *short)
    (row,) = finding["rates"]
    assert (finding["dataset"], finding["seeds"], row["lr"]) == ("stand_in", 1, 3)
    assert row["test"] < 0.2
    assert finding["book"] is None


@pytest.mark.parametrize(("accuracy", "points"), [(0.97, 1.58), (0.95, -0.42), (0.9542, 0)])
def test_it_compares_with_the_book(tmp_path, accuracy, points):
    config = {"problem": {"dataset": "MNIST"}}
    for lr, right in ((3.0, accuracy), (100.0, 0.1)):
        write_run(tmp_path, problem="mnist_mlp", lr=lr, config=config, test={"loss": 0.1, "accuracy": right})
    finding = nielsen_chapter_1.analyse(load(tmp_path))
    assert finding["best"] == 3
    assert finding["book"] == {"lr": 3, "epochs": 30, "accuracy": 0.9542, "points": pytest.approx(points)}
    assert len(nielsen_chapter_1.plot(load(tmp_path)).axes) == 2


def test_it_needs_images(tmp_path):
    write_run(tmp_path)
    with pytest.raises(NoData, match="no run measured accuracy on test images"):
        nielsen_chapter_1.analyse(load(tmp_path))
