"""The report: one page that needs nothing else, correct where names are hostile, and working in a browser."""

import math
import re
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest
from PIL import Image
from studies import write_run

from descent.analysis import load
from descent.analysis.verdicts import judge
from descent.plots import figures
from descent.report import page as report

pytestmark = pytest.mark.xdist_group("report")  # which is written once
EVIL = "<script>alert('x')</script>\"&|`"
WIDTHS = (390, 1280)


def write(folder, drawn=()):
    return report.write(judge(load(folder)), drawn, {name: drawing.caption for name, drawing in figures.known().items()})


def curve(last):
    return (2.0, 1.8, 1.5, 1.2, last)


class Page(HTMLParser):
    """What a page is made of: the elements and their attributes, and all that is shown."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.shown = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, text):
        self.shown += f"{text}\n"

    def all(self, tag, attribute):
        return [found[attribute] for name, found in self.elements if name == tag and attribute in found]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two optimizers, in two batch modes, of which one setting diverges; a damaged run, and one that is hostile."""
    folder = tmp_path_factory.mktemp("outputs") / "first study"
    for batch in ("full", "mini"):
        for optimizer, last in (("adam", 0.01), ("sgd", 0.1)):
            for seed in range(1, 11):
                write_run(folder, batch=batch, optimizer=optimizer, seed=seed, losses=curve(last + seed / 1e4))
    for seed in range(1, 11):
        broken = {"status": "diverged", "final": {"train/loss": None, "val/loss": None}}
        write_run(folder, batch="mini", optimizer="wild", seed=seed, losses=curve(math.inf), **broken)
    write_run(folder, problem=EVIL, optimizer=EVIL, environment={"torch": EVIL, "data_checksum": "abc"})
    (write_run(folder, seed=99) / "result.json").write_text(EVIL)
    return folder


@pytest.fixture(scope="module")
def drawn(study):
    return figures.save(load(study), study / "report" / "figures")


@pytest.fixture(scope="module")
def path(study, drawn):
    return write(study, drawn)


@pytest.fixture(scope="module")
def page(path):
    return Page(path.read_text())


def test_it_begins_with_the_verdict(page):
    verdict = page.shown.index("Verdict", page.shown.index("Provenance"))
    assert "adam is best: training loss " in page.shown[verdict:]
    assert page.shown.index("adam is best") < page.shown.index("failed")


def test_the_page_needs_nothing_but_itself(path, page):
    assert all(source.startswith("data:image/") for source in page.all("img", "src"))
    assert len(page.all("img", "src")) > 5
    assert not page.all("script", "src")
    assert set(page.all("link", "href")) == {"data:,"}
    assert not [address for address in page.all("a", "href") if re.match(r"\w+:|//", address)]
    assert not re.search(r"https?://", re.sub(r'src="data:[^"]*"', "", path.read_text()))
    assert path.stat().st_size < 10_000_000


def test_every_link_leads_somewhere(path, page):
    from urllib.parse import unquote

    names = {found["id"] for _, found in page.elements if "id" in found}
    for address in page.all("a", "href"):
        if address.startswith("#"):
            assert address[1:] in names
        else:
            assert (path.parent / unquote(address)).exists(), address
    runs = [address for address in page.all("a", "href") if address.startswith("../")]
    assert len(runs) == 51


def test_a_name_is_text_and_nothing_else(path, page):
    assert [found for tag, found in page.elements if tag == "script"] == [{}]
    assert page.shown.count(EVIL) > 3
    assert not [name for _, found in page.elements for name in found if name.startswith("on")]
    markdown = (path.parent / "summary.md").read_text()
    assert "<script>" not in markdown
    assert len({line.replace("\\|", "").count("|") for line in markdown.splitlines() if line.startswith("|")}) == 1


def test_tables_hold_every_setting_its_median_and_its_failures(page):
    rows = re.findall(r"(adam|sgd|wild) lr=0\.1\n([^%]*?)(\d+%)", page.shown)
    assert len(rows) == 5
    assert {name: failed for name, _, failed in rows} == {"adam": "0%", "sgd": "0%", "wild": "100%"}
    assert {"0.01055", "0.0103 to 0.0108"} <= {line.strip() for line in rows[0][1].split("\n")}
    (wild,) = [text for name, text, _ in rows if name == "wild"]
    assert "none" in wild


def test_what_was_skipped_and_where_it_came_from_is_told(page):
    assert "1 skipped." in page.shown
    assert "seed=99-" in page.shown
    assert "result.json is damaged" in page.shown
    assert f"data_checksum, {EVIL}" in page.shown
    assert "one family of tests" in page.shown


def test_the_numbers_lie_beside_it(path):
    rows = pd.read_csv(path.parent / "summary.csv").set_index(["problem", "batch", "setting", "metric"])
    row = rows.loc["digits_mlp", "mini", "adam mini lr=0.1", "train/loss"]
    assert row[["n", "median", "first_rank", "last_rank"]].tolist() == [10, pytest.approx(0.01055), 1, 1]
    assert rows.index.is_unique
    markdown = (path.parent / "summary.md").read_text()
    assert "**Optimization, training loss.** " in markdown
    assert "adam is best: training loss " in markdown
    assert "| 1 | adam lr=0.1 | 10 | 0.01055 | " in markdown


def test_no_half_of_a_file_is_left(path):
    assert not list(path.parent.rglob("*.tmp"))


def test_pictures_that_the_page_has_no_room_for_stay_beside_it(study, drawn, monkeypatch, path):
    before = path.read_text()
    monkeypatch.setattr(report, "PAGE", 100_000)
    try:
        sources = Page(write(study, drawn).read_text()).all("img", "src")
    finally:
        path.write_text(before)
    beside = [source for source in sources if not source.startswith("data:")]
    assert beside
    for source in beside:
        with Image.open(path.parent / unquote(source)) as image:
            assert image.format == "PNG"


def test_a_study_without_final_runs_says_so(tmp_path):
    write_run(tmp_path, stage="trial")
    assert "No final run has ended yet" in Page(write(tmp_path).read_text()).shown


@pytest.fixture(scope="module")
def browser():
    """A headless browser, or the reason to skip."""
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed (it is in the group dev)")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("no browser is installed: apt-get install chromium chromium-driver")
    options = selenium.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = selenium.Chrome(options, selenium.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture
def opened(browser, path):
    """The page in a browser; its console stays clean, whatever the test does."""
    browser.get(path.as_uri())
    yield browser
    assert browser.get_log("browser") == []


def column(browser, number):
    """What the last settings table of the mini-batches shows in a column, from top to bottom."""
    return browser.execute_script(
        "const table = document.querySelector('table[data-about=\"digits_mlp, mini (32)\"]');"
        "return [...table.tBodies[0].rows].filter(row => row.checkVisibility()).map(row => row.cells[arguments[0]].innerText)",
        number,
    )


def press(browser, name, key=None):
    table = browser.find_element("css selector", 'table[data-about="digits_mlp, mini (32)"]')
    head = next(head for head in table.find_elements("css selector", "thead th") if head.text.startswith(name))
    button = head.find_element("tag name", "button")
    button.send_keys(key) if key else button.click()
    return head.get_attribute("aria-sort")


def test_headers_sort(opened):
    assert press(opened, "setting") == "ascending"
    assert [name.split()[0] for name in column(opened, 0)] == ["adam", "sgd", "wild"]
    assert press(opened, "setting") == "descending"
    assert [name.split()[0] for name in column(opened, 0)] == ["wild", "sgd", "adam"]
    assert press(opened, "training loss") == "ascending"
    assert [name.split()[0] for name in column(opened, 0)] == ["adam", "sgd", "wild"]  # infinite is last
    sorted_now = opened.find_elements("css selector", "[aria-sort]")
    assert [head.text for head in sorted_now] == ["training loss"]


def test_headers_sort_by_the_keyboard(opened):
    from selenium.webdriver.common.keys import Keys

    assert press(opened, "training loss", Keys.ENTER) == "ascending"
    assert press(opened, "training loss", Keys.SPACE) == "descending"
    assert [name.split()[0] for name in column(opened, 0)] == ["wild", "sgd", "adam"]


def test_the_box_filters(opened):
    box = opened.find_element("id", "filter")
    box.send_keys("ADAM mini")
    assert [name.split()[0] for name in column(opened, 0)] == ["adam"]
    assert opened.find_element("id", "found").text == "1 of 6 settings"
    box.clear()
    box.send_keys("nothing has this")
    assert opened.find_element("id", "found").text == "0 of 6 settings"
    assert not [part for part in opened.find_elements("css selector", ".part") if part.is_displayed()]
    box.send_keys("\ue009a\ue000\ue017")  # all of it, deleted
    assert len(column(opened, 0)) == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_a_phone_and_is_readable_in_both_schemes(opened, width, scheme):
    mobile = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", mobile)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    for details in opened.find_elements("css selector", "details"):
        opened.execute_script("arguments[0].open = true", details)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    colours = opened.execute_script(
        "return ['h1', '.notes', 'td', 'td small', 'figcaption', 'thead button', 'a'].map(name => "
        "getComputedStyle(document.querySelector(name)).color).concat(getComputedStyle(document.body).backgroundColor)"
    )
    *inks, paper = (luminance(colour) for colour in colours)
    assert (paper > 0.5) == (scheme == "light")
    assert min((max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) for ink in inks) > 4.5  # WCAG 2.2, 1.4.3


def luminance(colour):
    """The relative luminance of a CSS colour, by WCAG 2.2."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_pictures_are_shown(opened):
    assert opened.execute_script("return [...document.images].every(image => image.complete && image.naturalWidth > 100)")


def test_a_note_that_holds_for_all_is_said_once(tmp_path):
    for batch in ("full", "mini"):
        for optimizer, last in (("adam", 0.01), ("nadam", 0.05), ("sgd", 0.1)):
            for seed in range(1, 11):
                write_run(tmp_path, batch=batch, optimizer=optimizer, seed=seed, losses=curve(last + seed / 1e4))
    found = judge(load(tmp_path))
    assert [note[:10] for note in found.common] == ["Best of th", "All pairs ", "No search:"]
    tested = [verdict for verdict in found.verdicts if verdict.ranking.tested]
    assert [verdict.notes for verdict in tested] == [["Ranks: adam 1, nadam 2 and sgd 3."]] * 2
    assert list(found.sentences)[-1] == "All of these"
    assert Page(write(tmp_path).read_text()).shown.count("No search:") == 1


def test_settings_that_tie_share_their_ranks(tmp_path):
    for optimizer, turn in (("adam", 1), ("sgd", -1)):
        for seed in range(1, 11):
            write_run(tmp_path, optimizer=optimizer, seed=seed, losses=curve(0.1 + turn * (-1) ** seed * seed / 1e3))
    write(tmp_path)
    rows = pd.read_csv(tmp_path / "report" / "summary.csv")
    ranked = rows[rows["metric"] == "train/loss"]
    assert ranked[["first_rank", "last_rank"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    assert (tmp_path / "report" / "summary.md").read_text().count("| 1 to 2 | ") == 2  # of the metric that is tested


def test_it_says_what_the_target_is(tmp_path):
    times = dict.fromkeys(("steps", "examples", "gradient_evaluations", "seconds"), 2)
    write_run(tmp_path, problem="b", target={"metric": "train/loss", "value": 0.5}, time_to_target=times)
    write_run(tmp_path, problem="a", target={"metric": "val/accuracy", "value": 0.9}, time_to_target=times)
    write_run(tmp_path, problem="c")
    shown = re.sub(r"\s+", " ", Page(write(tmp_path).read_text()).shown)
    assert "Targets: a, validation accuracy at least 0.9; b, training loss at most 0.5." in shown


def test_without_a_target_it_does_not_speak_of_one(page):
    assert "Times to target" not in page.shown
