"""Photos packed into Parquet give what the folder gives, and lose nothing on the way."""

import json
import os
import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.s3.results import EXTRACTION, NUMBERS, assert_same, results

from fruits_kedro.datasets import ParquetDataset
from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.packed import PackedImages


@pytest.fixture(scope="module")
def photos(sample, tmp_path_factory):
    """The sample with a photo that cannot be read, and names that Parquet has to order."""
    root = shutil.copytree(sample, tmp_path_factory.mktemp("photos") / "photos", symlinks=True)
    outside = root.parent / "outside.jpg"
    outside.write_bytes(b"x")
    (root / "Training" / "link.jpg").symlink_to(outside)
    names = ["é.jpg", "\U0001f34e.jpg", "\uffee.jpg", "A.jpg", "a b%20#?.jpg"]
    first = next((root / "Test").rglob("r0*.jpg"))
    for i, name in enumerate(names):
        (root / "Test" / name).write_bytes(first.read_bytes())
        os.utime(root / "Test" / name, (i, 1_700_000_000.123456))
    return root


@pytest.fixture(scope="module")
def packed(photos, kedro_run, tmp_path_factory):
    store = tmp_path_factory.mktemp("packed")
    result = kedro_run("--pipelines", "packing", images=photos, store=store)
    assert result.exit_code == 0, result.output
    packed = store / "01_raw" / "packed_images.parquet"
    assert f"--params images={packed},store={store}" in result.output
    return packed


def test_packed_photos_are_not_replaced_by_those_of_another_folder(photos, packed, kedro_run):
    store, before = packed.parents[1], sorted(packed.iterdir())
    refused = kedro_run("--pipelines", "packing", images=photos / "Test", store=store)
    assert refused.exit_code == 1 and f"holds photos packed from {photos}" in refused.output
    again = kedro_run("--pipelines", "packing", images=packed, store=store.parent / "copy")
    assert again.exit_code == 0, again.output
    assert PackedImages(str(store.parent / "copy/01_raw/packed_images.parquet")).origin == str(
        photos
    )
    assert sorted(packed.iterdir()) == before


def test_every_photo_comes_back(photos, packed):
    folder, images = ImageFolder(str(photos)), PackedImages(str(packed))
    listing = folder.list()
    assert images.list().equals(listing)
    paths = listing.column("path").to_pylist()
    for path, ours, theirs in zip(paths, images.read_all(paths), folder.read_all(paths)):
        assert str(ours) == str(theirs) if isinstance(theirs, ImageError) else ours == theirs, path
    info = json.loads((packed.parent / "packing_info.json").read_text())
    total = sum(listing.column("length").to_pylist())
    assert info["images"] == len(paths) and info["bytes"] == total
    assert len(list(packed.glob("*.parquet"))) == info["files"] == 2
    with pytest.raises(ImageError, match="read: missing"):
        images.read("Test/no such.jpg")
    dataset = ParquetDataset(filepath=str(packed))  # as in the catalog: a folder named .parquet
    assert sorted(row.path for row in dataset.load().select("path").collect()) == sorted(paths)


def test_photos_are_read_a_row_group_at_a_time(photos, packed, tmp_path, monkeypatch):
    """Many small row groups, in any order of asking: the right bytes."""
    table = pq.read_table(packed)
    small = tmp_path / "small.parquet"
    small.mkdir()
    (small / "_SUCCESS").touch()
    pq.write_table(table.slice(0, 50), small / "part-0.parquet", row_group_size=7)
    pq.write_table(table.slice(50), small / "part-1.parquet", row_group_size=7)
    images, read = PackedImages(str(small)), []
    monkeypatch.setattr(
        images,
        "_read_group",
        lambda *key: read.append(key) or type(images)._read_group(images, *key),
    )
    expected = dict(zip(table["path"].to_pylist(), table["content"].to_pylist()))
    found = dict(zip(expected, images.read_all(list(expected))))
    assert {p: None if isinstance(c, ImageError) else c for p, c in found.items()} == expected
    assert len(read) == len(set(read)) == 8 + -(-(len(table) - 50) // 7)
    for path in sorted(expected, key=lambda p: p[::-1]):
        (content,) = images.read_all([path])
        assert content == expected[path] or isinstance(content, ImageError)


def test_a_run_over_packed_photos(photos, packed, kedro_run, tmp_path):
    assert kedro_run(*NUMBERS, images=photos, store=tmp_path / "folder").exit_code == 0
    assert kedro_run(*NUMBERS, images=packed, store=tmp_path / "packed").exit_code == 0
    assert_same(results(tmp_path / "packed"), results(tmp_path / "folder"))
    # The same photos, of the same input root: nothing but the rejected ones is done again.
    assert kedro_run(*EXTRACTION, images=packed, store=tmp_path / "folder").exit_code == 0
    plan = json.loads((tmp_path / "folder/04_feature/extraction_plan.json").read_text())
    rejected = len(pd.read_csv(tmp_path / "folder/08_reporting/rejected_images.csv"))
    assert plan["failed_before"] == rejected > 30 and plan["new"] == plan["changed"] == 0


def test_what_is_not_packed_or_not_complete(packed, kedro_run, tmp_path):
    copy = shutil.copytree(packed, tmp_path / "packed.parquet")
    (copy / "_SUCCESS").unlink()
    for root in (copy, tmp_path / "none.parquet"):
        result = kedro_run(images=root, store=tmp_path / "store")
        assert result.exit_code == 1 and "kedro run --pipelines packing" in result.output
    shuffled = tmp_path / "shuffled.parquet"
    shuffled.mkdir()
    (shuffled / "_SUCCESS").touch()
    table = pq.read_table(packed)
    pq.write_table(table.take(list(reversed(range(len(table))))), shuffled / "part-0.parquet")
    with pytest.raises(FruitsError, match="not ordered"):
        PackedImages(str(shuffled)).list()
