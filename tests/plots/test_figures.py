"""The figures: what their lines hold, that they agree with each other, and that nothing in a study breaks them."""

import json
import math

import numpy as np
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.transforms import Bbox
from PIL import Image
from studies import GRID, seal, write_run

from descent.analysis import load
from descent.analysis.load import NoData
from descent.analysis.selection import candidates
from descent.errors import InputError, printable
from descent.outside import safe_name
from descent.plots import figures
from descent.plots.style import LOOKS, look

DRAWN = figures.known()
MODES = ("full", "mini", "stochastic")


def lines(figure, name):
    """The lines that stand for an optimizer, over all panels."""
    return [line for axes in figure.axes for line in axes.lines if line.get_label() == name]


def crosses(figure):
    return [line for axes in figure.axes for line in axes.lines if line.get_marker() == "x"]


def small_print(figure):
    return " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


@pytest.fixture
def rich(tmp_path):
    """A study that every figure of one problem has something for."""
    target = {"metric": "train/loss", "value": 0.5}
    for number, optimizer in enumerate(("sgd", "adam")):
        for batch in MODES:
            for lr in (0.1, 1.0):
                for seed in (1, 2, 3):
                    trajectory = {f"w/{axis}": tuple(0.1 * step * (number + axis + seed) for step in GRID) for axis in (0, 1)}
                    time = {"steps": 4, "examples": 128, "gradient_evaluations": 128, "seconds": 0.04 * seed}
                    folder = write_run(
                        tmp_path / "study",
                        problem="beale",
                        batch=batch,
                        optimizer=optimizer,
                        lr=lr,
                        seed=seed,
                        columns=trajectory,
                        target=target,
                        time_to_target=time,
                    )
                    (folder / "config.yaml").write_text("problem: {surface: beale, scale: 0.01}")
    return load(tmp_path / "study")


DRAWN = {name: drawing for name, drawing in DRAWN.items() if not name.startswith("r2_")}  # only of tables
PROBLEM = sorted(name for name, module in DRAWN.items() if module.scope == "problem")


@pytest.mark.parametrize("name", PROBLEM)
def test_a_figure_shows_every_optimizer_in_its_own_colour(rich, name):
    figure = DRAWN[name].plot(rich)
    for optimizer in ("sgd", "adam"):
        drawn = lines(figure, optimizer)
        assert drawn
        assert {to_hex(line.get_color()).lower() for line in drawn} == {look(optimizer).colour.lower()}
    assert "beale" in figure.texts[0].get_text()
    assert "n = 3 seeds" in small_print(figure) or "Seed 1" in small_print(figure)


def test_an_optimizer_looks_the_same_whatever_else_is_drawn(tmp_path):
    for optimizer in ("sgd", "adam", "lion"):
        write_run(tmp_path / "all", optimizer=optimizer)
    write_run(tmp_path / "one", optimizer="lion")
    looks = [
        (line.get_color(), line.get_linestyle(), line._unscaled_dash_pattern)
        for study in ("all", "one")
        for line in lines(DRAWN["loss_by_examples"].plot(load(tmp_path / study)), "lion")
    ]
    assert len(looks) == 2
    assert looks[0] == looks[1]
    assert look("lion").colour == "#009E73"  # today and tomorrow


def test_no_two_known_optimizers_look_alike():
    assert len(set(LOOKS.values())) == len(LOOKS)


@pytest.mark.parametrize("axis", ["examples", "steps", "seconds"])
def test_the_line_is_the_median_over_seeds(tmp_path, axis):
    for seed, factor in ((1, 1.0), (2, 3.0), (3, 10.0)):
        write_run(tmp_path, seed=seed, losses=tuple(factor / (1 + step) for step in GRID))
    (line,) = lines(DRAWN[f"loss_by_{axis}"].plot(load(tmp_path)), "sgd")
    per_step = {"examples": 32, "steps": 1, "seconds": 0.02}[axis]
    np.testing.assert_allclose(line.get_xdata(), [step * per_step for step in GRID[1:]])
    np.testing.assert_allclose(line.get_ydata(), [3.0 / (1 + step) for step in GRID[1:]])


def test_accuracy_is_the_median_too(tmp_path):
    for seed, loss in ((1, 0.1), (2, 0.3), (3, 0.9)):
        write_run(tmp_path, seed=seed, losses=(1.0,) + (loss,) * 4)
    (line,) = lines(DRAWN["accuracy_by_examples"].plot(load(tmp_path)), "sgd")
    np.testing.assert_allclose(line.get_ydata(), [0.7] * 4)


def test_every_seed_lies_faintly_behind(tmp_path):
    for seed in (1, 2, 3):
        write_run(tmp_path, seed=seed)
    (axes,) = DRAWN["loss_by_examples"].plot(load(tmp_path)).axes
    faint = [path.vertices[:, 1] for drawn in axes.collections if drawn.get_alpha() == 0.25 for path in drawn.get_paths()]
    expected = [[1 / (1 + step * 0.1 * seed) for step in GRID[1:]] for seed in (1, 2, 3)]
    np.testing.assert_allclose(sorted(map(list, faint)), sorted(expected))


def test_a_diverged_run_is_marked_at_its_end_and_counts_as_the_worst(tmp_path):
    write_run(tmp_path, seed=1, losses=(1.0, 0.9, 0.8, 0.7, 0.6))
    write_run(tmp_path, seed=2, losses=(1.0, 0.5, 0.4, math.nan), status="diverged")
    write_run(tmp_path, seed=3, losses=(1.0, 0.8, 0.7, 0.6, 0.5))
    figure = DRAWN["loss_by_steps"].plot(load(tmp_path))
    (line,) = lines(figure, "sgd")
    np.testing.assert_allclose(line.get_ydata(), [0.8, 0.7, 0.7, 0.6])  # not the survivors', .65 and .55
    (cross,) = crosses(figure)
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (2, 0.4)
    assert "diverged" in small_print(figure)


def test_a_run_that_leaves_the_picture_is_marked_where_it_does(tmp_path):
    write_run(tmp_path, seed=1)
    write_run(tmp_path, seed=2, losses=(1.0, 10.0, 1e6, 1e9), status="diverged")
    figure = DRAWN["loss_by_steps"].plot(load(tmp_path))
    (axes,) = figure.axes
    (cross,) = crosses(figure)
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (2, axes.get_ylim()[1])
    assert axes.get_ylim()[1] < 1e6


def test_the_median_ends_where_half_of_the_runs_diverged(tmp_path):
    write_run(tmp_path, seed=1)
    for seed in (2, 3):
        write_run(tmp_path, seed=seed, losses=(1.0, 0.9, 0.8, math.inf), status="diverged")
    (line,) = lines(DRAWN["loss_by_steps"].plot(load(tmp_path)), "sgd")
    assert line.get_xdata().tolist() == [1, 2]


def test_of_several_learning_rates_the_best_is_drawn_and_that_is_said(tmp_path):
    for lr, last in ((0.1, 0.5), (1.0, 0.2), (10.0, 0.9)):
        for seed in (1, 2):
            write_run(tmp_path, lr=lr, seed=seed, losses=(1.0, 0.9, 0.9, 0.9, last))
    figure = DRAWN["loss_by_steps"].plot(load(tmp_path))
    (line,) = lines(figure, "sgd")
    assert line.get_ydata()[-1] == pytest.approx(0.2)
    assert "best of 3 learning rates by final training loss, chosen on these seeds" in small_print(figure)
    (sweep,) = lines(DRAWN["final_by_learning_rate"].plot(load(tmp_path)), "sgd")
    assert sweep.get_xdata().tolist() == [0.1, 1.0, 10.0]
    np.testing.assert_allclose(sweep.get_ydata(), [0.5, 0.2, 0.9])


def test_a_learning_rate_that_diverged_is_marked_at_the_edge(tmp_path):
    write_run(tmp_path, lr=0.1)
    write_run(tmp_path, lr=10.0, losses=(1.0, math.nan), status="diverged")
    figure = DRAWN["final_by_learning_rate"].plot(load(tmp_path))
    marks = [line for line in crosses(figure) if len(line.get_xdata())]
    assert [line.get_xdata().tolist() for line in marks] == [[10.0]]
    assert marks[0].get_ydata()[0] == 1  # of the height


def test_crosses_of_two_optimizers_at_one_learning_rate_are_both_seen(tmp_path):
    for optimizer in ("sgd", "adam"):
        write_run(tmp_path, optimizer=optimizer, lr=0.1)
        write_run(tmp_path, optimizer=optimizer, lr=10.0, losses=(1.0, math.nan), status="diverged")
    marks = [line for line in crosses(DRAWN["final_by_learning_rate"].plot(load(tmp_path))) if len(line.get_xdata())]
    assert sorted(float(line.get_ydata()[0]) for line in marks) == [0.955, 1]


def test_noise_is_how_far_the_gradients_of_the_seeds_lie_apart(tmp_path):
    for seed, norm in enumerate((1.0, 2.0, 3.0, 4.0, 5.0)):
        write_run(tmp_path, seed=seed, losses=(1.0, 0.9, 0.8, 0.7, 0.6), columns={"gradient_norm": (math.nan,) + (norm,) * 4})
    *_, spread = DRAWN["noise_and_norms"].plot(load(tmp_path)).axes
    assert next(line.get_ydata().tolist() for line in spread.lines if len(line.get_ydata()) == 4) == pytest.approx([2 / 3] * 4)


def test_batch_modes_are_compared_where_the_shortest_ends(tmp_path):
    write_run(tmp_path, batch="full", losses=(1.0, 0.9, 0.8))  # two steps of 64
    write_run(tmp_path, batch="stochastic", losses=(1.0, 0.7, 0.6, 0.5, 0.4))  # eight steps of 1
    examples, steps, _ = DRAWN["batch_modes"].plot(load(tmp_path)).axes
    assert examples.get_title(loc="left") == "equal examples: 8"
    assert steps.get_title(loc="left") == "equal steps: 2"
    ends = {line.get_marker(): float(line.get_xdata()[0]) for line in steps.lines if line.get_label() == "sgd"}
    assert ends == {"s": 0.8, "^": 0.6}


def test_a_batch_mode_that_diverged_does_not_cut_the_others(tmp_path):
    write_run(tmp_path, batch="full", losses=(1.0, 10.0, math.nan), status="diverged")
    write_run(tmp_path, batch="stochastic", losses=(1.0, 0.7, 0.6, 0.5, 0.4))
    _, steps, _ = DRAWN["batch_modes"].plot(load(tmp_path)).axes
    assert steps.get_title(loc="left") == "equal steps: 8"
    assert {line.get_marker(): float(line.get_xdata()[0]) for line in steps.lines if line.get_label() == "sgd"} == {"^": 0.4}
    assert len([line for line in steps.lines if line.get_marker() == "x"]) == 1


def test_a_study_of_which_all_diverged_at_once_can_be_drawn(tmp_path):
    for seed in (1, 2):
        write_run(tmp_path, seed=seed, losses=(1.0, 1e5, 1e9), status="diverged")
    figure = DRAWN["loss_by_steps"].plot(load(tmp_path))
    low, high = figure.axes[0].get_ylim()
    assert low < high < 1e5
    assert [cross.get_ydata()[0] for cross in crosses(figure)] == [high, high]


def test_time_to_target_says_how_many_got_there(tmp_path):
    target = {"metric": "train/loss", "value": 0.5}
    for seed, time in ((1, 2), (2, 4), (3, None)):
        times = dict.fromkeys(("steps", "examples", "gradient_evaluations", "seconds"), time)
        write_run(tmp_path, seed=seed, target=target, time_to_target=times)
    figure = DRAWN["time_to_target"].plot(load(tmp_path))
    assert [line.get_xdata().tolist() for line in lines(figure, "sgd")] == [[4.0]] * 3  # the median, never being infinite
    assert figure.axes[-1].texts[0].get_text() == "2/3"


@pytest.mark.parametrize("time", [None, 0])
def test_a_target_that_none_reached_or_all_began_at_can_be_drawn(tmp_path, time):
    times = dict.fromkeys(("steps", "examples", "gradient_evaluations", "seconds"), time)
    write_run(tmp_path, target={"metric": "train/loss", "value": 0.5}, time_to_target=times)
    figure = DRAWN["time_to_target"].plot(load(tmp_path))
    figure.canvas.draw()
    low, high = figure.axes[1].get_xlim()  # steps, of which the run had 8
    assert low < 0.8 < 8 < high
    assert [tick.get_text() for tick in figure.axes[1].get_xticklabels()]
    (median,) = [line for line in figure.axes[1].lines if line.get_marker() in ("o", ">")]
    assert median.get_marker() == (">" if time is None else "o")
    assert figure.axes[-1].texts[0].get_text() == ("0/1" if time is None else "1/1")


def test_a_performance_profile_needs_five_problems(tmp_path):
    def study(problems):
        target = {"metric": "train/loss", "value": 0.5}
        for number in range(problems):
            for optimizer, time in (("sgd", 2), ("adam", 1)):
                times = dict.fromkeys(("steps", "examples", "gradient_evaluations", "seconds"), time)
                folder = tmp_path / str(problems)
                write_run(folder, problem=f"p{number}", optimizer=optimizer, target=target, time_to_target=times)
        return load(tmp_path / str(problems))

    with pytest.raises(NoData, match="needs 5 problems"):
        DRAWN["performance_profile"].plot(study(4))
    figure = DRAWN["performance_profile"].plot(study(5))
    (slow,) = lines(figure, "sgd")
    assert dict(zip(slow.get_xdata(), slow.get_ydata(), strict=True)) == {1.0: 0.0, 2.0: 1.0, 4.0: 1.0}
    assert "fastest on 100 % is adam, within twice" in DRAWN["performance_profile"].sentence(study(5))


def test_the_minimum_is_marked_and_the_way_drawn(rich):
    figure = DRAWN["trajectories"].plot(rich)
    stars = [line for line in figure.axes[0].lines if line.get_marker() == "*"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in stars] == [(3.0, 0.5)]
    trajectory = lines(figure, "sgd")[0]
    np.testing.assert_allclose(trajectory.get_xdata(), [0.1 * step for step in GRID])


NOTHING = {
    "accuracy_by_examples": {"columns": {}, "final": {"train/loss": 0.1}},
    "batch_modes": {},
    "final_by_learning_rate": {},
    "time_to_target": {},
    "trajectories": {},
}


@pytest.mark.parametrize("name", NOTHING)
def test_a_figure_without_anything_to_show_says_why(tmp_path, name):
    folder = write_run(tmp_path, **NOTHING[name])
    if name == "accuracy_by_examples":
        path = folder / "curve.csv"
        path.write_text(path.read_text().replace("val/accuracy", "val/other"))
    with pytest.raises(NoData, match=r"\w+ \w+"):
        DRAWN[name].plot(load(tmp_path))


def test_all_are_saved_as_png_and_svg_and_the_trajectories_move(rich, tmp_path):
    files, _ = figures.save(rich, tmp_path / "figures")
    names = {path.relative_to(tmp_path / "figures").as_posix() for path in files}
    assert names == {f"beale/{name}.{kind}" for name in PROBLEM for kind in ("png", "svg")} | {"beale/trajectories.gif"}
    assert all(path.stat().st_size > 1000 for path in files)
    with Image.open(tmp_path / "figures" / "beale" / "trajectories.gif") as film:
        assert film.n_frames > 20


def test_a_film_shows_every_optimizer_in_its_own_colour(tmp_path):
    """A palette of a picture's most frequent colours gives thin lines one another's."""
    for number, optimizer in enumerate(list(LOOKS)[:8]):
        trajectory = {"w/0": tuple(0.1 * step for step in GRID), "w/1": tuple(0.1 * step * number for step in GRID)}
        write_run(tmp_path, problem="beale", optimizer=optimizer, columns=trajectory, config={"problem": {"surface": "beale"}})
    DRAWN["trajectories"].animate(load(tmp_path), tmp_path / "film.gif")
    with Image.open(tmp_path / "film.gif") as film:
        film.seek(film.n_frames - 1)
        shown = np.array(film.convert("RGB")).reshape(-1, 3).astype(int)
    for optimizer in list(LOOKS)[:8]:
        colour = [round(255 * part) for part in to_rgb(look(optimizer).colour)]
        assert (np.abs(shown - colour).max(axis=1) <= 3).sum() > 50, optimizer


def test_the_same_study_gives_the_same_files(tmp_path):
    write_run(tmp_path / "study")
    one, other = (
        [path.read_bytes() for path in figures.write(DRAWN["loss_by_steps"].plot(load(tmp_path / "study")), tmp_path / name)]
        for name in ("one", "other")
    )
    assert one == other


NAMES = ("<script>alert(1)</script>", "$x$", "_", "a_b^c", r"\frac{1}{0}", "$", "%s {0}", "two\nlines", "", "né 數", "x" * 300)


def rewrite(folder, **keys):
    seal(folder, json.loads((folder / "result.json").read_text()) | keys)


def test_no_name_of_an_optimizer_breaks_a_figure(tmp_path):
    for number, name in enumerate(NAMES):
        for batch, lr in (("full", 0.1), ("mini", 0.1), ("mini", 0.2)):
            rewrite(write_run(tmp_path, optimizer=f"o{number}", batch=batch, lr=lr), optimizer=name)
    study = load(tmp_path)
    for title, module in DRAWN.items():
        if module.scope == "problem" and title not in ("time_to_target", "trajectories"):
            figure = module.plot(study)
            figures.write(figure, tmp_path / "figure")
            shown = [text.get_text() for text in (figure.legends[0].get_texts() + figure.axes[0].get_yticklabels())]
            assert {"<script>alert(1)</script>", r"\$x\$", "_", "a_b^c", r"\frac{1}{0}"} <= set(shown)
            assert max(map(len, shown)) <= 48


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_no_name_of_a_problem_breaks_a_figure(tmp_path, name):
    rewrite(write_run(tmp_path / "study"), problem=name)
    study = load(tmp_path / "study")
    (problem,) = study.problems
    assert problem == printable(name)
    folder = tmp_path / "figures" / safe_name(problem)
    assert folder.parent == tmp_path / "figures"
    assert all(path.exists() for path in figures.write(DRAWN["loss_by_examples"].plot(study), folder / "figure"))


def test_a_name_is_no_path_and_none_is_taken_for_another():
    names = ["../../etc", "..", ".", "/tmp/x", "_tmp_x", "a/b", "a_b", "digits_mlp", "", "x" * 300, "x" * 301, "condition=10"]
    made = [safe_name(name) for name in names]
    assert not [name for name in made if "/" in name or name.startswith(".") or not name or len(name) > 80]
    assert len(set(made)) == len(names)
    assert made[7] == "digits_mlp"


@pytest.mark.parametrize("optimizers", [1, 12])
@pytest.mark.parametrize("modes", [1, 3])
def test_nothing_overlaps(tmp_path, optimizers, modes):
    """Panels, titles, small print and legend keep apart, with one optimizer as with twelve."""
    for optimizer in list(LOOKS)[:optimizers]:
        for batch in MODES[:modes]:
            for seed in (1, 2):
                write_run(tmp_path, optimizer=optimizer, batch=batch, seed=seed)
    for name in ("loss_by_examples", "noise_and_norms", *(["batch_modes"] if modes > 1 else [])):
        figure = DRAWN[name].plot(load(tmp_path))
        figure.canvas.draw()
        boxes = [axes.get_tightbbox() for axes in figure.axes] + [text.get_window_extent() for text in figure.texts]
        boxes += [legend.get_window_extent() for legend in figure.legends]
        for number, one in enumerate(boxes):
            assert figure.bbox.padded(1).containsx(one.x0), name
            assert figure.bbox.padded(1).containsx(one.x1), name
            assert figure.bbox.padded(1).containsy(one.y0), name
            assert figure.bbox.padded(1).containsy(one.y1), name
            for other in boxes[number + 1 :]:
                shared = Bbox.intersection(one, other)
                assert shared is None or min(shared.width, shared.height) < 2, name


def test_a_variant_of_an_optimizer_keeps_its_colour_and_has_its_own_name(tmp_path):
    for schedule in ("constant", "cosine"):
        write_run(tmp_path, schedule=schedule, setting=schedule)
    study = load(tmp_path)
    assert [unit.name for unit in candidates(study)] == ["sgd (constant)", "sgd (cosine)"]
    figure = DRAWN["loss_by_examples"].plot(study)
    assert {line.get_color() for name in ("sgd (constant)", "sgd (cosine)") for line in lines(figure, name)} == {"#000000"}


def test_a_curve_that_is_damaged_is_left_out_of_the_figures(tmp_path):
    write_run(tmp_path, seed=1)
    broken = write_run(tmp_path, seed=2)
    (broken / "curve.csv").write_text("step,examples\n")
    study = load(tmp_path)
    figures.save(study, tmp_path / "out")
    assert [folder for folder, _ in study.skipped] == [broken]


OWN = (
    "'The median over all runs.'\n"
    "from matplotlib.figure import Figure\n"
    "def plot(study):\n"
    "    figure = Figure()\n"
    "    figure.subplots().plot(study.records.groupby('step')['train/loss'].median())\n"
    "    return figure\n"
)


def test_a_figure_of_the_users_own_is_drawn_of_each_problem(tmp_path):
    write_run(tmp_path / "study")
    own = tmp_path / "own"
    own.mkdir()
    (own / "all_runs.py").write_text(OWN)
    files, _ = figures.save(load(tmp_path / "study"), tmp_path / "figures", own)
    assert {f"digits_mlp/all_runs.{kind}" for kind in ("png", "svg")} < {
        path.relative_to(tmp_path / "figures").as_posix() for path in files
    }
    assert figures.known(figures_folder=own)["all_runs"].caption == "The median over all runs."


@pytest.mark.parametrize("content", ["1 / 0", "def draw(study): pass", "def plot(:", None])
def test_a_file_that_draws_no_figure_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / "bad.py").write_text(content)
    with pytest.raises(InputError, match=r"^figures=.*plot\(study\) -> Figure"):
        figures.known(figures_folder=tmp_path)


def test_a_declared_quantity_has_figures_of_its_own(tmp_path):
    scores = (0.1, 0.5, 0.6, 0.7, 0.8)
    write_run(tmp_path, columns={"val/f1": scores}, metrics={"f1": {"direction": "max", "label": "F1"}})
    study = load(tmp_path)
    figure = figures.known(study)["f1_by_steps"].plot(study)
    assert lines(figure, "sgd")[0].get_ydata().tolist() == list(scores[1:])
    assert figure.axes[0].get_ylabel() == "validation F1"
    assert figure.axes[0].get_yscale() == "linear"


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_many_problems_are_drawn_in_several_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "MANY", 0)
    monkeypatch.setattr(figures, "_save", None)  # what happens here fails; other processes have their own
    for problem in ("p1", "p2"):
        write_run(tmp_path / "study", problem=problem)
    broken = write_run(tmp_path / "study", problem="p2", seed=2)
    (broken / "curve.csv").unlink()
    study = load(tmp_path / "study")
    files, _ = figures.save(study, tmp_path / "figures")
    assert {path.parent.name for path in files} == {"p1", "p2"}
    assert all(path.exists() for path in files)
    assert [folder for folder, _ in study.skipped] == [broken]


HALF = "in full: adam (0.5); mini (32): sgd (0.1; at half of the"
NEAR = "0.1; within 2 times that: 2 of its 3 learning rates"
SENTENCES = {
    "loss_by_examples": f"Lowest median training loss at the end {HALF} examples adam).",
    "loss_by_seconds": f"Lowest median training loss at the end {HALF} seconds adam).",
    "batch_modes": "Lowest median training loss: at 256 examples mini (32) for adam and sgd; "
    "at 8 steps mini (32) for adam and sgd; at 0.16 seconds mini (32) for adam and sgd.",
    "final_by_learning_rate": "Lowest median over all learning rates: full: adam at 0.1 (0.5; within 2 times that: 2 of its "
    f"3 learning rates); mini (32): sgd at 0.1 ({NEAR}).",
    "noise_and_norms": "Median norms at the last record, in units of those at the first: "
    "full: gradients 0.125 (adam), weights at most 4 (adam); mini (32): gradients 0.125 (adam), weights at most 4 (adam).",
    "time_to_target": "Examples until the median run has a training loss of at most 0.5: "
    "full: adam and sgd never; mini (32): adam after 2 and sgd after 8.",
    "trajectories": "Median training loss at the end: "
    "full: adam 0.5 (lr 0.1) and sgd 0.7 (lr 0.1); mini (32): sgd 0.1 (lr 0.1) and adam 0.3 (lr 0.1).",
}


def test_a_sentence_says_in_numbers_what_a_figure_shows(tmp_path):
    """The sentence is about medians: of three seeds, the second lies below and the third above."""
    falls = {("full", "sgd"): (0.9, 0.8, 0.7), ("full", "adam"): (0.9, 0.8, 0.5)}
    falls |= {("mini", "sgd"): (0.9, 0.8, 0.1), ("mini", "adam"): (0.5, 0.4, 0.3)}
    norms = {"gradient_norm": (1.0, 4.0, 2.0, 1.0, 0.5), "update_norm": (1.0,) * 5, "weight_norm": (1.0, 1, 2, 3, 4)}
    for (batch, optimizer), (first, *rest) in falls.items():
        time = {"sgd": 8, "adam": 2}[optimizer] if batch == "mini" else None
        for lr, factor in ((0.1, 1.0), (1.0, 1.5), (10.0, 4.0)):
            for seed, shift in ((1, 1.0), (2, 0.98), (3, 1.3)):
                write_run(
                    tmp_path,
                    batch=batch,
                    optimizer=optimizer,
                    lr=lr,
                    seed=seed,
                    losses=tuple(factor * shift * loss for loss in (1.0, first, first, *rest)),
                    columns=norms | {"w/0": (1.0,) * 5, "w/1": (1.0,) * 5},
                    target={"metric": "train/loss", "value": 0.5},
                    time_to_target=dict.fromkeys(("steps", "examples", "gradient_evaluations", "seconds"), time),
                )
    study = load(tmp_path)
    assert {name: DRAWN[name].sentence(study) for name in SENTENCES} == SENTENCES
    assert not [name for name, drawing in DRAWN.items() if drawing.sentence is None]


def test_a_pause_of_the_machine_in_one_run_moves_no_point(tmp_path):
    for seed, pauses in ((1, (0, 5, 5, 5, 5)), (2, (0, 0, 3, 3, 3)), (3, (0, 0, 0, 4, 4))):
        write_run(
            tmp_path, seed=seed, columns={"seconds": tuple(0.02 * step + pause for step, pause in zip(GRID, pauses, strict=True))}
        )
    (line,) = lines(DRAWN["loss_by_seconds"].plot(load(tmp_path)), "sgd")
    np.testing.assert_allclose(line.get_xdata(), [0.02 * step for step in GRID[1:]])
