"""A gradient that a user has written by hand: every engine takes it, none takes a wrong one."""

import importlib
import sys

import pytest
from conftest import settings

from descent.config.schema import RunConfig
from descent.config.targets import resolve
from descent.errors import InputError
from descent.training import build, requirements
from descent.training.run import run

SPRINGS = """
import numpy as np
import torch

from descent.from_scratch.objectives import Objective
from descent.problems.base import Problem


def middle(x, w):
    total = np.zeros_like(w)
    for row in x:
        total += row
    return total / len(x)


def gradient(w, x, y, out, scratch, constants, functions):
    (stiffness,) = constants
    np.multiply(stiffness, w - middle(x, w), out)


class ByHand(Objective):
    flat_gradient = staticmethod(gradient)

    def __init__(self, stiffness):
        self.stiffness = stiffness

    def constants(self, params):
        return (self.stiffness,)

    def loss(self, params, inputs, targets):
        return (self.stiffness * np.square(params[0] - inputs)).sum(1).mean() / 2


class Springs(Problem):
    def __init__(self, *, seed: int, dtype: torch.dtype):
        x = np.random.default_rng(0).standard_normal((60, 3))
        super().__init__({"train": (x, np.zeros(60))}, dtype)
        self.register_buffer("stiffness", self.tensor(np.array([1.0, 0.5, 0.1])), persistent=False)
        self.w = torch.nn.Parameter(torch.ones(3, dtype=dtype))

    def loss(self, inputs, targets):
        return (self.stiffness * (self.w - inputs).square()).sum(1).mean() / 2

    def by_hand(self):
        return ByHand, {"stiffness": self.stiffness.numpy()}
"""


@pytest.fixture
def springs(monkeypatch, tmp_path):
    """Write a module of the user's, with some texts replaced, and return a run of its problem with an engine."""
    monkeypatch.syspath_prepend(str(tmp_path / "mine"))

    def configuration(engine: str, *replaced: tuple[str, str]) -> RunConfig:
        text = SPRINGS
        for old, new in replaced:
            assert old in text
            text = text.replace(old, new)
        file = tmp_path / "mine" / "springs_of_mine.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        sys.modules.pop("springs_of_mine", None)
        importlib.invalidate_caches()
        plain = settings("problem=quadratic", "problem.metric=train/loss", "problem.target=null", "batch.size=7", *SHORT)
        made = plain.problem.model_copy(update={"factory": "springs_of_mine.Springs", "arguments": {}})
        return plain.model_copy(update={"problem": made, "engine": engine, "output_dir": str(tmp_path / "out")})

    return configuration


SHORT = ("precision=64", "max_steps=30", "logger=[]")
RAISED = "(self.w - inputs).square()).sum(1).mean() / 2", "(self.w - inputs).square()).sum(1).mean() / 2 + 1"
MOVED = ("return total / len(x)", "return total / len(x) + 1"), ("(self.w - inputs)", "(self.w - inputs - 1)")


def losses(config: RunConfig) -> list[float]:
    return [row["train/loss"] for row in run(config).rows]


def test_numpy_trains_with_it_as_torch_does(springs):
    torchs, ours = (losses(springs(engine)) for engine in ("torch", "numpy"))
    assert ours == pytest.approx(torchs, rel=1e-12)
    assert ours[-1] < ours[0]


def test_records_hold_the_problems_own_loss(springs):
    plain, raised = (losses(springs("numpy", *replaced)) for replaced in ((), [RAISED]))
    assert raised == pytest.approx([loss + 1 for loss in plain], rel=1e-12)


@pytest.mark.slow
def test_the_compiled_engine_takes_it_and_compiles_it_again_once_its_file_changes(springs):
    for replaced in ((), MOVED):
        numpys, ours = (losses(springs(engine, *replaced)) for engine in ("numpy", "compiled"))
        assert ours == pytest.approx(numpys, rel=1e-12)
    reason = r"cannot compile the gradient \(springs_of_mine.py, line 13: return x.mean\(0, keepdims=True\)\[0\]\)\. Use"
    with pytest.raises(InputError, match=reason):
        run(springs("compiled", ("return total / len(x)", "return x.mean(0, keepdims=True)[0]")))


MISTAKES = {
    "another gradient": (
        "w - middle(x, w)",
        "w + middle(x, w)",
        "the gradient of ByHand differs from autograd's by .* Correct it",
    ),
    "it raises": ("np.multiply(stiffness,", "np.multiply(w[:2],", r"the gradient of ByHand fails \(ValueError: operands"),
    "no objective": ("return ByHand,", "return dict,", r"its by_hand\(\) must name an Objective, and <class 'dict'> is none"),
    "an argument too many": ("return ByHand, {", 'return ByHand, {"k": 1, ', "unexpected keyword argument 'k'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_wrong_one_is_refused(springs, mistake):
    old, new, message = MISTAKES[mistake]
    config = resolve(springs("numpy", (old, new)))
    with pytest.raises(InputError, match=message):
        requirements.require_gradient(config, build.problem(config))
