"""Build the tables of the report: the text of their cells, and the keys to sort by."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pandas as pd

from descent.analysis.groups import in_group
from descent.analysis.tuning import Tuning
from descent.analysis.verdicts import Verdict, interval, plain, ranks, shown

LAST = ("failed", "runs")  # columns


WORDS = ("batch mode", "setting", "one", "other", "interval is", "answer", "tuned", "chosen")  # columns of text


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
class Row:
    """A row: its cells, and the optimizers and the batch mode that it is about."""

    cells: list[Cell]
    optimizers: list[str]
    mode: str


@dataclass(frozen=True)
class Table:
    """A table: its columns, those of them that are text, and its rows."""

    columns: list[str]
    rows: list[Row]
    words: set[str] = field(default_factory=lambda: set(WORDS))


def settings(frame: pd.DataFrame, runs: pd.DataFrame, groups: Iterable[Sequence[Verdict]], study: Path) -> Table:
    """Return one row a setting of a problem: by batch mode, those that were ranked first, the best one first.

    Args:
        frame: of `summary.frame`.
        runs: all of the study that results are about.
        groups: the verdicts of each of the problem's groups.
        study: the folder; links are relative to its report.
    """
    rows = [row for verdicts in groups for row in _group(frame, runs, verdicts, study)]
    columns = dict.fromkeys(name for cells, *_ in rows for name in cells)
    last = [name for name in LAST if name in columns]
    names = [*(name for name in columns if name not in LAST), *last]
    return Table(
        names, [Row([cells.get(name, Cell("")) for name in names], [optimizer], mode) for cells, optimizer, mode in rows]
    )


def _group(
    frame: pd.DataFrame, runs: pd.DataFrame, verdicts: Sequence[Verdict], study: Path
) -> Iterator[tuple[dict[str, Cell], str, str]]:
    """Yield the cells of each setting of a group by column, its optimizer and its batch mode."""
    ranking = verdicts[0].ranking
    first = ranking.runs.iloc[0]
    frame = frame[in_group(frame, first)]
    runs = runs[runs["problem"] == ranking.problem]
    parts = {
        metric: frame[frame["metric"] == metric].set_index("setting") for metric in (v.ranking.metric_name for v in verdicts)
    }
    lead = parts[ranking.metric_name]
    tests = [name for name in lead if name.startswith("test:") and lead[name].notna().any()]
    ranked = [name for candidate in ranking.candidates for name in ranking.settings_of(candidate)]
    for name in [*ranked, *(name for name in lead.index if name not in ranked)]:
        setting_runs = runs[runs["name"] == name].sort_values(["search", "seed"])
        row = lead.loc[name]
        cells = {"batch mode": Cell(ranking.batch, ranking.batch), "rank": Cell("")}
        cells["setting"] = Cell(plain(name, str(row["batch"])), name)
        for verdict in verdicts:
            cells |= dict(_measured(verdict, parts[verdict.ranking.metric_name].loc[name]))
        cells |= {f"test {test[5:]}": _cell(row[test]) for test in tests}
        if "time:examples" in lead and lead["time:examples"].notna().any():
            spent = f"{shown(row['time:seconds'])} s" if math.isfinite(row["time:seconds"]) else ""
            when = f"{row['time:examples']:,.0f}" if math.isfinite(row["time:examples"]) else "never"
            cells["examples to target"] = Cell(when, _key(row["time:examples"]), spent)
        cells |= _costs(setting_runs)
        share = (
            f"{row['failed_low']:.0%} to {row['failed_high']:.0%} (95 %); {row['diverged']} diverged, {row['stalled']} stalled"
        )
        cells["failed"] = Cell(f"{row['failed_share']:.0%}", row["failed_share"], hint=share)
        cells["runs"] = Cell(f"{row['n']:.0f}", row["n"], runs=list(_links(setting_runs, study)))
        yield cells, str(setting_runs["optimizer"].iloc[0]), str(first["batch"])


def pairs(verdict: Verdict) -> Table:
    """Return the comparisons of a ranking: one row a pair, the candidate ahead by value first."""
    terms = verdict.ranking.terms
    unit = "times" if terms.ratio else "points"
    table = Table(["one", "other", f"one is better by, {unit}", "interval is", "seeds", "ahead", "failed", "p", "answer"], [])
    runs = verdict.ranking.runs
    optimizer = dict(zip(runs["candidate"].astype(str), runs["optimizer"], strict=True))
    for pair in verdict.ranking.finding.pairs:
        known = not math.isnan(pair.difference)
        ends = f"{terms.size(pair.low)} to {terms.size(pair.high)}" if known else ""
        about = [optimizer[pair.one], optimizer[pair.other]]
        cells = [
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
        table.rows.append(Row(cells, about, str(runs["batch"].iloc[0])))
    return table


def tuning(group: Tuning) -> Table:
    """Return how the candidates of a group were tuned: one row each."""
    mode = str(group.ranking.runs["batch"].iloc[0])
    rows = [
        Row([Cell(text, _sorted(text), interval) for text, interval in cells], [candidate.optimizer], mode)
        for candidate, cells in zip(group.candidates, group.rows, strict=True)
    ]
    return Table(group.columns, rows)


def _measured(verdict: Verdict, row: "pd.Series[float]") -> Iterator[tuple[str, Cell]]:
    """Yield the columns of one metric, and of the ranks where it is tested."""
    candidate = row["candidate"]
    if verdict.ranking.tested and isinstance(candidate, str):
        shared = bool(row["first_rank"] < row["last_rank"])
        spread = f"may have the ranks {row['first_rank']:.0f} to {row['last_rank']:.0f}" * shared
        yield "rank", Cell(ranks(verdict.ranking, candidate), row["first_rank"] + row["last_rank"] / 1000, hint=spread)
    yield verdict.label, Cell(shown(row["median"]), _key(row["median"]), interval(row))


def _costs(runs: pd.DataFrame) -> dict[str, Cell]:
    """Return what a setting's optimizer costs, each the median over its runs: time, gradients and memory."""
    step = 1e3 * (runs["seconds"] / runs["steps"]).median()
    gradients = (runs["gradient_evaluations"] / runs["examples"]).median()
    state = runs["state_bytes"].median()
    return {
        "ms a step": Cell(shown(step) if math.isfinite(step) else "", _key(step), hint="training alone, without records"),
        "gradients": Cell(shown(gradients), _key(gradients), hint="evaluations of each example's gradient a step"),
        "state, kB": Cell(shown(state / 1e3) if math.isfinite(state) else "", _key(state), hint="what it keeps between steps"),
    }


def _links(runs: pd.DataFrame, study: Path) -> Iterator[Run]:
    for run in runs.to_dict("records"):
        yield Run(run["seed"], f"../{quote(run['folder'].relative_to(study).as_posix())}/", run["status"])


def _cell(value: float) -> Cell:
    return Cell(_number(value), _key(value))


def _number(value: float) -> str:
    return "" if math.isnan(value) else shown(value)


def _key(value: float) -> str | float:
    return "" if math.isnan(value) else value


def _sorted(text: str) -> str | float:
    """Return the number that a text is, else the text."""
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return text
