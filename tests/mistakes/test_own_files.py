"""Yamls and classes of the user's own, and a `_target_` that is not what its group makes."""

from mistakes.conftest import table, wrong

SGD = "_target_: torch.optim.SGD\nlr: 0.1\n"
OWN = "--config-dir CONF optimizer=own"
PLAIN = "class Plain:\n    def __init__(self, params, lr):\n        pass\n"
OPTIMIZER = """
import torch
class Own(torch.optim.Optimizer):
    def __init__(self, params, lr, rho=0.5):
        if rho < 0:
            raise ValueError(f"rho must be >= 0, and is {rho}")
        super().__init__(params, {"lr": lr})
    def step(self, closure=None):
        pass
"""
PROBLEM = """
import numpy as np
import torch
from descent.problems.base import Problem
class Own(Problem):
    def __init__(self, *, seed, dtype, noise):
        if noise not in ("gaussian", "none"):
            raise ValueError(f"noise must be gaussian or none, and is {noise}")
        super().__init__({"train": (np.ones((64, 2)), np.ones(64))}, dtype)
        self.w = torch.nn.Parameter(torch.zeros(2, dtype=dtype))
    def loss(self, inputs, targets):
        return (inputs @ self.w - targets).square().mean()
"""
MEASURES = (
    PROBLEM
    + """    def metrics(self, inputs, targets):
        return {"loss": self.loss(inputs, targets), "f1": self.w.sum()}
"""
)


def own(content: str | bytes, *words: str, id: str, group: str = "optimizer", flags: str = "", more: str = "") -> object:
    """Return a row of a group's choice `own` in a --config-dir, whose yaml holds `content`."""
    typed = f"{flags} --config-dir CONF {group}=own {more}".strip()
    return wrong(typed, *words, files={f"{group}/own.yaml": content}, id=id)


@table(
    own("_target_: torch.optim.SGD\nlr: [0.1", "own.yaml", id="a bracket is not closed"),
    own("_target_: 'torch.optim.SGD\nlr: 0.1\n", "own.yaml", id="a quote is not closed"),
    own("_target_: torch.optim.SGD\n\tlr: 0.1\n", "own.yaml", "tab", id="a tab"),
    own("_target_: torch.optim.SGD\n  lr: 0.1\n", "own.yaml", id="indented"),
    own("", "own.yaml", "_target_", id="empty"),
    own("# SGD\n", "own.yaml", "_target_", id="comments alone"),
    own("- torch.optim.SGD\n- 0.1\n", "own.yaml", id="a list"),
    own("torch.optim.SGD\n", "own.yaml", id="a text"),
    own("3\n", "own.yaml", id="a number"),
    own(b"\xff\xfe\x00\x81", "own.yaml", "UTF-8", id="bytes"),
    own("# größe\n".encode("latin-1") + SGD.encode(), "own.yaml", "UTF-8", id="latin-1"),
    own(SGD + "lr: 0.2\n", "own.yaml", "lr", id="a key twice"),
    own("lr: 0.1\n", "_target_", id="no _target_"),
    own("_target_: torch.optim.SGD\n", "lr", id="no lr"),
    own(SGD + "? [a]\n: 1\n", "own.yaml", id="a list as a key"),
    own(SGD + "weight_decay: *missing\n", "own.yaml", "missing", id="an alias of nothing"),
    own(SGD + "speed: 9\n", "optimizer.speed=9", id="a key that the class does not have"),
    own("defaults: [nope]\n" + SGD, "nope", id="a default that does not exist"),
    own("defaults: 3\n" + SGD, "own.yaml", "defaults", id="defaults that are no list"),
    own(SGD.replace("0.1", "fast"), "optimizer.lr=fast", "number", id="a text for a number"),
    own(SGD.replace("0.1", "${nope}"), "optimizer.lr", "nope", id="an interpolation of nothing"),
    own(SGD.replace("0.1", "${"), "own.yaml", id="an interpolation that is not closed"),
    own(
        "_target_: descent.problems.finite_sum.Quadratic\ndimension: many\n",
        "problem.dimension=many",
        "number",
        id="a problem's text for a number",
        group="problem",
    ),
    own("_target_: descent.schedules.cosine\n", "schedule.final_factor", id="a schedule lacks an argument", group="schedule"),
    own("3\n", "own.yaml", id="a logger that is a number", group="logger"),
    own("# @package _global_\nlrr: 1\n", "experiment=own", id="an experiment's unknown key", group="experiment", flags="-m"),
    own(
        "study: own\nseed: 2\n",
        "experiment",
        "experiment=own",
        id="an experiment without a package",
        group="experiment",
        flags="-m",
    ),
    own("_target_: torch.optim.SGD\nlr: [0.1", "own.yaml", id="a bracket is not closed, in a sweep", flags="-m", more="seed=1,2"),
    own("lr: 0.1\n", "_target_", id="no _target_, in a sweep", flags="-m", more="seed=1,2"),
    wrong("--config-dir CONF optimizer=adam", "adam.yaml", "wins", files={"optimizer/adam.yaml": SGD}, id="a built-in's name"),
    wrong(
        "--config-dir CONF optimizer=onw", "optimizer=onw", "own", files={"optimizer/own.yaml": SGD}, id="an own name misspelt"
    ),
)
def test_a_yaml_that_cannot_be_used_is_named(refused, case):
    refused(case)


@table(
    own("_target_: myopts.Adan\nlr: 0.1\n", "no module myopts", "myopts.Adan", id="a module that does not exist"),
    own(
        "_target_: myopts.Adan\nlr: 0.1\n",
        "no module myopts",
        id="in a sweep",
        flags="-m",
        more="seed=1,2",
    ),
    own("_target_: torch.optm.SGD\nlr: 0.1\n", "torch.optm", id="a submodule that does not exist"),
    own("_target_: torch.optim.Sgd\nlr: 0.1\n", "torch.optim.Sgd", "SGD", id="a class that does not exist"),
    own("_target_: SGD\nlr: 0.1\n", "SGD", id="a class without its module"),
    own("_target_: torch..SGD\nlr: 0.1\n", "torch..SGD", id="two dots"),
    own("_target_: 3\nlr: 0.1\n", "_target_", id="a number"),
    own("_target_: null\nlr: 0.1\n", "_target_", id="null"),
    own("_target_: [torch.optim.SGD]\nlr: 0.1\n", "_target_", id="a list of classes"),
    own("_target_: torch.optim\nlr: 0.1\n", "torch.optim", id="a module"),
    own("_target_: torch.pi\nlr: 0.1\n", "torch.pi", id="a constant"),
    wrong("optimizer._target_=myopts.Adan", "optimizer._target_=myopts.Adan", "no module myopts"),
    wrong("problem._target_=descent.problems.nope.Nope", "problem._target_=descent.problems.nope.Nope"),
    wrong("schedule._target_=descent.schedules.nope", "schedule._target_=descent.schedules.nope", "cosine"),
    wrong(
        OWN,
        "own_broken",
        files={"optimizer/own.yaml": "_target_: own_broken.Own\nlr: 0.1\n", "own_broken.py": "1 / 0\n"},
        id="a module that raises",
    ),
    wrong(
        OWN,
        "own_unread",
        files={"optimizer/own.yaml": "_target_: own_unread.Own\nlr: 0.1\n", "own_unread.py": "class Own(\n"},
        id="a module that cannot be read",
    ),
    wrong(
        OWN,
        "own_needs",
        "myopts",
        files={"optimizer/own.yaml": "_target_: own_needs.Own\nlr: 0.1\n", "own_needs.py": "import myopts\n"},
        id="a module that imports what does not exist",
    ),
)
def test_a_target_that_cannot_be_imported_is_named(refused, case):
    refused(case)


@table(
    own("_target_: builtins.print\nlr: 0.1\n", "builtins.print", "torch.optim.Optimizer", id="print as an optimizer"),
    own("_target_: os.system\nlr: 0.1\n", "os.system", "torch.optim.Optimizer", id="os.system as an optimizer"),
    own("_target_: pathlib.Path.touch\nself: touched\n", "pathlib.Path.touch", id="Path.touch as an optimizer"),
    own("_target_: torch.nn.Linear\nlr: 0.1\n", "torch.nn.Linear", "torch.optim.Optimizer", id="a layer as an optimizer"),
    own("_target_: descent.schedules.cosine\nlr: 0.1\n", "descent.schedules.cosine", id="a schedule as an optimizer"),
    own("_target_: torch.optim.SGD.step\nlr: 0.1\n", "torch.optim.SGD.step", id="a method as an optimizer"),
    own("_target_: torch.optim.Optimizer\nlr: 0.1\n", "torch.optim.Optimizer", id="the base class as an optimizer"),
    own("_target_: builtins.print\n", "builtins.print", id="print as a schedule", group="schedule"),
    own("_target_: math.cos\n", "math.cos", id="math.cos as a schedule", group="schedule"),
    own("_target_: torch.optim.lr_scheduler.StepLR\nstep_size: 3\n", "StepLR", id="torch's schedule", group="schedule"),
    own("_target_: torch.nn.Linear\n", "torch.nn.Linear", id="a layer as a problem", group="problem"),
    own("_target_: subprocess.run\nargs: [touch, touched]\n", "subprocess.run", id="subprocess.run", group="problem"),
    own("_target_: descent.problems.base.Problem\n", "Problem", id="the base class as a problem", group="problem"),
    own("_target_: builtins.list\n", "builtins.list", id="a list as a batch mode", group="batch"),
    own("own:\n  _target_: builtins.print\n", "builtins.print", id="print as a logger", group="logger"),
    own(
        "own:\n  _target_: pathlib.Path.touch\n  self: touched\n",
        "pathlib.Path.touch",
        id="Path.touch",
        group="logger",
    ),
    own("_target_: builtins.print\n", "trainer", id="a trainer with a target", group="trainer"),
    wrong("optimizer._target_=builtins.print", "builtins.print", "torch.optim.Optimizer"),
    wrong("schedule._target_=os.getcwd", "os.getcwd"),
    wrong("+schedule.foo._target_=pathlib.Path.touch +schedule.foo.self=touched", "schedule.foo"),
    wrong("+optimizer.foo._target_=os.getcwd", "optimizer.foo"),
    wrong("+problem.foo._target_=builtins.print", "problem.foo"),
    wrong("+batch.foo._target_=os.getcwd", "batch.foo"),
    wrong("'optimizer.lr={_target_: builtins.float, x: 0.1}'", "optimizer.lr"),
    wrong("optimizer=adam 'optimizer.betas=[{_target_: builtins.float},0.9]'", "optimizer.betas"),
    wrong("'problem.start={_target_: pathlib.Path.touch, self: touched}'", "problem.start"),
    wrong("'+trainer.strategy={_target_: pathlib.Path.touch, self: touched}'", "trainer.strategy"),
    wrong("trainer=ddp trainer.strategy._target_=os.system", "trainer.strategy", "os.system"),
    wrong("'+trainer.plugins=[{_target_: pathlib.Path.touch, self: touched}]'", "trainer.plugins"),
    wrong("+records._target_=builtins.print", "records._target_"),
    wrong("+_target_=builtins.print", "_target_"),
    wrong("+optimizer._args_=[1]", "optimizer._args_"),
    wrong("+optimizer._partial_=true", "optimizer._partial_"),
    wrong("-m +schedule.foo._target_=pathlib.Path.touch +schedule.foo.self=touched seed=1,2", "schedule.foo"),
    wrong("-m optimizer._target_=torch.optim.SGD,builtins.print", "builtins.print"),
    wrong(
        OWN,
        "own_plain.Plain",
        "torch.optim.Optimizer",
        files={"optimizer/own.yaml": "_target_: own_plain.Plain\nlr: 0.1\n", "own_plain.py": PLAIN},
        id="an own class that is no optimizer",
    ),
    wrong(
        f"{OWN} optimizer.rho=-1",
        "rho must be >= 0",
        files={"optimizer/own.yaml": "_target_: own_optimizer.Own\nlr: 0.1\nrho: 2\n", "own_optimizer.py": OPTIMIZER},
        id="a value that an own optimizer refuses",
    ),
    wrong(
        f"{OWN} +optimizer.beta=1",
        "optimizer.beta=1",
        files={"optimizer/own.yaml": "_target_: own_optimizer.Own\nlr: 0.1\nrho: 2\n", "own_optimizer.py": OPTIMIZER},
        id="an argument that an own optimizer does not have",
    ),
    wrong(
        "--config-dir CONF problem=own problem.noise=loud",
        "noise must be gaussian or none",
        files={"problem/own.yaml": "_target_: own_problem.Own\nnoise: none\n", "own_problem.py": PROBLEM},
        id="a value that an own problem refuses",
    ),
    wrong(
        "--config-dir CONF problem=own",
        "noise",
        files={"problem/own.yaml": "_target_: own_problem.Own\n", "own_problem.py": PROBLEM},
        id="an argument that an own problem needs",
    ),
    wrong(
        "--config-dir CONF problem=own",
        "problem.metrics=[]: must declare f1",
        files={"problem/own.yaml": "_target_: own_f1.Own\nnoise: none\n", "own_f1.py": MEASURES},
        id="a metric of which nobody says which values are better",
    ),
    wrong(
        "--config-dir CONF problem=own",
        "problem.metrics.f1.direction=up",
        "min, max",
        files={"problem/own.yaml": "_target_: own_f1.Own\nnoise: none\nmetrics: {f1: {direction: up}}\n", "own_f1.py": MEASURES},
        id="a direction that there is not",
    ),
    wrong("+problem.metrics.f1.direction=max", "problem.metrics=f1", "loss, gap", id="a metric that no one measures"),
    wrong(
        "--config-dir CONF problem=own",
        "own_plain.Plain",
        files={"problem/own.yaml": "_target_: own_plain.Plain\n", "own_plain.py": PLAIN},
        id="an own class that is no problem",
    ),
)
def test_a_target_of_another_kind_is_refused_before_it_is_called(refused, case):
    refused(case)


CLASS = "import torch\n\n\nclass Own(torch.optim.SGD):\n    def __init__(self, params, lr, size=1):\n        {body}\n"
SCHEDULE = "def own(step, horizon{more}):\n    return {value}\n"


@table(
    wrong(
        f"{OWN}",
        "optimizer",
        "no such size",
        files={
            "optimizer/own.yaml": "_target_: own_asserts.Own\nlr: 0.1\n",
            "own_asserts.py": CLASS.format(body="assert size > 1, 'no such size'"),
        },
        id="an optimizer that asserts",
    ),
    wrong(
        f"{OWN}",
        "optimizer",
        "lr",
        files={
            "optimizer/own.yaml": "_target_: own_rates.Own\nlr: 0.1\n",
            "own_rates.py": CLASS.format(body="super().__init__(params, lr); [group.pop('lr') for group in self.param_groups]"),
        },
        id="an optimizer without a learning rate to scale",
    ),
    wrong(
        "--config-dir CONF schedule=own",
        "schedule=own",
        "history",
        files={
            "schedule/own.yaml": "_target_: own_few.own\n",
            "own_few.py": SCHEDULE.format(more="", value="1.0"),
        },
        id="a schedule of two arguments",
    ),
    wrong(
        "--config-dir CONF schedule=own",
        "schedule=own",
        "factor",
        files={
            "schedule/own.yaml": "_target_: own_negative.own\n",
            "own_negative.py": SCHEDULE.format(more=", history", value="-1.0"),
        },
        id="a schedule that is negative",
    ),
    wrong(
        f"-m {OWN} seed=1,2",
        "optimizer._target_",
        "own_leaves",
        files={"optimizer/own.yaml": "_target_: own_leaves.Own\nlr: 0.1\n", "own_leaves.py": "raise SystemExit(5)\n"},
        id="a module that ends the process",
    ),
)
def test_what_only_trying_shows_is_refused(refused, case):
    refused(case)
