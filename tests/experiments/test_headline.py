"""Tuned optimizers: which is best in each group, and whether both engines rank alike."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import headline, sentence


def final(folder, optimizer, level, engine="compiled", **more):
    """Write ten final runs of each of three searches, that end at a level times an effect of the seed."""
    for search in (1, 2, 3):
        for seed in range(1, 11):
            losses = (1.0, 0.9, 0.8, 0.7, level * (1 + 0.01 * seed + 0.001 * search))
            part = {"tuning": "small", "search": search, "stage": "final"}
            write_run(folder, optimizer=optimizer, engine=engine, seed=seed, lr=search / 10, losses=losses, **part, **more)


@pytest.fixture
def study(tmp_path):
    for optimizer, level in (("sgd", 0.5), ("adam", 0.2), ("muon", 0.1)):
        final(tmp_path, optimizer, level)
        final(tmp_path, optimizer, level, engine="torch")
        if optimizer != "muon":
            final(tmp_path, optimizer, level, batch="full")
    return tmp_path


def test_it_ranks_each_group_once_and_holds_the_engines_against_each_other(study):
    finding = headline.analyse(load(study))
    rows = {(row["problem, batch"], row["optimizer"]): row for row in finding["table"]}
    assert {key: row["rank"] for key, row in rows.items()} == {
        ("digits_mlp, full", "adam"): "1",
        ("digits_mlp, full", "sgd"): "2",
        ("digits_mlp, mini (32)", "muon"): "1",
        ("digits_mlp, mini (32)", "adam"): "2",
        ("digits_mlp, mini (32)", "sgd"): "3",
    }
    assert {(row["runs"], row["failed"], *row["learning rates"]) for row in rows.values()} == {(30, 0, 0.1, 0.2, 0.3)}
    assert rows["digits_mlp, mini (32)", "adam"]["engine"] == "compiled"
    assert [row["alike"] for row in finding["engines"]] == [True]
    text = sentence(headline, finding)
    assert text.startswith("digits_mlp, full: adam is best")
    assert text.endswith("muon, adam, sgd, and so has compiled; no pair is better by one and worse by the other.")
    assert len(headline.plot(load(study)).axes) == 2


def test_engines_that_contradict_are_named(tmp_path):
    for optimizer, compiled, torch in (("sgd", 0.5, 0.2), ("adam", 0.2, 0.5)):
        final(tmp_path, optimizer, compiled)
        final(tmp_path, optimizer, torch, engine="torch")
    finding = headline.analyse(load(tmp_path))
    assert finding["engines"][0] | {"contradicted": []} == {
        "group": "digits_mlp, mini (32)",
        "torch": ["sgd", "adam"],
        "compiled": ["adam", "sgd"],
        "alike": False,
        "contradicted": [],
    }
    assert len(finding["engines"][0]["contradicted"]) == 1


def test_without_final_runs_there_is_no_finding(tmp_path):
    write_run(tmp_path, tuning="small", search=1, stage="trial")
    with pytest.raises(NoData):
        headline.analyse(load(tmp_path))


@pytest.mark.slow
def test_the_command_tunes_and_concludes(capsys, monkeypatch, tmp_path):
    from conftest import sweep

    short = ("hydra.sweeper.searches=1", "hydra.sweeper.final_seeds=2", "max_steps=4", "optimizer=sgd,adam", "problem=digits_mlp")
    status, out, err = sweep(
        capsys, monkeypatch, f"output_dir={tmp_path}", "experiment=headline", "logger=[]", *short, "engine=numpy"
    )
    assert (status, err) == (0, "")
    assert "digits_mlp, mini (32): Descriptive only" in out
    assert f"figure   {tmp_path}/headline/report/headline.png\n" in out
