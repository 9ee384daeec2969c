"""The lesson is committed with its outputs, runs from a fresh kernel and says the same again; its checks refuse wrong answers."""

import copy
import re
import time
from dataclasses import dataclass

import nbformat
import numpy as np
import pytest
from conftest import ROOT
from nbclient import NotebookClient
from nbformat import NotebookNode

pytestmark = pytest.mark.xdist_group("notebook")  # which is executed once

PATH = ROOT / "notebooks" / "day7.ipynb"
COMMITTED = nbformat.read(PATH, as_version=4)
CODE = [cell for cell in COMMITTED.cells if cell.cell_type == "code"]
FIGURES = 9
EXERCISES = 8
LIMIT = 180  # seconds that the lesson may take
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?:e[+-]\d+)?")

# Answers with the mistakes that people make; a check must refuse each. In the notebook's words, as they run in its kernel.
WRONG = """
import math

def uphill(w, gradient, lr, steps):
    return descend_solution(w, gradient, -lr, steps)

def in_place(w, gradient, lr, steps):
    for _ in range(steps):
        w -= lr * gradient(w)
    return w

def averaged(w, gradient, lr, momentum, steps):
    return descend_with_momentum_solution(w, gradient, lr * (1 - momentum), momentum, steps)

def not_reset(optimizer, loss_of):
    loss = loss_of()
    loss.backward()
    optimizer.step()
    return loss.item()

def reset_too_late(optimizer, loss_of):
    loss = loss_of()
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()

wrong = [
    (check_1, uphill),
    (check_1, in_place),
    (check_1, lambda w, gradient, lr, steps: descend_solution(w, gradient, lr, steps + 1)),
    (check_2, lambda w, X, y: X.T @ (1 / (1 + np.exp(-X @ w)) - y)),
    (check_2, lambda w, X, y: X.T @ (X @ w - y) / len(y)),
    (check_3, lambda n, k, rng: batches_solution(n, k, rng)[: n // k]),
    (check_3, lambda n, k, rng: [rng.integers(n, size=k) for _ in range(math.ceil(n / k))]),
    (check_4, lambda H: 1 / np.linalg.eigvalsh(H).max()),
    (check_4, lambda H: 2 / np.trace(H)),
    (check_5, lambda w, gradient, lr, momentum, steps: descend_solution(w, gradient, lr, steps)),
    (check_5, averaged),
    (check_6, lambda w, g, m, v, t, lr: adam_step_solution(w, g, m, v, 10**6, lr)),
    (check_6, lambda w, g, m, v, t, lr: adam_step_solution(w, g, 0 * m, v, t, lr)),
    (check_7, lambda t, T, W: warmup_cosine_solution(t - 1, T, W)),
    (check_7, lambda t, T, W: min((t + 1) / W, (1 + np.cos(np.pi * t / T)) / 2)),
    (check_8, not_reset),
    (check_8, reset_too_late),
]
for check, answer in wrong:
    try:
        check(answer)
    except Exception:
        continue
    print(f"{check.__name__} takes {answer.__name__}, wrong answer {wrong.index((check, answer))}")
"""


@dataclass
class Execution:
    cells: list[NotebookNode]
    wrong_answers_taken: str
    seconds: float


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Execution:
    """The lesson, executed from a fresh kernel, which raises at the first error; then the wrong answers in the same kernel."""
    notebook = copy.deepcopy(COMMITTED)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(notebook, timeout=LIMIT, coalesce_streams=True, resources={"metadata": {"path": str(PATH.parent)}})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        start = time.monotonic()
        with client.setup_kernel():
            for number, cell in enumerate(notebook.cells):
                client.execute_cell(cell, number)
            seconds = time.monotonic() - start
            notebook.cells.append(nbformat.v4.new_code_cell(WRONG))
            last = client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"][:-1]
    return Execution(code, text(last), seconds)


def text(cell: NotebookNode) -> str:
    """What a cell printed and showed as text, with its white space evened out, as widths of numbers may differ."""
    printed = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return " ".join(" ".join(printed).split())


def figures(cells: list[NotebookNode]) -> int:
    return sum("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)


def tagged(tag: str) -> list[NotebookNode]:
    return [cell for cell in CODE if tag in cell.metadata.get("tags", [])]


def same(one: str, other: str) -> bool:
    """Whether two numbers are equal but for another machine's rounding."""
    a, b = (float(number.replace(",", "")) for number in (one, other))
    return abs(a - b) <= 0.02 * max(abs(a), abs(b)) or max(abs(a), abs(b)) < 1e-9


def test_it_is_committed_as_executed_from_top_to_bottom():
    assert [cell.execution_count for cell in CODE] == [*range(1, len(CODE) + 1)]
    assert figures(CODE) == FIGURES


def test_it_is_small():
    assert PATH.stat().st_size < 500_000


def test_its_outputs_hold_no_noise_and_no_paths():
    for cell in CODE:
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text
        assert not re.search(r"(?<![\w.])/(tmp|home|root|work|usr|Users)/|Warning", text(cell)), text(cell)


def test_every_exercise_has_a_stub_a_check_and_a_hidden_solution_that_is_checked():
    stubs, checks, solutions = tagged("exercise"), tagged("check"), tagged("solution")
    assert len(stubs) == len(checks) == len(solutions) == EXERCISES
    for number, (stub, check, solution) in enumerate(zip(stubs, checks, solutions, strict=True), start=1):
        (name,) = re.findall(r"^def (\w+)", stub.source)
        assert stub.source.endswith("raise NotImplementedError")
        assert check.source.endswith(f"attempt(check_{number}, {name})")
        assert text(check) == f"Exercise {number}: still to do"
        assert f"\ncheck_{number}({name}_solution)" in solution.source
        assert solution.metadata.jupyter.source_hidden


@pytest.mark.slow
def test_it_runs_from_a_fresh_kernel_in_time(executed):
    assert executed.seconds < LIMIT
    assert figures(executed.cells) == FIGURES
    assert text(executed.cells[-1]) == "All eight solutions pass their checks."


@pytest.mark.slow
def test_it_says_again_what_was_committed(executed):
    for before, now in zip(CODE, executed.cells, strict=True):
        if "timing" in before.metadata.get("tags", []):
            continue
        old, new = text(before), text(now)
        if "rounding" in before.metadata.get("tags", []):  # Adam at its largest stable rate amplifies that of a processor
            assert sorted(re.findall(r"\w+", NUMBER.sub("", new))) == sorted(re.findall(r"\w+", NUMBER.sub("", old)))
            continue
        assert NUMBER.sub("#", new) == NUMBER.sub("#", old)
        assert np.all([same(*pair) for pair in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)]), f"{old}\n{new}"


@pytest.mark.slow
def test_its_checks_refuse_wrong_answers(executed):
    assert executed.wrong_answers_taken == ""
