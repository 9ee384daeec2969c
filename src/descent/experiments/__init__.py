"""Analyse and draw the experiments of `conf/experiment/`: one module each, named as its yaml.

A module has ``analyse(study) -> Finding``, which computes named numbers from the runs' own results and is free to find no
difference; ``TEXT``, the template by which `render` writes these numbers as sentences; and ``plot(study) -> Figure``. Both
functions raise `NoData` where the runs do not hold what they need. Where there is an ``animate(study, path)``, it writes the
figure as a GIF. A module outside this package is named by its yaml: ``hydra.sweeper.experiment._target_``.
"""

import importlib
import json
import logging
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from descent.analysis.findings import Finding, Missing, render, template_fault
from descent.analysis.load import NoData, Study, load
from descent.config.imports import imported_module
from descent.errors import InputError
from descent.outside import CLOSED, FULL, refusal, write_text
from descent.plots.figures import raised, write
from descent.records.folders import REPORT

log = logging.getLogger(__name__)
PARTS = ("analyse", "plot", "TEXT")
CONCLUSION = "{}.json"  # beside the figure: the finding, and the name of the figure
NO_CONCLUSION = "No conclusion: {{ missing }}."


@dataclass(frozen=True)
class Conclusion:
    """The end of an experiment: its finding, the sentence made of it, and the figure, None where runs are missing.

    Attributes:
        fault: of an experiment of the user's own, why it has no figure.
    """

    finding: Finding
    sentence: str
    figure: Path | None
    fault: InputError | None = None


def find(name: str, target: str | None = None) -> ModuleType:
    """Return the module of an experiment.

    Args:
        name: of the experiment, as its yaml.
        target: the import path of a module outside this package, as the yaml names it; None: the one of this name.

    Raises:
        InputError: there is no such module, it cannot be imported, or it lacks what an experiment consists of.
    """
    if target is None and name not in (info.name for info in pkgutil.iter_modules(__path__)):
        remedy = "Name the module in it: hydra.sweeper.experiment._target_."
        raise InputError("experiment", name, f"has a yaml and no module {__name__}.{name}", remedy)
    path = f"{__name__}.{name}" if target is None else str(target)
    module = imported_module("experiment._target_", path)
    lacking = [part for part in PARTS if not hasattr(module, part)]
    if lacking:
        raise InputError("experiment._target_", path, f"must have analyse(study), plot(study) and TEXT, and lacks {lacking[0]}")
    if fault := template_fault(module.TEXT):
        raise InputError("experiment._target_", path, f"TEXT must be a template of Jinja ({fault})")
    return module


def modules() -> dict[str, ModuleType]:
    """Return the experiments of this package, by name."""
    return {info.name: importlib.import_module(f"{__name__}.{info.name}") for info in pkgutil.iter_modules(__path__)}


def analyse(module: ModuleType, study: Study) -> Finding:
    """Return the finding of an experiment; `Missing` where the study lacks runs that it needs."""
    try:
        finding: Finding = module.analyse(study)
    except NoData as nothing:
        return Missing(str(nothing))
    return finding


def sentence(module: ModuleType, finding: Mapping[str, Any]) -> str:
    """Return a finding, or one that was read from its file, as sentences."""
    return render(NO_CONCLUSION if "missing" in finding else module.TEXT, finding)


def conclude(name: str, folder: Path, runs: Iterable[Path], module: ModuleType | None = None) -> Conclusion:
    """Analyse and draw an experiment from its runs' results, and write both to the study's report.

    The report gets the figure as PNG and SVG, a GIF where it moves, and a JSON file with the finding.

    Args:
        name: of the experiment.
        folder: of the study.
        runs: the folders of the experiment's own runs; the study may hold others.
        module: of the experiment, where it is not this package's.

    Raises:
        InputError: there is no result in the study, or the user's own ``analyse`` or ``TEXT`` raises.
    """
    study = load(folder)
    study = study.part(study.runs["folder"].isin(set(runs)))
    module = module or find(name)
    with _faults_named(module):
        finding = analyse(module, study)
        text = sentence(module, finding)
    report, figure, fault = folder / REPORT, None, None
    try:
        report.mkdir(parents=True, exist_ok=True)
        try:
            figure = None if isinstance(finding, Missing) else _draw(module, study, report / name)
        except InputError as error:
            fault = error
        content = json.dumps({"finding": finding, "figure": figure.name if figure else None}, indent=1)
        write_text(report / CONCLUSION.format(name), content + "\n")
    except OSError as error:
        if error.errno not in (*FULL, *CLOSED):
            raise
        log.warning(str(refusal(error, "figure", report / f"{name}.png")))
        figure = None
    return Conclusion(finding, text, figure, fault)


def _draw(module: ModuleType, study: Study, path: Path) -> Path:
    """Draw an experiment; return the file of its figure."""
    with _faults_named(module):
        drawn = module.plot(study)
        figure = write(drawn, path)[0]
        if animate := getattr(module, "animate", None):
            animate(study, figure.with_suffix(".gif"))
    return figure


@contextmanager
def _faults_named(module: ModuleType) -> Iterator[None]:
    """Turn what an experiment of the user's own raises into one line.

    Raises:
        InputError: names the module, the error and its line.
    """
    try:
        yield
    except Exception as error:  # whatever a module of the user's raises
        full = isinstance(error, OSError) and error.errno in (*FULL, *CLOSED)
        if full or module.__name__.startswith(f"{__name__}."):
            raise
        raise InputError("experiment._target_", module.__name__, raised(error, str(module.__file__))) from error
