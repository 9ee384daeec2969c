"""The picture of a report's page: a browser without a window opens it and takes its top."""

import shutil
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from pages.base import FIGURES
from pages.gallery import Failed

PICTURE = FIGURES / "page.png"
WIDTH, HEIGHT = 1180, 1000


def draw(page: Path) -> Path:
    """Take the picture of a page; return its file.

    Raises:
        Failed: no browser is installed.
    """
    browser, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not browser or not driver or not find_spec("selenium"):
        raise Failed("needs chromium, chromedriver and the package selenium, of the group dev")
    webdriver = import_module("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
        options.add_argument(argument)
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        opened.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
        )
        opened.get(page.resolve().as_uri())
        time.sleep(1)  # it draws when its size is known
        opened.save_screenshot(str(PICTURE))
    finally:
        opened.quit()
    with Image.open(PICTURE) as picture:
        small = picture.convert("RGB").quantize(128)
    small.save(PICTURE, optimize=True)
    return PICTURE
