"""The parts of pages: texts, pictures in sheets, galleries, figures."""

import base64
import io
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from PIL import Image
from tests.reports.contents import make_contents, picture, table

from fruits_kedro.reports.html import sprites
from fruits_kedro.reports.html.figures import confusion_matrix, scree
from fruits_kedro.reports.html.galleries import Photo, find_galleries, photos_in
from fruits_kedro.reports.html.map_data import map_data
from fruits_kedro.reports.html.texts import Texts


def all_texts(language):
    folder = files("fruits_kedro.reports.html") / "texts"

    def flat(found, prefix=""):
        if not isinstance(found, dict):
            return {prefix: found}
        return {k: v for key, one in found.items() for k, v in flat(one, f"{prefix}.{key}").items()}

    return flat(yaml.safe_load((folder / f"{language}.yml").read_text("utf-8")))


def test_both_languages_say_the_same():
    english, french = all_texts("en"), all_texts("fr")
    assert english.keys() == french.keys()
    for key, text in english.items():
        holes, others = (sorted(re.findall(r"{(\w+)}", t)) for t in (text, french[key]))
        assert holes == others and isinstance(text, str), key
        assert re.findall(r"<[^>]+>", text) == re.findall(r"<[^>]+>", french[key]), key


@pytest.mark.parametrize(
    ("language", "n", "text"),
    [
        ("en", 0, "0 photos were extracted"),
        ("en", 1, "1 photo was extracted"),
        ("en", 12_345, "12,345 photos were extracted"),
        ("fr", 0, "0 photo a été extraite"),
        ("fr", 12_345, "12\u202f345 photos ont été extraites"),
    ],
)
def test_a_text_agrees_with_its_number(language, n, text):
    assert str(Texts(language)("attention.pictures", n=n)).startswith(text)


def test_numbers_are_those_of_the_language():
    english, french = Texts("en"), Texts("fr")
    assert english.number(1234.567, 1) == "1,234.6" and english.percent(0.953, 1) == "95.3%"
    assert french.number(1234.567, 1) == "1\u202f234,6"
    assert french.percent(0.953, 1) == "95,3\u202f%"


def test_what_is_put_into_a_text_is_escaped():
    said = Texts("en")("attention.weak", n=2, labels="<b>&")
    assert said.endswith("F1 below 0.8: &lt;b&gt;&amp;") and said.startswith("<a href=")


def test_sheets_hold_each_photo_in_its_place():
    colours = [(250, 10, 10), (10, 200, 10), (10, 10, 250)]
    pictures = [picture(colours[i % 3]) for i in range(sprites._COLUMNS**2 + 5)]
    pictures[1] = None
    made = sprites.make_sprites(pictures)
    assert made.side == 48 and len(made.sheets) == 2
    sheets = [
        Image.open(io.BytesIO(base64.b64decode(url.partition("base64,")[2]))) for url in made.sheets
    ]
    for i in (0, 1, 2, made.columns, made.columns**2 - 1, made.columns**2 + 4):
        place = i % made.columns**2
        at = (place % made.columns * 48 + 24, place // made.columns * 48 + 24)
        seen = np.array(sheets[i // made.columns**2].convert("RGB").getpixel(at))
        assert np.abs(seen - (colours[i % 3] if i != 1 else 136)).max() < 25


@pytest.mark.parametrize(("photos", "side"), [(12_000, 48), (12_001, 32), (40_001, 24)])
def test_more_photos_are_smaller(photos, side, monkeypatch):
    monkeypatch.setattr(sprites, "_sheet", lambda pictures, side: "")
    assert sprites.make_sprites([None] * photos).side == side


def test_pictures_are_read_by_path():
    rows = pa.RecordBatch.from_pydict({"path": ["a", "b", "c"], "picture": [b"A", None, b"C"]})
    assert sprites.read_pictures(lambda _: [rows], ["c", "b", "x"]) == {"c": b"C"}
    assert sprites.read_pictures(lambda _: [rows.select(["path"])], ["a"]) == {}


def test_galleries_begin_with_what_matters_and_end_in_time():
    duplicates = [[1, "near", f"a{i}", "Training", "Kiwi", 1, 1] for i in range(9)]
    duplicates += [[2, "bytes", f"b{i}", s, "Kiwi", 2, 2] for i, s in enumerate(("Test", "Test"))]
    flags = [[f"q{i}", "Test", "Kiwi", "dark, blurry" if i < 40 else "light"] for i in range(60)]
    tables = {
        "duplicates": table("duplicates", duplicates),
        "quality_issues": table("quality_issues", flags),
        "outliers": table("outliers", [[f"o{i}", "Test", None, 9.0] for i in range(99)]),
    }
    twins, quality, outliers = find_galleries(tables, Texts("en"))
    assert [(str(heading), len(photos)) for heading, photos in twins.groups] == [
        ("same file", 2),
        ("nearly the same", 4),
    ]
    assert (twins.total, twins.shown) == (11, 6)
    assert [(str(h), len(p)) for h, p in quality.groups] == [("dark", 12), ("light", 12)]
    assert (outliers.total, outliers.shown) == (99, 24)
    assert outliers.groups[0][1] == [Photo("o0", "–")]
    assert set(photos_in([quality])) == {f"q{i}" for i in [*range(12), *range(40, 52)]}


def test_the_scree_plot_is_drawn_to_scale():
    shares = np.full(400, 0.9 / 400)
    variance = pd.DataFrame({"variance_explained": shares, "cumulative_variance": shares.cumsum()})
    found = scree(variance, width=720, height=260)
    points = [tuple(map(float, point.split(","))) for point in found.line.split()]
    assert points[-1][1] == pytest.approx(220 - 210 * 0.9, abs=0.1) and len(points) <= 301
    assert points == sorted(points) and points[0][0] > 46 and points[-1][0] < 710
    assert [tick for _, tick in found.x_ticks][-1] == 400 and len(found.bars) == 60


def test_the_confusion_matrix_has_a_cell_for_each_confusion():
    found = confusion_matrix(["a", "b" * 99], [[3, 1], [0, 5]], [5, 5])
    assert [(n, share, a, b[0]) for _, _, n, share, a, b in found.cells] == [
        (3, 0.6, "a", "a"),
        (1, 0.2, "a", "b"),
        (5, 1.0, "b" * 99, "b"),
    ]
    assert len(found.rows[1][1]) == 26 and found.width == found.margin + 48


def test_the_map_keeps_places_and_neighbours():
    contents, _ = make_contents()
    data = map_data(contents.photo_map, None, {}, Texts("en"))
    x, y = (contents.photo_map.column(name).to_numpy() for name in "xy")
    scale = 10_000 / max(np.ptp(x), np.ptp(y))
    assert np.ptp(data["x"]) == pytest.approx(np.ptp(x) * scale, abs=2)
    assert np.abs(np.diff(data["y"]) + np.diff(y) * scale).max() < 2  # downwards
    assert min(data["x"]) >= 0 and max(data["y"]) <= 10_000
    assert data["neighbours"][3] == contents.photo_map.column("neighbors")[3].as_py()["ids"]
    assert data["marks"] == {} and data["labels"][data["label"][0]] == "Apple 1"
