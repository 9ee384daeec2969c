"""The figures of a comparison: one file a figure, or one a kind of figures.

A file has ``plot(study) -> Figure``, which raises `NoData` where the study has nothing for it, and may have
``animate(study, path)``, which writes the same as a GIF, and ``sentence(study)``, which says what it shows. ``EACH`` is what it
draws one figure of: ``"problem"`` (the default), where `plot` gets a study of one problem, or ``"study"``. The first line of the
docstring is the caption. A new file is a new figure, here or in a folder of the user's.
"""

import gc
import importlib
import io
import os
import pkgutil
import runpy
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl
from joblib import Parallel, delayed
from matplotlib.figure import Figure
from PIL import Image

from descent.analysis.load import NoData, Study
from descent.errors import InputError, first_line
from descent.outside import safe_name
from descent.plots.curves import draw, leaders
from descent.plots.figures import by_axis
from descent.plots.style import RC

FORMATS = ("png", "svg")
COLOURS = 256  # of a small picture
MANY = 200  # runs from which on other processes help


@dataclass(frozen=True)
class Drawing:
    """A figure that a comparison has.

    Attributes:
        caption: a sentence.
        scope: what it is drawn once for, ``problem`` or ``study``.
        plot: draws it.
        animate: writes it as a GIF; None where nothing moves.
        sentence: says what it shows, of the same study, from the numbers; None where a figure has no such function.
        curves: whether it shows curves that the page draws itself.
        file: of the user's, that it comes from; None: it is one of ours.
    """

    caption: str
    scope: str
    plot: Callable[[Study], Figure]
    animate: Callable[[Study, Path], None] | None = None
    sentence: Callable[[Study], str] | None = None
    curves: bool = False
    file: Path | None = None


class Saved(NamedTuple):
    """The files of figures, and the files of the user's that raised, with what they raised."""

    files: list[Path]
    faults: list[tuple[Path, str]]


def known(study: Study | None = None, figures_folder: Path | None = None) -> dict[str, Drawing]:
    """Return the available figures, by name.

    Args:
        study: whose problems may declare metrics, which have figures of their own.
        figures_folder: a folder with files of the user's.

    Raises:
        InputError: there is no such folder, or a file in it has no ``plot`` or raises.
    """
    declared = [] if study is None else [name for metrics in study.runs["metrics"] for name in metrics]
    drawings = {
        name: Drawing(caption, by_axis.EACH, partial(draw, **what), None, partial(leaders, **what), curves=True)
        for name, (caption, what) in by_axis.figures(declared).items()
    }
    for info in pkgutil.iter_modules(__path__):
        if hasattr(module := importlib.import_module(f"{__name__}.{info.name}"), "plot"):
            drawings[info.name] = _drawing(info.name, vars(module))
    if figures_folder is not None and not any(figures_folder.glob("*.py")):
        raise InputError("figures", figures_folder, "must be a folder with files that have plot(study) -> Figure")
    for path in sorted(figures_folder.glob("*.py")) if figures_folder else ():
        try:
            drawings[path.stem] = _drawing(path.stem, runpy.run_path(str(path)), path)
        except Exception as error:  # whatever a file of the user's raises
            raise InputError("figures", path, f"must have plot(study) -> Figure ({type(error).__name__}: {error})") from error
    return dict(sorted(drawings.items()))


def _drawing(name: str, module: Mapping[str, Any], file: Path | None = None) -> Drawing:
    caption, scope = (module["__doc__"] or name).partition("\n")[0], module.get("EACH", "problem")
    return Drawing(caption, scope, module["plot"], module.get("animate"), module.get("sentence"), file=file)


def save(study: Study, folder: Path, figures_folder: Path | None = None) -> Saved:
    """Write each figure as PNG and SVG, and as GIF where it moves, to ``folder/<problem>/<name>``.

    Args:
        figures_folder: a folder with figures of the user's.
    """
    _ = study.records  # read before they are split
    parts = [(study.only(problem), folder / safe_name(problem), "problem", figures_folder) for problem in study.problems]
    parts.append((study, folder, "study", figures_folder))
    if len(study.problems) == 1 or len(study.runs) < MANY:
        written = [_save(*part) for part in parts]
    else:
        written = Parallel(n_jobs=min(len(parts), os.cpu_count() or 1))(delayed(_save_apart)(*part) for part in parts)
    return Saved(*(list(chain(*parts)) for parts in zip(*written, strict=True)))


def _save(study: Study, folder: Path, scope: str, figures_folder: Path | None) -> Saved:
    """Write the figures of one problem, or of all."""
    saved = Saved([], [])
    for name, drawing in known(study, figures_folder).items():
        if scope != drawing.scope:
            continue
        try:
            saved.files.extend(_written(study, drawing, folder / safe_name(name)))
        except NoData:
            continue
        except Exception as error:  # whatever a file of the user's raises
            if drawing.file is None:
                raise
            saved.faults.append((drawing.file, raised(error, str(drawing.file))))
    return saved


def _written(study: Study, drawing: Drawing, path: Path) -> Iterator[Path]:
    figure = drawing.plot(study)
    if drawing.file and drawing.sentence:  # which the page needs
        drawing.sentence(study)
    if not isinstance(figure, Figure):
        raise TypeError(f"plot(study) must return a Figure, and returned {type(figure).__name__}")
    yield from write(figure, path)
    if drawing.animate:
        drawing.animate(study, path.with_name(f"{path.name}.gif"))
        yield path.with_name(f"{path.name}.gif")


def raised(error: Exception, file: str) -> str:
    """Return what code of the user's raised, and in which line of a file."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return f"raised {type(error).__name__}{f' in line {lines[-1]}' if lines else ''} ({first_line(error)})"


def _save_apart(study: Study, folder: Path, scope: str, figures_folder: Path | None) -> Saved:
    """Write the figures in a worker process, which does nothing else."""
    gc.freeze()  # what it was sent and imported is no garbage, and not to be searched for it again and again
    return _save(study, folder, scope, figures_folder)


def write(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as PNG and SVG; return the files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(RC), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a name in letters that the font lacks
        for extension in FORMATS:
            figure.savefig(path.with_name(f"{path.name}.{extension}"), metadata={"Date": None} if extension == "svg" else None)
    return [path.with_name(f"{path.name}.{extension}") for extension in FORMATS]


@cache  # the page and TensorBoard show the same ones
def small(png: bytes) -> bytes:
    """Return a picture in 256 colours: a third of the bytes, and TensorBoard's writer sums up each in Python."""
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        image.convert("RGB").quantize(COLOURS, Image.Quantize.FASTOCTREE).save(buffer, "png")
    return buffer.getvalue()
