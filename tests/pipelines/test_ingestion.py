"""Splits and labels from paths, and subsets that are the same every time."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from fruits_kedro.config.parameters import Subset
from fruits_kedro.images.labels import warnings_of
from fruits_kedro.images.listing import to_listing
from fruits_kedro.pipelines.ingestion import nodes
from fruits_kedro.pipelines.ingestion.nodes import count_classes, keep_subset

TIME = datetime(2024, 1, 2, tzinfo=UTC)


def label_images(paths, label_from="parent"):
    listing = to_listing((path, TIME, 7) for path in paths)
    return nodes.label_images(listing, nodes._folders(listing["path"]), label_from)


@pytest.mark.parametrize(
    ("path", "split", "label"),
    [
        ("Training/Apple Red 1/a.jpg", "Training", "Apple Red 1"),
        ("Test/Pêche [été]/a.jpg", "Test", "Pêche [été]"),
        ("VALIDATION/Kiwi/a.jpg", "Validation", "Kiwi"),
        ("fruits/test/big/Kiwi/a.jpg", "Test", "Kiwi"),
        ("Training/old/test/Kiwi/a.jpg", "Test", "Kiwi"),
        ("Kiwi/a.jpg", "Training", "Kiwi"),
        ("Kiwi/Test/a.jpg", "Test", "Kiwi"),
        ("Testing/Kiwi/a.jpg", "Test", "Kiwi"),
        ("train/Kiwi/a.jpg", "Training", "Kiwi"),
        ("VAL/Kiwi/a.jpg", "Validation", "Kiwi"),
        ("valid/Kiwi/a.jpg", "Validation", "Kiwi"),
        ("dev/Kiwi/a.jpg", "Validation", "Kiwi"),
        ("test-multiple_fruits/a.jpg", "Training", "test-multiple_fruits"),
        ("val//Kiwi/a.jpg", "Validation", "Kiwi"),
        ("new\nline/a\nb.jpg", "Training", "new\nline"),
        ("Test/a.jpg", "Test", None),
        ("a.jpg", "Training", None),
    ],
)
def test_split_and_label_come_from_the_folders(path, split, label):
    (row,) = label_images([path]).to_pylist()
    assert (row["path"], row["split"], row["label"], row["bytes"]) == (path, split, label, 7)
    assert row["modified_at"] == TIME


@pytest.mark.parametrize(
    ("label_from", "label"), [("parent", "Golden"), ("top", "Apple"), ("path", "Apple/Golden")]
)
def test_of_nested_folders_one_or_all_are_the_label(label_from, label):
    found = label_images(["Apple/test/Golden/a.jpg"], label_from)
    assert found["label"].to_pylist() == [label] and found["split"].to_pylist() == ["Test"]


def test_what_a_user_would_want_to_know_of_folders_is_said():
    folders = ["train/Kiwi", "test", "test-multiple_fruits", "Apple/Golden", "Val2/x", "Testarossa"]
    labels = ["Kiwi", "Pe\u0302che", "P\u00eache", "kiwi ", "Plum"]
    looks, bare, nested, *alike = warnings_of(folders, labels)
    assert "'Val2', 'test-multiple_fruits'" in looks and "Testarossa" not in looks
    assert "directly in 'test' have no label" in bare
    assert "'Apple/Golden'" in nested and "label_from=path" in nested
    assert alike == [
        "These labels look alike and are not the same: 'Kiwi', 'kiwi '.",
        "These labels look alike and are not the same: 'Pe\u0302che', 'P\u00eache'.",
    ]
    assert warnings_of(["Training/Apple 1", "Test/Apple 1", ""], ["Apple 1"]) == []
    (top,) = warnings_of(["a/b"], ["a"], "top")
    assert "the label is the outermost one. label_from=parent takes the innermost one" in top


@pytest.fixture
def index():
    sizes = {"Apple 1": (40, 10), "Apple 2": (40, 10), "Kiwi 1": (3, 1), "Plum 1": (40, 10)}
    return label_images(
        [
            f"{split}/{label}/{i:03d}.jpg"
            for label, (training, test) in sizes.items()
            for split, n in (("Training", training), ("Test", test))
            for i in range(n)
        ]
    ).to_pandas()


def test_a_total_is_balanced_over_the_classes(index):
    kept = keep_subset(index, Subset(total=50))
    assert len(kept) == 50
    by_class = kept.groupby("label").size().to_dict()
    assert by_class["Kiwi 1"] == 4  # all there are
    assert sorted(v for k, v in by_class.items() if k != "Kiwi 1") == [15, 15, 16]
    assert kept["path"].is_monotonic_increasing or set(kept["path"]) <= set(index["path"])


def test_a_subset_does_not_depend_on_the_order_of_the_listing(index):
    shuffled = index.sample(frac=1, random_state=1)
    one, two = (keep_subset(frame, Subset(total=33)) for frame in (index, shuffled))
    assert set(one["path"]) == set(two["path"]) and len(one) == 33


def test_images_per_class_counts_each_split(index):
    kept = keep_subset(index, Subset(images_per_class=5))
    assert kept.groupby(["split", "label"]).size().to_dict() == {
        ("Test", "Apple 1"): 5,
        ("Test", "Apple 2"): 5,
        ("Test", "Kiwi 1"): 1,
        ("Test", "Plum 1"): 5,
        ("Training", "Apple 1"): 5,
        ("Training", "Apple 2"): 5,
        ("Training", "Kiwi 1"): 3,
        ("Training", "Plum 1"): 5,
    }


def test_labels_are_matched_by_shell_patterns_with_their_case(index):
    labels = keep_subset(index, Subset(labels=["Apple*", "?iwi 1", "plum*"]))["label"]
    assert set(labels) == {"Apple 1", "Apple 2", "Kiwi 1"}


def test_splits_are_kept(index):
    kept = keep_subset(index, Subset(splits=["Test"], labels=["Plum 1"]))
    assert kept["path"].tolist() == [f"Test/Plum 1/{i:03d}.jpg" for i in range(10)]


def test_photos_without_a_label_stay_in_the_full_set_and_are_counted():
    index = label_images(["a.jpg", "Kiwi/b.jpg"])
    assert len(keep_subset(index.to_pandas(), Subset(total=2))) == 2
    counts = count_classes(index.append_column("in_subset", pa.array([True, True])))
    assert counts["images"].tolist() == [1, 1] and counts["label"].isna().sum() == 1
