"""Groups of the same photo, and those that leak from Test into Training."""

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


def test_groups_are_named_by_their_first_path_whatever_the_order(photos):
    found = find_duplicates(photos(*ROWS))
    rows = list(found[["group", "path", "labels", "splits"]].itertuples(index=False, name=None))
    assert rows == [
        (1, "Test/apple/9.jpg", 2, 2),
        (1, "Training/apple/1.jpg", 2, 2),
        (1, "Training/pear/2.jpg", 2, 2),
        (2, "Training/apple/3.jpg", 1, 1),
        (2, "Training/apple/4.jpg", 1, 1),
    ]
    assert set(found["kind"]) == {"pixels"}
    assert find_duplicates(photos(*reversed(ROWS))).equals(found)


def test_files_that_are_the_same_are_told_from_those_that_look_the_same(photos):
    """Of group 1, one file is another; of group 2, all are the same."""
    table = photos(*ROWS)
    table["content_hash"] = ["x", "x", "y", "z", "z", "v", "w"]
    kinds = find_duplicates(table).drop_duplicates("group").set_index("group")["kind"]
    assert kinds.to_dict() == {1: "pixels", 2: "bytes"}


def test_a_leak_is_a_pair_across_splits(photos):
    found = find_leaks(find_duplicates(photos(*ROWS)))
    assert list(found["path"]) == ["Training/apple/1.jpg", "Training/pear/2.jpg"]
    assert set(found["other_path"]) == {"Test/apple/9.jpg"}
    assert list(found["label"]) == ["apple", "pear"] and set(found["other_label"]) == {"apple"}
    assert set(found["other_split"]) == {"Test"} and set(found["kind"]) == {"pixels"}


def test_photos_that_differ_are_in_no_group(photos):
    duplicates = find_duplicates(photos("Training/a/1.jpg 1", "Test/a/2.jpg 2"))
    assert duplicates.empty and find_leaks(duplicates).empty
    assert list(find_leaks(duplicates)) == [
        *("path", "label", "other_path", "other_label", "other_split", "kind")
    ]
