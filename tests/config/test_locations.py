"""A root is exactly the place that was written, or one line says why not."""

import sys
from datetime import date
from pathlib import Path

import pytest

from fruits_kedro.config.locations import read_root
from fruits_kedro.errors import FruitsError

PROJECT = Path("/project")


@pytest.mark.parametrize(
    ("value", "root"),
    [
        ("/photos", "/photos"),
        ("/photos/", "/photos"),
        ("//photos//a", "/photos/a"),
        ("photos", "/project/photos"),
        (".", "/project"),
        ("./a/../b", "/project/a/../b"),
        ("2024_01_15", "/project/2024_01_15"),
        ("null", "/project/null"),
        ("~/photos", "/home/me/photos"),
        ("file:/x", "/x"),
        ("file:///x y", "/x y"),
        (Path("/x"), "/x"),
        ("/lot #3/[2024] {a}, b?*\\=x", "/lot #3/[2024] {a}, b?*\\=x"),
        ("/a::b", "/a::b"),
        ("s3://bucket", "s3://bucket"),
        ("s3a://bucket//a/", "s3://bucket/a"),
        ("s3://bucket/Äpfel 2024", "s3://bucket/Äpfel 2024"),
        ("s3://bucket/x/train-{000..131}.tar", "s3://bucket/x/train-{000..131}.tar"),
    ],
)
def test_a_root_is_the_place_that_was_written(value, root, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert read_root("images", value, PROJECT) == root


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "is empty: perhaps a variable of your shell"),
        ("", "is empty"),
        ("  ", "is empty"),
        (20240115, "20240115 is a int, not text"),
        (date(2024, 1, 15), "is a date, not text"),
        (True, "True is a bool, not text"),
        ("/a${b}", "cannot have"),
        ("/a\nb", "control characters"),
        ("file:x", "write file:///<absolute path>"),
        ("file://host/x", "write file:///<absolute path>"),
        ("~nobody-of-that-name/x", "home folder is not known"),
        ("gs://bucket/x", "only folders and s3://"),
        ("hdfs:///x", "only folders and s3://"),
        ("s3://", "there is no bucket"),
        ("s3://bucket/lot #3", "cannot have # in its name"),
        ("s3://bucket/[a]", r"cannot have \[ \] in its name"),
        ("s3://bucket/train-{000..131}.tar", "cannot have { } in its name"),
        ("/a:b", "Spark cannot read models"),
    ],
)
def test_another_root_is_refused_in_a_line(value, why):
    with pytest.raises(FruitsError, match=why) as caught:
        read_root("store", value, PROJECT)
    assert str(caught.value).startswith("store") and len(str(caught.value).splitlines()) <= 2


def test_a_folder_of_windows_is_refused_and_a_bucket_is_not(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(FruitsError, match="Windows are not supported.*\n.*WSL 2"):
        read_root("store", r"C:\results", PROJECT)
    assert read_root("store", "s3://bucket/results", PROJECT) == "s3://bucket/results"
