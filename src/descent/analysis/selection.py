"""Select one setting for each candidate of a group."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from descent.analysis.groups import GROUP, one_engine
from descent.analysis.load import Study, metric_of
from descent.analysis.statistics import medians
from descent.config.search_space import BUDGETS
from descent.metrics import Metric

MODES = ("full", "mini", "stochastic")
TUNED = tuple(name for name, budget in BUDGETS.items() if budget.trials)
CANDIDATE = ["optimizer", "schedule", "tuning"]


def ranked_metrics(runs: pd.DataFrame) -> list[str]:
    """Return the metrics that runs of a problem are ranked by: one of optimization and, where measured, one of generalization.

    Each is the problem's own metric where that is of the training or the validation split; else the training loss, above its
    minimum where that is known, and the validation loss.
    """
    metric = str(runs["metric"].iloc[0])
    names = []
    for split, others in (("train/", ("train/gap", "train/loss")), ("val/", ("val/loss", "val/accuracy"))):
        order = (metric, *others) if metric.startswith(split) else others
        measured = [name for name in order if f"final:{name}" in runs and runs[f"final:{name}"].notna().any()]
        names += measured[:1]
    return names


def budgets(runs: pd.DataFrame, tuning: pd.DataFrame | None = None) -> str:
    """Return why tuning budgets are too unequal for a ranking; empty if they are equal.

    Args:
        runs: that are compared.
        tuning: the runs that their settings were chosen by.
    """
    if runs["tuning"].nunique() > 1:
        labels = runs.groupby("optimizer")["tuning"].agg(lambda labels: " and ".join(sorted(set(labels))))
        return f"tuning budgets differ ({'; '.join(f'{name}: {label}' for name, label in labels.items())})"
    lacking = [] if tuning is None else _lacking(one_engine(tuning[(tuning["stage"] == "trial") & tuning["tuning"].isin(TUNED)]))
    return f"tuning is unequal ({'; '.join(lacking)})" if lacking else ""


def _lacking(trials: pd.DataFrame) -> list[str]:
    """Name the candidates that tried fewer settings than another in a search, and how many they lack."""
    tried = trials.groupby([*CANDIDATE, "search"])["setting"].nunique().unstack("search", fill_value=0)
    lacking = (tried.max() - tried).sum(axis=1)
    total = int(tried.max().sum())
    return [f"{name} lacks {count} of {total} trials" for (name, *_), count in lacking.items() if count]


def choose(runs: pd.DataFrame, metric: str, tuning: pd.DataFrame | None = None) -> tuple[pd.DataFrame, dict[str, str]]:
    """Select one setting for each candidate and search: the one with the best median over the tuning runs.

    Without tuning runs the best median over the same runs decides. That is selection bias, which grows with the number of
    settings: such candidates are reported and not tested.

    Args:
        runs: of one problem and batch mode.
        tuning: the runs that settings are chosen by.

    Returns:
        The selected runs, with the name of their candidate in the column ``candidate``; and the names of the settings that
        were chosen on these same runs, by candidate.
    """
    runs = runs.assign(candidate=candidate_names(runs, runs))
    picked, kept = {}, []
    for (candidate, search), group in runs.groupby(["candidate", "search"]):
        settings = group["setting"].unique()
        best = settings[0]
        if len(settings) > 1:
            evidence = group if tuning is None else tuning[tuning["setting"].isin(settings) & (tuning["search"] == search)]
            if evidence is group or set(evidence["setting"]) != set(settings):
                evidence = group
            best = best_of_each(medians(evidence, metric, ["search", "setting"]), metric_of(runs, metric)).iloc[0]
            if evidence is group:
                picked[str(candidate)] = str(group.loc[group["setting"] == best, "name"].iloc[0])
        kept.append(group[group["setting"] == best])
    return pd.concat(kept), picked


def candidate_names(runs: pd.DataFrame, among: pd.DataFrame) -> list[str]:
    """Return the name of each run's candidate: its optimizer, and in brackets what else differs `among` runs."""
    telling = [name for name in CANDIDATE[1:] if among[name].nunique() > 1]
    rows = zip(runs["optimizer"], *(runs[name] for name in telling), strict=True)
    return [f"{optimizer} ({', '.join(rest)})" if rest else str(optimizer) for optimizer, *rest in rows]


def best_of_each(scores: "pd.Series[float]", metric: Metric) -> "pd.Series[Any]":
    """Return the label with the best score of each choice, the best choice first; of equal ones the first label.

    Args:
        scores: indexed by choice and label.
    """
    losses = scores.fillna(metric.worst).unstack() * -metric.sign
    order = losses.min(axis=1).sort_values(kind="stable").index
    return losses.idxmin(axis=1).reindex(order)  # a boolean index would mask in loc


Panel = tuple[str, float, str]  # batch mode, examples a step, variant


@dataclass(frozen=True, eq=False)
class Candidate:
    """An optimizer with its schedule at one setting, in one batch mode: the unit that is ranked and drawn.

    Attributes:
        batch_size: examples a step; 0 where the batch mode says it.
        group: the settings in which it differs from other groups of the problem and batch mode.
        name: the optimizer, and in brackets what else the study varies.
        runs: rows of `Study.runs`: repetitions of one setting; of a tuned optimizer, of one for each search.
        settings: number of settings that it was chosen from, on these same runs.
        rates: number of their learning rates.
    """

    problem: str
    batch: str
    batch_size: float
    group: str
    optimizer: str
    name: str
    runs: pd.DataFrame
    settings: int
    rates: int

    @property
    def variant(self) -> str:
        return self.name.removeprefix(self.optimizer).strip()

    @property
    def panel(self) -> "Panel":
        return self.batch, self.batch_size, self.group


def final(study: Study) -> pd.DataFrame:
    """Return the final runs of a study, not those of its search; all runs if it has no others."""
    runs = study.runs[study.runs["stage"] == "final"]
    return study.runs if runs.empty else runs


@lru_cache(maxsize=1)  # asked for by each figure of a problem
def candidates(study: Study) -> list[Candidate]:
    """Return the candidates of a study, each at the setting with the best median of the problem's metric."""
    drawn, chosen = one_engine(final(study)), []
    tuning = study.runs[study.runs["stage"] != "final"]
    for (problem, batch, size, variant), group in drawn.groupby(GROUP, dropna=False):
        runs, picked = choose(group, group["metric"].iloc[0], tuning)
        for name, best in runs.groupby("candidate"):
            alike = group[(group[CANDIDATE] == best[CANDIDATE].iloc[0]).all(axis=1)] if name in picked else best
            chosen.append(
                Candidate(
                    problem=problem,
                    batch=batch,
                    batch_size=float(np.nan_to_num(size)),
                    group=variant,
                    optimizer=best["optimizer"].iloc[0],
                    name=str(name),
                    runs=best,
                    settings=alike["setting"].nunique() if name in picked else 1,
                    rates=alike["lr"].nunique() if name in picked else 1,
                )
            )
    return sorted(chosen, key=lambda candidate: (candidate.problem, panel_order(candidate.panel), candidate.name))


def panel_order(panel: Panel) -> tuple[int, str, float, str]:
    """Return the sorting key of a batch mode and size."""
    batch, size, variant = panel
    return (MODES.index(batch) if batch in MODES else len(MODES), batch, size, variant)
