"""What a ranking says: correct sentences for one, two and more settings, and no claim that it cannot make."""

import math

import numpy as np
import pandas as pd
import pytest

from descent.analysis import wording
from descent.analysis.ranking import rank
from descent.analysis.sentences import sentences

from .test_ranking import study

NO_SEARCH = "No search: this is about these settings, and only descriptive of what tuning would make of them."
NOISE = np.random.default_rng(0).random(10)
STEP = 0.02 * np.tile(
    [0.9, 1.1], 5
)  # differences with a mean of 0.02; the interval follows by hand: .02 +- 2.262 .002108 / sqrt 10


def said(losses, quantity="train/loss", tuning=None, named=None, **columns):
    runs = losses if isinstance(losses, pd.DataFrame) else study(losses, **columns)
    return sentences(rank(runs, quantity, tuning, named))


def test_one_setting_has_nothing_to_be_compared_with():
    assert said({"adam": [1.0, 2.0, 4.0]}) == [
        "Only adam was run (n = 3): there is nothing to compare it with.",
        "Its median training loss, with the range over seeds, is 2 (1 to 4).",
    ]


def test_two_settings_one_of_which_beats_the_other():
    assert said({"adam": NOISE, "sgd": NOISE + STEP}) == [
        "adam beats sgd in training loss (difference 0.02, 95 % interval 0.0185 to 0.0215, n = 10).",
        NO_SEARCH,
    ]


def test_two_settings_that_are_indistinguishable():
    (sentence, _) = said({"adam": NOISE, "sgd": NOISE[::-1]})
    assert sentence.startswith("adam and sgd are indistinguishable in training loss (difference ")
    assert sentence.endswith(", n = 10).")


def test_a_tie_that_beats_a_third():
    losses = {"adam": NOISE, "nadam": NOISE + [0.001, -0.001] * 5, "sgd": NOISE + STEP}
    assert said(losses)[:2] == [
        "adam and nadam are indistinguishable in training loss; "
        "both beat sgd (adam's difference 0.02, 95 % interval 0.0185 to 0.0215, n = 10).",
        "Ranks: adam 1 to 2, nadam 1 to 2 and sgd 3.",
    ]


def test_three_ties_beat_a_fourth_each():
    losses = {name: NOISE + shift for name, shift in (("a", 0), ("b", [1e-3, -1e-3] * 5), ("c", [-1e-3, 1e-3] * 5))}
    sentence = said({**losses, "sgd": NOISE + STEP})[0]
    assert "are indistinguishable in training loss; each of them beats sgd (" in sentence


def test_no_difference_among_three():
    losses = {name: np.random.default_rng(seed).random(10) for seed, name in enumerate(("adam", "sgd", "muon"))}
    sentence = said(losses)[0]
    assert sentence.startswith("No difference: ")
    assert sentence.endswith(" are indistinguishable in training loss (n = 10).")
    assert all(name in sentence for name in losses)


def test_a_tie_that_is_not_transitive_is_told_as_it_is():
    losses = {"a": NOISE, "b": NOISE + [-1.5, 2.5] * 5, "c": NOISE + 1}
    text = said(losses)[0]
    assert "a beats c (difference 1, 95 % interval 1 to 1, n = 10), which is indistinguishable from b" in text
    assert "beats b" not in text


def test_below_ten_seeds_it_is_descriptive():
    sentences = said({"adam": [0.012, 0.010, 0.015], "sgd": [0.51, 0.48, 0.55]})
    assert sentences == [
        "Descriptive only (n = 3): adam has the lowest median training loss, 0.012 (0.01 to 0.015); sgd 0.51 (0.48 to 0.55).",
        "In brackets the range over seeds.",
        NO_SEARCH,
    ]
    assert not any(word in " ".join(sentences) for word in ("beat", "better", "significant", "indistinguishable"))


def test_a_shared_best_median_and_accuracies():
    runs = study({"adam": [0.9], "sgd": [0.9], "muon": [0.8]})
    runs["final:val/accuracy"] = runs["final:train/loss"]
    head = "Descriptive only (n = 1): adam and sgd share the highest median validation accuracy, 0.9; muon 0.8."
    assert said(runs, "val/accuracy") == [head, NO_SEARCH]


def test_where_all_failed_there_is_nothing_to_compare():
    runs = study({"adam": [math.inf] * 3, "sgd": [math.inf, 2.0, math.inf]})
    runs.loc[runs["final:train/loss"] == 2, "status"] = "stalled"
    assert said(runs) == [
        "Every run failed: adam (3 of 3 diverged) and sgd (2 of 3 diverged, 1 of 3 stalled). There is nothing to compare."
    ]


def test_medians_say_what_diverged():
    losses = {"adam": [1.0, 2.0, math.inf], "sgd": [3.0, math.inf, math.inf]}
    assert said(losses)[0] == (
        "Descriptive only (n = 3): adam has the lowest median training loss, 2 (1 to 2; 1 of 3 diverged); "
        "sgd none (2 of 3 diverged)."
    )
    assert said({"adam": losses["sgd"], "sgd": losses["sgd"]})[0] == (
        "Descriptive only (n = 3): runs diverged too often for a median training loss: "
        "adam none (2 of 3 diverged) and sgd none (2 of 3 diverged)."
    )


def test_failures_decide_first_and_are_counted():
    sentences = said({"adam": NOISE + 2, "wild": [math.inf] * 8 + [0.1, 0.2]})
    assert sentences[:2] == [
        "adam beats wild in training loss (0 failed runs against 8, n = 10).",
        "Some runs failed: wild (8 of 10 diverged; 95 % interval 0.49 to 0.94). "
        "Differences are over the pairs in which both finished.",
    ]


def test_skewed_differences_say_in_how_many_pairs_one_was_ahead():
    losses = {"adam": NOISE, "sgd": NOISE + np.array([*[0.01] * 9, 9.0])}
    assert "ahead in 10 of 10 pairs)." in said(losses)[0]


def test_missing_seeds_are_named():
    losses = pd.concat([study({"adam": NOISE}), study({"sgd": NOISE + STEP}, [1, 2, 3, 4, 5, 6, 7, 8, 11, 12])])
    text = said(losses)
    assert "Seeds are missing: 11 and 12 for adam; 9 and 10 for sgd. Differences are over the seeds that both have." in text
    assert not any("beats" in sentence for sentence in text)
    few = said(pd.concat([study({"adam": NOISE, "sgd": NOISE + STEP}), study({"late": [1.0]})]))
    assert "late has fewer than 10 seeds, and no verdict yet." in few
    assert few[0].startswith("adam beats sgd in training loss (")
    assert "Seeds are missing: 9 for late. Differences are over the seeds that both have." in few


def test_a_pair_without_common_seeds_among_others_is_named():
    text = said(pd.concat([study({"adam": NOISE, "sgd": NOISE + STEP}), study({"late": NOISE}, range(5, 15))]))
    assert any(said.startswith("Not compared, with fewer than 10 seeds in common: ") and " with " in said for said in text)


def test_a_difference_turns_with_who_is_asked():
    ranking = rank(study({"adam": NOISE, "sgd": NOISE + STEP}), "train/loss")
    assert wording.difference(ranking, "adam", "sgd") == "difference 0.02, 95 % interval 0.0185 to 0.0215, n = 10"
    assert wording.difference(ranking, "sgd", "adam") == "difference -0.02, 95 % interval -0.0215 to -0.0185, n = 10"


def test_lists_are_english_and_end():
    assert [wording.listed(list(names)) for names in ("a", "ab", "abc")] == ["a", "a and b", "a, b and c"]
    assert wording.listed(list("abcdefg")) == "a, b, c, d, e, f and g"
    assert wording.listed(list("abcdefgh")) == "a, b, c, d, e, f and 2 more"


def test_a_learning_rate_picked_on_the_same_seeds_is_said_and_not_tested():
    sentences = said({"adam@0.1": NOISE, "adam@0.2": NOISE + 1, "sgd": NOISE + 5})
    assert sentences[0].startswith("Descriptive only (n = 10): adam has the lowest median training loss, ")
    assert (
        "adam full lr=0.1 was selected among several settings on the evaluation seeds (selection bias): "
        "tune on separate seeds to get a test." in sentences
    )
    assert "beats" not in " ".join(sentences)


def test_many_settings_are_compared_with_the_reference():
    losses = {name: NOISE + shift for name, shift in zip("abcdefg", (-1, -2, 1, 2, 3, 4, 5), strict=True)}
    sentences = said({**losses, "sgd": NOISE, "tied": NOISE + [0.1, -0.1] * 5})
    assert sentences[0].startswith("Compared with sgd in training loss: b (difference 2, 95 % interval 2 to 2, n = 10) and a (")
    assert " are better; c (" in sentences[0]
    assert sentences[0].endswith(" are worse; tied is indistinguishable from it.")
    assert sentences[1:3] == [
        "sgd is the reference, by rule, as there are no runs of tuning to choose it by.",
        "The 36 pairs of 9 settings cannot all be tested with fewer than 11 seeds.",
    ]


def test_too_many_settings_for_ten_seeds_are_descriptive():
    losses = {f"o{i:02}": NOISE + i for i in range(30)}
    assert said(losses)[0].startswith("Descriptive only (n = 10; 11 seeds can tell one setting from 29 others): o00 has")
    assert said(losses)[0].endswith("; 23 more are in the table.")


def test_settings_without_common_seeds():
    apart = pd.concat([study({"a": NOISE}), study({"b": NOISE}, range(20, 30))])
    assert said(apart)[0].startswith("Descriptive only (n = 10; no two have 10 seeds in common): a and b share the lowest")


def test_unequal_budgets_get_no_ranking():
    runs = study({"adam": NOISE, "sgd": NOISE + 1})
    runs.loc[runs["optimizer"] == "adam", "tuning"] = "small"
    assert said(runs) == ["No ranking: tuning budgets differ (adam: small; sgd: default). Only equal budgets are ranked."]


@pytest.mark.parametrize(("searches", "found"), [(1, "One search: this is about the settings that it"), (3, "")])
def test_few_searches_are_descriptive_of_others(searches, found):
    tables = [study({f"adam@{s}": NOISE, f"sgd@{s}": NOISE + STEP + s / 1e4}, scramble=s) for s in range(1, searches + 1)]
    sentences = said(pd.concat(tables))
    assert f", n = 10, {searches} search{'es' * (searches > 1)})." in sentences[0]
    expected = [f"{found} found, and only descriptive of what another would find; 3 would tell."] if found else []
    assert [sentence for sentence in sentences if "descriptive" in sentence] == expected


def test_unequal_gradients_and_edges_are_said():
    runs = study({"lbfgs": NOISE[:3], "sgd@1": [3.0] * 3, "sgd@10": [2.0] * 3, "sgd@100": [1.0] * 3})
    runs.loc[runs["optimizer"] == "lbfgs", "gradient_evaluations"] *= 4
    sentences = said(runs)
    assert "Gradients were not equal: on the same examples, lbfgs computed 4.0 times as many." in sentences
    assert "The best learning rate of sgd, 100, is at the upper edge of those tried (1 to 100): widen the range." in sentences


def test_how_far_a_learning_rate_may_be_off_is_said_where_it_was_swept():
    losses = {"sgd@0.001": [9.0], "sgd@0.01": [1.9], "sgd@0.1": [1.0], "sgd@1": [math.inf]}
    losses |= {f"adam@{lr}": [loss] for lr, loss in ((0.1, 5.0), (1, 1.0), (10, 3.0), (100, 7.0))}
    swept = said(losses)[-1]
    assert swept.endswith("within 2 times the optimizer's lowest training loss: adam 1 alone and sgd 0.01 to 0.1 (1 decade).")
    twice = said(losses | {"sgd@0.001": [1.5]})[-1]
    assert "sgd 0.001 to 0.1 (at least 2 decades)" in twice
    assert not [note for note in said({"sgd@0.1": [1.0], "adam@1": [2.0]}) if "Learning rates" in note]
