"""Tabulate the numbers of a report: one row a problem, batch mode, setting and metric; as a frame and as Markdown."""

import math
from collections.abc import Iterable, Sequence

import pandas as pd

from descent.analysis.groups import GROUP
from descent.analysis.ranking import Ranking
from descent.analysis.selection import final
from descent.analysis.statistics import summary, values
from descent.analysis.verdicts import Verdicts
from descent.analysis.wording import markdown_text
from descent.errors import printable
from descent.metrics import AXES

KEY = [*GROUP, "metric", "setting"]
RANKED = [*KEY, "candidate", "first_rank", "last_rank"]
WORDS = ("setting", "tuned", "chosen")  # columns of text
COLUMNS = ["rank", "setting", "n", "median", "95 % interval", "failed"]


def frame(outcome: Verdicts) -> pd.DataFrame:
    """Return the numbers of all settings of a study.

    Returns:
        ``problem``, ``batch``, ``batch_size``, ``variant``, ``setting``, ``metric``; where that was ranked
        ``candidate``, ``first_rank``, ``last_rank``; the columns of `statistics.summary`; where the problem has a target
        ``reached``, of n, and for each axis the median ``time:steps`` (inf: fewer than half reached it); median ``test:loss``.
    """
    rows = [
        part.assign(**dict(zip(GROUP, key, strict=True)))
        for key, runs in final(outcome.study).groupby(GROUP, dropna=False)
        for part in _parts(runs)
    ]
    table = pd.concat(rows, ignore_index=True)
    ranked = pd.DataFrame([row for verdict in outcome.verdicts for row in _ranked(verdict.ranking)], columns=RANKED)
    table = table.merge(ranked, on=KEY, how="left")
    return table[[*RANKED, *(name for name in table if name not in RANKED)]]


def _parts(runs: pd.DataFrame) -> Iterable[pd.DataFrame]:
    """Yield the summaries of one problem and batch mode: one for each metric."""
    times = [f"time:{axis}" for axis in AXES if runs[f"time:{axis}"].notna().any()]
    tests = [name for name in runs if name.startswith("test:") and runs[name].notna().any()]
    alike = runs.assign(**{name: values(runs, name.replace(":", "/")) for name in tests}).groupby("name")
    more = alike[[*times, *tests]].median()
    if times:
        more.insert(0, "reached", alike[times[0]].agg(lambda time: time.lt(math.inf).sum()))
    for column in runs:
        metric = column.removeprefix("final:")
        if column != metric and runs[column].notna().any():
            yield summary(runs, metric, "name").join(more).rename_axis("setting").reset_index().assign(metric=metric)


def _ranked(ranking: Ranking) -> Iterable[list[object]]:
    first = ranking.runs.iloc[0]
    for (candidate, setting), _ in ranking.runs.groupby(["candidate", "name"]):
        ranks = ranking.table.loc[candidate, ["first", "last"]] if ranking.tested else (math.nan, math.nan)
        yield [*first[GROUP], ranking.metric_name, setting, candidate, *ranks]


def csv(frame: pd.DataFrame) -> str:
    """Return a frame as CSV, with a quote before texts that a spreadsheet would run as formulas: ``=``, ``+``, ``-``, ``@``."""
    return str(frame.map(lambda cell: _cell(cell) if isinstance(cell, str) else cell).to_csv(index=False))


def _cell(text: str) -> str:
    line = printable(text)
    return f"'{line}" if line.lstrip().startswith(("=", "+", "-", "@")) else line


def markdown(outcome: Verdicts) -> str:
    """Return verdicts and rankings as Markdown."""
    lines = [f"# {markdown_text(outcome.study.folder.resolve().name)}", "", *map(markdown_text, outcome.headline), ""]
    for problem, batch, verdicts in outcome.groups:
        lines += [f"## {markdown_text(problem)}, {markdown_text(batch)}", ""]
        for verdict in verdicts:
            lines += [
                f"**{verdict.kind.capitalize()}, {markdown_text(verdict.label)}.** {markdown_text(verdict.sentence)}",
                "",
            ]
            lines += [*(f"- {markdown_text(note)}" for note in verdict.notes), *([""] if verdict.notes else [])]
            lines += [*_table(COLUMNS, verdict.rows), ""]
    for verdict in outcome.modes:
        lines += [f"## {markdown_text(verdict.ranking.problem)}, {markdown_text(verdict.ranking.batch)}", ""]
        lines += [*map(markdown_text, (verdict.sentence, *verdict.notes)), "", *_table(COLUMNS, verdict.rows), ""]
    for tuning in outcome.tunings:
        cells = [[f"{text} ({interval})" if interval else text for text, interval in row] for row in tuning.rows]
        lines += [f"## {markdown_text(tuning.title)}", "", *_table(tuning.columns, cells), ""]
        lines += [*(f"- {markdown_text(note)}" for note in tuning.notes), ""]
    lines += [f"- {markdown_text(note)}" for note in outcome.common]
    return "\n".join(lines).rstrip() + "\n"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, its numbers to the right."""
    rule = ["---" if name in WORDS else "--:" for name in head]
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *([markdown_text(cell) for cell in row] for row in rows))]
