"""The page that a run ends with, in a real browser, without a network."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium")
    if chromium is None:
        message = "needs Chromium (Debian: apt install chromium)"
        if os.environ.get("CI"):
            pytest.fail(f"CI {message}")
        pytest.skip(message)
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield made
        made.close()


@pytest.mark.parametrize("width", [1400, 400])
def test_the_page_shows_its_pictures_on_any_screen(browser, finished, tmp_path, width):
    store, _ = finished
    page = browser.new_page(viewport={"width": width, "height": 900})
    faults, asked = [], []
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    report = store / "08_reporting" / "report.html"
    page.goto(report.as_uri())
    page.wait_for_function("document.querySelectorAll('.plotly-graph-div .gtitle').length === 3")
    titles = page.locator(".gtitle").all_text_contents()
    assert titles[0] == "First two principal components of 60 photos"
    assert titles[1] == "90 photos of 3 classes" and titles[2].startswith("5 components keep")
    assert faults == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.screenshot(path=tmp_path / f"{width}.png", full_page=True)
    page.close()
