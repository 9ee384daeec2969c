"""The comparison in TensorBoard: medians and bands beside the runs, charts that overlay optimizers, the figures, the verdict.

What TensorBoard shows of it, below the folder of the report:

- ``tensorboard``: images, text, and the layout of the Custom Scalars tab; and in it
- ``tensorboard/<optimizer>``: a run for each optimizer, so that it has one colour in all batch modes, with a group of tags for
  each problem and batch mode (``digits_mlp full/train/loss``). Of several settings that which stands for it in the rankings.
- ``settings/<problem>/<setting>``: a run for each setting with several runs, tagged as these are (``train/loss``), so that their
  median lies in the same chart. Apart from the others, as TensorBoard selects no run by itself where there are more than 40.
"""

import html
import math
import re
import struct
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tensorboard.plugins.custom_scalar import layout_pb2
from tensorboard.plugins.custom_scalar.metadata import CONFIG_SUMMARY_TAG
from tensorboard.plugins.custom_scalar.metadata import create_summary_metadata as custom_scalars
from tensorboard.plugins.text.metadata import create_summary_metadata as text
from tensorboard.summary.writer.record_writer import RecordWriter

from descent.analysis.load import Study, metric_of
from descent.analysis.units import Unit, final, summarise, units
from descent.metrics import MEASURED
from descent.plots.lines import QUARTILES
from descent.records.tensorboard_internals import DT_STRING, Event, Summary, SummaryMetadata, TensorProto

BAND = "quartiles"  # the group of tags that hold the band
EDGES = ("low", "median", "high")
LARGEST = float(np.finfo(np.float32).max)  # that TensorBoard can hold
LONGEST = 200  # bytes of a folder's name

Curves = list[tuple[pd.Series, pd.DataFrame]]


def write(study: Study, verdict: Mapping[str, Sequence[str]], images: Mapping[str, bytes], report: Path) -> Path:
    """Write event files that show a comparison; those that an earlier one wrote are replaced.

    Args:
        verdict: sentences, by what they are about.
        images: PNGs or GIFs, by name.
        report: the folder of the report; in that of the study, so that its runs are shown beside.

    Returns:
        A folder that TensorBoard shows well alone, too, however many runs there are.
    """
    folder, settings = report / "tensorboard", report / "settings"
    _clear(folder)
    _clear(settings)
    drawn = units(study)
    _events(folder, _about(study, drawn, verdict, images))
    for name in dict.fromkeys(unit.name for unit in drawn):
        own = [(list(study.curves(unit.runs)), f"{_group(unit)}/") for unit in drawn if unit.name == name]
        _events(folder / _folder(name), _scalars(own))
    for (problem, _, name), runs in final(study).groupby(["problem", "setting", "name"], sort=False):
        if len(curves := list(study.curves(runs))) > 1:
            _events(settings / _folder(problem) / _folder(name), _scalars([(curves, "")]))
    return folder


def _about(
    study: Study, drawn: Sequence[Unit], verdict: Mapping[str, Sequence[str]], images: Mapping[str, bytes]
) -> Iterator[Event]:
    """Yield what is about the study as a whole, an event each."""
    now = time.time()
    yield _event(now, 0, [_string(CONFIG_SUMMARY_TAG, layout(study, drawn).SerializeToString(), custom_scalars())])
    if verdict:
        document = "\n\n".join(f"### {_plain(about)}\n\n{_list(sentences)}" for about, sentences in verdict.items())
        yield _event(now, 0, [_string("verdict", document.encode(), text(None, None))])
    for name, image in images.items():
        width, height = _size(image)
        shown = Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=image)
        yield _event(now, 0, [Summary.Value(tag=f"figures/{name}", image=shown)])


def layout(study: Study, drawn: Iterable[Unit]) -> layout_pb2.Layout:
    """Return the Custom Scalars tab: for each problem and batch mode and quantity the optimizers, with and without bands."""
    found: dict[str, dict[str, None]] = {}
    for unit in drawn:
        measured = [name for name in study.only(unit.problem).quantities if name.startswith(MEASURED)]
        found.setdefault(_group(unit), {}).update(dict.fromkeys(measured))
    categories = [
        layout_pb2.Category(title=group, chart=[chart for name in names for chart in _charts(group, name)])
        for group, names in found.items()
    ]
    return layout_pb2.Layout(category=categories)


def _charts(group: str, quantity: str) -> list[layout_pb2.Chart]:
    low, median, high = (f"{BAND}/{group}/{quantity}/{edge}" for edge in EDGES)
    lines = layout_pb2.MultilineChartContent(tag=[f"{re.escape(f'{group}/{quantity}')}$"])
    band = layout_pb2.MarginChartContent(series=[layout_pb2.MarginChartContent.Series(value=median, lower=low, upper=high)])
    return [
        layout_pb2.Chart(title=f"{quantity}, median", multiline=lines),
        layout_pb2.Chart(title=f"{quantity}, median and quartiles", margin=band),
    ]


def _scalars(families: Iterable[tuple[Curves, str]]) -> Iterator[Event]:
    """Yield the medians and bands over examples of some families of runs, each under tags of its own, an event a record.

    Numbers that are not finite are left out, and bands that reach zero, which break on a log axis; but for accuracies, which do
    not need one. Of a band all three are, as a chart of bands draws none where they differ in length.
    """
    for curves, group in families:
        columns = dict.fromkeys(name for _, frame in curves for name in frame if name.startswith(MEASURED))
        shown: dict[int, list[Summary.Value]] = {}
        for name in columns:
            measured = [(run, frame) for run, frame in curves if name in frame]
            metric = metric_of(pd.DataFrame([run for run, _ in measured]), name)
            summary = summarise(measured, name, "examples", metric.worst, QUARTILES)
            tags = [f"{BAND}/{group}{name}/{edge}" for edge in EDGES]
            for x, *band in zip(summary.x, summary.low, summary.median, summary.high, strict=True):
                finite = [abs(value) <= LARGEST for value in band]
                values = shown.setdefault(int(x), [])
                if finite[1]:
                    values.append(Summary.Value(tag=group + name, simple_value=band[1]))
                if all(finite) and (band[0] > 0 or metric.scale == "linear"):
                    values += [Summary.Value(tag=tag, simple_value=value) for tag, value in zip(tags, band, strict=True)]
        for x, when in zip(sorted(shown), _clock(curves, sorted(shown)), strict=True):
            if shown[x]:
                yield _event(when, x, shown[x])


def _clock(curves: Curves, examples: Sequence[int]) -> np.ndarray:
    """Return when records were made, so that TensorBoard's relative time is that of training."""
    if not examples:
        return np.empty(0)
    known, seconds = (summarise(curves, "step", axis, math.inf, QUARTILES).x for axis in ("examples", "seconds"))
    spent = np.interp(examples, known, seconds)
    return time.time() - spent[-1] + spent


def _event(when: float, step: int, values: Sequence[Summary.Value]) -> Event:
    return Event(wall_time=when, step=step, summary=Summary(value=values))


def _string(tag: str, content: bytes, metadata: SummaryMetadata) -> Summary.Value:
    return Summary.Value(tag=tag, metadata=metadata, tensor=TensorProto(dtype=DT_STRING, string_val=[content]))


def _events(folder: Path, events: Iterable[Event]) -> None:
    """Write an event file, if there is anything to write."""
    now, first = time.time(), next(events := iter(events), None)
    if first is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"events.out.tfevents.{time.time_ns()}.comparison", "wb") as file:
        records = RecordWriter(file)
        for event in (Event(wall_time=now, file_version="brain.Event:2"), first, *events):
            records.write(event.SerializeToString())


def _clear(folder: Path) -> None:
    """Delete what an earlier comparison wrote, and nothing else."""
    for stale in folder.rglob("events.out.tfevents.*.comparison"):
        stale.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):  # what lies deeper comes first
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _group(unit: Unit) -> str:
    """Return what tags of a problem and batch mode begin with."""
    size = f" {unit.batch_size:.0f}" if unit.batch_size else ""
    return re.sub(r"[/()]", "_", f"{unit.problem} {unit.batch}{size}")  # TensorBoard colours no line whose tag has a bracket


def _folder(name: str) -> str:
    """Return a name as that of a folder, which TensorBoard shows; what a result says is not to be trusted with paths."""
    safe = re.sub(r"[^\w=.,()# +-]", "_", name).strip(". ").encode()[:LONGEST].decode(errors="ignore")
    return name if name and safe == name else f"{safe}-{zlib.crc32(name.encode()):08x}"


def _size(image: bytes) -> tuple[int, int]:
    """Return width and height of a PNG or GIF."""
    if image.startswith(b"GIF"):
        return struct.unpack("<HH", image[6:10])
    return struct.unpack(">II", image[16:24])


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {_plain(sentence)}" for sentence in sentences)


def _plain(words: str) -> str:
    """Return text that Markdown shows letter by letter."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+.!|-])", r"\\\1", " ".join(words.split()))
    return html.escape(escaped, quote=False)
