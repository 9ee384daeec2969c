"""Who is told how far a run is. No torch: the command line loads this before a run starts."""

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

from descent.records.curve import Row


class Observer(Protocol):
    """Is told what a run does, and how far it is."""

    def loading(self, what: str) -> AbstractContextManager[None]:
        """Return a context in which something takes seconds to load."""

    def note(self, text: str) -> None:
        """Take in a line on what is done."""

    def start(self, row: Row, examples: int | None, max_seconds: float | None) -> None:
        """Begin at a record.

        Args:
            row: the record.
            examples: that the run will process; None where only its seconds are limited.
            max_seconds: of training, or None.
        """

    def update(self, step: int, examples: int, seconds: float, row: Row, always: bool = False) -> None:
        """Take in how far the run is, and its last record; called after each block."""

    def stop(self) -> None:
        """End."""


class Silent:
    """Observes and says nothing."""

    def loading(self, what: str) -> AbstractContextManager[None]:  # noqa: ARG002
        return nullcontext()

    def note(self, text: str) -> None:
        pass

    def start(self, row: Row, examples: int | None, max_seconds: float | None) -> None:
        pass

    def update(self, step: int, examples: int, seconds: float, row: Row, always: bool = False) -> None:
        pass

    def stop(self) -> None:
        pass


SILENT = Silent()
