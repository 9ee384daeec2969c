"""Event files of TensorBoard's that are written at once: events, texts and images, and the folders that name their runs."""

import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tensorboard.plugins.text.metadata import create_summary_metadata as markdown

from descent.analysis.wording import markdown_text
from descent.records.event_file import framed
from descent.records.tensorboard_internals import DT_STRING, Event, Summary, SummaryMetadata, TensorProto


def event(when: float, step: int, values: Sequence[Summary.Value]) -> Event:
    """Return values at a step, made `when`, seconds since the epoch."""
    return Event(wall_time=when, step=step, summary=Summary(value=values))


def string(tag: str, content: bytes, metadata: SummaryMetadata) -> Summary.Value:
    """Return bytes for a plugin of TensorBoard's."""
    return Summary.Value(tag=tag, metadata=metadata, tensor=TensorProto(dtype=DT_STRING, string_val=[content]))


def text(tag: str, sections: Mapping[str, Sequence[str]]) -> Summary.Value:
    """Return sentences, by their heading, as Markdown that shows them letter by letter."""
    document = "\n\n".join(f"### {markdown_text(heading)}\n\n{_list(sentences)}" for heading, sentences in sections.items())
    return string(tag, document.encode(), markdown(None, None))


def image(tag: str, encoded: bytes) -> Summary.Value:
    """Return a PNG or GIF."""
    width, height = _size(encoded)
    return Summary.Value(tag=tag, image=Summary.Image(width=width, height=height, colorspace=4, encoded_image_string=encoded))


def write(folder: Path, events: Iterable[Event]) -> None:
    """Write an event file, if there is anything to write."""
    now, first = time.time(), next(events := iter(events), None)
    if first is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / f"events.out.tfevents.{time.time_ns()}.comparison", "wb") as file:
        for record in (Event(wall_time=now, file_version="brain.Event:2"), first, *events):
            file.write(framed(record))


def clear(folder: Path) -> None:
    """Delete the event files of earlier comparisons, and the folders that this empties."""
    for stale in folder.rglob("events.out.tfevents.*.comparison"):
        stale.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):  # what lies deeper comes first
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _size(image: bytes) -> tuple[int, int]:
    """Return width and height of a PNG or GIF."""
    if image.startswith(b"GIF"):
        return struct.unpack("<HH", image[6:10])
    return struct.unpack(">II", image[16:24])


def _list(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {markdown_text(sentence)}" for sentence in sentences)
