"""Which run a configuration is: what changes the id, and what does not."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import settings

from descent.config import identity as identities
from descent.config.identity import identity, key, place
from descent.config.schema import RunConfig
from descent.config.targets import resolve

PROBLEM = """
import numpy as np
import torch
from descent.problems.base import Problem


class Own(Problem):
    identity_files = ("points.csv",)

    def __init__(self, *, seed: int, dtype: torch.dtype, file=None, degree: int = 1, scale=1) -> None:
        x = np.ones((8, 1))
        super().__init__({"train": (x, x)}, dtype)
        self.w = torch.nn.Parameter(torch.zeros(1, dtype=dtype))

    def loss(self, inputs, targets):
        return (inputs @ self.w - targets[:, 0]).square().mean()
"""


def id_of(config: RunConfig, device: str = "cpu") -> str:
    return key(identity(resolve(config), device))


def composed(*overrides: str) -> str:
    return id_of(settings(*overrides))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("optimizer.lr=1", "optimizer.lr=1.0"),
        ("epochs=20", "epochs=20.0"),
        ("max_steps=1000", "max_steps=1e3"),
        ("seed=1", "seed=1.0"),
        ("batch.size=8", "batch.size=8.0"),
        ("optimizer.lr=0.001", "optimizer.lr=1e-3"),
        ("seed=3", "seed='3'"),
        ("output_dir=a", "output_dir=b"),
        ("logger=csv", "logger=tensorboard"),
        ("problem.target=null", "problem.metric=train/accuracy"),
    ],
)
def test_two_spellings_of_a_value_are_one_run(one: str, other: str) -> None:
    assert composed(one) == composed(other)


@pytest.mark.parametrize(
    "change",
    [
        *("seed=2", "optimizer.lr=0.2", "precision=64", "engine=numpy", "problem.width=33", "problem.threads=2"),
        *("schedule=cosine", "clip_norm=1", "batch.size=33", "epochs=21", "max_steps=5", "optimizer.fused=true"),
        *("records.growth=1.3", "records.epochs=[2]", "batch.order=fixed", "problem.examples=100"),
    ],
)
def test_what_changes_the_result_changes_the_id(change: str) -> None:
    assert composed(change) != composed()


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ("problem=quadratic", "12c54889"),
        ("problem=digits_mlp batch=stochastic", "7e4ce20d"),
        ("problem=moons_mlp optimizer=muon schedule=cosine", "eac90c14"),
        ("problem=chebyshev_mlp optimizer=adafactor records.sharpness=true", "cc581e12"),
    ],
)
def test_settings_that_were_added_later_left_the_ids_of_runs_without_them(choices: str, expected: str) -> None:
    """A finished run is found again by its id, which is that of the commit b014296, before batch.order and others."""
    assert composed(*choices.split()) == expected


def test_the_device_and_their_number_are_part_of_a_run() -> None:
    assert id_of(settings(), "cuda") != composed()
    assert composed("trainer=ddp") != composed()


def test_moving_a_module_of_ours_changes_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    import descent.problems.digits

    before = settings()
    monkeypatch.setitem(sys.modules, "descent.problems.moved", descent.problems.digits)
    moved = before.model_copy(update={"problem": before.problem.model_copy(update={"factory": "descent.problems.moved.Digits"})})
    assert identity(moved, "cpu") == identity(before, "cpu")


def test_the_version_of_a_package_that_an_optimizer_comes_from_is_part_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    package = lambda: {"descent": ["somebodys-optimizers"]}  # noqa: E731
    assert "versions" not in identity(settings(), "cpu")["optimizer"]
    chosen = settings("optimizer=muon")
    monkeypatch.setattr("descent.optimizers.muon.Muon.__module__", "somebody.optimizers")
    monkeypatch.setattr(identities, "distributions", lambda: {"somebody": ["somebodys-optimizers"]} | package())
    seen = set()
    for number in ("1.0", "1.1"):
        monkeypatch.setattr(identities, "version", lambda _, number=number: number)
        seen.add(key(identity(chosen, "cpu")))
    assert len(seen) == 2


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Return the id of a run of a problem of the user's own, whose code and data lie in a folder."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_problem.py").write_text(PROBLEM)
    (tmp_path / "points.csv").write_text("1,2\n")

    def made(**arguments: object) -> str:
        chosen = settings()
        problem = chosen.problem.model_copy(update={"factory": "own_problem.Own", "arguments": arguments})
        return id_of(chosen.model_copy(update={"problem": problem}))

    yield made
    sys.modules.pop("own_problem", None)


def test_arguments_without_a_type_are_told_apart_by_value_not_by_spelling(own: Callable[..., str]) -> None:
    assert own(scale=1) == own(scale=1.0)
    assert own(scale=True) != own(scale=1)
    assert own(degree=3) == own(degree=3.0) == own(degree="3")


def test_a_changed_source_file_of_a_class_is_another_run(own: Callable[..., str], tmp_path: Path) -> None:
    before = own()
    (tmp_path / "own_problem.py").write_text(PROBLEM + "\n# another loss\n")
    assert own() != before


def test_a_file_counts_by_its_contents_not_by_its_path(own: Callable[..., str], tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("1,2,3\n")
    assert own(file="a.csv") == own(file=str(tmp_path / "b.csv"))
    before = own(file="a.csv")
    (tmp_path / "a.csv").write_text("1,2,4,5\n")
    assert own(file="a.csv") != before


def test_a_file_that_a_class_declares_is_part_of_its_runs(own: Callable[..., str], tmp_path: Path) -> None:
    before = own()
    (tmp_path / "points.csv").write_text("1,2\n3,4\n")
    assert own() != before


def test_where_data_lie_is_no_part_of_a_run() -> None:
    assert composed("problem=mnist_mlp", "problem.root=a") == composed("problem=mnist_mlp", "problem.root=b")


def test_a_folder_that_cannot_be_is_refused(tmp_path: Path) -> None:
    chosen = settings(f"output_dir={tmp_path / ('x' * 300)}")
    with pytest.raises(ValueError, match="output_dir"):
        place(chosen, identity(chosen, "cpu"))
