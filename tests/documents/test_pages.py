"""The pages that `scripts/docs.py` makes: complete, as the sources are now, and their links lead somewhere."""

import re
import shutil

import pandas as pd
import pytest
import yaml
from conftest import CONF, ROOT, names
from pages import gallery, optimizers
from pages.base import FIGURES, literal
from PIL import Image
from studies import write_run

from descent.analysis import load
from descent.analysis.findings import render
from descent.config.compose import compose
from descent.config.search_space import search_space
from descent.experiments import modules, sentence
from descent.plots.style import RC, WIDEST
from docs import pages

DOCS = ROOT / "docs"
MADE = pages()
DRAWN = optimizers.chosen()  # the optimizers that have figures, and so a page
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.S | re.M)
LINK = re.compile(r"(?<!`)\]\((?!https?:)([^)#]*)(#[^)]*)?\)")
SECTIONS = ["Equation", "Hyperparameters", "When it fails", "Train it", "Trajectories", "Source"]
LARGEST = 150_000  # bytes of a picture
WIDE = 1.05 * WIDEST * RC["savefig.dpi"]  # pixels


def section(page: str, title: str) -> str:
    """Return what stands under a heading."""
    return re.split(r"^## ", page.partition(f"\n## {title}\n")[2], flags=re.M)[0].strip()


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_a_page_is_what_the_command_would_write_now(path):
    kept, made = path.read_text(), MADE[path]
    if path.stem == "choices":  # a new choice may come without its line
        made = "".join(line for line in made.splitlines(keepends=True) if line in kept.splitlines(keepends=True))
    assert kept == made, "its source has changed: python scripts/docs.py"


def test_no_page_is_left_of_what_is_gone():
    assert set(optimizers.FOLDER.iterdir()) == {path for path in MADE if path.parent == optimizers.FOLDER}
    shown = {name for page in MADE.values() for name in re.findall(r"figures/([\w/]+\.png)", page)}
    drawn = {path.relative_to(FIGURES).as_posix() for path in FIGURES.glob("*/*.png")}
    assert drawn == shown


@pytest.mark.parametrize("name", DRAWN)
def test_an_optimizer_has_a_page_with_all_sections(name):
    page = MADE[optimizers.FOLDER / f"{name}.md"]
    title, sentence = page.splitlines()[0:3:2]
    assert title == f"# {name}"
    assert re.fullmatch(r"[A-Z\w].{20,}", sentence)
    assert re.findall(r"^## (.+)$", page, re.M) == SECTIONS
    assert re.search(r"^```text\n(?:.+\n)*\s*(w_t|W_t|w_{t\+1})\s+= ", section(page, "Equation"), re.M)
    assert len(section(page, "When it fails")) > 100
    assert re.search(r"\b(19|20|18)\d\d\b", section(page, "Source"))
    assert f"python train.py optimizer={name}" in section(page, "Train it")
    assert re.search(rf"^\| \[`{name}`\]\({name}.md\) \| \w.+ \| torch", MADE[optimizers.FOLDER / "README.md"], re.M)
    for surface in optimizers.SURFACES:
        rate = DRAWN[name][surface][name]
        assert rate in optimizers.grid(name)
        assert re.search(rf"^Chosen: .*on {surface} [^;]*\b{name} {rate:g}\b", page, re.M)


@pytest.mark.parametrize("name", DRAWN)
def test_the_settings_of_an_optimizer_and_its_search_space_are_on_its_page(name):
    shown = section(MADE[optimizers.FOLDER / f"{name}.md"], "Hyperparameters")
    (block,) = (text for language, text in BLOCK.findall(shown) if language == "yaml")
    settings = optimizers.values("optimizer", name)
    assert yaml.safe_load(block) == {key: value for key, value in settings.items() if key != "_target_"}
    assert all("  # " in line for line in block.splitlines())
    assert [row.split("`")[1] for row in shown.splitlines() if row.startswith("| `")] == list(search_space(name))
    assert len(optimizers.grid(name)) >= 3


@pytest.mark.parametrize("name", names("experiment"))
def test_an_experiment_has_an_entry_with_its_question_its_command_its_sentence_and_its_figure(name):
    entry = re.split(r"^##+ ", MADE[gallery.PAGE].partition(f"\n### {name}\n")[2], flags=re.M)[0]
    assert re.match(r"[A-Z].*?\?", entry.strip(), re.S)
    assert f"```bash\npython train.py -m experiment={name}\n```" in entry
    if finding := gallery.findings().get(name):
        assert f"> {literal(sentence(modules()[name], finding))}\n" in entry
        assert name == "headline" or f"**{literal(render(gallery.ANSWERS[name], finding))}**" in entry
        assert f"](figures/experiments/{name}.png)" in entry
    else:
        assert gallery.needs_data(name), "no figure yet: python scripts/docs.py"


def test_what_an_experiment_finds_is_quoted_letter_by_letter():
    lacking = r"At 5 % |w|_2 <= 0.1 * 2 [n = 3] ~ `x` $1 \alpha"
    assert literal("|w|_2 * $1") == r"\|w\|\_2 \* \$1"
    assert f"\n> {literal(f'No conclusion: {lacking}.')}\n" in gallery.page({"momentum": {"missing": lacking}})


def test_an_experiment_whose_data_are_missing_is_left_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "needs_data", lambda _: "MNIST")
    with pytest.raises(gallery.Failed, match=r"^needs MNIST, and there is no .*/MNIST/raw; --root names a folder that holds it$"):
        gallery.train("momentum", tmp_path, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_data_of_an_experiment_are_those_of_its_problem():
    needs = {name: gallery.needs_data(name) for name in names("experiment")}
    assert needs["momentum"] == ""
    for name, data in needs.items():
        assert data == compose(f"experiment={name}").problem.arguments.get("dataset", "")


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_links_lead_somewhere(path):
    for target, _ in LINK.findall(BLOCK.sub("", path.read_text())):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.relative_to(DOCS).as_posix())
def test_every_experiment_that_is_named_is_there(path):
    text = path.read_text()
    of_the_reader = set(re.findall(r"mine/conf/experiment/(\w+)", text))
    assert set(re.findall(r"\bexperiment=(\w+)", text)) <= set(names("experiment")) | of_the_reader


@pytest.mark.parametrize("path", sorted(FIGURES.glob("*/*.png")), ids=lambda path: path.relative_to(FIGURES).as_posix())
def test_a_figure_is_a_small_file_and_no_small_picture(path):
    assert 3_000 < path.stat().st_size < LARGEST
    with Image.open(path) as image:
        assert min(image.size) > 300
        assert image.width <= WIDE, "its letters are smaller than 10 pixels on GitHub"


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.relative_to(DOCS).as_posix())
def test_github_renders_the_mathematics(path):
    """There is none: equations stand in blocks as they are coded, and outside them GitHub must find no dollar."""
    assert "$" not in re.sub(r"`[^`\n]*`", "", BLOCK.sub("", MADE[path])).replace(r"\$", "")


def test_no_page_names_a_place_of_one_machine():
    for path, text in MADE.items():
        assert not re.search(r"/(work|tmp|home|root)\b", text), path


def test_an_optimizer_without_a_text_needs_no_page_and_gets_none(tmp_path, monkeypatch):
    shutil.copytree(CONF, tmp_path / "conf")
    (tmp_path / "conf" / "optimizer" / "own.yaml").write_text("_target_: torch.optim.SparseAdam\nlr: 0.1\n")
    monkeypatch.setattr("pages.base.CONF", tmp_path / "conf")
    assert set(DRAWN) <= set(optimizers.documented()) - {"own"} == set(optimizers.documented())
    assert optimizers.FOLDER / "own.md" not in pages()


def test_the_learning_rates_of_one_optimizer_are_kept_beside_those_of_others(tmp_path, monkeypatch):
    monkeypatch.setattr(optimizers, "RATES_FILE", tmp_path / "rates.json")
    rates = {surface: {"sgd": 1.0, "adam": 0.1} for surface in optimizers.SURFACES}
    for name in ("sgd", "adam"):
        optimizers.choose(name, rates)
    assert optimizers.chosen() == {"adam": rates, "sgd": rates}
    assert optimizers.shown(rates) == "on rosenbrock sgd 1 and adam 0.1; on himmelblau sgd 1 and adam 0.1"


def test_learning_rates_that_jump_far_are_not_drawn_unless_all_do(tmp_path):
    for optimizer, lr, peak in (("adam", 0.1, 99), ("adam", 0.3, 101), ("sgd", 0.1, 101), ("sgd", 0.3, 101)):
        for seed, highest in ((1, peak), (2, 1)):
            write_run(tmp_path, optimizer=optimizer, lr=lr, seed=seed, columns={"train/gap": (1.0, highest, 0.5, 0.2, 0.1)})
    study = load(tmp_path)
    left = optimizers._calm(study, study.runs)
    assert sorted(zip(left["optimizer"], left["lr"], left["seed"], strict=True)) == [
        ("adam", 0.1, 1), ("adam", 0.1, 2), ("sgd", 0.1, 1), ("sgd", 0.1, 2), ("sgd", 0.3, 1), ("sgd", 0.3, 2),
    ]  # fmt: skip


def test_of_learning_rates_that_end_alike_the_smallest_is_drawn():
    runs = pd.DataFrame({"optimizer": "adam", "lr": [0.3, 0.3, 0.1, 0.1, 1.0], "final:train/gap": [0.0, 0.0, 0.0, 0.0, 2.0]})
    assert sorted(optimizers._untied(runs)["lr"]) == [0.1, 0.1, 1.0]


@pytest.mark.slow
def test_the_figures_of_an_optimizer_are_made_anew(tmp_path, monkeypatch):
    """With few learning rates; a second call finds its runs and draws the same picture."""
    monkeypatch.setattr(optimizers, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(optimizers, "RATES", (0.1, 1))
    first = optimizers.draw("adam", tmp_path / "studies")
    assert list(first) == list(optimizers.SURFACES)
    assert all(list(rates) == ["sgd", "adam"] and set(rates.values()) <= {0.1, 1} for rates in first.values())
    drawn = {path: path.read_bytes() for path in (tmp_path / "figures" / "optimizers").iterdir()}
    assert {path.name for path in drawn} == {"adam_rosenbrock.png", "adam_himmelblau.png"}
    results = {path: path.stat().st_mtime_ns for path in (tmp_path / "studies").rglob("result.json")}
    assert len(results) == 2 * 2 * 2 * 3  # surfaces, optimizers, learning rates, seeds
    assert optimizers.draw("adam", tmp_path / "studies") == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "studies").rglob("result.json")} == results
    assert {path: path.read_bytes() for path in drawn} == drawn


@pytest.mark.slow
def test_an_experiment_is_trained_and_its_figure_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "FIGURES", tmp_path / "figures")
    printed = gallery.train("momentum", tmp_path / "studies", tmp_path)
    finding = gallery.findings()["momentum"]
    assert finding["best"]["momentum"] == 0.94
    assert printed == sentence(modules()["momentum"], finding)
    with Image.open(tmp_path / "figures" / "experiments" / "momentum.png") as image:
        assert image.mode == "P"
