"""Flags of the scripts: read by one parser, judged by the types of settings, refused in one line.

``python train.py`` takes Hydra's overrides, see `command`; all other commands have flags, and are written as::

    def main() -> int:
        parser = Parser(__doc__)
        parser.add("--seconds", Positive, default=5.0, help="of training")
        arguments = parser.read()
        ...

    if __name__ == "__main__":
        leave_with(main)
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from descent import stopping
from descent.config.check import check
from descent.config.ending import one_line
from descent.config.values import Text
from descent.errors import InputError, likeliest


class Parser(argparse.ArgumentParser):
    """A parser of flags that raises an `InputError` where argparse would print its usage.

    Args:
        description: what the command does.
    """

    def __init__(self, description: str | None) -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(description=description, formatter_class=formatter, allow_abbrev=False, exit_on_error=False)
        self.kinds: dict[str, Any] = {}
        self.declared: list[argparse.Action] = []

    def add(self, name: str, kind: Any = Text, **options: Any) -> None:
        """Declare an argument.

        Args:
            name: ``--flag``, or without dashes of an argument that stands alone.
            kind: its type, as of a setting (`descent.config.values`); of each value, where it takes several.
            options: further ones of `argparse.ArgumentParser.add_argument`.
        """
        action = self.add_argument(name, **options)
        self.declared.append(action)
        if action.nargs != 0:
            self.kinds[action.dest] = kind

    def read(self, arguments: Sequence[str] | None = None) -> argparse.Namespace:
        """Return the values of the arguments that were typed.

        Raises:
            InputError: an unknown flag, or a value that is not of its type.
        """
        try:
            values, others = self.parse_known_args(arguments)
        except argparse.ArgumentError as error:
            raise self._refusal(str(error.argument_name or ""), error.message) from None
        if others:
            raise self._unknown(others[0])
        for action in self.declared:
            value = getattr(values, action.dest)
            if action.dest in self.kinds and value is not action.default:
                kind, name = self.kinds[action.dest], _name(action)
                many = isinstance(value, list)
                setattr(values, action.dest, [check(name, item, kind) for item in value] if many else check(name, value, kind))
        return values

    def error(self, message: str) -> NoReturn:
        """Raise an `InputError` for a mistake without an error class in argparse.

        Raises:
            InputError: always.
        """
        raise self._refusal("", message)

    def _refusal(self, name: str, message: str) -> InputError:
        """Return the error for an argument that is missing, or has too few or too many values."""
        last = message.rpartition(" ")[2]  # of "the following arguments are required: study"
        for action in self.declared:
            if name in (action.dest, "/".join(action.option_strings), action.metavar) or (not name and last == action.dest):
                return InputError(_name(action), "", f"needs a value: {action.help}")
        return InputError("command", " ".join(sys.argv[1:]), message, "--help shows what there is.")

    def _unknown(self, typed: str) -> InputError:
        flag, _, value = typed.partition("=")
        flags = [option for action in self.declared for option in action.option_strings]
        if flag.startswith("-"):
            has = f"there are {', '.join(flags)}" if flags else "there are none"
            return InputError(flag, value, f"there is no such flag; {has}", likeliest(flag, flags))
        places = [action.dest for action in self.declared if not action.option_strings]
        takes = f"takes {', '.join(places)} and flags" if places else "takes flags only"
        return InputError("argument", typed, f"is one too many: {self.prog} {takes}", "--help lists them.")


def _name(action: argparse.Action) -> str:
    return action.option_strings[0] if action.option_strings else action.dest


def leave_with(main: Callable[[], int]) -> NoReturn:
    """End the process with one line and 2 after a mistake or 128 + n after signal n, else with its status.

    Args:
        main: runs the command and returns the exit status.
    """
    with stopping.listening(), one_line():
        sys.exit(main())


def require_folder(name: str, folder: Path, what: str) -> None:
    """Refuse a folder that does not exist.

    Args:
        name: of the argument, ``--root``.
        folder: its value.
        what: describes the folder, ``that holds MNIST/raw``.
    """
    if not folder.is_dir():
        raise InputError(name, folder, f"must be a folder {what}", "It is a file." if folder.exists() else "It is not there.")


def require_folder_to_write(name: str, folder: Path) -> None:
    """Refuse a folder if it, or one of its parents, is a file."""
    above = next(above for above in (folder, *folder.absolute().parents) if above.exists())
    if not above.is_dir():
        raise InputError(name, folder, "must be a folder, or not be there yet", f"{above} is a file.")


def require_file_to_write(name: str, file: Path) -> None:
    """Refuse a file that is a folder, or whose folder does not exist."""
    if file.is_dir():
        raise InputError(name, file, "must be a file", "It is a folder.")
    if not file.parent.is_dir():
        raise InputError(name, file, "must be a file in a folder that is there", f"Make it: mkdir -p {file.parent}.")
