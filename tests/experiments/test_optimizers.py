"""Optimizers, each tuned on some seeds and judged on others."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import optimizers


@pytest.mark.slow
def test_the_sentence_says_what_the_ranking_does(experiment):
    said, folder = experiment("optimizers")
    judged = load(folder).runs.loc[lambda runs: runs["seed"] > 2]
    first = judged.groupby("optimizer")["final:train/loss"].median().idxmin()
    assert said.startswith(f"{first} ends with the lowest median training loss, ")
    assert "(n = 11); " in said
    assert "adagrad 8" in said.partition(" Ranks: ")[2]
    assert "edge of those tried" not in said


def tuned(folder, ends, best=0.2):
    """Some optimizers with three learning rates each on seed 1, and one each on eleven others."""
    for name, (low, noise) in ends.items():
        for lr in (0.1, 0.2, 0.3):
            write_run(folder, optimizer=name, seed=1, lr=lr, losses=(1.0, 0.9, 0.8, 0.7, 0.1 if lr == best else 0.2))
        for seed in range(2, 13):
            last = low + noise * (-1) ** seed + 1e-4 * seed
            write_run(folder, optimizer=name, seed=seed, lr=0.2, losses=(1.0, 0.9, 0.8, 0.7, last))
    return optimizers.sentence(load(folder))


def test_it_says_who_is_first_and_who_is_no_worse(tmp_path):
    assert tuned(tmp_path, {"sgd": (0.5, 0.0), "adam": (0.2, 0.0), "adamw": (0.2001, 0.01)}).startswith(
        "adam ends with the lowest median training loss, 0.201 (n = 11); not told apart from it: adamw; worse: sgd. "
        "Ranks: adam 1 to 2, adamw 1 to 2, sgd 3."
    )


def test_it_says_where_a_learning_rate_lies_at_the_edge_or_is_not_the_best_in_tuning(tmp_path):
    said = tuned(tmp_path, {"sgd": (0.5, 0.0), "adam": (0.2, 0.0)}, best=0.3)
    assert "The best learning rate of adam, 0.3, is at the upper edge of those tried (0.1 to 0.3): widen the range." in said
    assert "Adam is judged at lr = 0.2, and 0.3 is better in tuning." in said


def test_seeds_that_were_tuned_on_do_not_judge(tmp_path):
    for lr in (0.1, 0.2):
        write_run(tmp_path, lr=lr)
    with pytest.raises(NoData, match="none is left to judge"):
        optimizers.sentence(load(tmp_path))
