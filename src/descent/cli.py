"""The command: Hydra composes what was typed, a run or a sweep trains it, and every mistake leaves by one door.

What takes time to import, Hydra included, is imported where Ctrl-C is one line.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from descent import stopping
from descent.config.ending import command, full_errors, one_line, tracebacks, users_environment
from descent.errors import InputError

if TYPE_CHECKING:
    from omegaconf import DictConfig


class Fault(BaseException):
    """Carry an exception of descent's own code past Hydra, which would take it for a mistake of the user's."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


def main() -> None:
    """Run the command ``python train.py`` or ``descent``.

    ``descent compare STUDY`` and ``descent status STUDY`` read a study; all else trains. The process ends with 2 after a mistake
    and with 128 + n after signal n, as 130 after Ctrl-C.
    """
    with stopping.listening(), one_line():
        if sys.argv[1:2] in (["compare"], ["status"]):
            from descent.config.flags import leave_with
            from descent.terminal import commands

            name = sys.argv.pop(1)
            leave_with(getattr(commands, name))
        _train()


def _train() -> None:
    import hydra

    from descent.config.command import arguments
    from descent.config.yamls import conf

    overrides: list[str] = []
    try:
        with door():
            sys.argv[1:], overrides = arguments(sys.argv[1:])
        with full_errors():
            hydra.main(config_path=str(conf()), config_name="config", version_base="1.3")(job)()
    except Fault as fault:
        raise fault.error from None
    except BrokenPipeError:  # Hydra's: a reader that has seen enough of --help, as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:  # of Hydra, while it composed
        if tracebacks():
            raise
        from descent.config.mistakes import explained

        with one_line(), explained(overrides):
            raise error


def job(config: "DictConfig") -> float | None:
    """Train the run that Hydra composed.

    Returns:
        Of a run of a sweep, the problem's metric at its end, infinitely bad where it failed: what other sweepers look at.
    """
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    with door():
        from descent.config.compose import read  # not before a run starts, so that --help answers at once

        if HydraConfig.get().mode == RunMode.MULTIRUN:
            from descent.sweeps.worker import work

            return work(read(config))[1]
        if experiment := HydraConfig.get().runtime.choices.get("experiment"):
            remedy = f"Use {command('train')} -m experiment={experiment}."
            raise InputError("experiment", experiment, "is a study, not a single run", remedy)
        from descent.terminal.console import show_warnings
        from descent.terminal.run_progress import RunProgress, show
        from descent.training.run import run

        show_warnings()
        chosen = read(config)
        show(run(chosen, RunProgress(chosen)), chosen.folder)
    return None


@contextmanager
def door() -> Iterator[None]:
    """Run code of descent: a mistake ends the process with one line on the error stream and exit code 2.

    Raises:
        Fault: another exception, a fault of ours.
    """
    try:
        with one_line(), users_environment():
            yield
    except InputError:
        raise
    except Exception as error:
        raise Fault(error) from error
