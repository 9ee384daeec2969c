"""Rankings, p-values, intervals and tables of synthetic studies are the numbers that an earlier tree computed.

`PYTHONPATH=src:tests python tests/golden/test_comparison.py` writes `comparison.json`, where a change is intended.
"""

import json
import math
import random
import tempfile
from dataclasses import asdict
from pathlib import Path

import pytest
from studies import GRID, write_run

GOLDEN = Path(__file__).with_name("comparison.json")
PAIR = ("answer", "n", "ahead", "p", "p_equal", "difference", "low", "high", "interval", "typical", "seeds", "equal_within")


def numbers(study, metric=None):
    """Compare the runs of a study; return rankings, pairs and the summary as a flat mapping of names to values."""
    from descent.analysis.load import load
    from descent.analysis.summary import frame
    from descent.analysis.verdicts import judge

    compared = judge(load(study), metric)
    computed = {}
    for verdict in compared.verdicts:
        ranking = verdict.ranking
        name = f"{ranking.problem} {ranking.batch} {ranking.metric_name}"
        computed[f"{name}: order"] = " ".join(ranking.candidates)
        computed[f"{name}: best"] = ranking.finding.best
        computed[f"{name}: untested"] = ranking.untested
        computed[f"{name}: refused"] = bool(ranking.refused)
        computed[f"{name}: picked"] = " ".join(sorted(ranking.picked))
        for candidate, row in ranking.table.iterrows():
            computed |= {f"{name} {candidate}: {column}": value for column, value in row.items()}
        for pair in map(asdict, ranking.finding.pairs):
            computed |= {f"{name} {pair['one']}, {pair['other']}: {column}": pair[column] for column in PAIR}
    runs = compared.study.runs.drop_duplicates("name").set_index("name")
    summary, metrics = frame(compared), [verdict.ranking.metric_name for verdict in compared.verdicts]
    for row in summary[summary["metric"].isin(metrics)].to_dict("records"):
        run = runs.loc[row["setting"]]
        name = f"{row['problem']} {row['batch']} {row['metric']} {run['optimizer']} lr={run['lr']:g}"
        cells = {key: value for key, value in row.items() if isinstance(value, (int, float)) and key != "batch_size"}
        computed |= {f"{name}: summary {key}": value for key, value in cells.items()}
    return {key: value.item() if hasattr(value, "item") else value for key, value in computed.items()}


def write_runs(study, optimizers, seeds, *, lr=0.1, digits=6, first=1, spread=0.3, problem="digits_mlp", **changes):
    """Write runs whose last loss is the optimizer's own times an effect of the seed and a random one.

    Args:
        optimizers: the typical last loss of each.
        digits: that losses are rounded to; few give ties.
        changes: keys of the results.
    """
    for optimizer, level in optimizers.items():
        for seed in range(first, first + seeds):
            draw = random.Random(f"{problem} {optimizer} {lr} {seed}").uniform(-spread, spread)
            last = round(level * (1 + 0.2 * math.sin(seed) + draw), digits)
            losses = tuple(last + round(1 / (1 + step) - 1 / 9, 6) for step in GRID)
            write_run(study, problem=problem, optimizer=optimizer, lr=lr, seed=seed, losses=losses, **changes)


def three_seeds(study):
    write_runs(study, {"sgd": 0.5, "adam": 0.2}, 3)


def ties(study):
    write_runs(study, {"sgd": 0.4, "adam": 0.4, "muon": 0.25}, 10, digits=1)


def two_problems(study):
    write_runs(study, {"sgd": 0.5, "adam": 0.3, "muon": 0.28, "momentum": 0.48}, 14, spread=0.1)
    target = {"metric": "train/loss", "value": 0.3}
    for optimizer, level in {"adam": 0.3, "momentum": 0.4, "sgd": 0.45}.items():
        for seed in range(1, 13):
            time = None if (seed * len(optimizer)) % 5 == 0 else 8 * seed
            times = dict.fromkeys(("steps", "examples", "gradient_evaluations"), time) | {"seconds": time}
            more = {"target": target, "time_to_target": times, "first": seed, "problem": "moons_mlp"}
            write_runs(study, {optimizer: level}, 1, spread=0.05, **more)


def failures(study):
    write_runs(study, {"sgd": 0.5, "adam": 0.3, "muon": 0.28}, 10, spread=0.1)
    write_runs(study, {"adam": 0.3}, 4, first=11, spread=0.1, status="stalled")
    write_runs(study, {"sgd": 0.5, "muon": 0.28}, 4, first=11, spread=0.1)
    write_runs(study, {"nadam": 0.9}, 12, spread=0.1, status="diverged")
    write_runs(study, {"nadam": 0.3}, 2, first=13, spread=0.1)


def picked(study):
    for lr, level in {0.01: 0.6, 0.1: 0.3, 1.0: 0.4}.items():
        write_runs(study, {"sgd": level, "adam": level / 2}, 10, lr=lr)


def tuned(study):
    for lr, level in {0.01: 0.6, 0.1: 0.3, 1.0: 0.4}.items():
        write_runs(study, {"sgd": level, "adam": level / 2, "muon": level}, 3, lr=lr, first=101, stage="trial", tuning="grid")
    write_runs(study, {"sgd": 0.3, "adam": 0.15, "muon": 0.3}, 14, tuning="grid")


def unequal_budgets(study):
    write_runs(study, {"sgd": 0.5, "adam": 0.2}, 10, config={"epochs": 1})
    write_runs(study, {"muon": 0.1}, 10, config={"epochs": 2})


STUDIES = {  # and the metric that each is ranked by: its problem's own and the validation loss, or this one
    "three_seeds": (three_seeds, None),
    "ties": (ties, "val/accuracy"),
    "two_problems": (two_problems, "train/loss"),
    "failures": (failures, "train/loss"),
    "picked": (picked, "train/loss"),
    "tuned": (tuned, "train/loss"),
    "unequal_budgets": (unequal_budgets, None),
}


def compared(name, study):
    made, metric = STUDIES[name]
    made(study)
    return numbers(study, metric)


@pytest.mark.parametrize("name", STUDIES)
def test_a_comparison_gives_the_same_numbers_as_before(name, tmp_path):
    computed, expected = compared(name, tmp_path), json.loads(GOLDEN.read_text())[name]
    wrong = {}
    for key, value in expected.items():
        same = pytest.approx(value, rel=1e-10, abs=1e-15, nan_ok=True) if isinstance(value, float) else value
        if key not in computed or computed[key] != same:
            wrong[key] = computed.get(key), value
    assert not wrong


def write():
    """Write the numbers of this tree."""
    lines = []
    for name in STUDIES:
        with tempfile.TemporaryDirectory() as folder:
            computed = compared(name, Path(folder))
        cells = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in sorted(computed.items()))
        lines.append(f'"{name}": {{\n{cells}\n}}')
    GOLDEN.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write()
