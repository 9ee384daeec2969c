"""Describe the tolerance of the learning rate, and performance profiles. Nothing here is a test."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from descent.analysis.groups import GROUP
from descent.analysis.load import metric_of
from descent.analysis.selection import CANDIDATE, candidate_names, choose, ranked_metrics
from descent.analysis.statistics import medians, values
from descent.metrics import Metric

FACTOR = 2.0  # what a learning rate may cost in loss, or error, to be tolerated
OUTER = 0.1  # of the logarithmic range of a sweep: a best value there is at its edge
LRS = 3  # in a sweep, at least
PROBLEMS = 5  # in a profile, at least
TAU = 4.0


def tolerance(runs: pd.DataFrame, metric: str, factor: float = FACTOR) -> pd.DataFrame:
    """Measure the range of tolerated learning rates, from settings that differ in nothing else.

    From the best learning rate outwards, those are tolerated whose median loss (error, for accuracies) is at most `factor`
    times the best one's. A run that failed, stalled ones too, counts as the worst.

    Args:
        runs: of one problem and batch mode; sweeps of fewer than three learning rates are left out.

    Returns:
        One row a sweep: ``optimizer``, and ``sweep``, the settings' common name; ``lrs``, how many; ``best`` (nan: all failed),
        ``low``, ``high``, ``decades``; ``open``, whether the range that was swept ends before the tolerance does; ``edge`` of
        the best.
    """
    rows = []
    stems = runs["name"].str.replace(r"(?<=[ _])lr=[^ _]+_?", "", regex=True).str.replace(r"[ _](?= |$)| #\w+$", "", regex=True)
    for (sweep, *_), group in runs.groupby([stems, *CANDIDATE]):
        value = values(group, metric).mask(group["status"] != "finished", metric_of(runs, metric).worst)
        by_rate = group.assign(value=value).groupby("lr")["value"].median().sort_index()
        if len(by_rate) >= LRS and group.groupby("lr")["setting"].nunique().max() == 1:
            measures = _tolerance(by_rate, metric_of(runs, metric), factor)
            rows.append({"optimizer": group["optimizer"].iloc[0], "sweep": sweep, **measures})
    return pd.DataFrame(rows, columns=["optimizer", "sweep", "lrs", "best", "low", "high", "decades", "open", "edge"])


def _tolerance(by_rate: "pd.Series[float]", metric: Metric, factor: float) -> dict[str, object]:
    lrs = by_rate.index.to_numpy(dtype=float)
    loss = 1 - by_rate.to_numpy() if metric.higher_is_better else by_rate.to_numpy()
    at = int(np.argmin(loss))
    if not math.isfinite(loss[at]):
        return {"lrs": len(lrs), "best": math.nan, "low": math.nan, "high": math.nan, "decades": 0.0, "open": False, "edge": ""}
    good = loss <= max(factor * loss[at], loss[at])  # a gap may be negative by rounding
    first, last = at, at
    while first > 0 and good[first - 1]:
        first -= 1
    while last < len(lrs) - 1 and good[last + 1]:
        last += 1
    return {
        "lrs": len(lrs),
        "best": lrs[at],
        "low": lrs[first],
        "high": lrs[last],
        "decades": math.log10(lrs[last] / lrs[first]),
        "open": first == 0 or last == len(lrs) - 1,
        "edge": edge(lrs, lrs[at]),
    }


def edge(tried: "np.ndarray[tuple[int], np.dtype[np.float64]]", best: float) -> str:
    """Return ``low`` or ``high`` if the best of at least three values lies in that outer tenth of their logarithmic range."""
    tried = np.unique(tried[tried > 0])
    if len(tried) < LRS or not best > 0:
        return ""
    place = math.log(best / tried[0]) / math.log(tried[-1] / tried[0])
    return "low" if place <= OUTER + 1e-9 else "high" if place >= 1 - OUTER - 1e-9 else ""


def edges(runs: pd.DataFrame, metric: str) -> dict[str, tuple[float, str, float, float]]:
    """Return optimizers whose best learning rate is at the edge of the grid: {name: (lr, side, lowest, highest)}.

    Args:
        runs: of one problem and batch mode; those of a search, or of a sweep.
    """
    at_edge = {}
    for optimizer, group in runs.groupby("optimizer"):
        by_setting = medians(group, metric, ["lr", "setting"])
        if np.isfinite(by_setting).any():
            best = float((by_setting * metric_of(runs, metric).sign).idxmax()[0])
            tried = group["lr"].to_numpy(dtype=float)
            if side := edge(tried, best):
                at_edge[str(optimizer)] = (best, side, float(tried[tried > 0].min()), float(tried.max()))
    return at_edge


@dataclass(frozen=True)
class Profile:
    """The share of problems on which each candidate reaches the target within a factor of the fastest one's time.

    Attributes:
        table: the shares, indexed by the factors tau at which they change, from 1 to 4; one column a candidate.
        problems: which.
        refused: why there is no profile; empty where there is one.
    """

    batch: str
    table: pd.DataFrame
    problems: list[str]
    refused: str = ""


def profiles(runs: pd.DataFrame, axis: str) -> list[Profile]:
    """Compute a performance profile for each batch mode, over the problems with a target on which all candidates ran.

        r_ps = t_ps / min_s t_ps,    rho_s(tau) = share of problems p with r_ps <= tau

    t is the median time to target over seeds. A problem on which no candidate reaches it counts in the share, for none.

    Source: E. D. Dolan and J. J. More, Benchmarking optimization software with performance profiles (2002), eq. 2.1.
    """
    final = runs[(runs["stage"] == "final") & runs[f"time:{axis}"].notna()]
    computed = []
    for batch, mode in final.groupby("batch"):
        chosen = [choose(group, ranked_metrics(group)[0])[0] for _, group in mode.groupby(GROUP, dropna=False)]
        selected = pd.concat(chosen)
        selected = selected.assign(candidate=candidate_names(selected, mode))
        times = selected.groupby(["problem", "candidate"])[f"time:{axis}"].median().unstack("candidate").dropna()
        problems = [str(problem) for problem in times.index]
        if len(problems) < PROBLEMS:
            why = f"A performance profile needs {PROBLEMS} problems with a target on which all ran; {batch} has {len(problems)}."
            computed.append(Profile(str(batch), pd.DataFrame(), problems, why))
            continue
        ratios = times.div(times.min(axis=1), axis=0)  # nan where none reached it
        taus = np.unique([1.0, TAU, *(r for r in ratios.to_numpy().ravel() if 1 <= r <= TAU)])
        table = pd.DataFrame([(ratios <= tau).mean() for tau in taus], index=pd.Index(taus, name="tau"))
        computed.append(Profile(str(batch), table, problems))
    return computed
