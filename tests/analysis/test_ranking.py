"""Rankings: who may claim to beat whom, how often identical optimizers seem to differ, and what is refused."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from descent.analysis import pairs, selection, sensitivity
from descent.analysis.ranking import rank, rankings


def study(losses, seeds=None, **columns):
    """A table of runs: one optimizer a key, its losses over seeds; infinite ones diverged."""
    rows = []
    for name, values in losses.items():
        optimizer, _, lr = name.partition("@")
        for seed, value in zip(itertools.count(1) if seeds is None else seeds, values, strict=False):
            row = {"problem": "digits", "batch": "full", "batch_size": math.nan, "optimizer": optimizer, "schedule": "constant"}
            row |= {"engine": "torch", "tuning": "default", "scramble": 0, "stage": "final", "metric": "train/loss"}
            row |= {"setting": name, "name": f"{optimizer} full lr={lr or 0.1}", "lr": float(lr or 0.1), "seed": seed}
            row |= {"status": "finished" if math.isfinite(value) else "diverged", "final:train/loss": value}
            rows.append(row | {"examples": 1000.0, "gradient_evaluations": 1000.0, "time:steps": math.nan} | columns)
    return pd.DataFrame(rows)


def simulate(rng, settings, seeds, shifts=()):
    """Skewed losses with effects that all settings of a seed share; `shifts` are factors of the first settings."""
    common = rng.lognormal(0, 1, size=(seeds, 1))
    losses = common * rng.lognormal(-2, 0.5, size=(seeds, settings))
    losses[:, : len(shifts)] *= shifts
    index = pd.MultiIndex.from_product([[0], range(seeds)], names=["scramble", "seed"])
    value = pd.DataFrame(losses, index, [f"o{i}" for i in range(settings)])
    return value, pd.DataFrame(0.0, value.index, value.columns)


def claims(value, failed):
    """Whether anything is claimed of a table."""
    family, _ = pairs.plan(failed)
    return family, pairs.compare(value, failed, family, "o0", high=False)


@pytest.mark.slow
@pytest.mark.parametrize(("settings", "seeds", "family"), [(8, 10, "reference"), (8, 11, "all"), (4, 10, "all")])
def test_identical_optimizers_seldom_seem_to_differ(settings, seeds, family):
    rng, repetitions, alarms = np.random.default_rng(0), 400, 0
    for _ in range(repetitions):
        planned, found = claims(*simulate(rng, settings, seeds))
        assert planned == family
        alarms += (found["winner"] != "").any()
    assert binom.cdf(alarms, repetitions, 0.05) < 0.999  # no more than chance makes of a rate of .05: fewer than 35 of 400
    assert alarms > 0  # nor is it that nothing is ever claimed


@pytest.mark.slow
def test_identical_optimizers_that_fail_at_times_seldom_seem_to_differ():
    rng, repetitions, alarms = np.random.default_rng(0), 400, 0
    for _ in range(repetitions):
        value, failed = simulate(rng, 5, 11)
        hard = rng.random((11, 1))  # some seeds are, for all
        failed[:] = (rng.random(failed.shape) < hard).astype(float)
        _, found = claims(value.where(failed == 0), failed)
        alarms += (found["winner"] != "").any()
    assert binom.cdf(alarms, repetitions, 0.05) < 0.999


@pytest.mark.slow
def test_searches_that_found_settings_by_luck_seldom_make_a_difference():
    rng, repetitions, alarms = np.random.default_rng(0), 200, 0
    for _ in range(repetitions):
        tables = [simulate(rng, 3, 10, rng.lognormal(0, 1, size=3))[0] for _ in range(3)]  # what a search found differs
        value = pd.concat([table.droplevel("scramble") for table in tables], keys=[1, 2, 3], names=["scramble"])
        _, found = claims(value, value * 0)
        alarms += (found["winner"] != "").any()
    assert binom.cdf(alarms, repetitions, 0.05) < 0.999  # by the seeds alone, most of these differ


@pytest.mark.parametrize(("settings", "seeds"), [(8, 10), (8, 11)])
def test_a_real_difference_is_found(settings, seeds):
    rng, found = np.random.default_rng(0), 0
    for _ in range(100):
        _, table = claims(*simulate(rng, settings, seeds, shifts=(10.0,)))
        ours = table[(table["one"] == "o0") | (table["other"] == "o0")]
        found += (ours["winner"] == "o1").sum()
        assert (ours["winner"] != "o0").all()
    assert found > 90


def test_pairs_equal_hand_computed_values():
    ours, theirs = np.arange(1.0, 11), np.arange(1.0, 11) + [1, 2] * 5  # differences 1 and 2, five each
    result = rank(study({"adam": ours, "sgd": theirs}), "train/loss")
    pair = result.pairs.iloc[0]
    reach = 2.262157 * math.sqrt(2.5 / 9 / 10)  # t(.975, 9) of any table
    assert (pair["one"], pair["other"], pair["n"], pair["seeds"], pair["ahead"]) == ("adam", "sgd", 10, 10, 10)
    assert (pair["difference"], pair["low"], pair["high"]) == pytest.approx((1.5, 1.5 - reach, 1.5 + reach))
    assert (pair["p"], pair["winner"], pair["by"]) == (pytest.approx(2 / 2**10), "adam", "value")
    assert math.isnan(pair["p_failures"])  # neither failed: nothing to test, nothing to correct for


def test_high_accuracies_win():
    runs = study({"adam": np.linspace(0.9, 0.95, 10), "sgd": np.linspace(0.8, 0.85, 10)}, metric="val/accuracy")
    runs["final:val/accuracy"] = runs.pop("final:train/loss")
    result = rank(runs, "val/accuracy")
    assert (result.entries, result.pairs["winner"].tolist()) == (["adam", "sgd"], ["adam"])
    assert result.pairs["difference"].iloc[0] == pytest.approx(0.1)


def test_failures_are_compared_before_values():
    losses = {"adam": np.arange(2.0, 12), "wild": [math.inf] * 8 + [0.1, 0.2]}  # better where it finishes
    pair = rank(study(losses), "train/loss").pairs.iloc[0]
    assert (pair["winner"], pair["by"]) == ("adam", "failures")
    assert (pair["p_failures"], pair["n"]) == (pytest.approx(2 / 2**8), 2)
    assert {pair["one"]: pair["one_failed"], pair["other"]: pair["other_failed"]} == {"adam": 0, "wild": 8}
    assert math.isnan(pair["p"])  # of two pairs no p-value is below .05


def test_who_fails_more_often_loses_though_it_is_better_elsewhere():
    losses = {"adam": np.arange(2.0, 22), "wild": [math.inf] * 8 + [0.1] * 12}
    pair = rank(study(losses), "train/loss").pairs.iloc[0]
    assert (pair["winner"], pair["by"]) == ("adam", "failures")
    assert max(pair["p"], pair["p_failures"]) < 0.05


def test_stalled_runs_are_failures():
    runs = study({"adam": np.arange(2.0, 12), "stuck": [2.3] * 10})
    runs.loc[runs["optimizer"] == "stuck", "status"] = "stalled"
    pair = rank(runs, "train/loss").pairs.iloc[0]
    assert (pair["winner"], pair["by"], pair["n"]) == ("adam", "failures", 0)


def test_a_few_failures_leave_the_values_to_decide():
    noise = np.random.default_rng(0).random(12)
    pair = rank(study({"adam": noise, "sgd": [math.inf, *(noise[1:] + 1)]}), "train/loss").pairs.iloc[0]
    assert (pair["winner"], pair["by"], pair["n"], pair["seeds"]) == ("adam", "value", 11, 12)
    assert pair["difference"] == pytest.approx(1)


def test_ties_are_ties_also_where_they_are_not_transitive():
    base = np.random.default_rng(0).random(12)
    losses = {"a": base, "b": base + [-1.5, 2.5] * 6, "c": base + 1}  # b is between, and noisy
    result = rank(study(losses), "train/loss")
    assert set(zip(result.pairs["one"], result.pairs["other"], result.pairs["winner"], strict=True)) >= {("a", "c", "a")}
    assert result.table["first"].to_dict() == {"a": 1, "b": 1, "c": 2}
    assert result.table["last"].to_dict() == {"a": 2, "b": 3, "c": 3}


def test_what_follows_from_claims_is_claimed_and_a_circle_is_none():
    def found(*wins):
        return pairs.order(pd.DataFrame(wins, columns=["one", "other", "winner"]), ["a", "b", "c"])

    assert found(("a", "b", "a"), ("b", "c", "b"), ("a", "c", "")).tolist() == [[0, 1, 1], [0, 0, 1], [0, 0, 0]]
    assert not found(("a", "b", "a"), ("b", "c", "b"), ("a", "c", "c")).any()


def test_fewer_than_ten_seeds_are_descriptive():
    result = rank(study({"adam": np.arange(9.0), "sgd": np.arange(9.0) + 5}), "train/loss")
    assert (result.family, result.untested) == ("", "seeds")
    assert result.pairs["p"].isna().all()
    assert (result.pairs["winner"] == "").all()
    assert result.table["last"].tolist() == [2, 2]


def test_the_family_depends_on_how_many_seeds_there_are():
    def family(settings, seeds):
        return pairs.plan(simulate(np.random.default_rng(0), settings, seeds)[1])

    assert family(7, 10) == ("all", "")  # 21 / 2^9 < .05
    assert family(8, 10) == ("reference", "")  # 28 / 2^9 > .05
    assert family(8, 11) == ("all", "")
    assert family(30, 10) == ("", "many")
    assert family(1, 10) == ("", "alone")
    assert pairs.seeds_for(28) == 11


def test_a_pair_with_few_common_seeds_is_not_tested():
    runs = pd.concat(
        [study({"adam": np.arange(12.0), "sgd": np.arange(12.0) + 5}), study({"late": np.arange(12.0)}, range(5, 17))]
    )
    result = rank(runs, "train/loss")
    tested = {frozenset((row.one, row.other)): not math.isnan(row.p) for row in result.pairs.itertuples()}
    assert tested == {frozenset(("adam", "sgd")): True, frozenset(("adam", "late")): False, frozenset(("sgd", "late")): False}
    apart = rank(pd.concat([study({"a": np.arange(10.0)}), study({"b": np.arange(10.0)}, range(20, 30))]), "train/loss")
    assert (apart.family, apart.untested) == ("", "apart")


def test_unequal_budgets_are_refused():
    runs = study({"adam": np.arange(10.0), "sgd": np.arange(10.0) + 5})
    tuned = runs.assign(tuning=np.where(runs["optimizer"] == "adam", "small", "default"))
    result = rank(tuned, "train/loss")
    assert result.refused == "tuning budgets differ (adam: small; sgd: default)"
    assert (result.pairs["winner"] == "").all()
    longer = runs.assign(examples=np.where(runs["optimizer"] == "adam", 2000.0, 1000.0))
    assert rank(longer, "train/loss").refused == "training budgets differ (1,000, 2,000 examples)"
    timed = runs.assign(examples=np.arange(20.0))  # max_seconds
    assert rank(timed, "train/loss").refused == ""
    stopped = longer.assign(status=np.where(runs["optimizer"] == "sgd", "diverged", "finished"))
    assert rank(stopped, "train/loss").refused == ""


def test_several_settings_of_an_optimizer_are_picked_on_tuning_runs_or_not_tested():
    losses = {"adam@0.1": np.arange(10.0), "adam@0.2": np.arange(10.0) + 1, "sgd": np.arange(10.0) + 5}
    seen = rank(study(losses), "train/loss")
    assert (seen.family, seen.untested, seen.picked) == ("", "picked", {"adam": "adam full lr=0.1"})
    tuning = study({"adam@0.1": [9.0, 9, 9], "adam@0.2": [1.0, 1, 1]}, range(100, 103), stage="selection")
    held = rank(study(losses), "train/loss", tuning)
    assert (held.family, held.picked) == ("all", {})
    assert held.runs.loc[held.runs["optimizer"] == "adam", "lr"].unique().tolist() == [0.2]


def test_the_reference_is_never_the_best_of_the_runs_compared():
    runs = study({"zeta": [1.0], "sgd": [2.0], "beta": [3.0]})
    assert rank(runs, "train/loss").reference == "sgd"
    assert rank(runs[runs["optimizer"] != "sgd"], "train/loss").rule == "first"
    assert rank(runs[runs["optimizer"] != "sgd"], "train/loss").reference == "beta"
    assert (rank(runs, "train/loss", named="beta").reference, rank(runs, "train/loss", named="none").reference) == ("beta", "sgd")
    tuning = study({"zeta": [5.0], "sgd": [4.0], "beta": [0.1, 0.2, math.inf]}, range(100, 103), stage="selection")
    trials = study({"zeta": [-10.0]}, [200], stage="search")
    assert rank(runs, "train/loss", pd.concat([tuning, trials])).rule == "tuning"
    assert rank(runs, "train/loss", pd.concat([tuning, trials])).reference == "beta"
    assert rank(runs, "train/loss", trials).reference == "zeta"


def test_a_reference_has_seeds_enough_where_any_has():
    runs = pd.concat([study({f"o{i}": np.random.default_rng(i).random(10) for i in range(8)}), study({"sgd": [1.0, 2.0]})])
    result = rank(runs, "train/loss")
    assert (result.reference, result.family) == ("o0", "reference")


def test_searches_are_repetitions_of_one_entry():
    rng = np.random.default_rng(0)
    found = [study({f"adam@{s}": rng.random(10), f"sgd@{s}": rng.random(10) + 9 + s}, scramble=s) for s in (1, 2, 3)]
    result = rank(pd.concat(found).assign(tuning="small"), "train/loss")
    assert (result.entries, result.searches, result.picked, result.table["n"].tolist()) == (["adam", "sgd"], 3, {}, [30, 30])
    pair = result.pairs.iloc[0]
    means = [table["final:train/loss"][10:].mean() - table["final:train/loss"][:10].mean() for table in found]
    reach = 4.302653 * np.std(means, ddof=1) / math.sqrt(3)  # t(.975, 2): three searches, not thirty runs
    assert (pair["low"], pair["high"]) == pytest.approx((np.mean(means) - reach, np.mean(means) + reach), rel=1e-5)
    assert (pair["seeds"], pair["n"], pair["winner"]) == (10, 30, "adam")


def test_a_study_is_ranked_by_problem_batch_and_quantity():
    one = study({"adam": [1.0], "sgd": [2.0]})
    one["final:val/loss"] = 1.0
    gap = study({"adam": [1.0], "sgd": [2.0]}, problem="quadratic", metric="train/gap")
    gap["final:train/gap"] = 1.0
    mini = study({"adam": [1.0]}, batch="mini", batch_size=32.0)
    tuning = study({"adam": [1.0]}, problem="other", stage="search")
    found = [(r.problem, r.batch, r.quantity) for r in rankings(pd.concat([one, gap, mini, tuning]))]
    assert found == [
        ("digits", "full", "train/loss"),
        ("digits", "full", "val/loss"),
        ("digits", "mini (32)", "train/loss"),
        ("quadratic", "full", "train/gap"),
    ]


def test_a_problem_s_own_metric_is_ranked_by_where_it_speaks_of_that():
    def found(metric, *measured):
        return selection.quantities(pd.DataFrame({"metric": [metric], **{f"final:{name}": [1.0] for name in measured}}))

    assert found("train/loss", "train/gap", "train/loss", "val/accuracy") == ["train/loss", "val/accuracy"]
    assert found("val/accuracy", "train/loss", "train/gap", "val/loss", "val/accuracy") == ["train/gap", "val/accuracy"]
    assert found("train/loss", "train/loss") == ["train/loss"]


def test_entries_are_named_by_what_tells_them_apart():
    cosine = study({"adam": [1.0]}, schedule="cosine")
    runs, _ = selection.choose(pd.concat([study({"adam": [1.0]}), cosine]), "train/loss")
    assert sorted(runs["entry"]) == ["adam (constant)", "adam (cosine)"]


def test_time_to_target_is_infinite_where_most_never_came_there():
    runs = study({"adam": [0.0] * 4, "sgd": [0.0] * 4}).assign(entry=["adam"] * 4 + ["sgd"] * 4)
    runs["time:steps"] = [10.0, 20, 30, math.inf, 5, math.inf, math.inf, math.inf]
    table = sensitivity.time_to_target(runs, "steps")
    assert table["median"].to_dict() == {"adam": 25, "sgd": math.inf}
    assert table["reached"].tolist() == [3, 1]
    assert table.loc["sgd", "low"] == pytest.approx(0.0456, abs=1e-4)
    assert sensitivity.time_to_target(runs.assign(**{"time:steps": math.nan}), "steps").empty


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
    assert rank(runs, "train/loss").edges == {"sgd": (10.0, "high", 0.1, 10.0)}


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
