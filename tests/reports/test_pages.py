"""The report in a real browser, from a file, without a network."""

import os
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from tests.reports.contents import classified, curated, make_contents
from tests.reports.test_report import HOSTILE, page_of

QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-sync"]
WIDE, PHONE = {"width": 1400, "height": 900}, {"width": 400, "height": 800}


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


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The file of a report with all chapters; one label is hostile, one is long."""
    labels = ("Apple 1", HOSTILE, "x" * 200)
    contents, pictures = make_contents(labels)
    paths = sorted(pictures)
    summary = curated(
        paths,
        leaks=[[paths[9], "Apple 1", paths[0], HOSTILE, "Test", "bytes"]],
        outliers=[[paths[2], "Test", "x" * 200, 7.5]],
        quality_issues=[[paths[3], "Test", "Apple 1", "dark"]],
    )
    scores = classified(labels, [(HOSTILE, "x" * 200, 4, paths[1])])
    contents, _ = make_contents(labels, curation=summary, classification=scores)
    file = tmp_path_factory.mktemp("report") / "report.html"
    file.write_text(page_of(contents, pictures), encoding="utf-8")
    return file, paths


class Opened:
    """A page, what it asked for, and what went wrong in it."""

    def __init__(self, browser, file, **context):
        self.context = browser.new_context(offline=True, **context)
        self.page = self.context.new_page()
        self.faults, self.asked = [], []
        self.page.on("console", lambda said: self.faults.append(said.text))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", lambda dialog: self.faults.append(dialog.message))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())
        self.page.wait_for_selector("#map-stage[data-ready=true]")

    def close(self):
        self.context.close()
        assert self.faults == []
        remote = [url for url in self.asked if not url.startswith(("file:", "data:", "blob:"))]
        assert remote == []


def place_of(element):
    """Where an element lies on the screen, once it is there as a whole."""
    element.evaluate("element => element.scrollIntoView({block: 'center'})")
    return element.bounding_box()


@pytest.mark.parametrize(
    "context",
    [
        {"viewport": WIDE},
        {"viewport": WIDE, "color_scheme": "dark"},
        {"viewport": PHONE, "is_mobile": True, "has_touch": True},
    ],
    ids=["wide", "dark", "phone"],
)
def test_the_report_reads_well_on_any_screen(browser, report, context):
    opened = Opened(browser, report[0], **context)
    assert opened.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(opened.page)
    serious = [v["id"] for v in found.response["violations"] if v["impact"] != "minor"]
    assert serious == [], found.generate_report()
    opened.close()


def test_a_whole_run_ends_with_a_report_that_opens(browser, finished):
    store, _ = finished
    opened = Opened(browser, store / "08_reporting" / "report.html", viewport=WIDE)
    assert opened.page.locator("h1").text_content().endswith("report on 90 photos")
    said = opened.page.locator("#rejected ~ p").first.text_content()
    assert "of 30 photos are shown" in said
    opened.close()


def test_the_map_works_by_keyboard(browser, report):
    opened = Opened(browser, report[0], viewport=WIDE)
    page, (_, paths) = opened.page, report
    assert page.locator("#map-said").text_content() == f"{len(paths)} photos are shown."
    page.locator("#map-search").fill("apple 1")
    assert page.locator("#map-said").text_content() == "8 photos are shown."
    assert page.locator("#map-list button").count() == 8
    page.locator("#map-list button").first.focus()
    page.keyboard.press("Enter")
    assert "and its nearest neighbours:" in page.locator("#map-said").text_content()
    assert page.locator("#map-list button").count() == 11
    page.locator("#map-canvas").focus()
    for key in ("ArrowLeft", "ArrowDown", "+", "-", "0", "Escape"):
        page.keyboard.press(key)
    assert page.locator("#map-said").text_content() == "8 photos are shown."
    opened.close()


def test_a_photo_is_found_and_a_lasso_copies_paths(browser, report):
    opened = Opened(browser, report[0], viewport=WIDE, permissions=["clipboard-read"])
    page, (_, paths) = opened.page, report
    page.locator("#map-label").select_option("Apple 1")
    page.locator("#map-list button").first.click()  # moves it to the middle
    box = place_of(page.locator("#map-canvas"))
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    tip = page.locator("#map-tip")
    assert tip.is_visible() and "Apple 1" in tip.text_content()
    page.mouse.click(*middle)
    assert "and its nearest neighbours:" in page.locator("#map-said").text_content()
    page.locator("#map-label").select_option("")
    page.locator("#map-reset").click()
    page.locator("#map-lasso").click()
    box = place_of(page.locator("#map-canvas"))
    left, top = box["x"] + 2, box["y"] + 2
    right, bottom = left + box["width"] - 4, top + box["height"] - 4
    page.mouse.move(left, top)
    page.mouse.down()
    for corner in ((right, top), (right, bottom), (left, bottom), (left, top + 1)):
        page.mouse.move(*corner)
    page.mouse.up()
    assert page.locator("#map-said").text_content() == f"{len(paths)} photos are in the lasso."
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator("#map-copy").click()
    assert sorted(page.evaluate("window.copied").split("\n")) == paths
    opened.close()


def test_lists_are_saved_as_csv_and_copied_as_paths(browser, report, tmp_path):
    opened = Opened(browser, report[0], viewport=WIDE)
    page, (_, paths) = opened.page, report
    with page.expect_download() as saved:
        page.locator("button[data-save=leaks]").click()
    saved.value.save_as(tmp_path / "leaks.csv")
    lines = (tmp_path / "leaks.csv").read_text().splitlines()
    assert lines[0] == '"path","label","other_path","other_label","other_split","kind"'
    assert lines[1] == f'"{paths[9]}","Apple 1","{paths[0]}","{HOSTILE}","Test","bytes"'
    page.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    page.locator("button[data-copy=leaks]").click()
    assert page.evaluate("window.copied") == paths[9]  # the one in Training
    page.locator("#label-search").fill("apple")
    assert page.locator(".card:visible h3").all_text_contents() == ["Apple 1"]
    opened.close()


def test_colours_follow_what_was_found(browser, report):
    opened = Opened(browser, report[0], viewport=WIDE)
    page = opened.page
    for scheme, names in {
        "split": ["Test (6)", "Training (18)"],
        "duplicate": ["no duplicate (22)", "leak (2)"],
        "quality": ["no flag (23)", "dark (1)"],
        "issue": ["no issue (23)", "outlier (1)"],
        "mistake": ["not mistaken (23)", "taken for another label (1)"],
    }.items():
        page.locator("#map-colour").select_option(scheme)
        assert page.locator("#map-legend span").all_text_contents() == names
    opened.close()


def test_the_report_prints(browser, report, tmp_path):
    opened = Opened(browser, report[0], viewport=WIDE)
    content = opened.page.pdf(path=tmp_path / "report.pdf", format="A4")
    assert content.startswith(b"%PDF") and content.count(b"/Type /Page\n") < 20
    opened.page.emulate_media(media="print")
    assert not opened.page.locator("nav").is_visible()
    assert opened.page.locator("#map-canvas").is_visible()
    opened.close()
