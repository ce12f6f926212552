"""The picture of a photo shows it, upright and in its shape."""

import io

import numpy as np
import pytest
from PIL import Image

from fruits_kedro.images.decode import decode, resize
from fruits_kedro.images.thumbnail import small_picture


@pytest.mark.parametrize(
    ("size", "shown"),
    [((100, 100), (64, 64)), ((4000, 3000), (64, 48)), ((30, 20), (30, 20)), ((900, 1), (64, 1))],
)
def test_a_picture_shows_the_photo(size, shown):
    ramp = np.linspace(0, 255, size[0]).astype(np.uint8)
    photo = Image.fromarray(np.broadcast_to(ramp[None, :, None], (size[1], size[0], 3)).copy())
    photo.info["comment"] = b"x" * 100_000
    content = small_picture(photo, resize(photo, 96))
    picture = decode(content)
    assert picture.size == shown and len(content) < 3000
    expected = np.asarray(photo.resize(shown, Image.Resampling.BOX), float)
    assert np.abs(np.asarray(picture, float) - expected).max() < 16
    assert Image.open(io.BytesIO(content)).info.get("comment") is None
