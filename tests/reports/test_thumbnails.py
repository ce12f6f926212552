"""Small pictures for a page: never worth a run, and as small as they look."""

import base64
import io

from PIL import Image

from fruits_kedro.errors import FruitsError
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.reports.thumbnails import thumbnails


def write(folder, name, **options):
    Image.new("RGB", (200, 100), "red").save(folder / name, **options)
    return name


def test_a_thumbnail_has_nothing_but_pixels(tmp_path):
    long = b"x" * 70_000  # more than a JPEG's comment may have
    paths = [
        write(tmp_path, "a.gif", comment=long),
        write(tmp_path, "b.jpg", comment=long[:60_000]),
    ]
    found = thumbnails(ImageFolder(str(tmp_path)), paths, 64)
    assert list(found) == paths
    for url in found.values():
        image = Image.open(io.BytesIO(base64.b64decode(url.partition("base64,")[2])))
        assert image.size == (64, 32) and len(url) < 2000
        assert min(image.getpixel((30, 15))[:1]) > 250 > 5 > max(image.getpixel((30, 15))[1:])


def test_photos_that_are_gone_are_told(tmp_path, caplog):
    paths = ["gone.jpg", write(tmp_path, "there.jpg")]
    assert list(thumbnails(ImageFolder(str(tmp_path)), paths, 64)) == ["there.jpg"]
    assert "1 of 2 photos are not shown: changed or gone" in caplog.text


class Failing(ImageFolder):
    def read_all(self, paths):
        yield self.content
        raise FruitsError("the bucket does not answer")


def test_a_bucket_that_fails_costs_the_rest_of_the_pictures_only(tmp_path, caplog):
    source = Failing(str(tmp_path))
    source.content = (tmp_path / write(tmp_path, "a.jpg")).read_bytes()
    assert list(thumbnails(source, ["a.jpg", "b.jpg", "c.jpg"], 64)) == ["a.jpg"]
    assert "2 of 3 photos are not shown: the bucket does not answer" in caplog.text


def test_pictures_take_a_limited_time(tmp_path, caplog):
    paths = [write(tmp_path, f"{i}.jpg") for i in range(3)]
    assert list(thumbnails(ImageFolder(str(tmp_path)), paths, 64, seconds=0)) == ["0.jpg"]
    assert "2 of 3 photos are not shown: no time within 0 s" in caplog.text
