"""The README's commands are run, and its tables are complete."""

import json
import re
import runpy
import shlex
import subprocess
import sys
from contextlib import suppress

import pytest
from conftest import ROOT, choices, names

README = (ROOT / "README.md").read_text()
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```bash\n(.*?)```", README, re.S)]
EXAMPLES = [shlex.split(line, comments=True) for line in BLOCKS[2] if line.startswith("python train.py")]


def test_it_leads_with_a_sentence_a_figure_and_two_commands():
    title, sentence, figure = [line for line in README.splitlines() if line][:3]
    assert title == "# descent"
    assert sentence.endswith(".")
    (path,) = re.findall(r"^!\[.+\]\((.+)\)$", figure)
    assert (ROOT / path).stat().st_size > 10_000
    assert BLOCKS[0] == ["pip install uv && uv run train.py optimizer=adam", "uv run pytest"]


def test_the_first_command_trains_in_a_process_of_its_own(tmp_path):
    arguments = shlex.split(BLOCKS[0][0])[-2:]
    done = subprocess.run(
        [sys.executable, str(ROOT / arguments[0]), arguments[1]], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "curves   tensorboard --logdir outputs/default\n" in done.stdout
    assert len(list(tmp_path.glob("outputs/default/digits_mlp/mini/adam/*/result.json"))) == 1


@pytest.mark.slow
def test_the_first_study_ends_in_the_verdict_that_is_quoted(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for line in BLOCKS[1]:
        _, script, *arguments = shlex.split(line)
        monkeypatch.setattr(sys, "argv", [script, *arguments])
        with suppress(SystemExit):
            runpy.run_path(str(ROOT / script), run_name="__main__")
    out = re.sub(r"\s+", " ", capsys.readouterr().out)
    (quoted,) = re.findall(r"^> (.*)$", README, re.M)
    assert re.sub(r"[\d.]+", "N", quoted) in re.sub(r"[\d.]+", "N", out)  # the last digits are the machine's


def test_its_headline_is_what_the_experiment_wrote():
    finding = json.loads((ROOT / "docs" / "figures" / "experiments" / "headline.json").read_text())
    for verdict in finding["verdicts"]:
        assert f"- {verdict['group']}: {verdict['sentence']}\n" in README
    cells = [line.strip("| ").split(" | ") for line in README.splitlines() if re.match(r"\| \w+_mlp, ", line)]
    assert [row[:3] for row in cells] == [[row["problem, batch"], row["optimizer"], row["rank"]] for row in finding["table"]]
    medians = [row["median training loss"] for row in finding["table"]]
    assert [float(row[3]) for row in cells] == pytest.approx(medians, rel=5e-3)  # three digits


@pytest.mark.parametrize("command", EXAMPLES, ids=" ".join)
def test_every_example_trains(command, monkeypatch, tmp_path):
    data = ["problem.dataset=stand_in"] if any("mnist" in word for word in command) else []
    short = ["max_steps=2", "records.examples=100", f"output_dir={tmp_path}", "trainer=cpu", *data]
    monkeypatch.setattr(sys, "argv", [*command[1:], *short])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.csv").write_text("area,price\n" + "".join(f"{area},{3.1 * area}\n" for area in range(60)))
    runpy.run_path(str(ROOT / "train.py"), run_name="__main__")
    assert list(tmp_path.glob("*/*/*/*/*/result.json"))


PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)


@pytest.mark.parametrize(
    ("example", "begins"), list(zip(PYTHON, ("[1. ", "finished 1600 True\n"), strict=True)), ids=("minimize", "run")
)
def test_a_python_example_does_what_it_says(capsys, monkeypatch, tmp_path, example, begins):
    monkeypatch.chdir(tmp_path)
    exec(example, {})
    assert capsys.readouterr().out.startswith(begins)


def listed(group):
    """Return what the README's table lists of a group."""
    (row,) = re.findall(rf"^\| `{group}=` \| (.*) \|$", README, re.M)
    return set(re.findall(r"`(\w+)`", row))


@pytest.mark.parametrize("group", ["problem", "batch", "schedule", "experiment", "trainer", "logger"])
def test_it_lists_every_choice(group):
    assert set(choices(group)) <= listed(group)


def test_every_optimizer_that_it_lists_is_there():
    """That of a package is one yaml, and no word here."""
    assert {"sgd", "adam"} <= listed("optimizer") <= set(names("optimizer"))
