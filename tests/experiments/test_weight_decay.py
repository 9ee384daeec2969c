"""L2 against decoupled decay, and what either changes where labels are wrong."""

import re

import pytest
from conftest import number
from studies import write_run

from descent.analysis.grid import varied
from descent.analysis.load import load
from descent.experiments import conclude, weight_decay
from descent.records.folders import run_folders


def written(folder, effect, norms=(4.0, 40.0), seeds=6, rounding=0.0):
    """Write runs in which decay changes the validation loss by `effect`, and the last seed by the opposite of a tenth of it."""
    for seed in range(1, seeds + 1):
        for decay, decoupled, norm in ((0.0, None, 50.0), (0.1, None, norms[0]), (0.1, True, norms[1])):
            change = (effect if seed < seeds else -effect / 10) if decay else 0.0
            config = {"optimizer": {"weight_decay": decay, "decoupled_weight_decay": decoupled}, "problem": {"label_noise": 0.4}}
            loss = (2.0, 1.0, 1.0, 1.0, 0.5 + 0.01 * seed + change)
            columns = {"val/loss": loss, "val/accuracy": tuple(1 - x / 4 for x in loss), "weight_norm": (9.0,) * 4 + (norm,)}
            write_run(folder, optimizer="adam", seed=seed, config=config, columns=columns)
    for decoupled in (None, True):
        config = {"optimizer": {"weight_decay": 0.1, "decoupled_weight_decay": decoupled}, "problem": {"label_noise": 0.4}}
        columns = {"weight_norm": (9.0,) * 5}
        write_run(
            folder, optimizer="sgd", config=config, columns=columns, losses=(2.0, 1.0 + (rounding if decoupled else 0), 1, 1, 1)
        )
    return conclude("weight_decay", folder, run_folders(folder))


def test_it_can_find_that_decay_helps_and_that_it_harms(tmp_path):
    helps, figure = written(tmp_path / "helps", -0.2)
    assert figure.exists()
    assert "For SGD, L2 and decoupled decay are the same: training losses differ by 0 of themselves at most." in helps
    assert "For Adam they are not: decay 0.1 leaves weights of norm 4 as L2 and 40 decoupled." in helps
    assert "With 40 % of the training labels wrong, on 4 seeds that did not choose it (Holm-adjusted), L2 decay 0.1 " in helps
    assert helps.count("does not clearly change validation loss (-0.") == 2
    harms, _ = written(tmp_path / "harms", 0.2, seeds=30)
    assert harms.count("raises validation loss (+0.") == 2
    assert harms.count("lowers validation accuracy (-0.") == 2
    better, _ = written(tmp_path / "better", -0.2, seeds=30)
    assert better.count("lowers validation loss (-0.") == 2
    assert better.count("raises validation accuracy (+0.") == 2


def test_it_can_find_the_opposite_of_theory_and_says_what_lacks(tmp_path):
    said, _ = written(tmp_path / "all", -0.2, norms=(30.0, 30.1), rounding=0.01)
    assert "decoupled decay are not the same here: training losses differ by 0.01 of themselves at most." in said
    assert "For Adam they hardly differ here: decay 0.1 leaves weights of norm 30 as L2 and 30.1 decoupled." in said
    assert written(tmp_path / "few", 0.1, seeds=3)[0] == (
        "No conclusion: it takes 2 seeds that choose the decay, and two that judge."
    )


@pytest.mark.slow
def test_sgds_two_kinds_are_one_and_adams_are_two(experiment):
    said, folder = experiment("weight_decay")
    assert number(r"training losses differ by ([\d.e-]+) of", said) < 1e-12
    decay, small, large = map(float, re.search(r"decay ([\d.]+) leaves .* norm ([\d.]+) as L2 and ([\d.]+) dec", said).groups())
    assert large > 3 * small
    assert decay == 0.03
    runs = varied(load(folder), "optimizer.weight_decay", "optimizer.decoupled_weight_decay")
    runs = runs[(runs["optimizer"] == "adam") & (runs["seed"] > weight_decay.TUNING)].set_index("seed")
    without = runs.loc[runs["optimizer.weight_decay"] == 0, "final:val/loss"]
    told = said.partition("did not choose it (Holm-adjusted), ")[2]
    for kind, decoupled in (("L2", False), ("decoupled", True)):
        best = number(rf"{kind} decay ([\d.]+) ", told)
        own = runs[(runs["optimizer.weight_decay"] == best) & (runs["optimizer.decoupled_weight_decay"].eq(True) == decoupled)]
        change = number(rf"{kind} decay .*?validation loss \(([-+][\d.]+),", told)
        assert change == pytest.approx((own["final:val/loss"] - without).mean(), abs=0.001)
