"""The report says what there is, shows it, escapes what users named, and is the same each time."""

import base64
import gzip
import json
import re

import pytest
from tests.reports.contents import classified, curated, make_contents, table

from fruits_kedro.reports.html.texts import Texts
from fruits_kedro.reports.report import report_page

HOSTILE = "<script>alert(1)</script>"


def page_of(contents, pictures, language="en"):
    return report_page(
        contents, Texts(language), lambda paths: {p: pictures[p] for p in paths if p in pictures}
    )


def text_of(page):
    """What a reader sees."""
    body = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", "", body).split())


def data_of(page):
    packed = re.search(r'id="map-data">([^<]+)<', page).group(1)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_a_first_run_is_told_in_sentences():
    contents, pictures = make_contents()
    text = text_of(page_of(contents, pictures))
    for said in (
        "my fruits: report on 24 photos",
        "There are 24 photos of 3 labels: 6 in Test, 18 in Training. All of them can be used.",
        "The network mobilenetv2 made 1,280 features of each photo, with imagenet weights.",
        "6 principal components keep 96.0% of their variance.",
        "No classifier has been trained yet",
        "Extraction took 36.0 s for 24 photos on 2 cores: 0.020 core hours.",
        "Nothing that was looked for needs attention.",
        "about 833.3 for a million photos",
        "kedro run --params images=/photos",
    ):
        assert said in text, said


def test_what_needs_attention_is_told_first():
    contents, pictures = make_contents()
    paths = sorted(pictures)
    summary = curated(
        paths,
        leaks=[[paths[9], "Kiwi", paths[0], "Pear", "Test", "bytes"]],
        duplicates=[
            [1, "bytes", paths[0], "Test", "Pear", 2, 2],
            [1, "bytes", paths[9], "Training", "Kiwi", 2, 2],
        ],
        label_issues=[[paths[3], "Test", "Pear", "Kiwi", 0.1, 0.8]],
    )
    scores = classified(["Apple 1", "Kiwi", "Pear"], [("Kiwi", "Pear", 4, paths[1])])
    run = contents.run | {"out_of_date": ["curation"]}
    contents, _ = make_contents(curation=summary, classification=scores, run=run)
    page = page_of(contents, pictures)
    text = text_of(page)
    for said in (
        "The findings are older than the features",
        "1 photo of Test or Validation is in Training, too.",
        "1 group of duplicates has more than one label.",
        "The label of 1 photo may be wrong.",
        "2 labels have an F1 below 0.8: Kiwi, Pear",
        "The best classifier is logistic regression (features). It reaches a macro-F1 of 0.900 on "
        "the Test photos (95% interval 0.850 to 0.950).",
        "It names the fruit (of 2) of varieties that it was never trained on with a macro-F1 of "
        "0.750",
        "show the same physical fruits, turned",
        "1 other label is never confused.",
        "4 photos (29%)",
        "Pear → Kiwi",
    ):
        assert said in text, said
    data = data_of(page)
    row = {path: i for i, path in enumerate(data["paths"])}
    leaked = [[row[path], 2] for path in (paths[0], paths[9])]
    assert data["marks"]["duplicate"]["rows"] == sorted(leaked)
    assert data["marks"]["mistake"]["rows"] == [[row[paths[1]], 1]]
    assert data["marks"]["issue"]["rows"] == [[row[paths[3]], 2]]
    tables = json.loads(re.search(r'id="tables">(.+?)</script>', page).group(1))
    assert tables["leaks"]["rows"] == summary["tables"]["leaks"]["rows"]


def test_where_there_is_nothing_a_sentence_says_so():
    contents, pictures = make_contents(
        curation=curated([]), classification=classified(["Apple 1", "Kiwi", "Pear"], unseen=None)
    )
    text = text_of(page_of(contents, pictures))
    for said in (
        "No photo of Test or Validation is in Training.",
        "No photo is there twice.",
        "No label looks wrong.",
        "No photo is far from most of its label.",
        "No photo is of unusual quality.",
        "All photos can be used.",
        "The best classifier is right on every Test photo.",
        "Not measured: it takes two fruits",
    ):
        assert said in text, said
    assert "It names the fruit" not in text


def test_rejected_photos_are_listed_by_reason():
    rows = [
        ["Test/a.jpg", "Test", None, "decode", "truncated", "ends early"],
        ["Test/b.jpg", "Test", "Kiwi", "read", "too_large", "9 bytes"],
    ]
    rejected = table("rejected", rows, total=7000)
    contents, pictures = make_contents(rejected=rejected)
    run = contents.run | {"counts": contents.run["counts"] | {"rejected": 7000}}
    contents, _ = make_contents(rejected=rejected, run=run)
    page = page_of(contents, pictures)
    text = text_of(page)
    assert "7,000 photos cannot be used." in text and "2 of 7,000 photos are shown." in text
    assert "The lists have the first 2. All are in 08_reporting/rejected_images.csv." in text
    assert "cut off" in text and "too large a file" in text and 'aria-label="Test/a.jpg"' in page


@pytest.mark.parametrize("label", [HOSTILE, "x" * 200, "Ä\u2028'\"&{{ 7*7 }}"])
def test_labels_of_any_kind_are_shown_as_they_are(label):
    labels = (label, "Kiwi")
    contents, pictures = make_contents(labels=labels)
    path = sorted(pictures)[0]
    issues = [[path, "Test", label, "Kiwi", 0.1, 0.8]]
    contents, _ = make_contents(
        labels=labels,
        curation=curated([], label_issues=issues),
        classification=classified(labels, [(label, "Kiwi", 3, path)]),
        images=f"/data/{label}",
    )
    page = page_of(contents, pictures)
    assert HOSTILE not in page
    assert data_of(page)["labels"] == sorted(labels)
    scripts = re.findall(r"<script(?: [^>]*)?>", page)
    assert len(scripts) == 5  # of the page: words, tables, data, and two that run
    tables = json.loads(re.search(r'id="tables">(.+?)</script>', page, re.DOTALL).group(1))
    assert tables["label_issues"]["rows"] == issues


def test_the_page_may_load_and_run_nothing_else():
    page = page_of(*make_contents())
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)
    assert policy.startswith("default-src &#39;none&#39;; img-src data: blob:;")
    assert policy.count("sha256-") == 2 and "unsafe-eval" not in policy
    assert re.findall(r'(?:src|href)="(?!data:|#)[^"]*"', page) == []


def test_the_same_contents_give_the_same_bytes():
    contents, pictures = make_contents()
    assert page_of(contents, pictures) == page_of(contents, pictures)


def test_it_speaks_french():
    contents, pictures = make_contents(each=400, place=False)
    page = page_of(contents, pictures, "fr")
    assert "1\u202f200 photos</a> réparties en 3 étiquettes : 300 dans Test, 900 dans" in page
    assert "96,0\u202f% de leur variance" in page and "photos are" not in page
    assert '<html lang="fr">' in page


def test_a_sample_is_said_to_be_one():
    contents, pictures = make_contents()
    run = contents.run | {"counts": contents.run["counts"] | {"features": 1_000_000}}
    contents, _ = make_contents(run=run)
    text = text_of(page_of(contents, pictures))
    assert "The map shows 24 of the 1,000,000 photos, as many of each label as there are." in text


@pytest.mark.parametrize("photos", [1, 2])
def test_few_photos_are_enough(photos):
    contents, pictures = make_contents(labels=("Kiwi",), each=photos)
    text = text_of(page_of(contents, pictures))
    assert ("There are too few photos for a map." in text) == (photos == 1)


def test_photos_without_pictures_are_told():
    contents, _ = make_contents()
    empty = contents.photo_map.to_pandas()
    empty["image"] = [{"bytes": None, "path": path} for path in empty["path"]]
    schema = contents.photo_map.schema
    photo_map = type(contents.photo_map).from_pandas(empty, schema, preserve_index=False)
    contents, _ = make_contents(photo_map=photo_map)
    assert "24 photos were extracted by an earlier version" in text_of(page_of(contents, {}))
