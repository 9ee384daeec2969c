"""The figures of a comparison: one file, one figure.

Each file has ``plot(study) -> Figure`` and ``EACH``, what it draws one figure of: ``"problem"``, where `plot` gets a study of
one problem, or ``"study"``. It raises `NoData` where a study has nothing for it. Where there is an ``animate(study, path)``, it
writes the same as a GIF. A new file is a new figure.
"""

import gc
import importlib
import io
import os
import pkgutil
import re
import warnings
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import matplotlib as mpl
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from PIL import Image

from descent.analysis.load import NoData, Study
from descent.plots.style import LONGEST, RC

FORMATS = ("png", "svg")
COLOURS = 256  # of a small picture
MANY = 200  # runs from which on other processes help


def modules() -> dict[str, ModuleType]:
    """Return the figures there are, by name."""
    return {found.name: importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)}


def plots(study: Study) -> Iterator[tuple[str, str, Figure]]:
    """Yield each figure that the study has something for: its name, its problem (empty: all) and itself."""
    for problem in study.problems:
        part = study.only(problem)
        for name, module in modules().items():
            if module.EACH == "problem" and (figure := _plot(module, part)):
                yield name, problem, figure
    for name, module in modules().items():
        if module.EACH == "study" and (figure := _plot(module, study)):
            yield name, "", figure


def _plot(module: ModuleType, study: Study) -> Figure | None:
    try:
        return module.plot(study)
    except NoData:
        return None


def save(study: Study, folder: Path) -> list[Path]:
    """Write each figure as PNG and SVG, and as GIF where it moves, to ``folder/<problem>/<name>``; return the files."""
    parts = [(study.only(problem), folder / file_name(problem), "problem") for problem in study.problems] + [
        (study, folder, "study")
    ]
    if len(study.problems) == 1 or len(study.runs) < MANY:
        done = [_save(*part) for part in parts]
    else:
        done = Parallel(n_jobs=min(len(parts), os.cpu_count() or 1))(delayed(_save_apart)(*part) for part in parts)
    for _, skipped in done:  # found in another process
        study.skipped += [entry for entry in skipped if entry not in study.skipped]
    return [path for written, _ in done for path in written]


def file_name(name: str) -> str:
    """Return a name as that of a folder; what a result says is not to be trusted with paths."""
    safe = re.sub(r"[^\w=.-]", "_", name).lstrip(".")[:LONGEST]
    return name if name and safe == name else f"{safe}-{zlib.crc32(name.encode()):08x}"


def _save(study: Study, folder: Path, each: str) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Write the figures of one problem, or of all; return the files, and what of the study cannot be used."""
    written = []
    for name, module in modules().items():
        if each == module.EACH and (figure := _plot(module, study)):
            written += write(figure, folder / name)
            if animate := getattr(module, "animate", None):
                written.append(folder / f"{name}.gif")
                animate(study, written[-1])
    return written, study.skipped


def _save_apart(*part: Any) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Do the same in another process, which lives for this alone."""
    gc.freeze()  # what it was sent and imported is no garbage, and not to be searched for it again and again
    return _save(*part)


def write(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as PNG and SVG; return the files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in letters that the font lacks
        for extension in FORMATS:
            figure.savefig(path.with_suffix(f".{extension}"), metadata={"Date": None} if extension == "svg" else None)
    return [path.with_suffix(f".{extension}") for extension in FORMATS]


@cache  # the page and TensorBoard show the same ones
def small(png: bytes) -> bytes:
    """Return a picture in 256 colours: a third of the bytes, each of which TensorBoard's writer sums up in Python."""
    found = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(found, "png")
    return found.getvalue()
