"""What a ranking says: correct sentences for one, two and more settings, and no claim that it cannot make."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.tables import ranked, study
from descent.analysis import wording
from descent.analysis.ranking import rankings
from descent.analysis.sentences import headline, overall, sentences

NO_SEARCH = "No search: this is about these settings, and only descriptive of what tuning would make of them."
NOISE = np.random.default_rng(0).random(10)
STEP = np.exp(0.5 * np.tile([0.99, 1.01], 5))  # ratios


def said(losses, metric="train/loss", tuning=None, **columns):
    return sentences(ranked(losses, metric, tuning, **columns))


def test_two_settings_one_of_which_is_better():
    assert said({"adam": NOISE, "sgd": NOISE * STEP}) == [
        "adam is best: training loss 1.65 times lower than sgd's (1.64 to 1.65), n = 10.",
        NO_SEARCH,
    ]


def test_ranks_are_said_of_more_than_two():
    losses = {"adam": NOISE, "nadam": NOISE * np.tile([1.001, 0.999], 5), "sgd": NOISE * STEP}
    first, ranks, equal, _ = said(losses)
    assert first.startswith("No best in training loss: ")
    assert (
        first.endswith(" are beaten by nobody; nadam better than sgd, 1.65 times lower (1.64 to 1.65), n = 10.")
        or "adam better" in first
    )
    assert ranks == "Ranks: adam =1, nadam =1 and sgd 3."
    assert equal.startswith("Equal within 10 %: ")


def test_what_is_not_told_apart_is_never_said_to_be_equal():
    losses = {name: np.random.default_rng(seed).random(10) for seed, name in enumerate(("adam", "sgd", "muon"))}
    first, *more = said(losses)
    assert first.startswith("Not told apart in training loss: ")
    assert "seeds would show a difference of 10 %" in " ".join(more)
    assert "10 seeds cannot show equality within 10 % here." in more
    assert "equal" not in first


def test_failures_are_counted():
    text = said({"adam": NOISE + 2, "wild": [math.inf] * 9 + [9.0]})
    assert text[0].startswith("adam is best: training loss ")
    assert text[0].endswith("; failed on 0 of 10 seeds, wild on 9), n = 10.")
    failed = "Some runs failed: wild (9 of 10 diverged; 95 % interval 0.60 to 0.98). "
    assert failed + "A failure counts as the pair's largest difference." in text


def test_missing_seeds_are_named():
    losses = pd.concat([study({"adam": NOISE}), study({"sgd": NOISE * STEP}, [1, 2, 3, 4, 5, 6, 7, 8, 11, 12])])
    text = said(losses)
    assert "Seeds are missing: 11 and 12 for adam; 9 and 10 for sgd. Differences are over the seeds that both have." in text
    assert text[0].startswith("Descriptive only (n = 10; no two have 10 seeds in common): ")
    few = said(pd.concat([study({"adam": NOISE, "sgd": NOISE * STEP}), study({"late": [1.0]})]))
    assert few[0].startswith("adam is best: ")
    assert any(text.startswith("Fewer than ten common seeds, not tested: ") and "late" in text for text in few)


def test_copies_are_said():
    text = said({"asgd": [0.000163] * 10, "sgd": [0.000164] * 10})
    assert text[0].startswith("Descriptive only (n = 10; values repeat over seeds): asgd has the lowest median training loss, ")
    assert "Values repeat over seeds, not tested: asgd with sgd." in text


def test_a_floor_and_other_engines_are_said():
    text = said({"adam": [0.0, *NOISE[1:]], "sgd": 1 + NOISE}, floor=1e-7)
    assert "1 values below 1e-07 are compared as 1e-07: they are 0 but for rounding." in text
    runs = pd.concat([study({"adam": NOISE, "sgd": 1 + NOISE}), study({"adam": NOISE}, engine="numpy")], ignore_index=True)
    assert "10 runs of other engines are not counted: those of torch stand for the same candidates." in said(runs)
    runs = pd.concat([study({"sgd": 1 + NOISE}), study({"adam": NOISE}, engine="numpy")], ignore_index=True)
    assert "Runs are of the engines numpy and torch: their seconds are not comparable." in said(runs)


@pytest.mark.parametrize(("searches", "opening"), [(1, "One search: this is about the settings that it"), (3, "")])
def test_few_searches_are_descriptive_of_others(searches, opening):
    tables = [study({f"adam@{s}": NOISE, f"sgd@{s}": NOISE * STEP * (1 + s / 1e4)}, search=s) for s in range(1, searches + 1)]
    text = said(pd.concat(tables, ignore_index=True))
    assert text[0].startswith("adam is best: ")
    expected = [f"{opening} found, and only descriptive of what another would find; 3 would tell."] if opening else []
    assert [sentence for sentence in text if "descriptive" in sentence] == expected
    lines = headline(rankings(pd.concat(tables, ignore_index=True)))
    about = "Tuned by one search: this is about the settings found, not about the optimizers; 3 searches would tell."
    assert (about in lines) == bool(opening)


def test_a_report_says_who_is_best_how_often_and_what_holds():
    runs = [study({"adam": NOISE, "sgd": NOISE * STEP}, problem=name) for name in ("one", "two")]
    computed = rankings(pd.concat(runs, ignore_index=True))
    lines = [*headline(computed), *overall(computed)]
    assert lines[0] == "adam is best in one, full and two, full: training loss 1.65 times lower than the next, n = 10."
    assert "at most 5 % of reports hold a false better" in lines[1]
    assert overall(rankings(study({"adam": NOISE[:3], "sgd": NOISE[:3]}))) == []


def test_one_setting_has_nothing_to_be_compared_with():
    assert said({"adam": [1.0, 2.0, 4.0]}) == [
        "Only adam was run (n = 3): there is nothing to compare it with.",
        "Its median training loss, with the range over seeds, is 2 (1 to 4).",
    ]


def test_below_ten_seeds_it_is_descriptive():
    sentences = said({"adam": [0.012, 0.010, 0.015], "sgd": [0.51, 0.48, 0.55]})
    assert sentences == [
        "Descriptive only (n = 3; a test takes 10 seeds): adam has the lowest median training loss, 0.012 (0.01 to 0.015); "
        "sgd 0.51 (0.48 to 0.55).",
        "In brackets the range over seeds.",
        NO_SEARCH,
    ]
    assert not any(word in " ".join(sentences) for word in ("beat", "better", "significant", "indistinguishable"))


def test_a_shared_best_median_and_accuracies():
    runs = study({"adam": [0.9], "sgd": [0.9], "muon": [0.8]}, metric="val/accuracy")
    runs["final:val/accuracy"] = runs["final:train/loss"]
    head = "Descriptive only (n = 1; a test takes 10 seeds): adam and sgd share the highest median validation accuracy, "
    head += "0.9; muon 0.8."
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
        "Descriptive only (n = 3; a test takes 10 seeds): adam has the lowest median training loss, 2 (1 to 2; 1 of 3 diverged); "
        "sgd none (2 of 3 diverged)."
    )
    assert said({"adam": losses["sgd"], "sgd": losses["sgd"]})[0] == (
        "Descriptive only (n = 3; a test takes 10 seeds): runs diverged too often for a median training loss: "
        "adam none (2 of 3 diverged) and sgd none (2 of 3 diverged)."
    )


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


def test_settings_without_common_seeds():
    apart = pd.concat([study({"a": NOISE}), study({"b": NOISE}, range(20, 30))])
    assert said(apart)[0].startswith("Descriptive only (n = 10; no two have 10 seeds in common): a and b share the lowest")


def test_unequal_budgets_get_no_ranking():
    runs = study({"adam": NOISE, "sgd": NOISE + 1})
    runs.loc[runs["optimizer"] == "adam", "tuning"] = "small"
    assert said(runs) == ["No ranking: tuning budgets differ (adam: small; sgd: default). Only equal budgets are ranked."]


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
