"""Build the tables of the report: the text of their cells, and the keys to sort by."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from descent.analysis.verdicts import Verdict, interval, plain, ranks, shown


@dataclass(frozen=True)
class Cell:
    """The text of a cell, its sorting key (empty: always last), an interval, an explanation, links."""

    text: str
    key: str | float = ""
    interval: str = ""
    hint: str = ""
    runs: "Sequence[Run]" = ()


@dataclass(frozen=True)
class Run:
    """A link to the folder of a run."""

    seed: int
    address: str
    status: str


@dataclass(frozen=True)
class Table:
    """A table: its columns, those of them that are text, and its rows."""

    columns: list[str]
    rows: list[list[Cell]]
    words: set[str] = field(default_factory=lambda: {"setting", "one", "other", "interval is", "answer"})


def settings(frame: pd.DataFrame, runs: pd.DataFrame, verdicts: Sequence[Verdict], study: Path) -> Table:
    """Return one row a setting of a problem and batch mode; those that were ranked first, the best one first.

    Args:
        frame: of `summary.frame`.
        runs: all of the study that results are about.
        study: the folder; links are relative to its report.
    """
    metrics = [verdict.ranking.metric_name for verdict in verdicts]
    parts = {metric: frame[frame["metric"] == metric].set_index("setting") for metric in metrics}
    ranked = [verdict for verdict in verdicts if verdict.ranking.tested]
    table = Table(["setting"], [])
    for verdict in verdicts:
        table.columns.extend(["rank"] * (verdict in ranked) + [verdict.label])
    lead = parts[metrics[0]]
    tests = [name for name in lead if name.startswith("test:") and lead[name].notna().any()]
    times = [name for name in ("time:examples", "time:seconds") if name in lead and lead[name].notna().any()]
    table.columns.extend(
        [f"test {name[5:]}" for name in tests] + [f"{name[5:]} to target" for name in times] + ["failed", "runs"]
    )
    entries = [name for entry in verdicts[0].ranking.candidates for name in _of(verdicts[0], entry)]
    for name in [*entries, *(name for name in lead.index if name not in entries)]:
        own = runs[runs["name"] == name].sort_values(["search", "seed"])
        row = lead.loc[name]
        cells = [Cell(plain(name, str(row["batch"])), name)]
        for verdict in verdicts:
            cells += _measured(verdict, parts[verdict.ranking.metric_name].loc[name], verdict in ranked)
        cells += [_cell(row[test]) for test in tests] + [_cell(row[time], "never") for time in times]
        share = (
            f"{row['failed_low']:.0%} to {row['failed_high']:.0%} (95 %); {row['diverged']} diverged, {row['stalled']} stalled"
        )
        cells.append(Cell(f"{row['failed_share']:.0%}", row["failed_share"], hint=share))
        table.rows.append([*cells, Cell(f"{row['n']:.0f}", row["n"], runs=list(_links(own, study)))])
    return table


def pairs(verdict: Verdict) -> Table:
    """Return what may be said of the pairs of a ranking: one row a pair, the one ahead by value first."""
    terms = verdict.ranking.terms
    unit = "times" if terms.ratio else "points"
    table = Table(["one", "other", f"one is better by, {unit}", "interval is", "seeds", "ahead", "failed", "p", "answer"], [])
    for pair in verdict.ranking.finding.pairs:
        known = not math.isnan(pair.difference)
        ends = f"{terms.size(pair.low)} to {terms.size(pair.high)}" if known else ""
        table.rows.append(
            [
                Cell(pair.one, pair.one),
                Cell(pair.other, pair.other),
                Cell(terms.size(pair.difference) if known else "", _key(pair.difference), ends),
                Cell(str(pair.interval), str(pair.interval)),
                Cell(str(pair.n), pair.n),
                Cell(str(pair.ahead), pair.ahead),
                Cell(f"{pair.failures[0]}, {pair.failures[1]}", sum(pair.failures)),
                Cell("not tested" if math.isnan(pair.p) else f"{pair.p:.2g}", _key(pair.p)),
                Cell(str(pair.answer), str(pair.answer)),
            ]
        )
    return table


def _measured(verdict: Verdict, row: "pd.Series[float]", ranked: bool) -> Iterator[Cell]:
    """Yield the cells of one metric."""
    if ranked:
        entry = row["entry"]
        yield (
            Cell(ranks(verdict.ranking, entry), row["first_rank"] + row["last_rank"] / 1000)
            if isinstance(entry, str)
            else Cell("")
        )
    yield Cell(shown(row["median"]), _key(row["median"]), interval(row))


def _of(verdict: Verdict, entry: str) -> list[str]:
    runs = verdict.ranking.runs
    return [str(name) for name in runs.loc[runs["candidate"] == entry, "name"].unique()]


def _links(runs: pd.DataFrame, study: Path) -> Iterator[Run]:
    for run in runs.to_dict("records"):
        yield Run(run["seed"], f"../{quote(run['folder'].relative_to(study).as_posix())}/", run["status"])


def _cell(value: float, infinite: str = "none") -> Cell:
    return Cell(infinite if math.isinf(value) else _number(value), _key(value))


def _number(value: float) -> str:
    return "" if math.isnan(value) else shown(value)


def _key(value: float) -> str | float:
    return "" if math.isnan(value) else value
