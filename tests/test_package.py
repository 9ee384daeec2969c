"""The installed package: the command and the library, from any folder, with nothing of the clone at hand."""

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

TINY = ("problem=quadratic", "engine=numpy", "max_steps=3", "logger=csv", "trainer=cpu")
COMMAND = "import sys; from descent.cli import main; sys.argv[0] = 'descent'; main()"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that holds what the wheel holds."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture
def descent(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run the installed command in an empty folder."""
    monkeypatch.setenv("PYTHONPATH", str(wheel))

    def ran(*arguments: str, code: str = COMMAND) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True)

    return ran


def test_the_wheel_holds_the_yamls_the_command_and_the_types(wheel: Path) -> None:
    yamls = {path.relative_to(ROOT / "conf") for path in (ROOT / "conf").rglob("*.yaml")}
    assert {path.relative_to(wheel / "descent" / "conf") for path in (wheel / "descent" / "conf").rglob("*.yaml")} == yamls
    assert (wheel / "descent" / "py.typed").exists()
    assert "descent = descent.cli:main" in next(wheel.glob("*.dist-info/entry_points.txt")).read_text()


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_the_command_trains_compares_and_names_itself(descent, tmp_path: Path) -> None:
    done = descent("-m", "optimizer=sgd,adam", "seed=1,2", "hydra/launcher=joblib", *TINY)
    assert (done.returncode, done.stderr) == (0, "")
    assert "verdict  descent compare outputs/default" in done.stdout
    assert len(list(tmp_path.glob("outputs/default/*/*/*/*/result.json"))) == 4
    compared = descent("compare", "outputs/default")
    assert (compared.returncode, compared.stderr) == (0, "")
    assert (tmp_path / "outputs" / "default" / "report" / "index.html").exists()
    assert descent("status", "outputs/default").stdout.startswith("4 runs: 4 finished\n")
    wrong = descent("status", "nothing")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert "descent optimizer=adam" in descent("--help").stdout


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--config-dir", "mine/conf", "-m", "seed=1,2", "schedule=halved", "hydra/launcher=submitit_local", *TINY),
        ("trainer=ddp", "problem=digits_mlp", "max_steps=3", "logger=csv", "trainer.accelerator=cpu"),
    ],
    ids=["submitit", "ddp"],
)
def test_the_command_works_with_every_kind_of_process(descent, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "mine" / "conf" / "schedule").mkdir(parents=True)
    (tmp_path / "mine" / "conf" / "schedule" / "halved.yaml").write_text("_target_: outside.halved")
    (tmp_path / "mine" / "outside.py").write_text("def halved(step, horizon, history):\n    return 0.5\n")
    done = descent(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert (f"Python also imports from {tmp_path}/mine" in done.stdout) == ("--config-dir" in arguments)
    assert list(tmp_path.glob("outputs/default/*/*/*/*/result.json"))


def test_the_library_loads_nothing_heavy_until_it_is_used(descent, wheel: Path) -> None:
    code = (
        "import descent, sys; print(descent.__file__); assert not {'torch', 'pandas', 'hydra'} & set(sys.modules);"
        "assert set(descent.__all__) <= set(dir(descent)); print([getattr(descent, name) for name in descent.__all__])"
    )
    done = descent(code=code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(wheel))


def test_the_library_runs_compares_and_loads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import descent

    for seed in (1, 2):
        done = descent.run(*TINY, f"seed={seed}", f"output_dir={tmp_path}")
        assert done.rows[-1]["step"] == done.result.steps == 3
        assert (done.folder / "result.json").exists()
    assert capsys.readouterr() == ("", "")
    study = descent.load(tmp_path / "default")
    assert len(study.runs) == 2
    comparison = descent.compare(tmp_path / "default", events=False)
    assert comparison.report.exists()
    with pytest.raises(descent.InputError, match=r"^optimizer\.lr=-1: "):
        descent.run(*TINY, "optimizer.lr=-1", f"output_dir={tmp_path}")
    with pytest.raises(AttributeError, match="nothing"):
        _ = descent.nothing


PAGE = (ROOT / "docs" / "extending.md").read_text()
DRIVER = """
import contextlib, io, json, os, shlex, sys
from pathlib import Path
from descent.cli import main
from hydra.core.global_hydra import GlobalHydra

ended = []
for line in json.loads(sys.argv[1]):
    sys.argv = shlex.split(line)
    GlobalHydra.instance().clear()
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    ended.append([line, code, out.getvalue(), err.getvalue()])
print(json.dumps(ended))
"""


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_what_the_page_on_extending_shows_works_in_an_empty_folder(descent, tmp_path: Path) -> None:
    """Write each of its files, run its commands in one process, and see each mistake refused as it says."""
    blocks = re.findall(r"^```(python|yaml|csv|bash|console)\n(.*?)^```", PAGE, re.M | re.S)
    lines: list[str] = []
    for kind, content in blocks:
        assert content.count("\n") <= 30
        if kind in ("bash", "console"):
            lines += [line.removeprefix("$ ") for line in content.splitlines() if kind == "bash" or line.startswith("$ ")]
        else:
            file = tmp_path / content.partition("\n")[0].removeprefix("# ")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content.partition("\n")[2])
    refused = dict(re.findall(r"^\$ (.*)\n(error: .*)", PAGE, re.M))
    done = descent(json.dumps([line for line in lines if line.startswith("descent ")]), code=DRIVER)
    assert done.returncode == 0, done.stderr
    for line, code, _, err in json.loads(done.stdout):
        assert (code, err.strip()) == ((2, refused[line]) if line in refused else (0, "")), line
