"""docs/questions: every question has an answer, a source and something to run; what is to run runs, and what is claimed holds."""

import json
import re
import runpy
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from accuracy import CHECKS
from conftest import ROOT

FILES = ("easy", "medium")
FAST = "problem=(quadratic|wilson)"  # problems whose runs take a moment; the others are networks
QUESTION = re.compile(r"### (?P<number>\d+)\. (?P<title>.+\?)")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)


@dataclass(frozen=True)
class Question:
    """A question, as it stands in a file.

    Attributes:
        title: the question.
        answer: all before the source, with the equations.
        source: who says so.
        command: what to type, without its line breaks; empty where Python shows it.
        claims: Python: what shows it, or what is measured of the command's runs.
    """

    file: str
    number: int
    title: str
    answer: str
    source: str
    command: str
    claims: str

    def __str__(self) -> str:
        return f"{self.file} {self.number}: {self.title}"


def read(file: str) -> Iterator[Question]:
    """Yield the questions of a file."""
    for section in re.split(r"^(?=### )", (ROOT / "docs" / "questions" / f"{file}.md").read_text(), flags=re.M)[1:]:
        head, _, body = section.partition("\n")
        match = QUESTION.fullmatch(head)
        assert match, f"{head}: must be '### number. question?'"
        answer, _, rest = body.partition("\nSource: ")
        source, _, shown = rest.partition("\n\nShow it")
        blocks = dict(BLOCK.findall(shown))
        command = blocks.pop("bash", "").replace("\\\n", " ").strip()
        yield Question(file, int(match["number"]), match["title"], answer, source, command, blocks.pop("python", ""))


QUESTIONS = [question for file in FILES for question in read(file)]
TRAINING = [question for question in QUESTIONS if question.command.startswith("python train.py ")]
TESTS = [question for question in QUESTIONS if question.command.startswith("pytest ")]
ACCURACY = [question for question in QUESTIONS if question.command.startswith("python scripts/accuracy.py ")]
SNIPPETS = [question for question in QUESTIONS if not question.command]


@pytest.mark.parametrize("file", FILES)
def test_there_are_at_least_twenty_questions_numbered_in_order_and_none_twice(file):
    here = [question for question in QUESTIONS if question.file == file]
    assert len(here) >= 20
    assert [question.number for question in here] == list(range(1, len(here) + 1))
    assert len({question.title for question in QUESTIONS}) == len(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=str)
def test_every_question_has_an_answer_a_source_and_something_to_run(question):
    prose = BLOCK.sub("", question.answer).strip()
    assert 2 <= len(re.findall(r"[.:](?=\s|$)", prose)) <= 8
    assert re.search(r"[A-Z]\w+", question.source)
    assert "\n" not in question.source
    assert question in TRAINING + TESTS + ACCURACY + SNIPPETS, f"{question.command}: is none of the commands that are tested"
    assert question in TESTS + ACCURACY or "assert " in question.claims


@pytest.mark.parametrize("file", FILES)
def test_github_renders_the_mathematics(file):
    """Markdown takes a backslash before punctuation from what stands between dollars, but nothing from a block."""
    text = BLOCK.sub("", (ROOT / "docs" / "questions" / f"{file}.md").read_text())
    assert text.count("$") % 2 == 0
    assert not [inline for inline in re.findall(r"\$([^$]+)\$", text) if re.search(r"\\[^a-zA-Z]|\n|[*]", inline)]


@pytest.mark.parametrize("question", SNIPPETS, ids=str)
def test_the_python_runs_and_its_claims_hold(question):
    exec(compile(question.claims, str(question), "exec"), {})


@pytest.mark.parametrize(
    "question",
    [pytest.param(q, marks=() if re.search(FAST, q.command) else pytest.mark.slow, id=str(q)) for q in TRAINING],
)
def test_the_runs_of_the_command_are_as_measured(question, monkeypatch, tmp_path):
    exec(compile(question.claims, str(question), "exec"), {"runs": trained(question.command, monkeypatch, tmp_path)})


def trained(command: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[dict[str, Any]]:
    """Type a command, but for where its runs lie; return their results in order."""
    words = shlex.split(command)
    monkeypatch.setattr(sys, "argv", [*words[1:], f"output_dir={folder}", "trainer=cpu"])
    runpy.run_path(str(ROOT / words[1]), run_name="__main__")
    results = sorted(folder.glob("*/*/*/*/*/result.json"), key=lambda path: path.stat().st_mtime_ns)
    return [json.loads(path.read_text()) for path in results]


class Collected:
    """A pytest plugin that keeps which tests would run."""

    def __init__(self) -> None:
        self.nodes: set[str] = set()

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.nodes = {item.nodeid.partition("[")[0] for item in session.items}


def test_every_test_that_is_named_would_run():
    named = {word for question in TESTS for word in shlex.split(question.command)[1:]}
    collected = Collected()
    options = ["--collect-only", "-qqq", "-p", "no:cacheprovider", "--rootdir", str(ROOT)]
    pytest.main([*options, *(str(ROOT / name) for name in sorted(named))], plugins=[collected])
    assert named == collected.nodes


@pytest.mark.parametrize("question", ACCURACY, ids=str)
def test_every_check_that_is_named_is_in_the_table(question):
    assert [check for check in CHECKS if part_of_claims(question) in check.claim]


@pytest.mark.slow
@pytest.mark.xdist_group("accuracy")
@pytest.mark.parametrize("question", ACCURACY, ids=str)
def test_the_checks_run_and_hold(question, monkeypatch):
    """Runs are shared with tests/scripts/test_accuracy.py, so that those of one process are trained once."""
    monkeypatch.setattr(sys, "argv", ["scripts/accuracy.py", "--only", part_of_claims(question)])
    with pytest.raises(SystemExit) as done:
        runpy.run_path(str(ROOT / "scripts" / "accuracy.py"), run_name="__main__")
    assert done.value.code == 0


def part_of_claims(question: Question) -> str:
    """Return what a command of `scripts/accuracy.py` chooses checks by."""
    program, script, option, part = shlex.split(question.command)
    assert (program, script, option) == ("python", "scripts/accuracy.py", "--only")
    return part
