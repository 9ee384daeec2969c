"""Write the report of a study: one self-contained page, its numbers as CSV and Markdown, and the figures as files."""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from descent.analysis import summary
from descent.analysis.groups import GROUP
from descent.analysis.paired_tests import SEEDS
from descent.analysis.selection import final
from descent.analysis.statistics import RESAMPLES, SEARCHES
from descent.analysis.verdicts import Verdict, Verdicts
from descent.errors import printable
from descent.metrics import metric
from descent.outside import safe_name, write_text
from descent.plots import figures
from descent.records import result as results
from descent.records.folders import REPORT
from descent.report import tables

LEAD = ("loss_by_examples", "batch_modes", "trajectories", "final_by_learning_rate", "time_to_target", "performance_profile")
DRAWN = 120_000  # bytes up to which a figure is put into the page as SVG; beyond, it is many lines
PAGE = 7_500_000  # bytes of pictures in the page; what is beyond stays beside it


@dataclass(frozen=True)
class Picture:
    """A figure: its caption, its address (itself, where the page holds it), and the files that it lies in."""

    caption: str
    source: str
    files: dict[str, str]
    size: tuple[int, int]


@dataclass(frozen=True)
class Part:
    """A problem and batch mode: its verdicts, its settings, and their differences."""

    title: str
    verdicts: list[Verdict]
    settings: tables.Table
    pairs: list[tuple[str, tables.Table]]


@dataclass(frozen=True)
class Problem:
    """A problem; an empty name stands for all of them."""

    name: str
    parts: list[Part]
    pictures: list[Picture]
    more: list[Picture]


def write(outcome: Verdicts, drawn: Sequence[Path], captions: Mapping[str, str]) -> Path:
    """Write the report of a study; return the page.

    Args:
        captions: of the figures, by name.
        drawn: the files of the figures, of `figures.save` into the folder ``figures`` of the report.
    """
    study = outcome.study
    folder = study.folder / REPORT
    folder.mkdir(parents=True, exist_ok=True)
    frame = summary.frame(outcome)
    pictures = _Pictures(folder, drawn, captions)
    problems = [_problem(outcome, frame, problem, pictures) for problem in study.problems]
    whole = Problem("", [], *pictures.of(folder / "figures"))
    write_text(folder / "summary.csv", summary.csv(frame))
    write_text(folder / "summary.md", summary.markdown(outcome))
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.loader = PackageLoader("descent.report", ".")
    page.filters["whole"] = lambda sentence: sentence.replace(" %", "\N{NO-BREAK SPACE}%").replace(
        " = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    )
    text = page.get_template("report.html").render(
        name=printable(study.folder.resolve().name),
        outcome=outcome,
        study=study,
        problems=[*problems, whole] if whole.pictures else problems,
        endings=Counter(study.runs["status"]),
        skipped=[(printable(path.relative_to(study.folder).as_posix()), printable(why)) for path, why in study.skipped],
        targets=targets(study.runs),
        provenance=provenance(study.runs),
        tuning=sorted(study.runs["tuning"].unique()),
        now=datetime.now(UTC),
        seeds=SEEDS,
        searches=SEARCHES,
        resamples=RESAMPLES,
    )
    write_text(folder / "index.html", text)
    return folder / "index.html"


def targets(runs: pd.DataFrame) -> list[str]:
    """Return the target of each problem that has one, as text."""
    found = runs[runs["time:steps"].notna()].drop_duplicates("problem").sort_values("problem")
    return [
        f"{problem}, {(what := metric(target['metric'], declared)).label} {what.bound} {target['value']:g}"
        for problem, target, declared in zip(found["problem"], found["target"], found["metrics"], strict=True)
    ]


def provenance(runs: pd.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """Count the values of each fact of the runs' environments: versions, devices, data."""
    found: dict[str, Counter[str]] = {}
    for run in runs.to_dict("records"):
        try:
            environment = results.read(run["folder"] / "result.json").environment
        except (OSError, ValueError, TypeError, KeyError):  # it was fine a moment ago
            continue
        for name, value in environment.items():
            fact = f"{name}, {run['problem']}" if name == "data_checksum" else str(name)
            found.setdefault(fact, Counter())[str(value)] += 1
    return {name: values.most_common() for name, values in found.items()}


def _problem(outcome: Verdicts, frame: pd.DataFrame, problem: str, pictures: "_Pictures") -> Problem:
    parts = []
    runs = final(outcome.study)
    for name, batch, verdicts in outcome.groups:
        if name != problem:
            continue
        first = verdicts[0].ranking.runs.iloc[0]
        own = pd.concat([frame[name].isin([first[name]]) for name in GROUP], axis=1).all(axis=1)  # nan is nan
        table = tables.settings(frame[own], runs[runs["problem"] == problem], verdicts, outcome.study.folder)
        differences = [(v.label, tables.pairs(v)) for v in verdicts if v.ranking.finding.pairs]
        parts.append(Part(batch, verdicts, table, differences))
    return Problem(problem, parts, *pictures.of(pictures.folder / "figures" / safe_name(problem)))


class _Pictures:
    """The figures of a report, put into the page as long as there is room."""

    def __init__(self, folder: Path, drawn: Sequence[Path], captions: Mapping[str, str]) -> None:
        self.folder = folder
        self.drawn = drawn
        self.room = PAGE
        self.captions = captions

    def of(self, folder: Path) -> tuple[list[Picture], list[Picture]]:
        """Return the figures in a folder: those that lead, and the others."""
        names = {path.stem for path in self.drawn if path.parent == folder}
        leading = [name for name in LEAD if name in names]
        rest = sorted(names.difference(leading))
        return list(self._pictures(folder, leading)), list(self._pictures(folder, rest))

    def _pictures(self, folder: Path, names: Sequence[str]) -> Iterator[Picture]:
        for name in names:
            of = {path.suffix[1:]: path for path in self.drawn if path.parent == folder and path.stem == name}
            files = {kind: quote(path.relative_to(self.folder).as_posix()) for kind, path in of.items()}
            with Image.open(of["png"]) as image:
                size = image.size
            source = _inside(of["svg"], of["png"])
            if len(source) > self.room:
                source = files["png"]
            else:
                self.room -= len(source)
            yield Picture(self.captions[name], source, files, size)


def _inside(svg: Path, png: Path) -> str:
    """Return a picture as an address that holds it: as SVG where that is small."""
    if svg.stat().st_size <= DRAWN:
        return f"data:image/svg+xml;base64,{base64.b64encode(svg.read_bytes()).decode()}"
    return f"data:image/png;base64,{base64.b64encode(figures.small(png.read_bytes())).decode()}"
