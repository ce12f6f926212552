"""Listing and reading: nothing is lost, whatever its name."""

import os
import pickle
import socket
import stat
import threading
from datetime import UTC

import pytest
from botocore.exceptions import ClientError

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.listing import to_time

NAMES = [
    "Training/Apple Red 1/a b.jpg",
    "Training/Pêche [été]/é%20#1.JPG",
    "Test/50% off/12:30 {x} * ?.jpeg",
    "Test/new\nline/_hidden.png",
    "Test/dotted./x..webp",
    f"Test/{'n' * 255}/{'m' * 251}.jpg",
]


@pytest.fixture
def folder(tmp_path):
    for i, name in enumerate(NAMES):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * i)
        os.utime(path, (1000 + i, 1000 + i))
    return tmp_path


def test_every_name_is_listed_and_read_back(folder):
    images = pickle.loads(pickle.dumps(ImageFolder(str(folder))))
    rows = images.list().to_pylist()
    assert [row["path"] for row in rows] == sorted(NAMES)
    for row in rows:
        i = NAMES.index(row["path"])
        assert (row["length"], row["modificationTime"].timestamp()) == (i, 1000 + i)
        assert images.read(row["path"]) == b"x" * i


def test_photos_are_read_ahead_and_in_order(folder, monkeypatch):
    images = ImageFolder(str(folder))
    second, read = threading.Event(), images.read
    paths = [NAMES[1], "gone.jpg"] * 20

    def reading(path):
        if path == "gone.jpg":
            second.set()
        return read(path)

    monkeypatch.setattr(images, "read", reading)
    contents = images.read_all(paths)
    assert next(contents) == b"x"
    assert second.wait(timeout=10)  # nobody has asked for it
    rest = [next(contents) for _ in range(39)]
    assert [str(x)[:13] if isinstance(x, ImageError) else x for x in rest] == (
        ["read: missing", b"x"] * 20
    )[:39]
    assert next(contents, None) is None


def test_a_url_is_listed_like_a_folder():
    import fsspec

    fs = fsspec.filesystem("memory")
    fs.pipe({"/photos/Training/Kiwi 1/a.jpg": b"abc", "/photos/Test/Kiwi 1/b.jpg": b"de"})
    images = ImageFolder("memory://photos")
    assert images.list().select(["path", "length"]).to_pylist() == [
        {"path": "Test/Kiwi 1/b.jpg", "length": 2},
        {"path": "Training/Kiwi 1/a.jpg", "length": 3},
    ]
    assert images.read("Test/Kiwi 1/b.jpg") == b"de"


def test_other_files_are_left_out_and_counted(folder, caplog):
    (folder / "LICENSE.md").write_text("x")
    (folder / "Test" / "Thumbs.db").write_text("x")
    assert ImageFolder(str(folder)).list().num_rows == len(NAMES)
    assert "1 files are not photos" in caplog.text and "1 .md" in caplog.text
    assert "1 files that a system left" in caplog.text and "1 thumbnails and" in caplog.text


def test_what_systems_leave_among_photos_is_no_photo(folder, caplog):
    for path in (
        *("Training/._a.jpg", "Training/.hidden.jpg", "__MACOSX/Training/Apple/a.jpg"),
        *("Training/.ipynb_checkpoints/a-checkpoint.jpg", "Training/.AppleDouble/a.jpg"),
        *("Training/Apple Red 1/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg", "Test/SYNOFILE_THUMB_S.jpg"),
        *("$RECYCLE.BIN/S-1/x.jpg", "#recycle/x.jpg", "System Volume Information/x.jpg"),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"no")
    assert ImageFolder(str(folder)).list().column("path").to_pylist() == sorted(NAMES)
    assert "10 files that a system left" in caplog.text and "1 __MACOSX" in caplog.text


def test_links_that_loop_and_what_is_no_file_stop_nobody(folder, caplog):
    (folder / "latest").symlink_to("latest")
    (folder / "loop.jpg").symlink_to("loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(folder / "socket.jpg"))
        images = ImageFolder(str(folder))
        assert images.list().column("path").to_pylist() == sorted(NAMES)
    assert "2 pipes, sockets and devices" in caplog.text
    assert "2 links to folders" in caplog.text
    with pytest.raises(ImageError, match="read: unreadable: not a regular file"):
        images.read("pipe.jpg")  # put there after the listing
    with pytest.raises(ImageError, match="read: unreadable"):
        images.read("loop.jpg")


def test_a_read_that_hangs_costs_its_photo_alone(folder, monkeypatch):
    images, forever = ImageFolder(str(folder)), threading.Event()
    read = images.read
    monkeypatch.setattr(
        images, "read", lambda path: forever.wait() if "a b" in path else read(path)
    )
    found = list(images.read_all([*NAMES, NAMES[0], *NAMES], seconds=0.2))
    forever.set()
    assert [str(x)[:14] if isinstance(x, ImageError) else len(x) for x in found] == [
        *("read: too_slow", 1, 2, 3, 4, 5),
        "read: too_slow",
        *("read: too_slow", 1, 2, 3, 4, 5),
    ]


@pytest.mark.parametrize(("code", "kind"), [("ExpiredToken", FruitsError), ("403", ImageError)])
def test_an_expired_key_is_no_fault_of_a_photo(monkeypatch, code, kind):
    images = ImageFolder("memory://photos")

    def refuse(path):
        cause = ClientError({"Error": {"Code": code, "Message": "no"}}, "GetObject")
        raise PermissionError("The token has expired") from cause

    monkeypatch.setattr(images._fs, "cat_file", refuse)
    with pytest.raises(kind):
        images.read("a.jpg")


@pytest.mark.parametrize("seconds", [-1e10, 1e11, 1e20])
def test_times_of_other_centuries(seconds):
    assert to_time(seconds).tzinfo is UTC


def test_linked_folders_are_not_followed(folder, tmp_path_factory, caplog):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "far.jpg").write_bytes(b"far")
    (folder / "Training" / "Linked 1").symlink_to(elsewhere)
    (folder / "Training" / "circle").symlink_to(folder)
    assert ImageFolder(str(folder)).list().column("path").to_pylist() == sorted(NAMES)
    assert "2 links to folders, which are not followed" in caplog.text


def test_a_link_out_of_the_root_is_a_row_that_is_not_read(folder, tmp_path_factory):
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.jpg"
    secret.write_bytes(b"secret")
    (folder / "Test" / "out.jpg").symlink_to(secret)
    (folder / "Test" / "in.jpg").symlink_to(folder / NAMES[1])
    linked = folder.parent / "root"
    linked.symlink_to(folder)  # the root itself may be a link
    for root in (folder, linked):
        images = ImageFolder(str(root))
        paths = images.list().column("path").to_pylist()
        assert {"Test/out.jpg", "Test/in.jpg"} <= set(paths) and len(paths) == len(NAMES) + 2
        assert images.read("Test/in.jpg") == b"x"
        with pytest.raises(ImageError, match=f"read: outside_root: a link to {secret}"):
            images.read("Test/out.jpg")
    linked.unlink()


def test_a_hundred_thousand_photos_and_folders_without_any(tmp_path):
    (tmp_path / "Training" / "Empty 1").mkdir(parents=True)
    many = tmp_path / "Test" / "Many 1"
    many.mkdir(parents=True)
    for i in range(100_000):
        os.close(os.open(many / f"{i:06d}.jpg", os.O_CREAT))
    paths = ImageFolder(str(tmp_path)).list().column("path").to_pylist()
    assert paths == [f"Test/Many 1/{i:06d}.jpg" for i in range(100_000)]


def test_a_name_that_is_not_utf8_keeps_its_row(tmp_path):
    with open(os.fsencode(tmp_path) + b"/bad\xff.jpg", "wb"):
        pass
    images = ImageFolder(str(tmp_path))
    (path,) = images.list().column("path").to_pylist()
    with pytest.raises(ImageError, match="read: missing"):
        images.read(path)


def test_a_dangling_link_keeps_its_row(tmp_path):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    images = ImageFolder(str(tmp_path))
    assert images.list().column("path").to_pylist() == ["gone.jpg"]
    with pytest.raises(ImageError, match="read: missing"):
        images.read("gone.jpg")


def test_a_folder_named_like_a_photo_is_a_folder(tmp_path):
    (tmp_path / "odd.jpg").mkdir()
    (tmp_path / "odd.jpg" / "a.jpg").write_bytes(b"a")
    images = ImageFolder(str(tmp_path))
    assert images.list().column("path").to_pylist() == ["odd.jpg/a.jpg"]
    with pytest.raises(ImageError, match="read: unreadable"):
        images.read("odd.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_files_and_folders_say_so(folder):
    photo = folder / NAMES[0]
    photo.chmod(0)
    with pytest.raises(ImageError, match="read: forbidden"):
        ImageFolder(str(folder)).read(NAMES[0])
    photo.parent.chmod(0)
    with pytest.raises(FruitsError, match="cannot be listed"):
        ImageFolder(str(folder)).list()
    photo.parent.chmod(stat.S_IRWXU)
