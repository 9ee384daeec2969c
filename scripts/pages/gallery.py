"""The gallery: each experiment with its question, its command, what its runs said and its figure; and a report's figures."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from data_sets import data_set, holds

from descent.analysis import load
from descent.analysis.findings import render
from descent.config.compose import compose
from descent.experiments import CONCLUSION, modules, sentence
from descent.plots import figures
from descent.records.folders import REPORT
from pages import optimizers
from pages.answers import ANSWERS
from pages.base import DOCS, FIGURES, ROOT, keep, literal, names, prose

PAGE = DOCS / "gallery.md"
STUDY, PROBLEM = "gallery", "digits_mlp"  # whose report is shown
SWEEP = (
    "optimizer=sgd,momentum,adam",
    "batch=full,mini,stochastic",
    "epochs=20",
    "optimizer.lr=0.001,0.003,0.01,0.03,0.1,0.3",
    "seed=1,2,3",
    "engine=compiled",
)
FIRST = ("engine=numpy", "optimizer=sgd,momentum,adam", "seed=range(1,11)")  # the README's study
SENTENCES = FIGURES / "report" / "sentences.json"  # what the figures of the report say in numbers
ACROSS = 3  # trajectories in a row


class Failed(Exception):
    """A command that did not do what it should; says what."""


def findings() -> dict[str, dict[str, Any]]:
    """Return the finding of each experiment whose figure is kept: its numbers stand in the data file beside it."""
    return {path.stem: json.loads(path.read_text()) for path in (FIGURES / "experiments").glob("*.json")}


def page(quoted: dict[str, dict[str, Any]]) -> str:
    """Return the gallery, which quotes the experiments' findings by name."""
    surfaces = " and ".join(optimizers.SURFACES)
    numbers = json.loads(SENTENCES.read_text())
    parts = [
        "# Gallery",
        prose(
            "All figures, each with the command that makes it. `python scripts/docs.py` trains what is missing, draws them and "
            "writes this page. What is quoted is computed from the runs' results, on one machine; on another the last digits may "
            "differ."
        ),
        "## Experiments",
        "A question each, a grid of runs that answers it, and what they said.",
        *(part for name in names("experiment") for part in _entry(name, quoted.get(name))),
        "## The report of a study",
        "Every study has one, with these figures. This study compares three optimizers at six learning rates each:",
        f"```bash\npython train.py -m study={STUDY} {' '.join(SWEEP[:2])} \\\n    {' '.join(SWEEP[2:])}\n"
        f"python scripts/compare.py outputs/{STUDY}\n```",
        *(
            f"{drawing.caption} {literal(numbers[name])}\n\n![{name}](figures/report/{name}.png)"
            for name, drawing in figures.known().items()
            if (FIGURES / "report" / f"{name}.png").exists()
        ),
        "## Trajectories",
        prose(f"Each optimizer on {surfaces}, beside plain gradient descent. A figure leads to its page."),
        *(_trajectories(surface) for surface in optimizers.SURFACES),
    ]
    return "\n\n".join(parts) + "\n"


def needs_data(name: str) -> str:
    """Return which data set an experiment trains on; empty where the data are in the package or made."""
    return data_set(compose(f"experiment={name}").problem)


def train(name: str, studies: Path, root: Path) -> str:
    """Train the missing runs of an experiment, keep its figure and finding, and return its sentence.

    Raises:
        Failed: there are no data in `root`, a run failed, or the results do not hold what the experiment needs.
    """
    data_root = []
    if data := needs_data(name):
        if not holds(root, data):
            raise Failed(f"needs {data}, and there is no {root / data / 'raw'}; --root names a folder that holds it")
        data_root = [f"problem.root={root.resolve()}"]
    overrides = (f"experiment={name}", f"output_dir={studies}", *data_root)
    _python("train.py", "-m", *overrides)
    report = compose(*overrides).folder / REPORT
    conclusion = json.loads((report / CONCLUSION.format(name)).read_text())
    text = sentence(modules()[name], conclusion["finding"])
    if not conclusion["figure"]:
        raise Failed(text)
    picture, kept = report / conclusion["figure"], FIGURES / "experiments" / f"{name}.png"
    keep(picture, kept)
    kept.with_suffix(".json").write_text(json.dumps(conclusion["finding"], indent=1) + "\n")
    if (moving := picture.with_suffix(".gif")).exists():
        shutil.copyfile(moving, kept.with_suffix(".gif"))
    return text


def first(studies: Path) -> Path:
    """Train what is missing of the README's first study, and compare it; return its page.

    Raises:
        Failed: a command failed.
    """
    _python("train.py", "-m", "study=first", f"output_dir={studies}", *FIRST)
    _python("scripts/compare.py", str(studies / "first"))
    return studies / "first" / REPORT / "index.html"


def draw(studies: Path) -> Path:
    """Train what is missing of a small study, and keep the figures of its report; return the folder of the study.

    Raises:
        Failed: a run failed.
    """
    _python("train.py", "-m", f"study={STUDY}", f"problem={PROBLEM}", f"output_dir={studies}", *SWEEP)
    study, numbers = load(studies / STUDY), {}
    for picture in figures.save(study, studies / STUDY / REPORT / "figures").files:
        if picture.suffix == ".png" and picture.parent.name == PROBLEM:
            keep(picture, FIGURES / "report" / picture.name)
            if sentence_of := figures.known(study)[picture.stem].sentence:
                numbers[picture.stem] = sentence_of(study)
    SENTENCES.write_text(json.dumps(numbers, indent=1) + "\n")
    return studies / STUDY


def _entry(name: str, finding: dict[str, Any] | None) -> Iterator[str]:
    yield f"### {name}"
    module = modules()[name]
    yield prose((module.__doc__ or "").partition("\n\n")[0])
    if finding and name in ANSWERS and "missing" not in finding:
        yield f"**{literal(render(ANSWERS[name], finding))}**"
    yield f"```bash\npython train.py -m experiment={name}\n```"
    if finding:
        if table := finding.get("table"):
            yield _table(table)
        yield f"![{name}](figures/experiments/{name}.png)"
        numbers = literal(sentence(module, finding))
        yield f"<details><summary>What the runs said, in numbers</summary>\n\n> {numbers}\n\n</details>"
        if (FIGURES / "experiments" / f"{name}.gif").exists():
            yield f"[The same in motion](figures/experiments/{name}.gif)"
    else:
        yield f"No figure yet: `python scripts/docs.py --only {name}` makes it."


def _table(lines: list[dict[str, Any]]) -> str:
    """Return a finding's table in Markdown: three digits of a number, the ends of an interval, lists with commas."""

    def cell(name: str, value: Any) -> str:
        if isinstance(value, list):
            return (" to " if "interval" in name else ", ").join(cell(name, item) for item in value)
        return f"{value:.3g}" if isinstance(value, float) else str(value)

    rows = [list(lines[0]), ["---"] * len(lines[0]), *([cell(*item) for item in line.items()] for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _trajectories(surface: str) -> str:
    """Return a table of pictures."""
    shown = [f"[![{name}](figures/optimizers/{name}_{surface}.png)](optimizers/{name}.md)" for name in optimizers.in_order()]
    shown += [""] * (-len(shown) % ACROSS)
    rows = [shown[at : at + ACROSS] for at in range(0, len(shown), ACROSS)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [[surface, "", ""], ["---"] * ACROSS, *rows])


def _python(script: str, *arguments: str) -> None:
    """Run one of the project's scripts as a user would."""
    done = subprocess.run([sys.executable, str(ROOT / script), *arguments], stdout=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise Failed(f"{script} {' '.join(arguments)} ended with exit status {done.returncode}")
