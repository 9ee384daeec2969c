"""What the first weights decide."""

import pytest
from studies import write_run

from descent.analysis.load import NoData, load
from descent.experiments import initialisation


@pytest.mark.slow
def test_n01_saturates_one_layer_and_gradients_vanish_through_many(experiment):
    finding, _ = experiment("initialisation")
    shares = {row["name"]: row["share"] for row in finding["shares"]}
    assert finding["depths"][0]["depth"] == 1
    assert finding["depths"][0]["difference"]["low"] > 0
    assert shares["scaled_normal"] < 0.02
    assert shares["normal"] > 5 * shares["scaled_normal"]
    assert shares["kaiming, relu"] > 0.3


def written(folder, normal, scaled, norms=True):
    for name, factor in (("normal", normal), ("scaled_normal", scaled)):
        for seed in (1, 2, 3):
            losses = tuple(factor * (1 + 0.01 * seed) * loss for loss in (2.0, 1.0, 0.5, 0.4, 0.3))
            columns = {"gradient_norm/1": (float("nan"), 0.2, 0.1, 0.1, 0.1), "gradient_norm/2": (float("nan"), 0.8, 1, 1, 1)}
            config = {"problem": {"initialisation": name, "depth": 1, "activation": "sigmoid"}}
            lr = {"normal": 0.1, "scaled_normal": 0.2}[name]
            write_run(folder, lr=lr, seed=seed, losses=losses, columns=columns if norms else None, config=config)
    return load(folder)


@pytest.mark.parametrize(("normal", "change"), [(2.0, "higher"), (0.5, "lower"), (1.0, "unclear")])
def test_it_compares_the_losses_and_the_first_layers_gradient(tmp_path, normal, change):
    study = written(tmp_path, normal, 1.0)
    finding = initialisation.analyse(study)
    (row,) = finding["depths"]
    assert (row["depth"], row["difference"]["change"]) == (1, change)
    assert (row["normal"], row["scaled_normal"]) == pytest.approx((0.306 * normal, 0.306))
    assert {row["name"]: row["share"] for row in finding["shares"]} == pytest.approx({"normal": 0.25, "scaled_normal": 0.25})
    assert len(initialisation.plot(study).axes) == 2


def test_without_the_norms_of_layers_it_compares_losses_alone(tmp_path):
    finding = initialisation.analyse(written(tmp_path, 2.0, 1.0, norms=False))
    assert finding["depths"][0]["difference"]["change"] == "higher"
    assert finding["shares"] == []


def test_it_needs_networks_of_both_kinds(tmp_path):
    write_run(tmp_path / "one")
    with pytest.raises(NoData, match="no run is of a network"):
        initialisation.analyse(load(tmp_path / "one"))
    write_run(tmp_path / "two", config={"problem": {"initialisation": "normal", "depth": 1, "activation": "sigmoid"}})
    with pytest.raises(NoData, match="lack scaled_normal"):
        initialisation.analyse(load(tmp_path / "two"))
