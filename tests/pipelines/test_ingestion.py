"""Splits and labels from paths, and subsets that are the same every time."""

import pandas as pd
import pytest

from fruits_kedro.config.parameters import Subset
from fruits_kedro.pipelines.ingestion.nodes import count_classes, keep_subset, label_images


def listing(paths):
    return pd.DataFrame(
        {"path": paths, "modificationTime": pd.Timestamp("2024-01-02", tz="UTC"), "length": 7}
    )


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
        ("Testing/a.jpg", "Training", "Testing"),
        ("Test/a.jpg", "Test", None),
        ("a.jpg", "Training", None),
    ],
)
def test_split_and_label_come_from_the_folders(path, split, label):
    (row,) = label_images(listing([path])).to_dict("records")
    assert (row["path"], row["split"], row["label"], row["bytes"]) == (path, split, label, 7)
    assert row["modified_at"] == pd.Timestamp("2024-01-02", tz="UTC")


@pytest.fixture
def index():
    sizes = {"Apple 1": (40, 10), "Apple 2": (40, 10), "Kiwi 1": (3, 1), "Plum 1": (40, 10)}
    return label_images(
        listing(
            [
                f"{split}/{label}/{i:03d}.jpg"
                for label, (training, test) in sizes.items()
                for split, n in (("Training", training), ("Test", test))
                for i in range(n)
            ]
        )
    )


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
    index = label_images(listing(["a.jpg", "Kiwi/b.jpg"]))
    assert len(keep_subset(index, Subset())) == 2
    assert len(keep_subset(index, Subset(total=2))) == 2
    counts = count_classes(index)
    assert counts["images"].tolist() == [1, 1] and counts["label"].isna().sum() == 1
