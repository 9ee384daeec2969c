"""Whatever happened to a run's files, the run ends as an undisturbed one; what cannot be used is named and trained again.

The matrix: each file of a run, damaged in each way, in a run that was cut off and in one that is finished, with each engine.
"""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import settings

from descent.config.schema import RunConfig
from descent.records import curve
from descent.records import result as results
from descent.records.finished import sound
from descent.training import recorder as recording
from descent.training.run import Run, run

ENGINES = [pytest.param("torch", marks=[pytest.mark.slow, pytest.mark.xdist_group("own files, torch")]), "numpy"]
ARGUMENTS = ("problem=quadratic", "batch=full", "max_steps=12", "optimizer=adam", "logger=tensorboard")
FILES = {"checkpoint": "last.ckpt", "curve": "curve.csv", "result": "result.json", "config": "config.yaml", "lock": ".lock"}
FILES["events"] = "events.out.tfevents.*"
LAST = 7  # the record after which the run is cut off


class Cut(Exception):
    """The process ends here."""


def train(folder: Path, engine: str, *overrides: str) -> Run:
    return run(settings(*ARGUMENTS, f"engine={engine}", f"output_dir={folder}", *overrides))


def cut_off(folder: Path, engine: str, records: int, *overrides: str) -> None:
    """Train a run until so many records are made and a checkpoint is saved at each; one more record has none."""
    plain = recording.Recorder.block_ended

    def ends(self: recording.Recorder, of: recording.Engine) -> bool:
        if len(self.curve.rows) == records:
            self._record(of)
            raise Cut
        return plain(self, of)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(recording, "CHECKPOINT_EVERY", -1)
        patched.setattr(recording.Recorder, "block_ended", ends)
        with pytest.raises(Cut):
            train(folder, engine, *overrides)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Train, once for an engine, what the matrix compares with and copies from.

    ``whole`` is finished, ``half`` cut off, ``earlier`` cut off before; ``foreign`` and ``foreign half`` have another lr.
    """
    kept: dict[str, Path] = {}

    def of(engine: str) -> Path:
        if engine not in kept:
            place = kept[engine] = tmp_path_factory.mktemp("states")
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(recording, "CHECKPOINT_EVERY", -1)
                train(place / "whole", engine)
                train(place / "foreign", engine, "optimizer.lr=0.3")
            cut_off(place / "half", engine, LAST)
            cut_off(place / "earlier", engine, LAST - 4)
            cut_off(place / "foreign half", engine, LAST, "optimizer.lr=0.3")
        return kept[engine]

    return of


def only(study: Path) -> Path:
    (folder,) = study.glob("*/*/*/*/*")
    return folder


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes() or b" ")
    for share in (0.1, 0.5, 0.9):
        content[int(share * len(content))] ^= 1
    path.write_bytes(content)


def put(path: Path, source: Path, name: str) -> None:
    """Put the file of another folder in the place of one, or nothing where that folder has none."""
    path.unlink(missing_ok=True)
    for found in source.glob(name):
        shutil.copyfile(found, path)


def folder_instead(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "something").write_text("in it")


DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda path: path.unlink(missing_ok=True),
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "garbage": lambda path: path.write_bytes(bytes(range(256)) * 9),
    "bits flipped": flip,
    "a folder": folder_instead,
}
OTHERS = {"foreign": "foreign half", "older": "earlier"}  # where the file comes from
SILENT = {  # what is right all the same: nobody looks into a lock, and these are written again
    *(("lock", damage, state) for damage in (*DAMAGES, *OTHERS) for state in ("half", "whole")),
    *(("config", damage, "half") for damage in (*DAMAGES, *OTHERS) if damage != "a folder"),
    *(("events", damage, "half") for damage in (*DAMAGES, *OTHERS) if damage != "a folder"),
    *(("checkpoint", damage, "whole") for damage in (*DAMAGES, *OTHERS)),  # which a finished run does not read
    *((file, "missing", state) for file in ("checkpoint", "result") for state in ("half", "whole")),
    ("events", "missing", "whole"),
    ("checkpoint", "older", "half"),  # the run's own: what came after it is written again
}


def numbers(folder: Path) -> tuple[object, ...]:
    """Return what a run must give again: all but times."""
    result = results.read(folder / "result.json")
    rows = [{name: value for name, value in row.items() if name != "seconds"} for row in curve.read(folder / "curve.csv")]
    final = result.model_dump(include={"final", "best", "test", "steps", "examples", "status", "id"})
    return repr(rows), repr(final)


def config(study: Path, engine: str) -> RunConfig:
    return settings(*ARGUMENTS, f"engine={engine}", f"output_dir={study}")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("state", ["half", "whole"])
@pytest.mark.parametrize("damage", [*DAMAGES, *OTHERS])
@pytest.mark.parametrize("file", FILES)
def test_a_run_ends_as_an_undisturbed_one_whatever_happened_to_its_files(
    states: Callable[[str], Path],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    file: str,
    damage: str,
    state: str,
    engine: str,
) -> None:
    logging.getLogger("descent").propagate = True  # switched off by tests that print warnings
    place = states(engine)
    shutil.copytree(place / state, tmp_path / "study")
    folder = only(tmp_path / "study")
    (path,) = [*folder.glob(FILES[file]), folder / FILES[file]][:1]
    if file == "result":  # also in a run that was cut off, beside a curve that is not what it says
        shutil.copyfile(only(place / ("foreign" if damage == "foreign" else "whole")) / path.name, path)
        if damage == "older":
            path.write_text(path.read_text().replace(f'"schema": {results.SCHEMA}', f'"schema": {results.SCHEMA - 1}'))
    elif damage in OTHERS:
        put(path, only(place / OTHERS[damage]), FILES[file])
    if damage in DAMAGES:
        DAMAGES[damage](path)
    done = run(config(tmp_path / "study", engine))
    assert numbers(done.folder) == numbers(only(place / "whole"))
    named = [record.getMessage() for record in caplog.records if path.name in record.getMessage()]
    assert all("\n" not in line for line in named)
    if (file, damage, state) not in SILENT:
        assert named
        assert any(path.name in note for note in done.result.notes)
    assert sound(done.folder, done.result.id) == done.result
    assert not list(done.folder.glob("*.tmp"))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("other", ["optimizer.lr=0.3", "seed=2", "optimizer=sgd", "clip_norm=1"])
def test_the_whole_folder_of_another_run_is_not_continued(states, tmp_path, engine, other):
    """As where somebody copies a folder to save time: with its checkpoint and curve, which fit each other."""
    cut_off(tmp_path / "other", engine, LAST, other)
    folder = tmp_path / "study" / only(states(engine) / "whole").relative_to(states(engine) / "whole")
    shutil.copytree(only(tmp_path / "other"), folder)
    done = run(config(tmp_path / "study", engine))
    assert numbers(done.folder) == numbers(only(states(engine) / "whole"))
    assert "it is of another run" in done.result.notes[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_checkpoint_of_an_earlier_version_is_not_continued(states, tmp_path, monkeypatch, engine):
    plain = recording.Recorder._save

    def without_a_key(self, of):
        of.position.run = ""
        plain(self, of)

    with monkeypatch.context() as patched:
        patched.setattr(recording.Recorder, "_save", without_a_key)
        cut_off(tmp_path, engine, LAST)
    done = run(config(tmp_path, engine))
    assert numbers(done.folder) == numbers(only(states(engine) / "whole"))
    assert "it is of an earlier version" in done.result.notes[0]


@pytest.mark.usefixtures("checkpoints")
def test_the_curve_is_on_disk_before_the_checkpoint_that_counts_on_it(tmp_path, monkeypatch):
    from descent.training.numpy_engine import NumpyEngine

    events = []
    sync, save = os.fsync, NumpyEngine.save
    monkeypatch.setattr(results, "SETTLED", 0.0)
    monkeypatch.setattr(os, "fsync", lambda file: (events.append(os.readlink(f"/proc/self/fd/{file}")), sync(file)))
    monkeypatch.setattr(NumpyEngine, "save", lambda self, path: (events.append(str(path)), save(self, path)))
    train(tmp_path, "numpy")
    assert [Path(event).name for event in events[:2]] == ["curve.csv", "last.tmp"]
    assert [Path(event).name for event in events[-3:]] == ["curve.csv", "last.tmp", "result.tmp"]
