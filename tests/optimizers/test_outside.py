"""Optimizers of other packages, by a yaml or by their name: each on a quadratic and on the digits."""

import pytest
import yaml
from conftest import CONF, optimizers, settings

from descent.config.identity import identity, key
from descent.errors import InputError


def require(name):
    """Skip an optimizer whose package is not installed."""
    pytest.importorskip(yaml.safe_load((CONF / "optimizer" / f"{name}.yaml").read_text())["_target_"].partition(".")[0])


@pytest.mark.parametrize("name", optimizers(packaged=True))
def test_each_reduces_a_quadratic_and_trains_the_digits(train, name):
    require(name)
    run = train("problem=quadratic", "batch=full", f"optimizer={name}", "max_steps=30", "epochs=null", "logger=csv")
    assert run.result["status"] == "finished"
    assert run.rows[-1]["train/loss"] < run.rows[0]["train/loss"]
    digits = train("problem=digits_mlp", f"optimizer={name}", "max_steps=100", "logger=csv")
    assert digits.rows[-1]["train/loss"] < 0.95 * digits.rows[0]["train/loss"]


@pytest.mark.slow
@pytest.mark.parametrize("name", optimizers(packaged=True))
def test_the_defaults_train_the_digits(train, name):
    require(name)
    run = train("problem=digits_mlp", f"optimizer={name}", "logger=csv")
    assert run.rows[-1]["train/loss"] < 0.25
    assert run.rows[-1]["val/accuracy"] > 0.9


def test_a_class_that_is_named_is_the_run_that_its_yaml_is(train):
    named = train("optimizer=any", "optimizer.name=torch.optim.RAdam", "optimizer.args.lr=0.02", "max_steps=5", "logger=csv")
    assert named.folder.parts[-2] == named.result["optimizer"] == "RAdam"
    assert named.folder.name.startswith("size=32_lr=0.02_seed=1-")
    of_yaml = train("optimizer=radam", "optimizer.lr=0.02", "max_steps=5", "logger=csv")
    assert named.column("train/loss") == of_yaml.column("train/loss")


def test_class_and_arguments_are_part_of_the_identity():
    pytest.importorskip("pytorch_optimizer")
    chosen = [
        settings("optimizer=any", f"optimizer.name={name}", f"optimizer.args.lr={lr}")
        for name, lr in (("torch.optim.RAdam", 0.1), ("torch.optim.RAdam", 0.2), ("torch.optim.NAdam", 0.1))
    ]
    chosen.append(settings("optimizer=pytorch_optimizer", "optimizer.name=lion", "optimizer.args.lr=0.1", "wrapper=ema"))
    assert [config.names.optimizer for config in chosen] == ["RAdam", "RAdam", "NAdam", "pytorch_optimizer.Lion+ema"]
    assert len({key(identity(config, "cpu")) for config in chosen}) == 4


@pytest.mark.parametrize(
    ("chosen", "line"),
    [
        ("any", "optimizer.name=null: must be the name of an optimizer. For one, optimizer.name=torch.optim.RAdam."),
        ("any optimizer.name=torch.optim.radam", "optimizer.name=torch.optim.radam: torch.optim has no radam; "),
        ("any optimizer.name=math.sqrt", "optimizer.name=math.sqrt: must be a subclass of torch.optim.Optimizer, or "),
        ("any optimizer.name=torch.optim.RAdam", "optimizer.args.lr=null: must be given, as RAdam has one."),
        ("any optimizer.name=torch.optim.RAdam optimizer.args.lr=1 optimizer.args.rho=1", "optimizer.args.rho=1: RAdam has no "),
        ("pytorch_optimizer optimizer.name=lyon", "optimizer.name=lyon: is none of the "),
    ],
)
def test_a_wrong_name_or_argument_is_named_as_it_is_typed(chosen, line):
    if chosen.startswith("pytorch"):
        pytest.importorskip("pytorch_optimizer")
    with pytest.raises(InputError) as refused:
        settings(*f"optimizer={chosen}".split())
    assert str(refused.value).startswith(line)


def test_a_package_that_is_missing_is_one_line(monkeypatch):
    import sys

    for module in [name for name in sys.modules if name.partition(".")[0] == "schedulefree"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr("importlib.import_module", lambda name: (_ for _ in ()).throw(ModuleNotFoundError(name, name=name)))
    from descent.config.imports import imported

    with pytest.raises(InputError, match=r"^optimizer=schedulefree\.X: needs the package schedulefree\. Install it: "):
        imported("optimizer", "schedulefree.X")
