"""Rankings: what is compared, who is better than whom, and what is refused."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.tables import ranked, study
from descent.analysis import selection, sensitivity
from descent.analysis.paired_tests import Answer
from descent.analysis.ranking import POINTS, RATIO, rankings

NOISE = 1 + 0.1 * np.random.default_rng(0).random(10)


def answers(ranking):
    return {(pair.one, pair.other): pair.answer for pair in ranking.finding.pairs}


def test_losses_are_compared_by_their_ratios_at_a_margin_of_a_tenth():
    result = ranked({"adam": NOISE, "sgd": 2 * NOISE, "nadam": NOISE * np.tile([1.001, 0.999], 5)})
    assert result.finding.best == ""
    assert result.terms.margin == pytest.approx(math.log(RATIO))
    assert answers(result)["adam", "sgd"] is Answer.BETTER
    assert {Answer.EQUAL, Answer.BETTER} == set(answers(result).values())
    (pair,) = [pair for pair in result.finding.pairs if {pair.one, pair.other} == {"adam", "sgd"}]
    assert math.exp(pair.difference) == pytest.approx(2)
    assert result.table["first"].to_dict() == {"adam": 1, "nadam": 1, "sgd": 3}
    assert result.table["last"].to_dict() == {"adam": 2, "nadam": 2, "sgd": 3}
    assert result.beats.loc["adam", "sgd"]
    assert not result.beats.loc["sgd", "adam"]


def test_a_margin_is_the_problem_s_own_where_it_gives_one():
    assert ranked({"adam": NOISE, "sgd": NOISE}, margin=1.5).terms.margin == pytest.approx(math.log(1.5))


def test_high_accuracies_win_by_points():
    runs = study({"adam": np.linspace(0.9, 0.95, 10), "sgd": np.linspace(0.8, 0.85, 10)}, metric="val/accuracy")
    runs["final:val/accuracy"] = runs.pop("final:train/loss")
    result = ranked(runs, "val/accuracy")
    assert (result.candidates, answers(result)) == (["adam", "sgd"], {("adam", "sgd"): Answer.BETTER})
    assert result.finding.pairs[0].difference == pytest.approx(0.1)
    assert result.terms.margin == pytest.approx(POINTS / 100)


def test_failures_enter_the_test_as_the_worst():
    pair = ranked({"adam": np.arange(2.0, 12), "wild": [math.inf] * 7 + [0.1, 0.2, 0.3]}).finding.pairs[0]
    assert (pair.one, pair.failures, pair.answer) == ("adam", (0, 7), Answer.OPEN)
    pair = ranked({"adam": np.arange(2.0, 12), "wild": [math.inf] * 9 + [9.0]}).finding.pairs[0]
    assert (pair.one, pair.failures, pair.answer) == ("adam", (0, 9), Answer.BETTER)


def test_survivors_do_not_win():
    losses = {"adam": [math.inf] * 4 + [0.1] * 10, "sgd": list(1 + np.arange(14) / 10)}
    (pair,) = ranked(losses).finding.pairs
    assert pair.answer not in (Answer.BETTER, Answer.EQUAL)
    losses = {"adam": [math.inf] + [0.1] * 13, "sgd": list(1 + np.arange(14) / 10)}
    (pair,) = ranked(losses).finding.pairs
    assert (pair.one, pair.answer) == ("adam", Answer.FAILED_MORE)


def test_stalled_runs_are_failures():
    runs = study({"adam": np.arange(2.0, 12), "stuck": [2.3] * 10})
    runs.loc[runs["optimizer"] == "stuck", "status"] = "stalled"
    pair = ranked(runs).finding.pairs[0]
    assert (pair.one, pair.answer, pair.failures) == ("adam", Answer.BETTER, (0, 10))


def test_fewer_than_ten_seeds_are_descriptive():
    result = ranked({"adam": 1 + np.arange(9.0), "sgd": np.arange(9.0) + 5})
    assert (result.tested, result.untested) == (False, "seeds")
    assert set(answers(result).values()) == {Answer.FEW}
    assert result.table["last"].tolist() == [2, 2]


def test_values_that_repeat_over_seeds_are_not_tested():
    result = ranked({"asgd": [0.000163] * 10, "sgd": [0.0001631] * 10})
    assert (result.tested, result.untested) == (False, "repeated")


def test_a_pair_with_few_common_seeds_is_not_tested():
    losses = {"adam": 1 + np.arange(12.0), "sgd": np.arange(12.0) + 5}
    result = ranked(pd.concat([study(losses), study({"late": 1 + np.arange(12.0)}, range(5, 17))]))
    few = {frozenset(names) for names, answer in answers(result).items() if answer is Answer.FEW}
    assert few == {frozenset(("adam", "late")), frozenset(("sgd", "late"))}
    apart = ranked(pd.concat([study({"a": 1 + np.arange(10.0)}), study({"b": 1 + np.arange(10.0)}, range(20, 30))]))
    assert (apart.tested, apart.untested) == (False, "seeds")


def test_unequal_tuning_budgets_are_refused():
    runs = study({"adam": 1 + np.arange(10.0), "sgd": np.arange(10.0) + 5})
    result = ranked(runs.assign(tuning=np.where(runs["optimizer"] == "adam", "small", "default")))
    assert result.refused == "tuning budgets differ (adam: small; sgd: default)"
    assert result.finding.pairs == ()


def test_several_settings_of_an_optimizer_are_picked_on_tuning_runs_or_not_tested():
    losses = {"adam@0.1": 1 + np.arange(10.0), "adam@0.2": np.arange(10.0) + 2, "sgd": np.arange(10.0) + 5}
    seen = ranked(losses)
    assert (seen.tested, seen.untested, seen.picked) == (False, "picked", {"adam": "adam full lr=0.1"})
    tuning = study({"adam@0.1": [9.0, 9, 9], "adam@0.2": [1.0, 1, 1]}, range(100, 103), stage="selection")
    held = ranked(losses, tuning=tuning)
    assert (held.tested, held.picked) == (True, {})
    assert held.runs.loc[held.runs["optimizer"] == "adam", "lr"].unique().tolist() == [0.2]


def test_searches_are_repetitions_of_one_candidate():
    rng = np.random.default_rng(0)
    computed = [study({f"adam@{s}": 1 + rng.random(10), f"sgd@{s}": rng.random(10) + 9 + s}, search=s) for s in (1, 2, 3)]
    result = ranked(pd.concat(computed).assign(tuning="small"))
    assert (result.candidates, result.searches, result.picked, result.table["n"].tolist()) == (["adam", "sgd"], 3, {}, [30, 30])
    (pair,) = result.finding.pairs
    logs = [np.log(table["final:train/loss"].to_numpy()) for table in computed]
    means = [log[10:].mean() - log[:10].mean() for log in logs]
    reach = 4.302653 * np.std(means, ddof=1) / math.sqrt(3)  # t(.975, 2): three searches, not thirty runs
    assert pair.high >= np.mean(means) + reach - 1e-6
    assert pair.low <= np.mean(means) - reach + 1e-6
    assert (pair.n, pair.answer) == (10, Answer.BETTER)


def test_runs_of_another_engine_that_repeat_torch_s_do_not_count():
    torch = study({"adam": NOISE, "sgd": 2 * NOISE})
    both = pd.concat([torch, study({"adam": NOISE}, engine="numpy", setting="adam numpy")], ignore_index=True)
    result = ranked(both)
    assert (result.repeated, result.table["n"].tolist(), result.picked) == (10, [10, 10], {})
    alone = pd.concat([torch[torch["optimizer"] == "sgd"], study({"adam": NOISE}, engine="numpy")], ignore_index=True)
    assert (ranked(alone).repeated, ranked(alone).finding.best) == (0, "adam")


def test_one_family_a_report_on_each_problem_s_own_metric():
    first = study({"adam": NOISE, "sgd": NOISE * np.exp(0.3 * np.random.default_rng(1).normal(0.8, 1, 10))})
    alone = ranked(first).finding.pairs[0].p
    rng = np.random.default_rng(2)
    others = [study({name: np.exp(rng.normal(size=10)) for name in "abcdef"}, problem=f"p{k}") for k in range(3)]
    computed = rankings(pd.concat([first, *others], ignore_index=True))
    assert computed[0].finding.pairs[0].p > alone
    first["final:val/loss"] = first["final:train/loss"]
    secondary = ranked(first, "val/loss")
    assert (secondary.untested, secondary.finding.pairs) == ("secondary", ())
    asked = rankings(first, "val/loss")
    assert [(one.metric_name, one.tested) for one in asked] == [("val/loss", True)]


def test_groups_that_differ_are_ranked_apart_and_named():
    wide = pd.concat([study({"sgd": NOISE}, variant="width=16"), study({"adam": NOISE}, variant="width=32")])
    assert [(one.batch, one.untested) for one in rankings(wide)] == [("full, width=16", "alone"), ("full, width=32", "alone")]


def test_a_loss_at_rounding_has_a_floor():
    result = ranked({"adam": [0.0, -1e-17, *NOISE[2:]], "sgd": 2 * NOISE}, floor=1e-7)
    assert result.floored == 2
    assert all(math.isfinite(value) for value in (result.finding.pairs[0].difference, result.finding.pairs[0].high))


def test_a_study_is_ranked_by_problem_batch_and_quantity():
    one = study({"adam": [1.0], "sgd": [2.0]})
    one["final:val/loss"] = 1.0
    gap = study({"adam": [1.0], "sgd": [2.0]}, problem="quadratic", metric="train/gap")
    gap["final:train/gap"] = 1.0
    mini = study({"adam": [1.0]}, batch="mini", batch_size=32.0)
    tuning = study({"adam": [1.0]}, problem="other", stage="search")
    computed = [(r.problem, r.batch, r.metric_name) for r in rankings(pd.concat([one, gap, mini, tuning]))]
    assert computed == [
        ("digits", "full", "train/loss"),
        ("digits", "full", "val/loss"),
        ("digits", "mini (32)", "train/loss"),
        ("quadratic", "full", "train/gap"),
    ]


def test_a_problem_s_own_metric_is_ranked_by_where_it_speaks_of_that():
    def computed(metric, *measured):
        return selection.ranked_metrics(pd.DataFrame({"metric": [metric], **{f"final:{name}": [1.0] for name in measured}}))

    assert computed("train/loss", "train/gap", "train/loss", "val/accuracy") == ["train/loss", "val/accuracy"]
    assert computed("val/accuracy", "train/loss", "train/gap", "val/loss", "val/accuracy") == ["train/gap", "val/accuracy"]
    assert computed("train/loss", "train/loss") == ["train/loss"]


def test_candidates_are_named_by_what_tells_them_apart():
    cosine = study({"adam": [1.0]}, schedule="cosine")
    runs, _ = selection.choose(pd.concat([study({"adam": [1.0]}), cosine]), "train/loss")
    assert sorted(runs["candidate"]) == ["adam (constant)", "adam (cosine)"]


def test_tolerance_is_the_range_of_learning_rates_near_the_best():
    losses = {"sgd@0.001": [9.0], "sgd@0.01": [1.9], "sgd@0.1": [1.0], "sgd@1": [2.1], "sgd@10": [math.inf], "adam@1": [1.0]}
    row = sensitivity.tolerance(study(losses), "train/loss").iloc[0]
    assert (row["sweep"], row["lrs"], row["best"], row["low"], row["high"]) == ("sgd full", 5, 0.1, 0.01, 0.1)
    assert (row["decades"], row["open"], row["edge"]) == (pytest.approx(1), False, "")
    wide = sensitivity.tolerance(study(losses), "train/loss", factor=10.0).iloc[0]
    assert (wide["decades"], wide["open"]) == (pytest.approx(3), True)
    stalled = study(losses)
    stalled.loc[stalled["lr"] == 0.01, "status"] = "stalled"  # a failure, whatever its loss
    assert sensitivity.tolerance(stalled, "train/loss").iloc[0]["low"] == 0.1
    beyond = study(losses)
    beyond["setting"] += beyond["optimizer"].where(beyond["lr"] != 0.1, "other")
    twice = pd.concat([beyond, beyond.assign(setting="momentum=.9")])  # something else differs, too: no sweep of lr alone
    assert sensitivity.tolerance(twice, "train/loss").empty


def test_a_best_value_in_the_outer_tenth_of_a_range_is_flagged():
    tried = np.array([1e-3, 1e-2, 1e-1, 1.0, 10.0])
    assert [sensitivity.edge(tried, best) for best in tried] == ["low", "", "", "", "high"]
    assert sensitivity.edge(np.array([1.0, 5.0, 7.0, 10.0]), 8.0) == "high"  # log 8 / log 10 > .9
    assert sensitivity.edge(np.array([0.1, 1.0]), 1.0) == ""
    runs = study({"sgd@0.1": [3.0], "sgd@1": [2.0], "sgd@10": [1.0], "adam@1": [1.0]})
    assert sensitivity.edges(runs, "train/loss") == {"sgd": (10.0, "high", 0.1, 10.0)}
    assert ranked(runs).edges == {"sgd": (10.0, "high", 0.1, 10.0)}


def profiled(problems):
    """On problem p, adam takes 10 steps and sgd 10 (p + 1)."""
    tables = []
    for p in range(problems):
        table = study({"adam": [0.0], "sgd": [0.0]}, problem=f"p{p}")
        table["time:steps"] = [10.0, 10.0 * (p + 1)]
        tables.append(table)
    return pd.concat(tables)


def test_a_profile_equals_its_definition():
    (profile,) = sensitivity.profiles(profiled(5), "steps")
    assert profile.table.index.tolist() == [1, 2, 3, 4]
    assert profile.table["adam"].tolist() == [1, 1, 1, 1]
    assert profile.table["sgd"].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8])
    never = profiled(5)
    never.loc[never["problem"] == "p4", "time:steps"] = math.inf  # a problem that none solves counts, for none
    assert sensitivity.profiles(never, "steps")[0].table["adam"].tolist() == pytest.approx([0.8] * 4)


def test_a_profile_of_four_problems_is_refused():
    (profile,) = sensitivity.profiles(profiled(4), "steps")
    assert profile.refused == "A performance profile needs 5 problems with a target on which all ran; full has 4."
