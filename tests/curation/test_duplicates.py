"""Groups of the same photo, and those that leak from Test into Training."""

import numpy as np
import pandas as pd
from tests.curation.conftest import gray

from fruits_kedro.curation import duplicates as module
from fruits_kedro.curation.duplicates import find_duplicates, find_leaks

ROWS = (
    "Training/pear/2.jpg 7",
    "Training/apple/1.jpg 7",
    "Test/apple/9.jpg 7",
    "Training/apple/3.jpg 1",
    "Training/apple/4.jpg 1",
    "Validation/kiwi/1.jpg 2",
    "Test/kiwi/8.jpg 3",
)


def rows(table, *columns):
    return list(table[list(columns)].itertuples(index=False, name=None))


def brighter(photos, path, like, by):
    """Let one photo's thumbnail be another's, a bit brighter."""
    paths = list(photos.table["path"])
    photos.thumbnails[paths.index(path)] = photos.thumbnails[paths.index(like)] + np.uint8(by)


def test_groups_are_named_by_their_first_path_whatever_the_order(photos):
    found = find_duplicates(photos(*ROWS), near=1)
    assert rows(found, "group", "path", "labels", "splits") == [
        (1, "Test/apple/9.jpg", 2, 2),
        (1, "Training/apple/1.jpg", 2, 2),
        (1, "Training/pear/2.jpg", 2, 2),
        (2, "Training/apple/3.jpg", 1, 1),
        (2, "Training/apple/4.jpg", 1, 1),
    ]
    assert set(found["kind"]) == {"pixels"}
    assert find_duplicates(photos(*reversed(ROWS)), near=1).equals(found)


def test_files_that_are_the_same_are_told_from_those_that_look_the_same(photos):
    """Of group 1, one file is another; of group 2, all are the same."""
    given = photos(*ROWS)
    given.table["content_hash"] = ["x", "w", "x", "z", "z", "y", "v"]
    kinds = find_duplicates(given, near=1).drop_duplicates("group").set_index("group")["kind"]
    assert kinds.to_dict() == {1: "pixels", 2: "bytes"}


def test_near_duplicates_join_groups(photos):
    """A photo of Test is like those of one group, and a photo of Validation is like it."""
    given = photos(*ROWS)
    brighter(given, "Test/kiwi/8.jpg", "Training/apple/3.jpg", 2)
    brighter(given, "Validation/kiwi/1.jpg", "Test/kiwi/8.jpg", 2)
    found = find_duplicates(given, near=2.5)
    assert rows(found.tail(4), "group", "kind", "path") == [
        (2, "near", "Test/kiwi/8.jpg"),
        (2, "near", "Training/apple/3.jpg"),
        (2, "near", "Training/apple/4.jpg"),
        (2, "near", "Validation/kiwi/1.jpg"),
    ] and set(found["kind"].head(3)) == {"pixels"}
    assert len(find_duplicates(given, near=1.5)) == 5
    paths = list(given.table["path"])
    given.known[paths.index("Training/apple/3.jpg")] = False  # the other one of its pixels counts
    given.thumbnails[paths.index("Training/apple/4.jpg")] = gray(1)
    assert find_duplicates(given, near=2.5).equals(found)
    given.known[paths.index("Test/kiwi/8.jpg")] = False
    assert len(find_duplicates(given, near=2.5)) == 5


def test_a_leak_is_a_pair_across_splits_with_its_own_kind(photos):
    given = photos(*ROWS)
    given.table["content_hash"] = ["x", "w", "x", "z", "z", "y", "v"]
    brighter(given, "Validation/kiwi/1.jpg", "Training/apple/1.jpg", 1)
    found = find_leaks(given, find_duplicates(given, near=1))
    apple, pear, kiwi = "Training/apple/1.jpg", "Training/pear/2.jpg", "Validation/kiwi/1.jpg"
    assert rows(found, "path", "label", "other_path", "other_label", "other_split", "kind") == [
        (apple, "apple", "Test/apple/9.jpg", "apple", "Test", "bytes"),
        (apple, "apple", kiwi, "kiwi", "Validation", "near"),
        (pear, "pear", "Test/apple/9.jpg", "apple", "Test", "pixels"),
        (pear, "pear", kiwi, "kiwi", "Validation", "near"),
    ]


def test_many_photos_that_are_all_the_same_make_few_pairs(photos):
    """Each is in a pair, and so is each pair of labels."""
    names = [
        f"{split}/{label}/{i}.jpg 1"
        for split in ("Training", "Test")
        for label in "ab"
        for i in range(50)
    ]
    given = photos(*names)
    found = find_leaks(given, find_duplicates(given, near=1))
    assert set(found["path"]) | set(found["other_path"]) == set(given.table["path"])
    assert len(found) <= 4 * 100 and len(found[["label", "other_label"]].drop_duplicates()) == 4


def test_a_scene_that_hardly_changes_is_one_group(photos, monkeypatch):
    """Once photos are in one group, their other pairs are not compared."""
    monkeypatch.setattr(module, "_PAIRS", 10)
    given = photos(*(f"Training/a/{i:03d}.jpg {i}" for i in range(90)))
    rng = np.random.default_rng(0)
    given.thumbnails[:] = gray(0) + rng.integers(0, 2, given.thumbnails.shape).astype(np.uint8)
    given.thumbnails[80:] = gray(1)
    found = find_duplicates(given, near=1)
    assert found.groupby("group").size().tolist() == [80, 10]


def test_photos_that_differ_are_in_no_group(photos):
    given = photos("Training/a/1.jpg 1", "Test/a/2.jpg 2")
    duplicates = find_duplicates(given, near=1)
    assert duplicates.empty and find_leaks(given, duplicates).empty
    assert list(find_leaks(given, duplicates)) == [
        *("path", "label", "other_path", "other_label", "other_split", "kind")
    ]
    unlabelled = photos("Training/a/1.jpg 1", "Test/a/2.jpg 1")
    unlabelled.table["label"] = pd.Series([None, None], dtype=object)
    pairs = find_leaks(unlabelled, find_duplicates(unlabelled, near=1))
    assert len(pairs) == 1 and pairs["label"].isna().all()
