"""A photo's figures are those of SciPy and Pillow."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter, ImageStat
from scipy.ndimage import laplace

from fruits_kedro.commands.sample import draw_class
from fruits_kedro.features.extract import load_photo
from fruits_kedro.images.decode import decode, resize
from fruits_kedro.images.limits import ImageLimits


@pytest.fixture(scope="module")
def photo():
    (_, _, content), *_ = draw_class("Plum 1", 1, 0)
    return decode(content)


def measure(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return load_photo(file.getvalue(), 224, ImageLimits()).facts.quality


def test_a_photo_is_measured_as_it_is(photo):
    found, gray = measure(photo), photo.convert("L")
    values = np.asarray(gray).astype(float)
    assert (found.width, found.height) == photo.size
    assert found.sharpness == pytest.approx(laplace(values)[1:-1:2, 1:-1].var(), rel=1e-5)
    assert found.brightness == pytest.approx(ImageStat.Stat(gray).mean[0] / 255, abs=1e-9)
    assert found.contrast == pytest.approx(values.std() / 255, abs=1e-9)
    assert found.entropy == pytest.approx(gray.entropy(), abs=1e-9)
    tones = np.bincount(values.astype(int).ravel() // 8, minlength=32)
    assert found.background == pytest.approx(tones.max() / values.size, abs=1e-12)


def test_faults_move_their_figures(photo):
    usual = measure(photo)
    assert measure(photo.filter(ImageFilter.GaussianBlur(3))).sharpness < usual.sharpness / 10
    assert measure(photo.point(lambda v: v // 4)).brightness < usual.brightness / 3
    assert measure(photo.point(lambda v: 128 + v // 4)).contrast < usual.contrast / 3


def test_one_colour_and_tiny_photos():
    found = measure(Image.new("RGB", (50, 30), (10, 200, 30)))
    assert (found.width, found.height) == (50, 30)
    assert (found.sharpness, found.contrast, found.entropy, found.background) == (0, 0, 0, 1)
    assert measure(Image.new("RGB", (1, 2), "white"))[:4] == (1, 2, 0, pytest.approx(1))


def test_a_large_photo_is_measured_as_the_backbone_sees_it(photo):
    large = photo.resize((500, 400))
    found, seen = measure(large), Image.fromarray(resize(large, 224))
    assert found[:2] == (500, 400) and found[2:] == measure(seen)[2:]
