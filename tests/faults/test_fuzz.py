"""Files of every kind of damage: no crash, a row for each, and no usable photo lost."""

import io
import warnings

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.s3.results import EXTRACTION

from fruits_kedro.commands.sample import draw_class
from fruits_kedro.errors import ImageError
from fruits_kedro.images.decode import decode

pytestmark = pytest.mark.faults

N = 10_000
PHOTOS = [content for _, _, content in draw_class("Apple 1", 40, seed=7)]
FORMATS = ("PNG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO")
REASONS = {
    *("empty", "not_an_image", "truncated", "too_many_pixels", "unsupported_mode", "damaged"),
    "too_slow",
}


def saved(image, kind):
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


BOMB = saved(Image.new("1", (30_000, 30_000)), "PNG")
ODD_SIZES = [saved(Image.new("RGB", size, "red"), "JPEG") for size in ((1, 1), (20_000, 1))]


def mutate(i):
    """The i-th damaged file: the same one every time."""
    rng = np.random.default_rng([1, i])
    photo = bytearray(PHOTOS[i % len(PHOTOS)])
    where = int(rng.integers(2, len(photo) - 2))
    kind = i % 10
    if kind in (0, 1):  # bits of the file, or of its header
        end = len(photo) if kind == 0 else 300
        for at in rng.integers(0, end, rng.integers(1, 20)):
            photo[at] ^= 1 << int(rng.integers(8))
    elif kind == 2:
        del photo[where:]
    elif kind == 3:
        other = PHOTOS[(i + 1) % len(PHOTOS)]
        photo[where:] = other[int(rng.integers(len(other))) :]
    elif kind == 4:
        photo[: int(rng.integers(1, 30))] = rng.bytes(10)
    elif kind == 5:
        photo[where : where + int(rng.integers(1, 400))] = bytes(int(rng.integers(1, 400)))
    elif kind == 6:
        image = Image.open(io.BytesIO(photo))
        return saved(image, FORMATS[int(rng.integers(len(FORMATS)))])
    elif kind == 7:
        return [b"", BOMB, *ODD_SIZES, rng.bytes(5000), b"\xff\xd8\xff", b"GIF89a"][i // 10 % 7]
    elif kind == 8:
        photo += rng.bytes(200)
    return bytes(photo)


def opens(content):
    """Whether Pillow on its own makes an image of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            Image.open(io.BytesIO(content)).convert("RGB")
            return True
    except Exception:
        return False


def test_ten_thousand_damaged_files_in_one_run(kedro_run, tmp_path):
    usable = {}
    for i in range(N):
        folder = tmp_path / "images" / ("Training", "Test")[i // 10 % 2] / f"Class {i % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        content = mutate(i)
        (folder / f"{i}.jpg").write_bytes(content)
        usable[f"{folder.parent.name}/{folder.name}/{i}.jpg"] = opens(content)
    result = kedro_run(*EXTRACTION, images=tmp_path / "images", store=tmp_path / "store")
    assert result.exit_code == 0, result.output
    table = pq.read_table(tmp_path / "store/04_feature/extracted_features")
    rows = table.select(["path", "error"]).to_pylist()
    assert len(rows) == len({row["path"] for row in rows}) == N
    assert {row["path"]: row["error"] is None for row in rows} == usable
    assert 0.3 * N < sum(usable.values()) < 0.8 * N
    reasons = {row["error"].split(": ")[1] for row in rows if row["error"]}
    assert reasons <= REASONS and len(reasons) >= 5


edits = st.lists(
    st.tuples(st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=40)), max_size=6
)


@settings(max_examples=300, deadline=None)
@given(photo=st.sampled_from(PHOTOS), edits=edits)
def test_a_decoder_has_two_outcomes(photo, edits):
    content = photo
    for at, gone, new in edits:
        content = content[:at] + new + content[at + gone :]
    check_decoder(content)


@settings(max_examples=200, deadline=None)
@given(magic=st.sampled_from([PHOTOS[0][:200], BOMB[:60], b"GIF89a", b"II*\0", b"RIFF", b""]),
       noise=st.binary(max_size=2000))  # fmt: skip
def test_a_decoder_of_noise_has_two_outcomes(magic, noise):
    check_decoder(magic + noise)


def check_decoder(content):
    try:
        image = decode(content)
    except ImageError as error:
        assert error.stage == "decode" and error.reason in REASONS
        assert "\n" not in str(error) and len(str(error)) < 400
    else:
        assert image.mode == "RGB" and image.width * image.height > 0


@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (1, 20_000)])
def test_extreme_shapes_are_photos(size):
    assert decode(saved(Image.new("L", size), "PNG")).size == size
