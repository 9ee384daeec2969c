"""Tuned settings: they win over an optimizer's defaults, the command line over both; each file names what there is."""

import pytest
import yaml
from conftest import CONF, names, settings

from descent.config.schema import Tuned
from descent.config.search_space import search_space
from descent.config.tuned import differences, shared
from descent.errors import InputError

FOLDER = CONF / "settings" / "tuned"
PLACES = sorted({path.parent.relative_to(FOLDER).as_posix() for path in FOLDER.glob("*/*/*.yaml")})
ADAM = yaml.safe_load((FOLDER / "digits_mlp" / "mini" / "adam.yaml").read_text())["optimizer"]["lr"]


def test_tuned_settings_win_over_the_defaults_and_the_command_line_over_both():
    default, tuned = settings("optimizer=adam"), settings("optimizer=adam", "settings=tuned")
    typed = settings("optimizer=adam", "settings=tuned", "optimizer.lr=0.5")
    assert default.optimizer.lr != ADAM == tuned.optimizer.lr
    assert typed.optimizer.lr == 0.5
    assert default.tuned is None
    assert tuned.tuning.model_dump() == {"trials": "small", "search": 1, "stage": "final"}
    assert default.optimizer.arguments | {"lr": ADAM} == tuned.optimizer.arguments


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        ([], ""),
        (["seed=7", "engine=numpy", "batch.micro_size=10", "study=own", "problem.target=null"], ""),
        (["batch.size=64", "epochs=3"], "are for epochs=20, batch.size=32, and this run has epochs=3, batch.size=64"),
        (["problem.width=16"], "are for problem.width=32, and this run has problem.width=16"),
        (["schedule=cosine"], "are for schedule=constant, and this run has schedule=cosine"),
        (["clip_norm=1"], "are for clip_norm=null, and this run has clip_norm=1"),
    ],
)
def test_what_differs_from_what_they_were_found_for_is_told(overrides, told):
    assert differences(settings("optimizer=adam", "settings=tuned", *overrides)).endswith(told)


def test_a_run_tells_it_in_a_line(train, capsys):
    train("optimizer=adam", "settings=tuned", "batch.size=64", "engine=numpy", "max_steps=2", "logger=[]")
    line = "warning: the tuned settings are for max_steps=null, batch.size=32, and this run has max_steps=2, batch.size=64.\n"
    assert capsys.readouterr().err == line


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (
            ["optimizer=lbfgs"],
            "settings=tuned: has no settings/tuned/digits_mlp/mini/lbfgs.yaml. There are ad",
        ),
        (["problem=saddle"], "settings=tuned: has no settings/tuned/saddle/mini/sgd.yaml. There are digits_"),
    ],
)
def test_a_file_that_is_missing_is_named(overrides, line):
    with pytest.raises(InputError) as error:
        settings("settings=tuned", *overrides)
    assert str(error.value).startswith(line)


@pytest.mark.parametrize("place", PLACES)
def test_files_name_what_there_is_and_were_found_for_the_defaults(place):
    problem, batch = place.split("/")
    assert batch in names("batch")
    default = settings(f"problem={problem}", f"batch={batch}")
    for path in (FOLDER / place).glob("*.yaml"):
        written = yaml.safe_load(path.read_text())
        assert set(written) == {"optimizer", "tuning", "tuned"}
        tuned = Tuned(**written["tuned"])
        assert differences(default.model_copy(update={"tuned": tuned})) == "", path
        assert tuned.shared.keys() <= shared(default).keys(), path
        assert tuned.searches == [written["tuning"]["search"]]
        has, space = yaml.safe_load((CONF / "optimizer" / path.name).read_text()), search_space(path.stem)
        for key, value in written["optimizer"].items():
            assert key in has, path
            usual = space[f"optimizer.{key}"]
            if ends := tuned.ranges.get(f"optimizer.{key}"):  # it was extended
                usual = usual.model_copy(update=dict(zip(("low", "high"), ends, strict=True)))
            assert value in usual, path
            assert tuned.edges.get(f"optimizer.{key}", "") == usual.edge(value), path
