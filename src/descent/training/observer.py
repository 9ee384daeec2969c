"""Observers of a run's progress. No torch: the command line loads this before a run starts."""

from contextlib import AbstractContextManager, nullcontext

from descent.records.curve import Row


class Observer:
    """Receive the progress of a run and print nothing; a subclass shows it."""

    def loading(self, what: str) -> AbstractContextManager[None]:  # noqa: ARG002
        """Return a context in which something takes seconds to load."""
        return nullcontext()

    def note(self, text: str) -> None:
        """Receive a line on the run's state."""

    def size(self, examples: int, weights: int, device: str) -> None:
        """Take in how many training examples and weights there are, and the device that computes."""

    def start(self, row: Row, examples: int | None, max_seconds: float | None) -> None:
        """Begin at a record.

        Args:
            row: the record.
            examples: that the run will process; None if only its seconds are limited.
            max_seconds: of training, or None.
        """

    def update(self, step: float, examples: float, seconds: float, row: Row, always: bool = False) -> None:
        """Receive the progress and the last record; called after each block."""

    def stop(self) -> None:
        """End."""
