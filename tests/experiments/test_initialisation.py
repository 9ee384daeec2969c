"""What the first weights decide."""

import pytest
from conftest import number
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import initialisation


@pytest.mark.slow
def test_n01_saturates_one_layer_and_gradients_vanish_through_many(experiment):
    said, _ = experiment("initialisation")
    assert number(r"1 hidden layer at .*?95 % interval (-?[\d.e-]+) to", said) > 0
    assert number(r"([\d.e-]+) \(scaled_normal\)", said) < 0.02
    assert number(r"([\d.e-]+) \(normal\)", said) > 5 * number(r"([\d.e-]+) \(scaled_normal\)", said)
    assert number(r"([\d.e-]+) \(kaiming, relu\)", said) > 0.3


def written(folder, normal, scaled, norms=True):
    for name, factor in (("normal", normal), ("scaled_normal", scaled)):
        for seed in (1, 2, 3):
            losses = tuple(factor * (1 + 0.01 * seed) * loss for loss in (2.0, 1.0, 0.5, 0.4, 0.3))
            columns = {"gradient_norm/1": (float("nan"), 0.2, 0.1, 0.1, 0.1), "gradient_norm/2": (float("nan"), 0.8, 1, 1, 1)}
            config = {"problem": {"initialisation": name, "depth": 1, "activation": "sigmoid"}}
            lr = {"normal": 0.1, "scaled_normal": 0.2}[name]
            write_run(folder, lr=lr, seed=seed, losses=losses, columns=columns if norms else None, config=config)
    return load(folder)


@pytest.mark.parametrize(("normal", "verdict"), [(2.0, "worse"), (0.5, "better"), (1.0, "no different")])
def test_it_says_what_the_runs_say(tmp_path, normal, verdict):
    study = written(tmp_path, normal, 1.0)
    said = initialisation.sentence(study)
    assert f"with 1 hidden layer at {0.306 * normal:.3g} against 0.306, {verdict} (difference " in said
    assert said.endswith("as this share of the last layer's: 0.25 (normal) and 0.25 (scaled_normal).")
    assert len(initialisation.plot(study).axes) == 2


def test_without_the_norms_of_layers_it_compares_losses_alone(tmp_path):
    said = initialisation.sentence(written(tmp_path, 2.0, 1.0, norms=False))
    assert "worse" in said
    assert "share" not in said


def test_it_needs_networks_of_both_kinds(tmp_path):
    write_run(tmp_path / "one")
    with pytest.raises(NoData, match="no run is of a network"):
        initialisation.sentence(load(tmp_path / "one"))
    write_run(tmp_path / "two", config={"problem": {"initialisation": "normal", "depth": 1, "activation": "sigmoid"}})
    with pytest.raises(NoData, match="lack scaled_normal"):
        initialisation.sentence(load(tmp_path / "two"))
