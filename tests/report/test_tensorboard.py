"""A comparison in TensorBoard, read back as TensorBoard reads it."""

import html
import io
import math
import re
import warnings

import numpy as np
import pytest
from studies import GRID, write_run
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout
from tensorboard.plugins.hparams import plugin_data_pb2

from descent.analysis import load
from descent.records.folders import run_folders
from descent.report import tensorboard

QUANTITIES = ("train/loss", "train/loss_too", "val/accuracy", "val/loss")
SELECTED = 40  # runs beyond which TensorBoard selects none by itself


def read(folder):
    events = EventAccumulator(str(folder), {"images": 0, "tensors": 0, "scalars": 0})
    events.Reload()
    return events


def first_of(tags):
    """The tag whose chart TensorBoard shows first: it sorts by name, a slash before all else but digits."""
    return min(tags, key=lambda tag: tag.replace("/", "\0"))


def hyperparameters(run):
    data = run.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
    hparams = plugin_data_pb2.HParamsPluginData.FromString(data).session_start_info.hparams
    return {name: getattr(value, value.WhichOneof("kind")) for name, value in hparams.items()}


def series(run, tag):
    return {event.step: event.value for event in run.Scalars(tag)}


def losses(seed, scale=1.0):
    return tuple(scale / (1 + step * seed**2) for step in GRID)


def rendered(words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorBoard's own, at import
        from tensorboard.plugin_util import markdown_to_safe_html
    return markdown_to_safe_html(words)


def png(width, height):
    from matplotlib.figure import Figure

    file = io.BytesIO()
    Figure(figsize=(width / 100, height / 100), dpi=100).savefig(file, format="png")
    return file.getvalue()


@pytest.fixture
def study(tmp_path):
    """Two optimizers, two batch modes, four seeds."""
    for batch in ("full", "mini"):
        for optimizer, scale in (("sgd", 1.0), ("adam", 0.5)):
            for seed in (1, 2, 3, 4):
                curve = losses(seed, scale)
                write_run(tmp_path, batch=batch, optimizer=optimizer, seed=seed, losses=curve, columns={"train/loss_too": curve})
    return tmp_path


def write(folder, verdict=None, images=None):
    return tensorboard.write(load(folder), verdict or {}, images or {}, folder / "report")


def test_a_run_for_each_candidate_and_batch_mode_and_for_each_setting(study):
    assert write(study) == study / "report" / "tensorboard"
    folders = {str(path.parent.relative_to(study / "report")) for path in (study / "report").rglob("events.out.tfevents.*")}
    settings = {f"settings/digits_mlp/{name} {batch} lr=0.1" for name in ("sgd", "adam") for batch in ("full", "mini")}
    candidates = {f"tensorboard/{name} {batch}" for name in ("sgd", "adam") for batch in ("full", "mini 32")}
    assert folders == {"tensorboard"} | candidates | settings


def test_medians_and_quartiles_over_examples(study):
    write(study)
    every = np.array([losses(seed, 0.5) for seed in (1, 2, 3, 4)])
    low, median, high = np.quantile(every, (0.25, 0.5, 0.75), axis=0)
    for tag, scale in (("train/loss", 1.0), ("val/loss", 1.1)):
        mini, full = (read(study / "report/tensorboard" / name) for name in ("adam mini 32", "adam full"))
        beside = read(study / "report/settings/digits_mlp/adam mini lr=0.1")
        for values, name in ((low, "low"), (median, "median"), (high, "high")):
            expected = dict(zip((32 * step for step in GRID), scale * values, strict=True))
            assert series(mini, f"with_quartiles/{tag}/mini 32/{name}") == pytest.approx(expected)
            if name == "median":
                for run, own in ((mini, tag), (mini, f"{tag}/mini 32"), (beside, tag)):
                    assert series(run, own) == pytest.approx(expected)
    assert series(mini, "val/accuracy")[32] == pytest.approx(1 - median[1])
    assert series(full, "train/loss/full").keys() == {64 * step for step in GRID}
    assert "train/loss/full" not in mini.Tags()["scalars"]


def test_one_batch_mode_needs_no_chart_of_its_own(tmp_path):
    write_run(tmp_path)
    tags = read(write(tmp_path) / "sgd mini 32").Tags()["scalars"]
    assert [tag for tag in tags if tag.startswith("train/")] == ["train/loss"]


def test_problems_share_no_chart(tmp_path):
    for problem in ("digits_mlp", "moons_mlp"):
        for batch in ("mini", "full"):
            write_run(tmp_path, problem=problem, batch=batch)
    folder = write(tmp_path)
    tags = read(folder / "moons_mlp" / "sgd full").Tags()["scalars"]
    assert [tag for tag in tags if tag.startswith("train/")] == ["train/loss/moons_mlp", "train/loss/moons_mlp/full"]


def test_the_training_loss_is_the_first_chart(study):
    folder = write(study, images={"a": png(3, 2)})
    runs = [read(path) for path in (folder, *folder.iterdir()) if path.is_dir()]
    tags = {tag for run in runs for kind in ("scalars", "images") for tag in run.Tags()[kind]}
    assert first_of(tags) == "train/loss"
    assert sum("train/loss" in run.Tags()["scalars"] for run in runs) == 4  # all candidates in all batch modes


@pytest.mark.parametrize(("optimizers", "candidates"), [(13, 39), (14, 39), (40, 39)])
def test_of_many_candidates_the_best_of_each_batch_mode_are_shown(tmp_path, optimizers, candidates):
    for batch in ("full", "mini", "stochastic"):
        for number in range(optimizers):
            write_run(tmp_path, batch=batch, optimizer=f"o{number:02}", losses=(9.0, 9.0, 9.0, 9.0, 1.0 + number))
    folder = write(tmp_path)
    runs = {path.parent for path in folder.rglob("events.*")}
    assert len(runs) == candidates + 1 <= SELECTED
    assert {path.name for path in runs if "full" in path.name} == {f"o{number:02} full" for number in range(candidates // 3)}


def test_the_hparams_tab_has_a_row_for_each_candidate_and_batch_mode(study):
    folder = write(study)
    common = {"batch": "mini", "batch.size": 32, "lr": 0.1, "problem": "digits_mlp", "seeds": 4}
    assert hyperparameters(read(folder / "adam mini 32")) == {"optimizer": "adam", **common}
    content = read(folder).SummaryMetadata("_hparams_/experiment").plugin_data.content
    experiment = plugin_data_pb2.HParamsPluginData.FromString(content).experiment
    assert {info.name for info in experiment.hparam_infos if info.differs} == {"optimizer", "lr", "batch", "batch.size", "seeds"}
    assert [info.name.tag for info in experiment.metric_infos] == list(QUANTITIES)


def test_relative_time_is_that_of_training(study):
    write(study)
    first, *_, last = read(study / "report/tensorboard/sgd mini 32").Scalars("train/loss")
    assert last.wall_time - first.wall_time == pytest.approx(np.median([8 * 0.01 * seed for seed in (1, 2, 3, 4)]), abs=1e-5)


def test_only_records_that_all_runs_share(tmp_path):
    write_run(tmp_path, seed=1, losses=(1.0, 0.8, 0.4), steps=2)
    write_run(tmp_path, seed=2, losses=(1.0, 0.6, 0.2, 0.1, 0.1))
    write(tmp_path)
    assert series(read(tmp_path / "report/tensorboard/sgd mini 32"), "train/loss") == pytest.approx({0: 1.0, 32: 0.7, 64: 0.3})


def test_what_is_not_finite_is_left_out_and_of_a_band_all_three(tmp_path):
    write_run(tmp_path, seed=1, losses=(1.0, math.inf), status="diverged", steps=1)
    write_run(tmp_path, seed=2, losses=(1.0, 0.5, 0.4, 0.3, 0.2))
    write_run(tmp_path, seed=3, losses=(1.0, 0.5, 1e39, 0.3, 1e39))  # more than TensorBoard can hold
    write_run(tmp_path, seed=4, losses=(1.0, 0.5, 1e39, 0.3, 0.2))
    write(tmp_path)
    run = read(tmp_path / "report/tensorboard/sgd mini 32")
    assert series(run, "train/loss") == pytest.approx({0: 1.0, 32: 0.5, 128: 0.3})
    for edge in ("low", "median", "high"):
        assert series(run, f"with_quartiles/train/loss/mini 32/{edge}").keys() == {0}


def test_a_band_that_reaches_zero_is_left_out_but_for_accuracies(tmp_path):
    for seed in (1, 2, 3):
        write_run(tmp_path, seed=seed, losses=(1.0, 0.5, 0.0, 0.2, 0.1))
    write(tmp_path)
    run = read(tmp_path / "report/tensorboard/sgd mini 32")
    assert series(run, "train/loss")[64] == 0
    for edge in ("low", "median", "high"):
        assert series(run, f"with_quartiles/train/loss/mini 32/{edge}").keys() == {0, 32, 128, 256}
        assert series(run, f"with_quartiles/val/accuracy/mini 32/{edge}").keys() == {0, 32, 64, 128, 256}


def test_of_one_run_there_is_no_median_beside_it(tmp_path):
    write_run(tmp_path)
    write(tmp_path)
    assert not (tmp_path / "report/settings").exists()
    assert "train/loss" in read(tmp_path / "report/tensorboard/sgd mini 32").Tags()["scalars"]


def test_the_setting_of_the_rankings_stands_for_an_optimizer(tmp_path):
    for seed in (1, 2):
        for lr, loss in ((0.1, 0.5), (1.0, 0.1)):
            write_run(tmp_path, lr=lr, seed=seed, losses=(1.0, loss, loss, loss, loss))
    write(tmp_path)
    assert series(read(tmp_path / "report/tensorboard/sgd mini 32"), "train/loss")[256] == pytest.approx(0.1)
    assert len(list((tmp_path / "report/settings/digits_mlp").iterdir())) == 2


def test_the_layout_shows_bands_of_all_candidates_for_each_batch_mode(study):
    (event,) = read(write(study)).Tensors("custom_scalars__config__")
    categories = Layout.FromString(event.tensor_proto.string_val[0]).category
    assert [category.title for category in categories] == list(QUANTITIES)
    tags = {
        (name, mode): set(read(study / "report/tensorboard" / f"{name} {mode}").Tags()["scalars"])
        for name in ("sgd", "adam")
        for mode in ("full", "mini 32")
    }
    for category in categories:
        titles = ["mini 32: median and quartiles", "full: median and quartiles"]
        assert [chart.title for chart in category.chart] == titles  # TensorBoard shows the last one first
        for chart, mode in zip(category.chart, ("mini 32", "full"), strict=True):
            (band,) = chart.margin.series
            assert [edge.rpartition("/")[2] for edge in (band.lower, band.value, band.upper)] == ["low", "median", "high"]
            for (_, other), own in tags.items():
                assert ({band.lower, band.value, band.upper} <= own) == (other == mode)


def test_figures_are_images(study):
    from matplotlib.image import imread

    picture = png(30, 20)
    gif = b"GIF89a" + (7).to_bytes(2, "little") + (5).to_bytes(2, "little")
    run = read(write(study, images={"digits_mlp/loss": picture, "moves": gif}))
    (event,) = run.Images("wide/digits_mlp/loss")
    assert (event.encoded_image_string, event.width, event.height) == (picture, 30, 20)
    assert imread(io.BytesIO(event.encoded_image_string)).shape[:2] == (20, 30)
    (event,) = run.Images("wide/moves")
    assert (event.width, event.height) == (7, 5)


def test_a_picture_of_each_batch_mode_is_as_wide_as_tensorboard_shows_it(study):
    from matplotlib.image import imread

    run = read(write(study, images={"a": png(3, 2)}))
    shown = [tag for tag in run.Tags()["images"] if tag.startswith("visual/")]
    assert shown == ["visual/digits_mlp full", "visual/digits_mlp mini 32"]
    for tag in shown:
        (event,) = run.Images(tag)
        assert event.width == 345
        pixels = imread(io.BytesIO(event.encoded_image_string))[..., :3]
        colours = {tuple(np.round(pixel * 255).astype(int)) for pixel in pixels.reshape(-1, 3)}
        assert {(0, 0, 0), (213, 94, 0)} <= colours  # sgd's and adam's


@pytest.mark.parametrize("losses", [(0.0,) * 5, (1.0, math.inf), (1.0,), (1.0, 1e-300, 1e300, 1.0, 0.5)])
def test_a_picture_of_extreme_numbers_is_drawn(tmp_path, losses):
    write_run(tmp_path, optimizer="a$_b^", losses=losses, status="diverged" if math.inf in losses else "finished")
    assert "visual/digits_mlp mini 32" in read(write(tmp_path, images={"a": png(3, 2)})).Tags()["images"]


def test_the_verdict_is_shown_letter_by_letter(study):
    sentences = {
        "digits_mlp, train/loss": ["adam beats sgd (difference 0.021, 95 % interval 0.012 to 0.031, n = 10).", "Second_one_."],
        "odd <em>*names*</em>": ["1. a*b*c `d` [e](f) & <script>alert(1)</script> <em> \\ # | ~~g~~", "- h\n# i"],
    }
    (event,) = read(write(study, sentences)).Tensors("verdict")
    shown = rendered(event.tensor_proto.string_val[0])
    assert set(re.findall(r"<(\w+)", shown)) == {"h3", "ul", "li"}
    words = [html.unescape(part) for part in re.findall(r"<(?:li|h3)>(.*?)</", shown)]
    assert words == [" ".join(word.split()) for about, lines in sentences.items() for word in (about, *lines)]


def test_without_verdict_there_is_no_text(study):
    assert read(write(study)).Tags()["tensors"] == ["custom_scalars__config__"]


def test_writing_again_replaces_what_was_there(study):
    write(study, {"a": ["b"]}, {"c": png(3, 2)})
    other = study / "report/tensorboard/sgd full/events.out.tfevents.1.mine"
    other.write_bytes(b"")
    for folder in run_folders(study):
        if "adam" in str(folder):
            (folder / "result.json").unlink()
    write(study, {"a": ["b"]}, {"c": png(3, 2)})
    folders = [path.parent.name for path in (study / "report").rglob("*.comparison")]
    assert sorted(folders) == ["sgd full", "sgd full lr=0.1", "sgd mini 32", "sgd mini lr=0.1", "tensorboard"]
    assert {path.name for path in (study / "report").rglob("*") if "adam" in path.name} == set()
    assert other.exists()
    assert len(read(study / "report/tensorboard").Tensors("verdict")) == 1


def test_the_report_of_a_study_holds_no_runs(study):
    before = run_folders(study)
    write(study)
    (study / "report/tensorboard/a/b").mkdir(parents=True)
    assert run_folders(study) == before
    assert len(before) == 16
    assert (len(load(study).runs), load(study).skipped, load(study).waiting) == (16, [], {})


def test_no_name_leaves_the_folder_or_breaks_a_chart(tmp_path):
    for seed in (1, 2):
        write_run(tmp_path, problem="../../(p)/q+", optimizer="../../up", seed=seed)
        write_run(tmp_path, problem="../../(p)/q+", optimizer="x" * 200, seed=seed, label="/etc\0", schedule="\N{SNOWMAN}" * 50)
        write_run(tmp_path, problem="../../(p)/q+", optimizer="y", seed=seed, schedule="cosine (long)")
    outside = {path for path in tmp_path.rglob("*") if path.suffix != ".lock"}
    folder = write(tmp_path)
    assert {path for path in tmp_path.rglob("*") if (tmp_path / "report") not in (path, *path.parents)} == outside
    names = [path.name for path in folder.iterdir() if path.is_dir()]
    assert len(names) == 3
    tags = [tag for name in names for tag in read(folder / name).Tags()["scalars"]]
    assert not [tag for tag in tags if "(" in tag]
    (event,) = read(folder).Tensors("custom_scalars__config__")
    categories = Layout.FromString(event.tensor_proto.string_val[0]).category
    edges = [band.value for category in categories for chart in category.chart for band in chart.margin.series]
    assert edges
    assert set(edges) <= set(tags)
