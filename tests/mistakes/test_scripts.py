"""Wrong arguments of the scripts: one line, and no exit code 0 for what could not be done."""

import pytest
from studies import write_run

from mistakes.conftest import assert_refused, table, wrong


@table(
    wrong("speed.py --nonsense", "--nonsense"),
    wrong("speed.py extra", "extra"),
    wrong("speed.py --seconds abc", "--seconds", "abc"),
    wrong("speed.py --seconds", "--seconds"),
    wrong("speed.py --cells digits_mlp/numpy/mini/sgd --rounds 1 --seconds 0", "--seconds", "0"),
    wrong("speed.py --cells digits_mlp/numpy/mini/sgd --rounds 1 --seconds -1", "--seconds", "-1"),
    wrong("speed.py --cells digits_mlp/numpy/mini/sgd --rounds 1 --seconds nan", "--seconds", "nan"),
    wrong("speed.py --cells digits_mlp/numpy/mini/sgd --rounds 0 --seconds 0.1", "--rounds", "0"),
    wrong("speed.py --cells digits_mlp/numpy/mini/sgd --rounds 1.5 --seconds 0.1", "--rounds", "1.5"),
    wrong("speed.py --cells nope", "--cells", "nope"),
    wrong("speed.py --launchers nope --rounds 1", "--launchers", "nope", "joblib"),
    wrong("speed.py --launchers ,basic --rounds 1", "--launchers"),
    wrong("speed.py --cells digits_mlp/numpy/mini/sgd --rounds 1 --seconds 0.1 --markdown no/x.md", "--markdown", "no/x.md"),
    wrong("targets.py nope", "nope", "quadratic"),
    wrong("targets.py quadratc", "quadratc", "quadratic"),
    wrong("targets.py --nonsense", "--nonsense"),
    wrong("targets.py --root", "--root"),
    wrong("targets.py mnist_mlp", "mnist_mlp", "--root"),
    wrong("targets.py mnist_mlp --root nowhere", "nowhere"),
    wrong("targets.py mnist_mlp --root file", "file", files={"here/file": ""}, id="targets.py mnist_mlp --root a file"),
    wrong("targets.py quadratic --studies file", "file", files={"here/file": ""}, id="targets.py quadratic --studies a file"),
    wrong("targets.py quadratic --root nowhere", "--root", "nowhere"),
    wrong("targets.py --root nowhere", "--root", "nowhere"),
    wrong("docs.py --only adamm", "--only", "adamm", "adam"),
    wrong("docs.py --only", "--only"),
    wrong("docs.py adam", "adam", "--help"),
    wrong("docs.py --only adam --onyl report", "--onyl", "--only?"),
    wrong("docs.py --only nielsen_chapter_1 --root nowhere", "--root", "nowhere"),
    wrong("docs.py --only adam --studies file", "--studies", "file", files={"here/file": ""}, id="docs.py --studies a file"),
    wrong("docs.py --only adam --studies file/x", "--studies", "file/x", files={"here/file": ""}, id="docs.py in a file"),
    wrong("accuracy.py --only nope", "--only", "nope"),
    wrong("accuracy.py --only heavy --write x.md", "--write", "--only"),
    wrong("accuracy.py --write no/x.md", "--write", "no/x.md"),
    wrong("accuracy.py --write .", "--write", "folder", id="accuracy.py --write a folder"),
    wrong("freeze.py", "revision", "--write"),
    wrong("freeze.py nope", "revision", "nope"),
    wrong("freeze.py HEAD --write", "revision", "--write"),
    wrong("speed.py --cells digits --launchers basic", "--cells", "--launchers"),
    wrong("speed.py --grid --large 10", "--grid", "--large"),
    wrong("speed.py --large 10 1", "--large"),
    wrong("speed.py --launchers jobli", "--launchers", "joblib?"),
    wrong("status.py", "study"),
    wrong("status.py nowhere", "nowhere", "folder"),
    wrong("status.py .", "study=.", "folder", id="status.py of an empty folder"),
    wrong("status.py file", "study=file", files={"here/file": ""}, id="status.py of a file"),
    wrong("status.py one two", "two"),
    wrong("status.py --nonsense .", "--nonsense"),
    wrong("compare.py", "study"),
    wrong("compare.py nowhere", "study=nowhere"),
    wrong("compare.py .", "study=.", id="compare.py of an empty folder"),
    wrong("compare.py file", "study=file", files={"here/file": ""}, id="compare.py of a file"),
    wrong("compare.py one two", "two"),
    wrong("compare.py . --nonsense", "--nonsense"),
    wrong("compare.py . --metric", "--metric"),
)
def test_a_script_refuses_what_it_cannot_do(script_refused, case):
    script_refused(case)


@table(
    wrong("--metric val/accurracy", "metric", "val/accurracy", "train/loss"),
    wrong("--metric nope", "metric", "nope", "train/loss"),
    wrong("--reference adam", "--reference", "there is no such flag"),
)
def test_compare_refuses_what_the_study_does_not_have(place, script, tmp_path, case):
    study = tmp_path / "study"
    for seed in (1, 2):
        for optimizer in ("sgd", "adam"):
            write_run(study, optimizer=optimizer, seed=seed)
    before = sorted(study.rglob("*"))
    assert_refused(script("scripts/compare.py", str(study), *place(case)), case.words)
    assert sorted(study.rglob("*")) == before


@pytest.mark.parametrize("name", ["speed", "targets", "status", "compare", "docs", "accuracy", "freeze"])
def test_a_script_helps(script, name):
    ended = script(f"scripts/{name}.py", "--help")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("usage:")
