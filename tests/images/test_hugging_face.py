"""Parquet files of Hugging Face give the photos of the folder that they were made from."""

import json
import pickle

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.packed import open_images

NAMES = ["Apple Red", "Kiwi"]
FEATURES = {"label": {"names": NAMES, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


def write(path, rows, labels="int64"):
    """As ``datasets`` writes them: see its Parquet files of imagefolder."""
    columns = {
        "image": pa.array([{"bytes": c, "path": name} for c, name, _ in rows], IMAGE),
        "label": pa.array([label for *_, label in rows], pa.type_for_alias(labels)),
    }
    about = {b"huggingface": json.dumps({"info": {"features": FEATURES}})}
    if labels != "int64":
        about = {}
    table = pa.table(columns).replace_schema_metadata(about)
    pq.write_table(table, path, row_group_size=2)


@pytest.fixture
def export(tmp_path):
    write(
        tmp_path / "train-00000-of-00002.parquet",
        [(b"one", "1.jpg", 0), (b"two", "b/2.jpg", 1), (b"three", None, 0)],
    )
    write(tmp_path / "train-00001-of-00002.parquet", [(b"four", "4.png", 1)])
    write(tmp_path / "test-00000-of-00001.parquet", [(b"five", "1.jpg", 0), (None, "6.jpg", 1)])
    return tmp_path


def test_paths_have_split_and_label(export):
    source = open_images(f"{export}/*.parquet")
    listing = source.list()
    expected = {
        "Test/Apple Red/1.jpg": b"five",
        "Test/Kiwi/6.jpg": "missing",
        "Training/Apple Red/0001-0001-000000.jpg": b"three",
        "Training/Apple Red/1.jpg": b"one",
        "Training/Kiwi/2.jpg": b"two",
        "Training/Kiwi/4.png": b"four",
    }
    paths = listing["path"].to_pylist()
    assert paths == list(expected)
    assert listing["length"].to_pylist() == [4, 0, 5, 3, 3, 4]
    found = pickle.loads(pickle.dumps(source)).read_all(paths[::-1], seconds=10)
    shown = [one.reason if isinstance(one, ImageError) else one for one in found]
    assert shown == list(expected.values())[::-1]


def test_no_row_is_lost_and_no_label_invented(tmp_path, caplog):
    rows = [(b"a", "image.jpg", 0), (b"b", "image.jpg", 0), (b"c", "x.jpg", -1), (b"d", "y.jpg", 9)]
    write(tmp_path / "train-0.parquet", [*rows, (b"e", "z.jpg", None)])
    write(tmp_path / "train-1.parquet", [(b"f", "image.jpg", 0)])
    source = open_images(f"{tmp_path}/*.parquet")
    paths = source.list()["path"].to_pylist()
    assert dict(zip(paths, source.read_all(paths))) == {
        "Training/Apple Red/image 0000-0000-000000.jpg": b"a",
        "Training/Apple Red/image 0000-0000-000001.jpg": b"b",
        "Training/Apple Red/image 0001-0000-000000.jpg": b"f",
        "Training/x.jpg": b"c",
        "Training/y.jpg": b"d",
        "Training/z.jpg": b"e",
    }
    table = pq.read_table(tmp_path / "train-1.parquet").rename_columns(["image", "fine_label"])
    pq.write_table(table, tmp_path / "one.parquet")
    one = open_images(str(tmp_path / "one.parquet"))  # a file is no packed photos
    assert one.list()["path"].to_pylist() == ["image.jpg"]
    assert "no column label" in caplog.text and "image, fine_label" in caplog.text


def test_labels_may_be_text(tmp_path):
    write(tmp_path / "val.parquet", [(b"x", "1.jpg", "Pear")], "string")
    assert open_images(f"{tmp_path}/v*.parquet").list()["path"].to_pylist() == [
        "Validation/Pear/1.jpg"
    ]


def test_what_is_missing_is_named(export):
    with pytest.raises(FruitsError, match="no files .*none.*parquet"):
        open_images(f"{export}/none*.parquet").list()
    pq.write_table(pa.table({"label": [1]}), export / "test-x.parquet")
    with pytest.raises(FruitsError, match="no column of images.*columns are label"):
        open_images(f"{export}/*.parquet").list()
    (export / "test-x.parquet").write_bytes(b"no Parquet")
    with pytest.raises(FruitsError, match="damaged, or not whole"):
        open_images(f"{export}/*.parquet").list()
