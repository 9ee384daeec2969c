"""Write the report of a study: one self-contained page, its numbers as CSV and Markdown, and the figures as files."""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from urllib.parse import quote

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from PIL import Image

from descent.analysis import summary
from descent.analysis.forest import Forest, forests
from descent.analysis.load import Study
from descent.analysis.paired_tests import SEEDS
from descent.analysis.selection import candidates, final, panel_order
from descent.analysis.statistics import RESAMPLES, SEARCHES
from descent.analysis.verdicts import Verdicts
from descent.errors import printable
from descent.metrics import AXES, metric
from descent.outside import safe_name, write_text
from descent.plots import figures
from descent.plots.curves import leaders
from descent.plots.figures import Drawing
from descent.plots.style import look, order
from descent.records.folders import REPORT
from descent.report import curves, tables

LEAD = ("batch_modes", "trajectories", "final_by_learning_rate", "time_to_target", "performance_profile")
DRAWN = 120_000  # bytes up to which a figure is put into the page as SVG; beyond, it is many lines
PAGE = 1_100_000  # bytes of pictures in the page; what is beyond stays beside it
WEB = "web"  # the folder of what the page is made of


@dataclass(frozen=True)
class Picture:
    """A figure: its caption, what it shows, its address (itself, where the page holds it), and the files that it lies in."""

    caption: str
    sentence: str
    source: str
    files: dict[str, str]
    size: tuple[int, int]


@dataclass(frozen=True)
class Problem:
    """A problem; an empty name stands for all of them.

    Attributes:
        forests: its forest plots.
        settings: the table of all its settings; None where there are none.
        pairs: of each group that was tested the metric with the group, its batch mode, and the differences.
        curves: whether the page draws curves of it, and `sentence`, what they show.
        files: of each figure of curves the caption, and its files by kind.
        pictures, more: its other figures: those that lead, and the others.
    """

    name: str
    forests: list[Forest]
    settings: tables.Table | None
    pairs: list[tuple[str, str, tables.Table]]
    curves: bool
    sentence: str
    files: list[tuple[str, dict[str, str]]]
    pictures: list[Picture]
    more: list[Picture]


def write(outcome: Verdicts, drawn: Sequence[Path], drawings: Mapping[str, Drawing]) -> Path:
    """Write the report of a study; return the page.

    Args:
        drawn: the files of the figures, of `figures.save` into the folder ``figures`` of the report.
        drawings: the figures by the names of their files.
    """
    study = outcome.study
    folder = study.folder / REPORT
    folder.mkdir(parents=True, exist_ok=True)
    frame = summary.frame(outcome)
    packed, thinned = curves.pack(study)
    pictures = _Pictures(folder, drawn, drawings)
    problems = [_problem(outcome, frame, problem, pictures) for problem in study.problems]
    whole = Problem("", [], None, [], False, "", *pictures.of(folder / "figures", study))
    write_text(folder / "summary.csv", summary.csv(frame))
    write_text(folder / "summary.md", summary.markdown(outcome))
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    page.loader = PackageLoader("descent.report", WEB)
    page.filters["whole"] = lambda sentence: sentence.replace(" %", "\N{NO-BREAK SPACE}%").replace(
        " = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    )
    units = candidates(study)
    text = page.get_template("page.html").render(
        name=printable(study.folder.resolve().name),
        outcome=outcome,
        tunings=[(group, tables.tuning(group)) for group in outcome.tunings],
        study=study,
        problems=[*problems, whole] if whole.pictures or whole.more else problems,
        curves=packed,
        thinned=thinned,
        optimizers={name: look(name) for name in sorted({unit.optimizer for unit in units}, key=order)},
        modes=list(dict.fromkeys(unit.batch for unit in sorted(units, key=lambda unit: panel_order(unit.panel)))),
        metrics={metric.name: metric.label for name in study.problems for metric in curves.metrics(study.only(name))},
        axes=[axis.column for axis in AXES.values()],
        look=look,
        file=lambda name: (resources.files("descent.report") / WEB / name).read_text(),
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
    with_target = runs[runs["time:steps"].notna()].drop_duplicates("problem").sort_values("problem")
    return [
        f"{problem}, {(what := metric(target['metric'], declared)).label} {what.bound} {target['value']:g}"
        for problem, target, declared in zip(with_target["problem"], with_target["target"], with_target["metrics"], strict=True)
    ]


def provenance(runs: pd.DataFrame) -> dict[str, list[tuple[str, int]]]:
    """Count the values of each fact of the runs' environments: versions, devices, data."""
    counts: dict[str, Counter[str]] = {}
    for problem, environment in zip(runs["problem"], runs["environment"], strict=True):
        for name, value in environment.items():
            fact = f"{name}, {problem}" if name == "data_checksum" else str(name)
            counts.setdefault(fact, Counter())[str(value)] += 1
    return {name: values.most_common() for name, values in counts.items()}


def _problem(outcome: Verdicts, frame: pd.DataFrame, problem: str, pictures: "_Pictures") -> Problem:
    study = outcome.study.only(problem)
    groups = [verdicts for name, _, verdicts in outcome.groups if name == problem]
    table = tables.settings(frame, final(outcome.study), groups, outcome.study.folder) if groups else None
    pairs = [
        (f"{verdict.label}, {verdict.ranking.batch}", str(verdict.ranking.runs["batch"].iloc[0]), tables.pairs(verdict))
        for verdicts in groups
        for verdict in verdicts
        if verdict.ranking.finding.pairs
    ]
    shown = [forest for forest in forests(outcome) if forest.problem == problem]
    drawn = not study.records.empty and bool(candidates(outcome.study))
    sentence = leaders(study) if drawn else ""
    folder = pictures.folder / "figures" / safe_name(problem)
    return Problem(problem, shown, table, pairs, drawn, sentence, *pictures.of(folder, study))


class _Pictures:
    """The figures of a report, put into the page as long as there is room; those of curves it draws itself."""

    def __init__(self, folder: Path, drawn: Sequence[Path], drawings: Mapping[str, Drawing]) -> None:
        self.folder = folder
        self.drawn = drawn
        self.room = PAGE
        self.drawings = drawings

    def of(self, folder: Path, study: Study) -> tuple[list[tuple[str, dict[str, str]]], list[Picture], list[Picture]]:
        """Return the files of the figures of curves in a folder, and the other figures: those that lead, and the rest."""
        names = sorted({path.stem for path in self.drawn if path.parent == folder})
        of_curves = [name for name in names if self.drawings[name].curves]
        leading = [name for name in LEAD if name in names]
        rest = [name for name in names if name not in leading and name not in of_curves]
        files = [(self.drawings[name].caption, self._files(folder, name)[1]) for name in of_curves]
        return files, list(self._pictures(folder, leading, study)), list(self._pictures(folder, rest, study))

    def _files(self, folder: Path, name: str) -> tuple[dict[str, Path], dict[str, str]]:
        """Return the files of a figure by kind, and their addresses."""
        of = {path.suffix[1:]: path for path in self.drawn if path.parent == folder and path.stem == name}
        return of, {kind: quote(path.relative_to(self.folder).as_posix()) for kind, path in of.items()}

    def _pictures(self, folder: Path, names: Sequence[str], study: Study) -> Iterator[Picture]:
        for name in names:
            of, files = self._files(folder, name)
            with Image.open(of["png"]) as image:
                size = image.size
            source = _inside(of["svg"], of["png"])
            if len(source) > self.room:
                source = files["png"]
            else:
                self.room -= len(source)
            drawing = self.drawings[name]
            yield Picture(drawing.caption, drawing.sentence(study) if drawing.sentence else "", source, files, size)


def _inside(svg: Path, png: Path) -> str:
    """Return a picture as an address that holds it: as SVG where that is small."""
    if svg.stat().st_size <= DRAWN:
        return f"data:image/svg+xml;base64,{base64.b64encode(svg.read_bytes()).decode()}"
    return f"data:image/png;base64,{base64.b64encode(figures.small(png.read_bytes())).decode()}"
