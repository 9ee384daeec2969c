"""Who is told how far a run is. No torch: the command line loads this before a run starts."""

from contextlib import AbstractContextManager, nullcontext

from descent.records.curve import Row


class Observer:
    """Is told what a run does, and how far it is, and says nothing; a subclass shows it."""

    def loading(self, what: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context in which something takes seconds to load."""
        return nullcontext()

    def note(self, text: str) -> None:
        """Take in a line on what is done."""

    def start(self, row: Row, examples: int | None, max_seconds: float | None) -> None:
        """Begin at a record.

        Args:
            row: the record.
            examples: that the run will process; None where only its seconds are limited.
            max_seconds: of training, or None.
        """

    def update(self, step: float, examples: float, seconds: float, row: Row, always: bool = False) -> None:
        """Take in how far the run is, and its last record; called after each block."""

    def stop(self) -> None:
        """End."""
