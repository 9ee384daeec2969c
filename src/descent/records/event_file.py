"""Write a TensorBoard event file in this thread: TensorBoard's own writer has another one, whose errors cannot be caught."""

import time
from pathlib import Path

from tensorboard.summary.writer.record_writer import RecordWriter

from descent.outside import writing
from descent.records.tensorboard_internals import Event, Summary

FLUSH_EVERY = 5.0  # seconds until what was written is shown


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
            RecordWriter(self.file).write(event.SerializeToString())
            if time.monotonic() - self.flushed > FLUSH_EVERY:
                self.flushed = time.monotonic()
                self.file.flush()
