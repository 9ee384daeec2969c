"""Pack the curves of a study for the page: thinned records, each number in two bytes.

The page draws them with uPlot 1.6.32 (`web/uPlot.iife.min.js`, unchanged, 51 KB, MIT): no network, no build, no dependency, and
thousands of points at once. Plotly, Bokeh and Vega are 1 to 4.5 MB each, as much as a whole page or more. What uPlot lacks,
`web/curves.js` adds: keyboard, readout and a table for screen readers. To upgrade, replace its three files by those of its npm
package.
"""

import base64
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from descent.analysis.curves import band, measured
from descent.analysis.load import NoData, Study, metric_of
from descent.analysis.selection import Candidate, candidates, ranked_metrics
from descent.metrics import AXES, Metric
from descent.plots.curves import BEYOND
from descent.plots.layout import panel_title
from descent.plots.style import look

RECORDS = 30  # of a run, at most
BYTES = 280_000  # of all numbers, before the records of all runs are thinned further
METRICS = 4  # of a problem
MISSING = 65_535  # the code of a number that is not there; below it, 0 to 65,534 span the scale


def pack(study: Study) -> tuple[str, str]:
    """Return the curves of all candidates as JSON, and in words how they were thinned.

    Returns:
        ``axes``: label by column of the records. ``metrics``: by problem and name, ``label``, ``log`` and the ends of the scale,
        ``low`` and ``high``. ``grids``: positions, shared by many candidates. ``candidates``: ``problem``, ``mode``, ``title`` of
        the panel, ``optimizer``, ``name``, ``colour``, ``dash``, ``seeds``, by axis a grid (``x``), and by metric (``y``)
        ``median``, ``low``, ``high`` and ``runs``, a string each: base64 of 16-bit numbers, in which `MISSING` is none and the
        others lie between ``low`` and ``high``, on a log scale evenly in the logarithm.
    """
    units = [(study.only(problem), problem) for problem in study.problems]
    shown = {problem: metrics(part) for part, problem in units}
    curves = sum(len(unit.runs) + 3 for unit in candidates(study)) * max(map(len, shown.values()), default=1)
    kept = max(2, min(RECORDS, int(BYTES / (8 / 3 * max(curves, 1)))))
    grids: dict[str, int] = {}
    packed: list[dict[str, Any]] = []
    scales: dict[str, dict[str, Any]] = {}
    most = 0
    for part, problem in units:
        scales[problem] = {metric.name: _scale(part, metric) for metric in shown[problem]}
        for unit, records in _measured(part, shown[problem]).items():
            most = max(most, records["step"].nunique())
            packed.append(_candidate(unit, records, shown[problem], scales[problem], kept, grids))
    axes = {axis.column: axis.label for axis in AXES.values()}
    data = {"axes": axes, "metrics": scales, "grids": [json.loads(grid) for grid in grids], "candidates": packed}
    thinned = f"{min(most, kept)} of {most} records of each run" if most > kept else f"all {most} records of each run"
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"), thinned


def metrics(part: Study) -> list[Metric]:
    """Return the metrics of a problem that are drawn: those that are ranked, then what else the records hold."""
    names = [*ranked_metrics(part.runs), *(name for name in part.metric_names if name.startswith("val/")), *part.metric_names]
    return [metric_of(part.runs, name) for name in dict.fromkeys(names)][:METRICS]


def _measured(part: Study, metrics: Sequence[Metric]) -> dict[Candidate, pd.DataFrame]:
    try:
        return measured(part, metrics[0].name) if metrics else {}
    except NoData:
        return {}


def _scale(part: Study, metric: Metric) -> dict[str, Any]:
    """Return the ends of a metric's scale: what lies far above all starts leaves it."""
    values = part.records[metric.name].to_numpy(float) if metric.name in part.records else np.empty(0)
    good = values[np.isfinite(values) & ((values > 0) | (metric.scale != "log"))]
    low, high = (float(good.min()), float(good.max())) if good.size else (1.0, 10.0)
    if metric.scale == "log":
        starts = part.records.loc[part.records["step"] == 0, metric.name].to_numpy(float)
        start = max((float(value) for value in starts if np.isfinite(value)), default=high)
        high = min(high, BEYOND * max(start, low))
        low = max(low, high * 1e-16)
    return {"label": metric.label, "log": metric.scale == "log", "low": low, "high": high}


def _candidate(
    unit: Candidate,
    records: pd.DataFrame,
    metrics: Sequence[Metric],
    scales: dict[str, dict[str, Any]],
    most: int,
    grids: dict[str, int],
) -> dict[str, Any]:
    steps = np.unique(records["step"])
    steps = steps[np.unique(np.linspace(0, len(steps) - 1, most).round().astype(int))]
    kept = records[records["step"].isin(steps)]
    x = {}
    for axis in AXES.values():
        grid = json.dumps([float(f"{value:.6g}") for value in kept.groupby("step")[axis.column].median().reindex(steps)])
        x[axis.column] = grids.setdefault(grid.replace(".0,", ",").replace(".0]", "]"), len(grids))
    y: dict[str, dict[str, Any]] = {}
    for metric in metrics:
        if metric.name not in kept or kept[metric.name].isna().all():
            continue
        scale = scales[metric.name]
        middle = band(kept, unit.runs, metric.name, "step", metric.worst)
        lines = [pd.Series(line, middle.x).reindex(steps) for line in (middle.median, middle.low, middle.high)]
        runs = kept.pivot(index="run", columns="step", values=metric.name).reindex(columns=steps)
        names = ("median", "low", "high")
        y[metric.name] = {name: _packed(line.to_numpy(float), scale) for name, line in zip(names, lines, strict=True)}
        y[metric.name]["runs"] = [_packed(line, scale) for line in runs.to_numpy(float)]
    drawn = look(unit.optimizer)
    seeds = unit.runs["seed"].reindex(np.unique(kept["run"])).tolist()
    return {
        "problem": unit.problem,
        "mode": unit.batch,
        "title": panel_title([unit]).replace("\\$", "$"),
        "optimizer": unit.optimizer,
        "name": unit.name,
        "colour": drawn.colour,
        "dash": list(drawn.dash[1]),
        "seeds": seeds,
        "x": x,
        "y": y,
    }


def _packed(values: np.ndarray, scale: dict[str, Any]) -> str:
    """Return numbers as base64 of 16 bits each, little end first."""
    low, high = scale["low"], scale["high"]
    inside = np.isfinite(values) & (values <= high)
    value = np.clip(np.where(inside, values, low), low, high)
    if scale["log"]:
        value, low, high = np.log(value), np.log(low), np.log(high)
    code = np.where(inside, np.round((value - low) / ((high - low) or 1.0) * (MISSING - 1)), MISSING)
    return base64.b64encode(code.astype("<u2").tobytes()).decode()
