"""Compile a block of steps: the gradient and the update of `descent.from_scratch`, in one loop, by numba.

The compiled code is kept in the user's cache folder. numba looks only at the file of the function that it compiles, so the
folder is named by a digest of everything that goes into the code.
"""

import hashlib
import linecache
import logging
import os
import platform
import re
import shutil
import time
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from types import FunctionType
from typing import Any

import llvmlite
import numba
import numpy as np
import scipy
import scipy.linalg.cython_blas  # the matrix products of compiled code: who sets threads must find it loaded
from filelock import FileLock
from llvmlite import binding
from numba.extending import overload
from numba.np.unsafe.ndarray import to_fixed_tuple

from descent import from_scratch
from descent.config.imports import foreign
from descent.errors import InputError, first_line
from descent.from_scratch.clipping import clip_factor
from descent.from_scratch.forms import SECOND
from descent.from_scratch.objectives import Objective
from descent.from_scratch.optimizers import Optimizer

OPTIONS = {"error_model": "numpy"}  # numba's own checks each division, which keeps loops from being vectorised
Function = Callable[..., Any]
log = logging.getLogger(__name__)
KEPT = 30 * 86_400  # seconds that compiled code is kept after its last use, once its sources have changed
COMPILED: dict[Any, Path | None] = {}  # where each function of this process is kept; its `stats` tell what was found there


def block(objective: Objective, optimizer: Optimizer, columns: int) -> Any:
    """Return the compiled function of a block of steps, the `steps` below.

    Args:
        objective: gives the gradient.
        optimizer: gives the update rule.
        columns: of the optimizer's table of numbers.
    """
    functions = (*objective.functions, nothing, nothing, nothing)[:3]
    rules = optimizer.decay, optimizer.rule, optimizer.matrix_rule
    return _compiled(_steps, objective.flat_gradient, *functions, *rules, columns)


def propagation(propagate: Function, activation: Function) -> Any:
    """Return the compiled function ``(w, inputs, scratch, constants)`` that puts a network's outputs into scratch."""
    return _compiled(_outputs, propagate, activation)


def compile_for(function: Any, arguments: tuple[Any, ...]) -> None:
    """Compile a block for arguments of these types, or load it: of several processes, one does it and the others wait."""
    signature = tuple(numba.typeof(argument) for argument in arguments)
    if signature in function.overloads:
        return
    kept_in = COMPILED[function]
    linecache.checkcache()  # or an error would show a line as it was before its file changed
    try:
        with FileLock(kept_in / "lock") if kept_in else nullcontext():
            function.compile(signature)
    except (numba.core.errors.NumbaError, AttributeError) as error:  # of a gradient of the user's
        raise InputError(
            "engine", "compiled", f"numba cannot compile the gradient ({_reason(error)})", "Use engine=numpy."
        ) from error


def _reason(error: Exception) -> str:
    """Return the innermost line that numba cannot compile, and its file; its own words where it names none."""
    place = re.search(r'^\s*File "(.+)", (line \d+):\n(?:.*\n)*?\s*(\S.*)\n\s*\^', str(error), re.M)
    return f"{Path(place[1]).name}, {place[2]}: {place[3]}" if place else first_line(error)


@cache
def folder(sources: bytes = b"") -> Path | None:
    """Return the folder of the compiled code, below NUMBA_CACHE_DIR or the user's cache; None where it cannot be written.

    Args:
        sources: the files of functions of the user's that go into it.
    """
    digest = hashlib.sha256(sources)
    for path in sorted([*Path(from_scratch.__file__).parent.rglob("*.py"), Path(__file__)]):
        digest.update(path.read_bytes())
    versions = numba.__version__, llvmlite.__version__, np.__version__, scipy.__version__, platform.python_version()
    digest.update(repr((*versions, binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten())).encode())
    home = Path(numba.config.CACHE_DIR or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made = home / "descent" / "compiled" / digest.hexdigest()[:16]
    try:
        made.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=made):
            os.utime(made)
    except OSError as error:
        log.warning(f"Compiled code cannot be kept in {made} ({error.strerror}): it is compiled again in each process.")
        return None
    for old in made.parent.iterdir():
        with suppress(OSError):  # another process may delete it too
            if time.time() - old.stat().st_mtime > KEPT:
                shutil.rmtree(old, ignore_errors=True)
    return made


@cache
def _compiled(make: Callable[..., Function], *parts: Any) -> Any:
    """Return the compiled function that `make` makes of functions and numbers; each is kept, and waited for, on its own."""
    functions = [part for part in parts if callable(part)]
    reached = set().union(*(_register(function) for function in (*functions, clip_factor)))
    files = {Path(function.__code__.co_filename) for function in reached if not function.__module__.startswith("descent.")}
    sources = sorted({source for file in files for source in file.parent.glob("*.py")} | files)
    kept_in = folder(b"".join(source.read_bytes() for source in sources)) if all(file.is_file() for file in files) else None
    if kept_in:
        kept_in /= "-".join(part.__name__ if callable(part) else str(part) for part in parts)
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(kept_in or before)
    try:
        compiled = numba.njit(make(*parts), cache=kept_in is not None, **OPTIONS)
        COMPILED[compiled] = kept_in
        return compiled
    finally:
        numba.config.CACHE_DIR = before


@cache
def _register(function: Function) -> set[Function]:
    """Register a function, in its second form if it has one, and the functions it calls, for compiled code; return them all."""
    form: Any = SECOND.get(function, function)
    overload(function, jit_options=OPTIONS, strict=False)(lambda *_: form)
    called = (form.__globals__.get(name) for name in form.__code__.co_names)
    ours = [one for one in called if isinstance(one, FunctionType) and not foreign(one.__module__)]
    return {function}.union(*(_register(one) for one in ours if one is not function))


def nothing() -> None:
    """Stand for a function that a gradient does not need."""


def _steps(gradient, first, second, third, decay, rule, matrix_rule, columns):  # type: ignore[no-untyped-def]
    """Return the function of a block. It captures module-level functions and numbers alone: else no cache finds it again."""

    def steps(  # type: ignore[no-untyped-def]
        w, g, part, before, states, momentum, table, largest, x, y, rows, edges, micro, inputs, targets, scratch, constants, alike
    ):
        functions, (spans, no_decay) = (first, second, third), alike
        for step in range(len(table)):
            start, stop = (edges[step], edges[step + 1]) if len(rows) > 0 else (0, len(x))
            if step == len(table) - 1:
                before[:] = w
            for begin in range(start, stop, micro):
                end = min(begin + micro, stop)
                xs, ys = x[begin:end], y[begin:end]
                if len(rows) > 0:
                    for i in range(end - begin):
                        inputs[i] = x[rows[begin + i]]
                        targets[i] = y[rows[begin + i]]
                    xs, ys = inputs[: end - begin], targets[: end - begin]
                if end - begin == stop - start:
                    gradient(w, xs, ys, g, scratch, constants, functions)
                else:
                    gradient(w, xs, ys, part, scratch, constants, functions)
                    share = w.dtype.type((end - begin) / (stop - start))
                    if begin == start:
                        g[:] = 0
                    for i in range(len(w)):
                        g[i] += share * part[i]
            scale = w.dtype.type(1)
            if largest > 0:
                scale = w.dtype.type(clip_factor(g, largest))
            numbers, low, taken = to_fixed_tuple(table[step], columns), 0, 0
            for span in range(len(spans)):  # see `Optimizer.spans`
                high, shape = spans[span, 0], (spans[span, 2], spans[span, 3])
                if shape[0] > 0:
                    of_matrix = momentum[taken : taken + high - low].reshape(shape)
                    matrix_rule(w[low:high].reshape(shape), scale * g[low:high].reshape(shape), of_matrix, numbers[1:])
                    taken += high - low
                else:
                    number = no_decay if spans[span, 1] > 0 else numbers[0]
                    update(decay, rule, w[low:high], g[low:high], scale, states, low - taken, numbers, number)
                low = high

    return steps


def _outputs(propagate: Function, activation: Function) -> Function:
    """Return the function of a network's outputs."""

    def outputs(w, inputs, scratch, constants):  # type: ignore[no-untyped-def]
        propagate(w, inputs, scratch, constants, activation)

    return outputs


def update(decay: Any, rule: Any, w: Any, g: Any, scale: Any, states: Any, start: Any, numbers: Any, number: Any) -> None:
    """Update weights, whose states begin at `start`, in one loop. Only compiled code calls it, in one of the forms below."""
    raise NotImplementedError


@overload(update, jit_options=OPTIONS, strict=False)  # type: ignore[untyped-decorator]
def _update(decay: Any, rule: Any, w: Any, g: Any, scale: Any, states: Any, start: Any, numbers: Any, number: Any) -> Function:
    return (_update_w, _update_w_a, _update_w_a_b, _update_w_a_b_c)[len(states)]


def _update_w(decay, rule, w, g, scale, states, start, numbers, number):  # type: ignore[no-untyped-def]
    for i in range(len(w)):
        wi, gi = decay(w[i], g[i] * scale, number)
        w[i], _ = rule(wi, gi, (), numbers[1:])


def _update_w_a(decay, rule, w, g, scale, states, start, numbers, number):  # type: ignore[no-untyped-def]
    stop = start + len(w)
    a = states[0][start:stop]
    for i in range(len(w)):
        wi, gi = decay(w[i], g[i] * scale, number)
        w[i], (a[i],) = rule(wi, gi, (a[i],), numbers[1:])


def _update_w_a_b(decay, rule, w, g, scale, states, start, numbers, number):  # type: ignore[no-untyped-def]
    stop = start + len(w)
    a, b = states[0][start:stop], states[1][start:stop]
    for i in range(len(w)):
        wi, gi = decay(w[i], g[i] * scale, number)
        w[i], (a[i], b[i]) = rule(wi, gi, (a[i], b[i]), numbers[1:])


def _update_w_a_b_c(decay, rule, w, g, scale, states, start, numbers, number):  # type: ignore[no-untyped-def]
    stop = start + len(w)
    a, b, c = states[0][start:stop], states[1][start:stop], states[2][start:stop]
    for i in range(len(w)):
        wi, gi = decay(w[i], g[i] * scale, number)
        w[i], (a[i], b[i], c[i]) = rule(wi, gi, (a[i], b[i], c[i]), numbers[1:])
