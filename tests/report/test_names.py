"""Names that files hold start no formula in a spreadsheet, and no control sequence in a terminal or a page."""

import csv
import runpy
import sys
import unicodedata

import pytest
from conftest import ROOT, settings
from studies import write_run

from descent.errors import InputError
from descent.report.compare import compare

BELL = "\x1b]0;title\x07\x1b[2J\u202e"


def control(text):
    return [letter for letter in text if unicodedata.category(letter) in ("Cc", "Cf") and letter != "\n"]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Runs whose every name comes from a hostile file."""
    monkeypatch.setattr("descent.plots.figures.save", lambda *_: ([], []))
    folder = tmp_path / "study"
    for seed, name in enumerate(("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "\t=1", f"plain{BELL}"), start=1):
        hyperparameters = {"lr": 0.1, "seed": seed, "optimizer.mode": name}
        write_run(folder, optimizer=name, label=name, seed=seed, hyperparameters=hyperparameters, environment={"torch": name})
    failed = write_run(folder, seed=8)
    (failed / "result.json").unlink()
    (failed / "error.txt").write_text(f"ValueError: {BELL}\n")
    damaged = write_run(folder, seed=9)
    (damaged / "result.json").write_text("{")
    damaged.rename(damaged.with_name(f"x{BELL}"))
    return folder


def test_no_cell_of_the_csv_is_a_formula(study):
    compare(study)
    with open(study / "report" / "summary.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row[name] for row in rows for name in ("problem", "batch", "metric", "setting", "candidate") if row[name]]
    assert {text[:2] for text in texts} >= {"'=", "'+", "'-", "'@"}
    assert not [text for text in texts if text.lstrip().startswith(("=", "+", "-", "@"))]
    assert not control("".join(texts))
    assert all(float(row["median"]) for row in rows)  # numbers stay numbers


def test_the_page_and_its_tables_hold_no_control_character(study):
    compare(study)
    for name in ("index.html", "summary.md", "summary.csv"):
        text = (study / "report" / name).read_text()
        assert "plain" in text
        assert not control(text)


@pytest.mark.parametrize("script", ["status", "compare"])
def test_the_terminal_gets_no_control_character(study, capsys, monkeypatch, script):
    monkeypatch.setattr(sys, "argv", [script, str(study)])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "scripts" / f"{script}.py"), run_name="__main__")
    out, err = capsys.readouterr()
    assert ended.value.code == 0
    assert "plain" in out
    assert "ValueError: " in out
    assert "result.json is damaged" in out
    assert not control(out + err)


@pytest.mark.parametrize("key", ["study", "output_dir"])
def test_a_setting_with_a_control_character_is_refused_without_printing_it(key):
    with pytest.raises(InputError) as refused:
        settings(f'{key}="a\x1b[31mb"')
    assert str(refused.value) == f"{key}=a [31mb: must be text without control characters."
