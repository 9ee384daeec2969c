"""The search ranges in `conf/search_space/`: typed, and around the defaults of the optimizers."""

import pytest
import yaml
from conftest import CONF, names, settings

from descent.config import search_space as module
from descent.config.search_space import Range, search_space
from descent.errors import InputError

LARGER = {"prodigy": "optimizer.d_coef"}  # what stands for the learning rate, where that is estimated


def value(name: str, key: str) -> float:
    """Return what an optimizer's yaml has at a key such as ``optimizer.betas[0]``."""
    setting, _, item = key.removeprefix("optimizer.").removesuffix("]").partition("[")
    default = settings(f"optimizer={name}").optimizer.arguments[setting]
    return default[int(item)] if item else default


@pytest.mark.parametrize("name", names("search_space"))
def test_a_range_is_of_a_setting_and_holds_its_default(name):
    assert name in names("optimizer")
    space = search_space(name)
    assert space[LARGER.get(name, "optimizer.lr")].axis == "lr"
    for key, usual in space.items():
        assert value(name, key) in usual, key


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{low: 1, high: 0.1, scale: log}", "own: optimizer.lr.low=1: must be below high=0.1."),
        ("{low: 0, high: 1, scale: log}", "own: optimizer.lr.low=0: must be > 0 with scale=log."),
        ("{low: 0.5, high: 1, scale: log_one_minus}", "own: optimizer.lr.high=1: must be < 1 with"),
        ("{low: 0.1, high: 1, scale: logarithmic}", "own: optimizer.lr.scale=logarithmic: must be one of linear, log"),
        ("{low: 0.1, scale: log}", "own: optimizer.lr.high=null: must be a number"),
        ("{low: 0.1, high: 1, scale: log, step: 1}", "own: optimizer.lr"),
    ],
)
def test_a_line_that_is_no_range_is_refused(tmp_path, monkeypatch, line, message):
    (tmp_path / "search_space").mkdir()
    (tmp_path / "search_space" / "own.yaml").write_text(f"optimizer.lr: {line}\n")
    monkeypatch.setattr(module, "conf", lambda: tmp_path)
    with pytest.raises(InputError) as error:
        search_space("own")
    assert message in str(error.value)


def test_an_optimizer_needs_no_search_space():
    assert search_space("of a package") == {}


def test_a_value_beside_a_range_is_usual_too():
    usual = Range(low=1e-5, high=1, scale="log", also=0)
    assert 0 in usual
    assert 1 in usual
    assert 1e-6 not in usual


@pytest.mark.parametrize("name", names("search_space"))
def test_ranges_are_those_of_the_protocol(name):
    """Momentum and beta1 are spread evenly in log(1 - value), learning rates in their logarithm."""
    for key, line in yaml.safe_load((CONF / "search_space" / f"{name}.yaml").read_text()).items():
        if key.endswith("lr"):
            assert line["scale"] == "log"
        if key.endswith("momentum") or "betas[" in key:
            assert line["scale"] == "log_one_minus"
