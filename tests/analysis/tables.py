"""Tables of runs, written by hand, and what is said of them."""

import itertools
import math

import pandas as pd

from descent.analysis.ranking import Ranking, rankings


def study(losses, seeds=None, **columns):
    """A table of runs: one optimizer a key, its losses over seeds; infinite ones diverged."""
    rows = []
    for name, values in losses.items():
        optimizer, _, lr = name.partition("@")
        for seed, value in zip(itertools.count(1) if seeds is None else seeds, values, strict=False):
            row = {"problem": "digits", "batch": "full", "batch_size": math.nan, "variant": ""}
            row |= {"optimizer": optimizer, "schedule": "constant"}
            row |= {"engine": "torch", "tuning": "default", "search": 0, "stage": "final", "metric": "train/loss"}
            row |= {"method": name, "margin": math.nan, "floor": 1e-12, "data": "", "environment": {}, "metrics": {}}
            row |= {"setting": name, "name": f"{optimizer} full lr={lr or 0.1}", "lr": float(lr or 0.1), "seed": seed}
            row |= {"status": "finished" if math.isfinite(value) else "diverged", "final:train/loss": value}
            rows.append(row | {"examples": 1000.0, "gradient_evaluations": 1000.0, "time:steps": math.nan} | columns)
    return pd.DataFrame(rows)


def ranked(losses, metric="train/loss", tuning=None, **columns) -> Ranking:
    """Rank a table of runs, or losses as `study` takes them, by one metric."""
    runs = losses if isinstance(losses, pd.DataFrame) else study(losses, **columns)
    computed = rankings(runs if tuning is None else pd.concat([runs, tuning]))
    return next(ranking for ranking in computed if ranking.metric_name == metric)
