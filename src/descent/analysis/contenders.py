"""What is compared on one problem and batch mode: one setting for each optimizer and schedule, and which is the reference."""

import pandas as pd

from descent.analysis.load import metric_of
from descent.analysis.statistics import medians
from descent.metrics import Metric

GROUP = ["problem", "batch", "batch_size"]  # within which runs are compared; `batch_size` is nan but for mini-batches
CONTENDER = ["optimizer", "schedule", "engine", "tuning"]


def quantities(runs: pd.DataFrame) -> list[str]:
    """Return what a problem's runs are ranked by: in optimization, and in generalization where that was measured.

    The problem's own metric where it speaks of that; otherwise the training loss (above its optimum, where known), and the
    validation loss.
    """
    metric = str(runs["metric"].iloc[0])
    found = []
    for split, others in (("train/", ("train/gap", "train/loss")), ("val/", ("val/loss", "val/accuracy"))):
        order = (metric, *others) if metric.startswith(split) else others
        measured = [name for name in order if f"final:{name}" in runs and runs[f"final:{name}"].notna().any()]
        found += measured[:1]
    return found


def budgets(runs: pd.DataFrame) -> str:
    """Return why runs may not be ranked, as they had unequal budgets; empty where they may."""
    tuning = runs.groupby("optimizer")["tuning"].agg(lambda labels: " and ".join(sorted(set(labels))))
    if runs["tuning"].nunique() > 1:
        return f"tuning budgets differ ({'; '.join(f'{name}: {label}' for name, label in tuning.items())})"
    whole = runs[runs["status"] != "diverged"].groupby("setting")["examples"].agg(["nunique", "first", "size"])
    fixed = whole[(whole["nunique"] == 1) & (whole["size"] > 1)]["first"]  # under max_seconds they vary, and may
    if fixed.nunique() > 1:
        return f"training budgets differ ({', '.join(f'{n:,.0f}' for n in sorted(fixed.unique()))} examples)"
    return ""


def choose(runs: pd.DataFrame, quantity: str, tuning: pd.DataFrame | None = None) -> tuple[pd.DataFrame, dict[str, str]]:
    """Return the runs of one setting for each contender and search, and which of them were picked on these same runs.

    Where a contender has several settings, such as learning rates, the one with the best median over the runs of tuning stands
    for it. Where there are none, over its own runs: then the choice flatters it, more so the more settings it had, and no test
    that follows is one.

    Args:
        runs: of one problem and batch mode.
        tuning: those that settings were chosen by.

    Returns:
        The runs, with a column ``entry``; and the names of the settings that were picked on them, by entry.
    """
    runs = runs.assign(entry=entries(runs, runs))
    picked, kept = {}, []
    for (entry, search), group in runs.groupby(["entry", "scramble"]):
        settings = group["setting"].unique()
        best = settings[0]
        if len(settings) > 1:
            evidence = group if tuning is None else tuning[tuning["setting"].isin(settings) & (tuning["scramble"] == search)]
            if evidence is group or set(evidence["setting"]) != set(settings):
                evidence = group
            best = _best(medians(evidence, quantity, ["setting"]), metric_of(runs, quantity))
            if evidence is group:
                picked[str(entry)] = str(group.loc[group["setting"] == best, "name"].iloc[0])
        kept.append(group[group["setting"] == best])
    return pd.concat(kept), picked


def reference(runs: pd.DataFrame, quantity: str, tuning: pd.DataFrame | None = None, named: str | None = None) -> tuple[str, str]:
    """Return what the others are compared with, and by which rule; never what came out best on the runs to be compared.

    The one that was ``named``; else the best one in ``tuning``; else ``sgd``; else the ``first`` in the alphabet.

    Args:
        runs: of `choose`.
        tuning: those that settings were chosen by: the runs on fresh seeds where there are such, else the trials.
        named: an entry, or an optimizer.
    """
    of = runs.groupby("entry")["optimizer"].first().sort_index()
    if named is not None and (named in of.index or named in set(of)):
        return (named if named in of.index else str(of.index[of == named][0])), "named"
    if tuning is not None and len(tuning):
        seen = tuning[tuning["stage"] == "selection"] if (tuning["stage"] == "selection").any() else tuning
        seen = seen.assign(entry=entries(seen, runs))
        best = medians(seen[seen["entry"].isin(of.index)], quantity, ["entry", "scramble", "setting"])
        if len(best):
            best = best.groupby(["entry", "scramble"]).agg(metric_of(runs, quantity).best)
            return str(_best(best.groupby("entry").median(), metric_of(runs, quantity))), "tuning"
    plain = of.index[of == "sgd"]
    return (str(plain[0]), "sgd") if len(plain) else (str(of.index[0]), "first")


def entries(runs: pd.DataFrame, among: pd.DataFrame) -> list[str]:
    """Return the optimizer of each run, with what else tells contenders apart `among` runs."""
    telling = [name for name in CONTENDER[1:] if among[name].nunique() > 1]
    rows = zip(runs["optimizer"], *(runs[name] for name in telling), strict=True)
    return [f"{optimizer} ({', '.join(rest)})" if rest else str(optimizer) for optimizer, *rest in rows]


def _best(scores: "pd.Series[float]", metric: Metric) -> object:
    """Return the label of the best score, the first of those that are equal; where all failed, the first."""
    ordered = scores.fillna(metric.worst).sort_values(ascending=not metric.higher_is_better, kind="stable")
    return ordered.index[0]
