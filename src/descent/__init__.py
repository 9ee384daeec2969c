"""Compare gradient-descent optimizers: train runs, and read which one wins.

What is offered here loads what it needs when it is first used, so that importing descent costs nothing.

    >>> import descent
    >>> done = descent.run("problem=quadratic", "engine=numpy", "optimizer=adam", "max_steps=5", "output_dir=/tmp/descent")
    >>> done.result.steps, len(done.rows) > 1
    (5, True)
"""

import os
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "16")  # threads of matrix products wait 2^16 cycles for work, not 2^26

from descent.errors import InputError

if TYPE_CHECKING:
    from descent.analysis.load import Study, load
    from descent.from_scratch.minimize import minimize
    from descent.problems.base import Problem
    from descent.report.compare import compare
    from descent.training.run import Run
    from descent.training.run import run_overrides as run

__version__ = "0.1.0"
__all__ = ["InputError", "Problem", "Run", "Study", "compare", "load", "minimize", "run"]

_PLACES = {
    "Problem": ("descent.problems.base", "Problem"),
    "Run": ("descent.training.run", "Run"),
    "Study": ("descent.analysis.load", "Study"),
    "compare": ("descent.report.compare", "compare"),
    "load": ("descent.analysis.load", "load"),
    "minimize": ("descent.from_scratch", "minimize"),
    "run": ("descent.training.run", "run_overrides"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module 'descent' has no attribute {name!r}")
    module, attribute = _PLACES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
