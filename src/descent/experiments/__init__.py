"""What the experiments of `conf/experiment/` show: one file, one experiment, named as its yaml.

Each file has ``plot(study) -> Figure`` and ``sentence(study) -> str``, computed from the runs' own results, and free to find no
difference. Both raise `Nothing` where the runs do not hold what they need, and say what that is. Where there is an
``animate(study, path)``, it writes the same as a GIF. A new pair of files is a new experiment.
"""

import importlib
import json
import logging
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from descent.analysis.load import load
from descent.analysis.nothing import Nothing
from descent.outside import CLOSED, FULL, refusal, write_text
from descent.plots.figures import write
from descent.records.folders import REPORT

log = logging.getLogger(__name__)
CONCLUSION = "{}.json"  # beside the figure: what an experiment says, and the name of the figure


def modules() -> dict[str, ModuleType]:
    """Return the experiments there are, by name."""
    return {found.name: importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)}


def conclude(name: str, folder: Path, runs: Iterable[Path]) -> tuple[str, Path | None]:
    """Draw an experiment from its runs' results; return what it says and where its figure is.

    Args:
        name: of the experiment.
        folder: of the study.
        runs: the folders of the experiment's own runs; the study may hold others.

    Returns:
        the sentence, and the figure's PNG in the study's report (an SVG lies beside it, and a GIF where it moves); None where
        there is nothing to draw. A JSON file there holds both.

    Raises:
        InputError: there is no result in the study.
    """
    study = load(folder)
    own = set(runs)
    study = study.part(study.runs["folder"].isin(own))
    module = importlib.import_module(f"{__name__}.{name}")
    try:
        sentence: str = module.sentence(study)
        drawn = module.plot(study)
    except Nothing as nothing:
        sentence, drawn = f"No conclusion: {nothing}.", None
    figure: Path | None = None
    try:
        if drawn is not None:
            figure = write(drawn, folder / REPORT / name)[0]
            if animate := getattr(module, "animate", None):
                animate(study, figure.with_suffix(".gif"))
        kept = folder / REPORT / CONCLUSION.format(name)
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_text(kept, json.dumps({"sentence": sentence, "figure": figure.name if figure else None}, indent=1) + "\n")
    except OSError as error:
        if error.errno not in (*FULL, *CLOSED):
            raise
        log.warning(str(refusal(error, "figure", folder / REPORT / f"{name}.png")))
        figure = None
    return sentence, figure
