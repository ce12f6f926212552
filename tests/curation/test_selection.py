"""What a selection leaves out, why, and what is labelled first."""

import numpy as np
import pandas as pd
import pytest

from fruits_kedro.config.curation import SelectionParams
from fruits_kedro.curation.duplicates import find_duplicates, find_leaks
from fruits_kedro.curation.k_centre import k_centre
from fruits_kedro.curation.selection import Findings, select_photos
from fruits_kedro.curation.vectors import Vectors

ROWS = (
    "Test/a/1.jpg 1",
    "Training/a/2.jpg 1",
    "Training/a/3.jpg 3",
    "Training/a/4.jpg 3",
    "Training/a/5.jpg 3",
    "Training/b/6.jpg 6",
    "Training/b/7.jpg 7",
    "Training/b/8.jpg 8",
)


def select(photos, more_flags=(), **params):
    given = photos(*ROWS)
    duplicates = find_duplicates(given, near=1)
    flags = dict(more_flags) | {"Training/a/3.jpg": "dark", "Training/b/6.jpg": "blurry, odd_size"}
    findings = Findings(
        duplicates,
        find_leaks(given, duplicates),
        pd.DataFrame(flags.items(), columns=["path", "flags"]),
        pd.DataFrame({"path": ["Training/b/7.jpg"]}),
        pd.DataFrame({"path": ["Training/b/7.jpg", "Training/b/8.jpg"]}),
    )
    vectors = Vectors(given.table, np.eye(len(ROWS), dtype=np.float32))
    table = select_photos(given, vectors, findings, SelectionParams(**params))
    assert list(table["path"]) == list(given.table["path"])
    assert (table["selected"] == (table["reasons"] == "")).all()
    return table.set_index(table["path"].str[-5])


def test_a_leak_a_flag_and_a_duplicate_of_what_stays_leave(photos):
    found = select(photos)
    assert found["reasons"].to_dict() == {
        **{"1": "", "2": "leak", "3": "dark", "4": "", "5": "duplicate"},
        **{"6": "blurry, odd_size", "7": "", "8": ""},
    }
    assert found["duplicate_of"].dropna().to_dict() == {"5": "Training/a/4.jpg"}
    assert found["turn"].isna().all()


def test_the_policy_is_the_users(photos):
    kept = select(photos, duplicates="keep", leaks="keep", quality="")
    assert kept["selected"].all()
    strict = select(photos, outliers="leave_out", label_issues="leave_out", quality="odd_size")
    assert strict["reasons"][["3", "6", "7", "8"]].tolist() == [
        *("", "odd_size", "outlier, label_issue", "label_issue")
    ]
    assert strict["duplicate_of"].dropna().to_dict() == dict.fromkeys("45", "Training/a/3.jpg")
    assert select(photos, leaks="keep")["selected"]["2"]  # duplicates are those of a split
    same_bytes = select(photos, duplicates="bytes", leaks="bytes", quality="")
    assert same_bytes["selected"].all()  # no hash is known


def test_a_photo_of_training_stays_if_that_of_test_leaves(photos):
    found = select(photos, more_flags={"Test/a/1.jpg": "dark"})
    assert found["reasons"]["1"] == "dark" and found["selected"]["2"]


def test_the_photos_to_label_first_are_among_those_that_stay(photos):
    found = select(photos, total=3)
    assert sorted(found["turn"].dropna()) == [1, 2, 3]
    assert found["selected"].sum() == 3 and (found["reasons"] == "not_needed").sum() == 1
    assert found["turn"].notna().equals(found["selected"])
    assert select(photos, total=99)["selected"].sum() == 4


def test_k_centre_takes_each_group_before_a_second_of_one(blobs):
    vectors = blobs(dict.fromkeys("abcdefgh", 40), spread=0.05)
    among = np.arange(40, 320)  # without a
    chosen = k_centre(vectors, among, 7)
    assert sorted(vectors.photos["label"][chosen]) == list("bcdefgh")
    assert k_centre(vectors, among, 20)[:7].tolist() == chosen.tolist()
    assert len(set(k_centre(vectors, among, 200))) == 200
    every = k_centre(vectors, among, 281)
    assert every[:7].tolist() == chosen.tolist() and sorted(every) == among.tolist()


@pytest.mark.parametrize("photos_there", [1, 2, 3, 9])
def test_k_centre_of_few_photos_or_of_photos_that_are_all_alike(blobs, photos_there):
    alike = blobs({"a": photos_there}, rows=np.ones((photos_there, 4)))
    for vectors in (alike, blobs({"a": photos_there})):
        assert len(set(k_centre(vectors, np.arange(photos_there), 2))) == min(2, photos_there)
