"""Write a TensorBoard event file in this thread: TensorBoard's own writer has another one, whose errors cannot be caught."""

import struct
import time
from pathlib import Path

import google_crc32c

from descent.outside import writing
from descent.records.tensorboard_internals import Event, Summary

FLUSH_EVERY = 5.0  # seconds until what was written is shown


def framed(event: Event) -> bytes:
    """Return an event as a record of a file: length, content and a masked CRC-32C of each.

    TensorBoard's own writer computes the checksums in Python, which took a tenth of a run of milliseconds.
    """
    content = event.SerializeToString()
    length = struct.pack("<Q", len(content))
    return b"".join((length, _checksum(length), content, _checksum(content)))


def _checksum(content: bytes) -> bytes:
    crc = google_crc32c.value(content)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


class EventFile:
    """A new event file in a folder.

    Raises:
        OSError: it cannot be written; names the file.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"events.out.tfevents.{time.time_ns()}"
        self.flushed = time.monotonic()
        with writing(self.path):
            self.file = open(self.path, "wb")  # noqa: SIM115  # until `close`
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def add_summary(self, summary: Summary, step: int = 0, walltime: float | None = None) -> None:
        """Write an event.

        Args:
            summary: its content.
            step: on the horizontal axis.
            walltime: in seconds since the epoch; None: now.
        """
        self._write(Event(wall_time=time.time() if walltime is None else walltime, step=step, summary=summary))

    def close(self) -> None:
        with writing(self.path):
            self.file.close()

    def _write(self, event: Event) -> None:
        with writing(self.path):
            self.file.write(framed(event))
            if time.monotonic() - self.flushed > FLUSH_EVERY:
                self.flushed = time.monotonic()
                self.file.flush()
