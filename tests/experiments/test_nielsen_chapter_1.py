"""The network of Nielsen's first chapter."""

import pytest
from conftest import number, sweep
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import nielsen_chapter_1


@pytest.mark.slow
def test_it_learns_at_the_books_rate_and_not_at_the_others(experiment, mnist_root):
    said, _ = experiment("nielsen_chapter_1", f"problem.root={mnist_root}")
    assert number(r"lr 3 ([\d.]+) %", said) > 90
    assert number(r"lr 0.001 ([\d.]+) %", said) < 30
    assert number(r"lr 100 ([\d.]+) %", said) < 30
    assert number(r"that is ([\d.]+) points less than the book's 95.42 %", said) < 5


def test_on_random_images_it_says_nothing_of_the_book(capsys, monkeypatch, tmp_path):
    short = ("problem.dataset=stand_in", "records.examples=100", "max_steps=3", "optimizer.lr=3.0")
    status, out, err = sweep(capsys, monkeypatch, "experiment=nielsen_chapter_1", f"output_dir={tmp_path}", *short)
    assert (status, err) == (0, "")
    assert number(r"Accuracy on the test images of stand_in, n = 1: lr 3 ([\d.]+) %", out) < 20
    assert "book" not in out


@pytest.mark.parametrize(
    ("accuracy", "says"), [(0.97, "1.58 points more than the"), (0.95, "0.42 points less than the"), (0.9542, "the same as the")]
)
def test_it_compares_with_the_book(tmp_path, accuracy, says):
    config = {"problem": {"dataset": "MNIST"}}
    for lr, found in ((3.0, accuracy), (100.0, 0.1)):
        write_run(tmp_path, problem="mnist_mlp", lr=lr, config=config, test={"loss": 0.1, "accuracy": found})
    said = nielsen_chapter_1.sentence(load(tmp_path))
    assert f"The best is lr 3. At lr 3 that is {says} book's 95.42 %" in said
    assert len(nielsen_chapter_1.plot(load(tmp_path)).axes) == 2


def test_it_needs_images(tmp_path):
    write_run(tmp_path)
    with pytest.raises(NoData, match="no run measured accuracy on test images"):
        nielsen_chapter_1.sentence(load(tmp_path))
