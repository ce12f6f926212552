"""Photos in archives are those of the folder; hostile archives give rows with reasons."""

import io
import os
import pickle
import struct
import tarfile
import zipfile

import pytest

from fruits_kedro.errors import FruitsError, ImageError
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.indexed import expand
from fruits_kedro.images.packed import open_images

TIMES = {"Test/a/1.jpg": 1_700_000_000, "Test/b/2.png": 1_600_000_000, "Training/a/3.jpg": 1.5e9}


@pytest.fixture
def folder(tmp_path):
    for i, (name, time) in enumerate(TIMES.items()):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([i]) * (1000 * (i + 1)))
        os.utime(path, (time, time))
    (tmp_path / "photos/Test/a/notes.txt").write_text("no photo")
    return tmp_path / "photos"


def pack(folder, kind, target):
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    if kind == "tar":
        with tarfile.open(target, "w") as archive:
            archive.add(folder, ".")  # with its folders
    else:
        with zipfile.ZipFile(target, "w", getattr(zipfile, kind)) as archive:
            for name in names:
                archive.write(folder / name, name)
    return target


@pytest.mark.parametrize("kind", ["tar", "ZIP_STORED", "ZIP_DEFLATED"])
def test_an_archive_has_the_photos_of_the_folder(folder, tmp_path, kind):
    packed = pack(folder, kind, tmp_path / f"photos.{kind[:3].lower()}")
    ours, theirs = open_images(str(packed)), ImageFolder(str(folder))
    listing, expected = ours.list(), theirs.list()
    assert listing.select(["path", "length"]).equals(expected.select(["path", "length"]))
    if kind == "tar":
        assert listing.equals(expected)
    paths = [*reversed(listing["path"].to_pylist()), "Test/none.jpg"]
    workers = pickle.loads(pickle.dumps(ours))  # as it comes to a worker
    *found, missing = workers.read_all(paths, seconds=10)
    assert found == list(theirs.read_all(paths[:-1]))
    assert isinstance(missing, ImageError) and missing.reason == "missing"
    assert workers.read(paths[0]) == found[0]


def test_a_folder_may_be_called_like_an_archive(folder):
    named = folder.rename(folder.with_name("photos.zip"))
    assert isinstance(open_images(str(named)), ImageFolder)


def test_shards_are_one_source(folder, tmp_path):
    assert expand("s3://b/x-{08..11}.tar") == [
        f"s3://b/x-{i}.tar" for i in ("08", "09", "10", "11")
    ]
    for i, part in enumerate(("Test", "Training")):
        with tarfile.open(tmp_path / f"s-{i}.tar", "w") as archive:
            archive.add(folder / part, part)
    source = open_images(str(tmp_path / "s-{0..1}.tar"))
    paths = source.list()["path"].to_pylist()
    assert paths == list(TIMES)
    assert list(source.read_all(paths)) == list(ImageFolder(str(folder)).read_all(paths))
    with tarfile.open(tmp_path / "s-1.tar", "w") as archive:
        archive.add(folder, ".")
    with pytest.raises(FruitsError, match="Several files of .* have the photo Test/a/1.jpg"):
        source.list()  # it sees that the archives have changed
    with pytest.raises(FruitsError, match="no file .*s-2.tar"):
        open_images(str(tmp_path / "s-{0..2}.tar")).list()


def add(archive, name, content=b"x", **settings):
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    for key, value in settings.items():
        setattr(entry, key, value)
    archive.addfile(entry, io.BytesIO(content))


def reasons(source):
    paths = source.list()["path"].to_pylist()
    found = zip(paths, source.read_all(paths))
    return {path: one.reason if isinstance(one, ImageError) else one for path, one in found}


def test_a_hostile_tar_gives_rows_with_reasons(tmp_path):
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        add(archive, "a/good.jpg", b"first")
        add(archive, "../../etc/up.jpg")
        add(archive, "/etc/absolute.jpg")
        add(archive, "a/soft.jpg", type=tarfile.SYMTYPE, linkname="/etc/passwd", content=b"")
        add(archive, "a/hard.jpg", type=tarfile.LNKTYPE, linkname="a/good.jpg", content=b"")
        add(archive, "a/pipe.jpg", type=tarfile.FIFOTYPE, content=b"")
        add(archive, "a//./good.jpg", b"second")  # as unpacked: the later one
        add(archive, "a/old.jpg", mtime=-(2**40))
    assert reasons(open_images(str(tmp_path / "x.tar"))) == {
        "../../etc/up.jpg": "outside_root",
        "/etc/absolute.jpg": "outside_root",
        "a/good.jpg": b"second",
        "a/hard.jpg": "outside_root",
        "a/old.jpg": b"x",
        "a/soft.jpg": "outside_root",
    }


def test_a_hostile_zip_gives_rows_with_reasons(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/bomb.jpg", bytes(10_000_000))
        archive.writestr("a/good.jpg", b"good")
        archive.writestr("a/broken.jpg", b"broken" * 1000)
        archive.writestr("../up.jpg", b"up")
        link = zipfile.ZipInfo("a/link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a/rare.jpg", b"rare", zipfile.ZIP_BZIP2)
    content = bytearray(path.read_bytes())
    at = content.rindex(b"a/bomb.jpg")  # its size in the directory: a lie
    content[at - 22 : at - 18] = struct.pack("<I", 100)
    at = content.index(b"a/broken.jpg")
    content[at + 14] ^= 255
    path.write_bytes(content)
    assert reasons(open_images(str(path))) == {
        "../up.jpg": "outside_root",
        "a/bomb.jpg": "unreadable",
        "a/broken.jpg": "unreadable",
        "a/good.jpg": b"good",
        "a/link.jpg": "outside_root",
        "a/rare.jpg": "unreadable",
    }


def test_a_zip_of_windows_has_folders(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("Test\\Kiwi\\1.jpg", b"x")
    assert reasons(open_images(str(tmp_path / "x.zip"))) == {"Test/Kiwi/1.jpg": b"x"}


def test_an_archive_that_changes_is_not_read_on(folder, tmp_path):
    packed = pack(folder, "tar", tmp_path / "x.tar")
    source = open_images(str(packed))
    source.list()
    worker = pickle.dumps(source)
    (folder / "Test/a/0.jpg").write_bytes(b"one more")
    pack(folder, "tar", packed)
    with pytest.raises(FruitsError, match="has changed since it was listed"):
        pickle.loads(worker).read("Test/a/1.jpg")
    assert source.list().num_rows == 4


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_half_an_archive_is_refused(folder, tmp_path, kind):
    path = pack(folder, {"zip": "ZIP_STORED"}.get(kind, kind), tmp_path / f"x.{kind}")
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(FruitsError, match="damaged, or not whole"):
        open_images(str(path)).list()
    if kind == "tar":
        with tarfile.open(path, "w") as archive:
            add(archive, "a.jpg")
        path.write_bytes(path.read_bytes()[:1024])  # up to the next file's head
        with pytest.raises(FruitsError, match="its end is missing"):
            open_images(str(path)).list()
    path.write_bytes(b"no archive" * 100)
    with pytest.raises(FruitsError, match="damaged, or not whole"):
        open_images(str(path)).list()


def test_many_entries_are_listed(tmp_path):
    block = tarfile.TarInfo("a/0000000.jpg").tobuf()
    with (tmp_path / "x.tar").open("wb") as file:
        for i in range(20_000):
            head = bytearray(block)
            head[:13] = f"a/{i:07}.jpg".encode()
            head[148:156] = b" " * 8
            head[148:156] = f"{sum(head):06o}\0 ".encode()
            file.write(head)
        file.write(bytes(1024))
    assert open_images(str(tmp_path / "x.tar")).list().num_rows == 20_000
