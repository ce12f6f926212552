"""``kedro similar`` finds what a comparison of all features finds, and starts no Spark."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pyspark.sql import SparkSession

from fruits_kedro.cli import cli
from fruits_kedro.curation.neighbours import calibrated_index
from fruits_kedro.curation.similarity_index import SimilarityIndex
from fruits_kedro.curation.vectors import Vectors
from fruits_kedro.datasets import ParquetFiles
from fruits_kedro.features.rows import normalised


@pytest.fixture
def similar(finished, sample, monkeypatch):
    """``similar(photo, …)``: the answer, or with ``code=1`` what it says."""

    def refuse(*_):
        raise AssertionError("Spark starts")

    monkeypatch.setattr(SparkSession.Builder, "getOrCreate", refuse)

    def run(*arguments, store=finished[0], code=0, json_too=True):
        given = ["similar", *map(str, arguments), "--params", f"images={sample}"]
        given += ["--store", str(store), *(["--json"] if json_too else [])]
        result = CliRunner().invoke(cli, given)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if json_too else result.output

    return run


@pytest.fixture(scope="module")
def cosines(finished):
    """Of each usable photo of the store with each: path -> {path: cosine}."""
    rows = pq.read_table(finished[0] / "04_feature/extracted_features").to_pandas()
    rows = rows[rows["error"].isna()]
    matrix = np.stack(rows["features"]).astype(float)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return {
        path: dict(zip(rows["path"], row)) for path, row in zip(rows["path"], matrix @ matrix.T)
    }


def check(matches, expected, k):
    """The matches have the ``k`` largest cosines, and labels from their paths."""
    assert [m["cosine"] for m in matches] == pytest.approx(
        sorted(expected.values(), reverse=True)[:k], abs=1e-4
    )
    assert [m["cosine"] for m in matches] == pytest.approx(
        [expected[m["path"]] for m in matches], abs=1e-4
    )
    assert all(m["path"].split("/")[-2] == m["label"] for m in matches)


def test_a_new_photo_and_one_of_the_store(similar, cosines, sample, tmp_path):
    path = next(iter(cosines))
    new = shutil.copy(sample / path, tmp_path / "new.jpg")
    found = similar(new, path, "--k", "5")
    assert list(found) == [str(new), path]
    check(found[str(new)], cosines[path], 5)
    assert found[str(new)][0] == {"cosine": 1.0, "label": path.split("/")[-2], "path": path}
    others = {other: cosine for other, cosine in cosines[path].items() if other != path}
    check(found[path], others, 5)


def test_more_than_there_are(similar, cosines):
    path = next(iter(cosines))
    assert len(similar(path, "--k", "1000")[path]) == len(cosines) - 1


def test_a_photo_that_cannot_be_used_keeps_no_other_from_its_answer(similar, cosines, tmp_path):
    (broken := tmp_path / "broken.jpg").write_bytes(b"x")
    path = next(iter(cosines))
    found = similar(broken, path, code=1)
    assert found[str(broken)].startswith("decode: not_an_image") and len(found[path]) == 12


def test_what_is_not_there_is_said(similar, tmp_path):
    said = similar("Training/none.jpg", code=1, json_too=False)
    assert "There is no file Training/none.jpg, and the store has no usable photo" in said
    said = similar("x", store=tmp_path, code=1, json_too=False)
    assert "no features or no compiled backbone" in said and "Run 'kedro run'" in said


def test_features_of_another_backbone_are_refused(similar, finished, cosines, tmp_path):
    store = shutil.copytree(finished[0], tmp_path / "store")
    for file in (store / "04_feature/extracted_features").glob("*.parquet"):
        table = pq.read_table(file)
        other = pa.array(["other"] * len(table))
        place = table.schema.get_field_index("fingerprint")
        pq.write_table(table.set_column(place, "fingerprint", other), file)
    said = similar(next(iter(cosines)), store=store, code=1, json_too=False)
    assert "The store's features are of other" in said


def test_an_index_answers_as_long_as_it_is_of_the_features(
    similar, finished, cosines, sample, tmp_path
):
    """One photo is in the index alone: it shows who answers."""
    store = shutil.copytree(finished[0], tmp_path / "store")
    folder = store / "04_feature/extracted_features"
    rows = pq.read_table(folder).to_pandas()
    rows = rows[rows["error"].isna()].assign(pixels=0).reset_index(drop=True)
    vectors = Vectors(rows, normalised(np.stack(rows["features"])))
    index = SimilarityIndex(store / "06_models/similarity_index")
    version = ParquetFiles(None, [str(file) for file in folder.glob("*.parquet")]).version
    index.build(vectors, rows["fingerprint"][0], version, calibrated_index(vectors, 5, 1, 0)[0])
    path = rows["path"][0]
    new = shutil.copy(sample / path, tmp_path / "new.jpg")
    found = similar(new, path, "--k", "5", store=store)
    check(found[str(new)], cosines[path], 5)
    check(found[path], {p: c for p, c in cosines[path].items() if p != path}, 5)
    planted = [{"id": "planted.jpg", "vector": vectors.matrix[0].tolist()}]
    index.add(planted)
    assert similar(path, "--k", "1", store=store)[path][0]["path"] == "planted.jpg"
    said = similar("none.jpg", store=store, code=1, json_too=False)
    assert "There is no file none.jpg, and the store has no usable photo" in said
    none = (np.empty((0, vectors.matrix.shape[1]), np.float32), [])
    index.update(index.files.photos.slice(0, 0), *none, source="older")
    assert similar(path, "--k", "1", store=store)[path][0]["path"] != "planted.jpg"
    assert "the store's index is older" in similar(path, store=store, json_too=False)


def test_the_page_shows_the_pictures_and_replaces_nothing(similar, cosines, tmp_path):
    path, page = next(iter(cosines)), tmp_path / "page.html"
    similar(path, "--k", "3", "--html", page)
    text = page.read_text(encoding="utf-8")
    assert (
        text.count('<img src="data:image/jpeg;base64,') == 4
        and "http:" not in text
        and "https:" not in text
    )
    assert "exists; give another" in similar(path, "--html", page, code=1, json_too=False)
