"""One malformed folder never hides a study: status, compare and a sweep name it, and go on with the others."""

import json
import runpy
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, settings, sweep
from studies import seal

from descent.records.result import SCHEMA
from descent.training.run import run

ARGUMENTS = ("engine=numpy", "problem=quadratic", "max_steps=8", "logger=csv", "optimizer=sgd,adam", "seed=1,2")
NAN = float("nan")


def read(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "result.json").read_text())


def changed(**keys: Any) -> Callable[[Path], None]:
    """Return what changes keys of a result, whose checksum then fits: what no run writes, and what no checksum finds."""
    return lambda folder: seal(folder, read(folder) | keys)


def without(*names: str) -> Callable[[Path], None]:
    return lambda folder: seal(folder, {name: value for name, value in read(folder).items() if name not in names})


def text(content: str | bytes) -> Callable[[Path], None]:
    return lambda folder: (folder / "result.json").write_bytes(content.encode() if isinstance(content, str) else content) and None


def inner(name: str, **keys: Any) -> Callable[[Path], None]:
    return lambda folder: seal(folder, read(folder) | {name: read(folder)[name] | keys})


def twice(folder: Path) -> None:
    shutil.copytree(folder, folder.with_name(f"copy-{folder.name}"))


def in_place_of_another(folder: Path) -> None:
    """Two folders hold the run of one: its key, and in the second another optimizer."""
    other = next(path for path in folder.parents[1].glob("sgd/*seed=2*"))
    seal(other, read(folder) | {"optimizer": "sgd"})


def setting_of_another(folder: Path) -> None:
    other = next(path for path in folder.parents[1].glob("sgd/*seed=1*"))
    seal(folder, read(folder) | {"setting": read(other)["setting"]})


def a_folder(folder: Path) -> None:
    (folder / "result.json").unlink()
    (folder / "result.json").mkdir()


def control_characters(folder: Path) -> None:
    changed(optimizer="\x1b[31madam\r\n\x07", label="\x1b]0;title\x07", setting="\u202e")(folder)


MALFORMED: dict[str, Callable[[Path], None]] = {
    "no files": changed(files=[]),
    "files of nothing": changed(files={}),
    "files elsewhere": inner("files", **{"../../../../../../../../dev/zero": "0"}),
    "final is null": changed(final=None),
    "no metric at the end": changed(final={}),
    "nested": text("[" * 100_000),
    "nested mappings": text('{"a":' * 100_000),
    "nested in a key": text(f'{{"schema": {SCHEMA}, "environment": ' + '{"a":' * 100_000),
    "nested less": inner("environment", deep=eval("[" * 90 + "]" * 90)),
    "a list": text("[1, 2]"),
    "a number": text("3"),
    "null": text("null"),
    "nothing": text(""),
    "cut": lambda folder: text((folder / "result.json").read_bytes()[:300])(folder),
    "bytes": text(b"\xff\xfe\x00"),
    "one key": text(f'{{"schema": {SCHEMA}}}'),
    "no key": text("{}"),
    "another schema": changed(schema=1),
    "a schema in words": changed(schema="two"),
    "no name": without("optimizer", "problem"),
    "no steps": without("steps"),
    "negative": changed(examples=-1),
    "not a number": changed(seconds="soon"),
    "infinite": text('{"schema": 3, "seconds": Infinity}'),
    "huge": changed(steps=10**400),
    "a huge setting": inner("hyperparameters", lr=10**400),
    "a word for the rate": inner("hyperparameters", lr="fast"),
    "no axes": changed(time_to_target={}),
    "no best": changed(best={"train/loss": None}),
    "a target of nothing": changed(target={}),
    "lists of names": changed(problem=["digits"], optimizer=["a"]),
    "the same run twice": twice,
    "two runs of one key": in_place_of_another,
    "two optimizers of one setting": setting_of_another,
    "a folder": a_folder,
    "control characters": control_characters,
}
COUNTS = {"control characters", "no axes", "files of nothing"}  # results that tell what is asked all the same
QUICK = {"no files", "final is null", "nested", "cut", "the same run twice", "two runs of one key", "a folder"}
ANEW = set(MALFORMED) - {"the same run twice", "two optimizers of one setting", "control characters", "no axes"}  # by a sweep


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound")
    for optimizer in ("sgd", "adam"):
        for seed in (1, 2):
            run(settings(*ARGUMENTS[:4], f"optimizer={optimizer}", f"seed={seed}", f"output_dir={folder}"))
    return folder


def script(name: str, *arguments: str) -> int:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "argv", [name, *arguments])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(ROOT / "scripts" / name), run_name="__main__")
    return ended.value.code or 0


@pytest.mark.parametrize("damage", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in MALFORMED])
def test_a_malformed_result_is_named_and_the_others_are_shown(study, tmp_path, capsys, monkeypatch, damage):
    monkeypatch.setattr("descent.plots.figures.save", lambda *_: ([], []))  # which takes seconds
    shutil.copytree(study / "default", tmp_path / "default")
    (folder,) = (tmp_path / "default").glob("*/*/adam/*seed=1*")
    MALFORMED[damage](folder)
    names = [path.name for path in (tmp_path / "default").glob("*/*/*/*")]

    def shown(status: int) -> str:
        told = capsys.readouterr()
        assert status == 0, told.err
        assert "Traceback" not in told.out + told.err
        assert not [c for c in told.out + told.err if not c.isprintable() and c != "\n"]
        if damage not in COUNTS:
            assert any(line.startswith("skipped  ") and any(n in line for n in names) for line in told.out.splitlines()), told.out
        return told.out

    assert shown(script("status.py", str(tmp_path / "default"))).count(" mini ") >= 1
    assert "report   " in shown(script("compare.py", str(tmp_path / "default"), "--no-tensorboard"))
    status, out, err = sweep(capsys, monkeypatch, f"output_dir={tmp_path}", *ARGUMENTS)
    assert status == 0, err
    assert "Traceback" not in out + err
    assert not [c for c in out + err if not c.isprintable() and c != "\n"]
    assert out.count(" mini ") >= 2
    if damage in ANEW:
        assert err.count("\n") == err.count("result.json ") == err.count("; the run is trained again.") == 1, err
        assert out.count("repaired ") == 1
    assert sweep(capsys, monkeypatch, f"output_dir={tmp_path}", *ARGUMENTS)[1].startswith("4 finished, ")


OTHERS: dict[str, tuple[str, str | bytes | None]] = {
    "a nested configuration": ("config.yaml", "a: " + "[" * 100_000),
    "a tagged configuration": ("config.yaml", "!!python/object/apply:os.system [false]"),
    "bytes as a configuration": ("config.yaml", b"\xff\x00"),
    "a cell that is too long": ("curve.csv", 'step,train/loss\n0,"' + "1" * 200_000 + '"\n'),
    "zeros as a curve": ("curve.csv", bytes(5000)),
    "a cause of bytes": ("error.txt", b"\xff\xfe\x1b[31m"),
    "no cause": ("error.txt", b""),
    "a folder as a cause": ("error.txt", None),
}


@pytest.mark.parametrize("damage", OTHERS)
def test_other_malformed_files_hide_no_study(study, tmp_path, capsys, damage):
    from descent.analysis.load import load

    shutil.copytree(study / "default", tmp_path / "default")
    (folder,) = (tmp_path / "default").glob("*/*/adam/*seed=1*")
    name, content = OTHERS[damage]
    if name == "error.txt":
        (folder / "result.json").unlink()
    if content is None:
        (folder / name).mkdir()
    else:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for command in ("status.py", "compare.py"):
        status = script(command, str(tmp_path / "default"))
        told = capsys.readouterr()
        assert (status, told.err) == (0, "")
        assert not [c for c in told.out if not c.isprintable() and c != "\n"]
    if name == "curve.csv":
        assert f"skipped  {folder.relative_to(tmp_path / 'default')}: curve.csv is damaged" in told.out
    found = load(tmp_path / "default")
    assert len(found.runs) == 4 - (name == "error.txt")
    assert [found.config(run) == {} for _, run in found.runs.iterrows()].count(True) == (name == "config.yaml")
