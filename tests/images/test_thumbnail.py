"""The picture of a photo shows it, upright and in its shape."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFile

from fruits_kedro.features.extract import load_photo
from fruits_kedro.images.decode import decode
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.thumbnail import picture_of_remains, small_picture


@pytest.mark.parametrize(
    ("size", "shown"),
    [((100, 100), (64, 64)), ((4000, 3000), (64, 48)), ((30, 20), (30, 20)), ((900, 1), (64, 1))],
)
def test_a_picture_shows_the_photo(size, shown):
    ramp = np.linspace(0, 255, size[0]).astype(np.uint8)
    photo = Image.fromarray(np.broadcast_to(ramp[None, :, None], (size[1], size[0], 3)).copy())
    photo.info["comment"] = b"x" * 100_000
    file = io.BytesIO()
    photo.save(file, "PNG")
    extracted = load_photo(file.getvalue(), 96, ImageLimits()).facts.picture
    expected = np.asarray(photo.resize(shown, Image.Resampling.BOX), float)
    for content in (extracted, small_picture(photo, size)):
        picture = decode(content)
        assert picture.size == shown and len(content) < 3000
        assert np.abs(np.asarray(picture, float) - expected).max() < 16
        assert Image.open(io.BytesIO(content)).info.get("comment") is None


def test_a_picture_shows_what_can_be_read_of_a_broken_file():
    noise = np.random.default_rng(0).integers(0, 255, (300, 400, 3)).astype(np.uint8)
    noise[:150] = (200, 30, 30)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", quality=90)
    content = buffer.getvalue()
    picture = decode(picture_of_remains(content[: len(content) * 6 // 10], 10**6))
    assert picture.size == (64, 48)
    assert np.abs(np.asarray(picture, float)[4:18] - (200, 30, 30)).max() < 12
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


@pytest.mark.parametrize("content", [b"", b"no photo", b"\xff\xd8\xff\xe0" + bytes(40)])
def test_of_some_files_nothing_can_be_shown(content):
    assert picture_of_remains(content, 10**6) is None


def test_a_picture_of_too_many_pixels_is_not_read():
    buffer = io.BytesIO()
    Image.new("RGB", (100, 100)).save(buffer, "PNG")
    assert picture_of_remains(buffer.getvalue(), 9_999) is None
    assert picture_of_remains(buffer.getvalue(), 10_000) is not None
