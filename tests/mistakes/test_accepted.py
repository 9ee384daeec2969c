"""Inputs that look like mistakes and are none: they train what they say."""

from pathlib import Path

import yaml

from mistakes.conftest import complete, right, table

OPTIMIZER = """
import torch
class Own(torch.optim.Optimizer):
    def __init__(self, params, lr{arguments}):
        super().__init__(params, {{"lr": lr}})
        {check}
    def step(self, closure=None):
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    p.sub_(p.grad, alpha=group["lr"])
"""
PROBLEM = """
import numpy as np
import torch
from descent.problems.base import Problem
class Own(Problem):
    def __init__(self, *, seed, dtype, noise="none", alpha=0.5):
        if noise not in ("gaussian", "none"):
            raise ValueError(f"noise must be gaussian or none, and is {noise}")
        super().__init__({"train": (np.eye(64, 2), np.ones(64))}, dtype)
        self.w = torch.nn.Parameter(torch.full((2,), float(seed), dtype=dtype))
    def loss(self, inputs, targets):
        return (inputs @ self.w - targets).square().mean()
"""
OWN = "--config-dir CONF optimizer=own"
OWN_PROBLEM = "--config-dir CONF problem=own"


def optimizer(module: str, lines: str, arguments: str = "", check: str = "pass") -> dict[str, str]:
    """Return the files of an optimizer of the user's own: its yaml, with further `lines`, and its class."""
    content = OPTIMIZER.format(arguments=arguments, check=check)
    return {"optimizer/own.yaml": f"_target_: {module}.Own\nlr: 0.1\n{lines}", f"{module}.py": content}


def problem(lines: str) -> dict[str, str]:
    """Return the files of a problem of the user's own: its yaml, with further `lines`, and its class."""
    return {"problem/own.yaml": f"_target_: own_accepted_problem.Own\n{lines}", "own_accepted_problem.py": PROBLEM}


THREE = optimizer("own_three", "betas: [0.9, 0.99, 0.999]\n", ", betas", "assert len(betas) == 3")


@table(
    right("optimizer=adam -m seed=1,2 max_steps=2", runs=2),
    right("-m optimizer=adam,rmsprop optimizer.eps=1e-12", runs=2),
    right("-m problem=quadratic,rosenbrock problem.additive=0", runs=2),
    right("-m optimizer=adam,rmsprop 'optimizer.eps=choice(1e-12)'", runs=2),
    right("-m optimizer=adam,nadam optimizer.betas=[0.8,0.99] engine=numpy", runs=2),
    right("-m schedule=cosine,linear schedule.final_factor=0.1", runs=2),
    right("-m problem=linear_regression,logistic_regression problem.points=100 engine=numpy", runs=2),
    right("-m optimizer.lr=1,1.0", runs=1),
    right("-m seed=1,1.0", runs=1),
    right("-m 'seed=range(1,4)' engine=numpy", runs=3),
    right("-m study=one seed=1,2 engine=numpy", runs=2),
    right("-m seed=1 max_steps=1e1 engine=numpy", runs=1),
)
def test_a_sweep_that_works(place, command, case):
    _works(place, command, case)


@table(
    right("max_steps=1e1", runs=1),
    right("'clip_norm=\"null\"'", runs=1, id="text null"),
    right("optimizer=adam 'optimizer.betas=\"[0.9,0.99]\"'", runs=1, id="text of a list"),
    right("seed=1.0", runs=1),
    right("'seed=${oc.env:SEED}'", runs=1),
    right("'optimizer.lr=${oc.env:SEED}'", runs=1),
    right("\"max_steps='3'\"", runs=1),
    right("epochs=1e1", runs=1),
    right("batch.size=8.0", runs=1),
    right("problem.dimension=2e1", runs=1),
    right("records.first_epoch=1e1", runs=1),
    right("study=1", runs=1),
    right("'study=\"a=b,c\"'", runs=1),
    right("'output_dir=\"a=b\"'", runs=1),
    right("output_dir=2", runs=1),
    right("+optimizer.maximize=false", runs=1),
    right("++optimizer.lr=0.2", runs=1),
    right("+trainer.deterministic=true", runs=1),
    right("clip_norm=null", runs=1),
    right("logger=[]", runs=1),
    right("optimizer=adam optimizer.betas=[0,0.999]", runs=1),
    right("optimizer=rprop batch=full optimizer.step_sizes=[1e-6,1]", runs=1),
    right("hydra.job.name=x", runs=1),
    right("epochs=1e300 max_steps=2", runs=1),
)
def test_a_run_that_works(place, command, case):
    _works(place, command, case)


@table(
    right(OWN, runs=1, files={"optimizer/own.yaml": "_target_: torch.optim.SGD\nlr: 0.1\n"}, id="_target_ and lr alone"),
    right(f"{OWN[:-3]}my/own", runs=1, files={"optimizer/my/own.yaml": "_target_: torch.optim.SGD\nlr: 0.1\n"}, id="a subfolder"),
    right(OWN, runs=1, files=THREE, id="three betas"),
    right(OWN, runs=1, files=optimizer("own_asam", "rho: 2\n", ", rho=0.5"), id="rho: 2"),
    right(OWN, runs=1, files=optimizer("own_alpha", "alpha: 1\n", ", alpha=0.5"), id="alpha: 1"),
    right(OWN, runs=1, files=optimizer("own_text", "momentum: heavy\n", ", momentum='none'"), id="momentum: heavy"),
    right(OWN, runs=1, files=optimizer("own_negative", "weight_decay: -1\n", ", weight_decay=0"), id="weight_decay: -1"),
    right(f"-m {OWN} seed=1,2", runs=2, files=optimizer("own_sweep", "rho: 2\n", ", rho=0.5"), id="rho: 2, in a sweep"),
    right(OWN_PROBLEM, runs=1, files=problem("noise: gaussian\n"), id="noise: gaussian"),
    right(OWN_PROBLEM, runs=1, files=problem("alpha: -3\n"), id="alpha: -3 of a problem"),
    right(OWN_PROBLEM, runs=1, files=problem(""), id="a problem of one line"),
    right(f"{OWN_PROBLEM} batch.size=4 engine=torch", runs=1, files=problem("batch_size: 16\n"), id="a problem's batch size"),
    right(f"-m {OWN_PROBLEM} seed=1,2", runs=2, files=problem(""), id="a problem of one line, in a sweep"),
)
def test_a_file_of_the_users_own_that_works(place, command, case):
    _works(place, command, case)


def _works(place, command, case):
    ended = command(*complete(place(case)))
    assert (ended.code, ended.err) == (0, ""), ended.err
    assert len(list(Path.cwd().rglob("result.json"))) == case.runs


@table(
    right("--help", runs=0),
    right("--hydra-help", runs=0),
    right("--version", runs=0),
    right("--info", runs=0),
    right("--info defaults", runs=0),
    right("--cfg job", runs=0),
    right("--cfg job --package optimizer optimizer=adam", runs=0),
    right("optimizer=adam --cfg job --resolve", runs=0),
    right("--cfg all", runs=0),
)
def test_what_only_shows_keeps_working(place, command, case):
    ended = command(*place(case))
    assert (ended.code, ended.err) == (0, ""), ended.err
    assert ended.out
    assert not list(Path.cwd().iterdir())


def test_numbers_are_stored_as_their_type(place, command):
    case = right("max_steps=1e1 seed=1.0 'optimizer.lr=${oc.env:SEED}' engine=numpy", runs=1).values[0]
    _works(place, command, case)
    (path,) = Path.cwd().rglob("config.yaml")
    stored = yaml.safe_load(path.read_text())
    values = stored["max_steps"], stored["seed"], stored["optimizer"]["lr"]
    assert values == (10, 1, 3.0)
    assert [type(value) for value in values] == [int, int, float]
