"""The report: one page that needs nothing else, correct where names are hostile, and working in a browser."""

import math
import re
import shutil
from html.parser import HTMLParser
from urllib.parse import unquote

import pandas as pd
import pytest
from PIL import Image
from studies import wait_for, write_run

from descent.analysis import load
from descent.analysis.verdicts import judge
from descent.plots import figures
from descent.report import page as report

pytestmark = pytest.mark.xdist_group("report")  # which is written once
EVIL = "<script>alert('x')</script>\"&|`"
WIDTHS = (390, 1280)


def write(folder, drawn=()):
    return report.write(judge(load(folder)), drawn, figures.known())


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
        return [attributes[attribute] for name, attributes in self.elements if name == tag and attribute in attributes]


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
    return figures.save(load(study), study / "report" / "figures").files


@pytest.fixture(scope="module")
def path(study, drawn):
    return write(study, drawn)


@pytest.fixture(scope="module")
def page(path):
    return Page(path.read_text())


def test_the_answer_comes_first_in_a_line_with_its_ratio(page):
    answer = re.sub(r"\s+", " ", page.shown[page.shown.rindex("first study") :])
    best = "adam is best in digits_mlp, full and digits_mlp, mini (32): training loss 9.53 times lower than the next, n = 10."
    assert answer.startswith(f"first study {best}")
    parts = ("first study", "Training loss at the end", "Curves\n", "All settings", "Verdicts")
    order = [page.shown.rindex(part) for part in parts]
    assert order == sorted(order)


def test_a_forest_plot_has_every_candidate_and_mode_with_its_interval_and_failures(page):
    plotted = page.shown[page.shown.rindex("Training loss at the end") : page.shown.rindex("Curves\n")]
    assert re.findall(r"adam|sgd|wild", plotted)[:5] == ["adam", "sgd", "adam", "sgd", "wild"]
    assert "0.0103 to 0.0108" in plotted
    assert re.search(r"Lowest median: .*; highest: .*\. 10 of 50 runs failed\.", plotted)


def test_the_page_needs_nothing_but_itself(path, page):
    assert all(source.startswith("data:image/") for source in page.all("img", "src"))
    assert len(page.all("img", "src")) > 2
    assert not page.all("script", "src")
    assert set(page.all("link", "href")) == {"data:,"}
    assert not [address for address in page.all("a", "href") if re.match(r"\w+:|//", address)]
    libraries = re.sub(r"/\*! https://github.com/leeoniya/uPlot .*", "", path.read_text())  # its first line names its home
    assert not re.search(r"https?://", re.sub(r'src="data:[^"]*"', "", libraries))
    assert "Copyright (c) 2022 Leon Sorokin" in libraries
    assert path.stat().st_size < 1_500_000


def test_every_link_leads_somewhere(path, page):
    names = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    for address in page.all("a", "href"):
        if address.startswith("#"):
            assert address[1:] in names
        else:
            assert (path.parent / unquote(address)).exists(), address
    runs = [address for address in page.all("a", "href") if address.startswith("../")]
    assert len(runs) == 51


def test_a_name_is_text_and_nothing_else(path, page):
    assert [attributes for tag, attributes in page.elements if tag == "script"] == [
        {"type": "application/json", "id": "curves"},
        {},
        {},
        {},
    ]
    assert page.shown.count(EVIL) > 3
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    markdown = (path.parent / "summary.md").read_text()
    assert "<script>" not in markdown
    assert len({line.replace("\\|", "").count("|") for line in markdown.splitlines() if line.startswith("|")}) == 1


def test_tables_hold_every_setting_its_median_and_its_failures(page):
    rows = re.findall(r"(adam|sgd|wild) lr=0\.1\n([^%]*?)(\d+%)", page.shown[page.shown.index("All settings") :])
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
    monkeypatch.setattr(report, "PAGE", 50_000)
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


REQUESTS = """
const asked = performance.getEntriesByType('resource').map(entry => entry.name);
return asked.filter(name => !name.startsWith('data:') && !name.startsWith('file:'));
"""


@pytest.fixture
def opened(browser, path):
    """The page in a browser; its console stays clean and nothing leaves it, whatever the test does."""
    desk = {"width": 1440, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", desk)
    browser.get("about:blank")
    browser.get(path.as_uri())
    yield browser
    assert browser.execute_script(REQUESTS) == []
    assert browser.get_log("browser") == []


def column(browser, number):
    """What the last settings table of the mini-batches shows in a column, from top to bottom."""
    return browser.execute_script(
        "const table = document.querySelector('table[data-about=\"digits_mlp, all settings\"]');"
        "return [...table.tBodies[0].rows].filter(row => row.checkVisibility() && row.dataset.mode === 'mini')"
        ".map(row => row.cells[arguments[0]].innerText)",
        number,
    )


def press(browser, name, key=None):
    table = browser.find_element("css selector", 'table[data-about="digits_mlp, all settings"]')
    head = next(head for head in table.find_elements("css selector", "thead th") if head.text.startswith(name))
    button = head.find_element("tag name", "button")
    button.send_keys(key) if key else button.click()
    return head.get_attribute("aria-sort")


@pytest.mark.slow
def test_headers_sort(opened):
    assert press(opened, "setting") == "ascending"
    assert [name.split()[0] for name in column(opened, 2)] == ["adam", "sgd", "wild"]
    assert press(opened, "setting") == "descending"
    assert [name.split()[0] for name in column(opened, 2)] == ["wild", "sgd", "adam"]
    assert press(opened, "training loss") == "ascending"
    assert [name.split()[0] for name in column(opened, 2)] == ["adam", "sgd", "wild"]  # infinite is last
    sorted_now = opened.find_elements("css selector", "[aria-sort]")
    assert [head.text for head in sorted_now] == ["training loss"]


@pytest.mark.slow
def test_headers_sort_by_the_keyboard(opened):
    from selenium.webdriver.common.keys import Keys

    assert press(opened, "training loss", Keys.ENTER) == "ascending"
    assert press(opened, "training loss", Keys.SPACE) == "descending"
    assert [name.split()[0] for name in column(opened, 2)] == ["wild", "sgd", "adam"]


@pytest.mark.slow
def test_the_box_filters(opened):
    box = opened.find_element("id", "filter")
    box.send_keys("ADAM mini")
    assert [name.split()[0] for name in column(opened, 2)] == ["adam"]
    assert opened.find_element("id", "found").text == "1 of 6 settings"
    box.clear()
    box.send_keys("nothing has this")
    assert opened.find_element("id", "found").text == "0 of 6 settings"
    opened.find_element("id", "reset").click()
    assert len(column(opened, 2)) == 3


@pytest.mark.slow
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
        "return ['h1', '.notes li', 'td', 'td small', 'figcaption', 'thead button', 'a', '.readout'].map(name => "
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


@pytest.mark.slow
def test_pictures_are_shown(opened):
    assert opened.execute_script("return [...document.images].every(image => image.complete && image.naturalWidth > 100)")


def figure(browser):
    """The curves of digits_mlp: its panels, and what the readout tells."""
    root = browser.find_element("css selector", '.curves[data-problem="digits_mlp"]')
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", root)
    return root.find_elements("css selector", ".uplot"), lambda: root.find_element("css selector", ".readout").text


def link(browser):
    return dict(part.split("=") for part in browser.execute_script("return location.hash.slice(1)").split("&") if part)


@pytest.mark.slow
def test_pointing_at_a_curve_tells_its_values_and_its_seed(opened):
    from selenium.webdriver.common.action_chains import ActionChains

    panels, told = figure(opened)
    over = panels[0].find_element("css selector", ".u-over")
    for y in range(-over.size["height"] // 2 + 3, over.size["height"] // 2, 9):
        ActionChains(opened).move_to_element_with_offset(over, over.size["width"] // 2 - 30, y).perform()
        if "adam" in told() and "seed" in told():
            break
    assert re.match(
        r"adam, full, at 512 training examples processed \(step 8\): median training loss 0\.0105 \(quartiles ", told()
    )
    assert re.search(r"n = 10\); seed \d+: 0\.01\d*$", told())


@pytest.mark.slow
def test_the_legend_filters_figures_and_tables_and_the_link_keeps_the_view(opened):
    for name in ("adam", "@full"):
        opened.find_element("css selector", f'[data-toggle="{name}"]').click()
    assert [name.split()[0] for name in column(opened, 2)] == ["sgd", "wild"]
    plotted = [row for row in opened.find_elements("css selector", "table.forest tbody tr") if row.is_displayed()]
    assert {row.get_attribute("data-mode") for row in plotted} == {"mini"}
    panels, _ = figure(opened)
    assert len(panels) == 1
    assert "adam" not in panels[0].get_attribute("aria-label")
    opened.find_element("css selector", "#x option[value=seconds]").click()
    opened.find_element("css selector", "[data-switch=logy]").click()
    address = opened.current_url
    opened.get("about:blank")
    opened.get(address)
    assert opened.find_element("css selector", '[data-toggle="adam"]').get_attribute("aria-pressed") == "false"
    assert opened.find_element("css selector", "[data-switch=logy]").get_attribute("aria-pressed") == "false"
    assert opened.find_element("id", "x").get_attribute("value") == "seconds"
    assert [name.split()[0] for name in column(opened, 2)] == ["sgd", "wild"]
    opened.find_element("id", "reset").click()
    assert link(opened) == {}
    assert len(figure(opened)[0]) == 2


@pytest.mark.slow
def test_dragging_zooms_and_a_double_click_shows_all(opened):
    from selenium.webdriver.common.action_chains import ActionChains

    over = figure(opened)[0][0].find_element("css selector", ".u-over")
    ActionChains(opened).move_to_element(over).click_and_hold().move_by_offset(60, 50).release().perform()
    wait_for(lambda: "zoom" in link(opened))
    low, high, bottom, top = map(float, link(opened)["zoom"].split("%2C"))
    assert 64 < low < high < 512
    assert 0.01 <= bottom < top < 2
    ActionChains(opened).double_click(figure(opened)[0][0].find_element("css selector", ".u-over")).perform()
    assert link(opened) == {}


@pytest.mark.slow
def test_the_keyboard_reads_values_and_zooms(opened):
    from selenium.webdriver.common.keys import Keys

    (_, panel), told = figure(opened)
    panel.send_keys(Keys.ARROW_RIGHT)
    assert told().startswith("adam, mini, at 32 training examples processed (step 1): median training loss 1.8 ")
    panel.send_keys(Keys.ARROW_RIGHT + Keys.ARROW_DOWN)
    assert told().startswith("sgd, mini, at 64 training examples processed (step 2): ")
    panel.send_keys("+")
    assert "zoom" in link(opened)
    opened.switch_to.active_element.send_keys("0")
    assert link(opened) == {}
    button = opened.find_element("css selector", '[data-toggle="sgd"]')
    button.send_keys(Keys.SPACE)
    assert button.get_attribute("aria-pressed") == "false"


@pytest.mark.slow
def test_a_table_says_what_the_curves_show(opened):
    table = opened.find_element("css selector", '.curves[data-problem="digits_mlp"] details')
    table.find_element("tag name", "summary").click()
    wait_for(lambda: len(table.find_elements("css selector", "tbody tr")) == 5)
    rows = [row.text for row in table.find_elements("css selector", "tbody tr")]
    assert rows[2].startswith("adam, mini 1.8 at 32 ")
    assert rows[2].endswith(" 0.0105 at 256")


def test_a_note_that_holds_for_all_is_said_once(tmp_path):
    for batch in ("full", "mini"):
        for optimizer, last in (("adam", 0.01), ("nadam", 0.05), ("sgd", 0.1)):
            for seed in range(1, 11):
                write_run(tmp_path, batch=batch, optimizer=optimizer, seed=seed, losses=curve(last + seed / 1e4))
    outcome = judge(load(tmp_path))
    assert [note[:10] for note in outcome.common] == ["All pairs ", "No search:"]
    tested = [verdict for verdict in outcome.verdicts if verdict.ranking.tested]
    assert [verdict.notes for verdict in tested] == [["Ranks: adam 1, nadam 2 and sgd 3."]] * 2
    assert list(outcome.sentences)[-1] == "All of these"
    assert Page(write(tmp_path).read_text()).shown.count("No search:") == 1


def test_settings_that_tie_share_their_ranks(tmp_path):
    for optimizer, turn in (("adam", 1), ("sgd", -1)):
        for seed in range(1, 11):
            write_run(tmp_path, optimizer=optimizer, seed=seed, losses=curve(0.1 + turn * (-1) ** seed * seed / 1e3))
    write(tmp_path)
    rows = pd.read_csv(tmp_path / "report" / "summary.csv")
    ranked = rows[rows["metric"] == "train/loss"]
    assert ranked[["first_rank", "last_rank"]].to_numpy().tolist() == [[1, 2], [1, 2]]
    assert (tmp_path / "report" / "summary.md").read_text().count("| =1 | ") == 2  # of the metric that is tested


def test_it_says_what_the_target_is(tmp_path):
    times = dict.fromkeys(("steps", "examples", "gradient_evaluations", "seconds"), 2)
    write_run(tmp_path, problem="b", target={"metric": "train/loss", "value": 0.5}, time_to_target=times)
    write_run(tmp_path, problem="a", target={"metric": "val/accuracy", "value": 0.9}, time_to_target=times)
    write_run(tmp_path, problem="c")
    shown = re.sub(r"\s+", " ", Page(write(tmp_path).read_text()).shown)
    assert "Targets: a, validation accuracy at least 0.9; b, training loss at most 0.5." in shown


def test_without_a_target_it_does_not_speak_of_one(page):
    assert "Times to target" not in page.shown
