"""Each kind of image has one decided way to RGB, or one reason why not."""

import io
import zlib

import numpy as np
import pytest
from PIL import Image

from fruits_kedro.errors import ImageError
from fruits_kedro.images.decode import decode, full_size, resize
from fruits_kedro.images.formats import extensions, register_heif

GRADIENT = np.arange(0, 256, 4, dtype=np.uint8).reshape(8, 8)


def to_bytes(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def pixels(content: bytes) -> np.ndarray:
    image = decode(content)
    assert image.mode == "RGB"
    return np.asarray(image)


def test_grey_is_repeated_in_three_channels():
    expected = np.repeat(GRADIENT[..., None], 3, axis=2)
    assert (pixels(to_bytes(Image.fromarray(GRADIENT))) == expected).all()


def test_sixteen_bit_grey_keeps_its_high_byte():
    wide = Image.fromarray(GRADIENT.astype(np.uint16) * 256 + 77)
    assert (pixels(to_bytes(wide))[..., 1] == GRADIENT).all()


def test_alpha_is_laid_on_white():
    image = Image.new("RGBA", (3, 1))
    image.putdata([(200, 10, 0, 255), (200, 10, 0, 0), (0, 0, 0, 128)])
    assert pixels(to_bytes(image))[0].tolist() == [[200, 10, 0], [255, 255, 255], [127, 127, 127]]


def test_transparent_palette_colour_is_white():
    image = Image.new("P", (2, 1))
    image.putpalette([9, 9, 9, 0, 200, 0])
    image.putdata([0, 1])
    assert pixels(to_bytes(image, transparency=0))[0].tolist() == [[255, 255, 255], [0, 200, 0]]


def test_palette_gives_its_colours():
    image = Image.new("P", (2, 1))
    image.putpalette([9, 8, 7, 0, 200, 0])
    image.putdata([0, 1])
    assert pixels(to_bytes(image, "BMP"))[0].tolist() == [[9, 8, 7], [0, 200, 0]]


def test_cmyk_becomes_its_rgb_colour():
    image = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    assert np.abs(pixels(to_bytes(image, "JPEG"))[4, 4].astype(int) - [255, 0, 0]).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_undone(orientation):
    # Where the top left corner of the upright photo is stored, by EXIF orientation.
    stored_at = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0)}
    stored_at |= {5: (0, 0), 6: (-1, 0), 7: (-1, -1), 8: (0, -1)}
    stored = np.zeros((6, 4, 3) if orientation >= 5 else (4, 6, 3), np.uint8)
    stored[stored_at[orientation]] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    upright = pixels(to_bytes(Image.fromarray(stored), exif=exif))
    assert upright.shape == (4, 6, 3)
    assert upright[0, 0].tolist() == [255, 255, 255]
    assert upright.sum() == 3 * 255


def test_first_frame_of_an_animation_counts():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = to_bytes(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert pixels(content)[0, 0].tolist() == [255, 0, 0]


JPEG = to_bytes(Image.effect_noise((100, 100), 90).convert("RGB"), "JPEG")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"not a photo", "not_an_image"),
        (bytes(500), "not_an_image"),
        (JPEG[: len(JPEG) // 2], "truncated"),
        (to_bytes(Image.new("F", (4, 4)), "TIFF"), "unsupported_mode"),
        (to_bytes(Image.new("1", (20_000, 20_000))), "too_many_pixels"),
    ],
)
def test_unusable_bytes_say_why(content, reason):
    with pytest.raises(ImageError) as caught:
        decode(content)
    assert (caught.value.stage, caught.value.reason) == ("decode", reason)


def mutations(content: bytes, seed: int) -> list[bytes]:
    """The bytes with one place of them overwritten, cut out, doubled or cut off."""
    at = np.random.default_rng(seed).integers(2, len(content), 40).tolist()
    changed = [content[:i] + bytes([i % 256]) + content[i + 1 :] for i in at[:10]]
    changed += [content[:i] + content[i + 3 :] for i in at[10:20]]
    changed += [content[:i] + content[i - 2 :] for i in at[20:30]]
    return changed + [content[:i] for i in at[30:]]


@pytest.mark.parametrize(
    "options",
    [{}, {"quality": 100, "subsampling": 0}, {"subsampling": 1}, {"progressive": True},
     {"restart_marker_blocks": 1}, {"keep_rgb": True}],
)  # fmt: skip
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_has_the_pixels_that_pillow_gives_it(mode, options):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (61, 93, 3), np.uint8))
    content = to_bytes(noise.convert(mode), "JPEG", **options)
    same = 0
    for bytes_ in [content, *mutations(content, seed=len(options))]:
        try:
            expected = np.asarray(Image.open(io.BytesIO(bytes_)).convert("RGB"))
        except Exception:
            with pytest.raises(ImageError):
                decode(bytes_)
        else:
            assert (pixels(bytes_) == expected).all()
            same += 1
    assert same >= 1


def upside_down() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 3
    return exif


XMP = b'<x:xmpmeta><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'


@pytest.mark.parametrize("metadata", [{"exif": upside_down()}, {"xmp": XMP}])
def test_a_jpeg_is_turned_upright_whoever_tells_its_orientation(metadata):
    stored = np.zeros((4, 6, 3), np.uint8)
    stored[-1, -1] = 255
    content = to_bytes(Image.fromarray(stored), "JPEG", quality=100, subsampling=0, **metadata)
    upright = pixels(content)
    assert upright[0, 0].min() > 200 and upright[-1, -1].max() < 50


def test_resize_is_pillows_bicubic():
    image = decode(JPEG)
    expected = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC))
    assert (resize(image, 224) == expected).all()


def test_a_large_jpeg_may_come_smaller_than_it_is():
    smooth = np.kron(GRADIENT, np.ones((150, 200), np.uint8))[..., None]
    noise = np.random.default_rng(0).integers(-20, 21, (1200, 1600, 3))
    large = Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8))
    content = to_bytes(large, "JPEG", quality=95)
    small = decode(content, at_least=250)
    assert small.size == (400, 300)  # a quarter; an eighth would be less than 250
    assert full_size(small) == (1600, 1200) and full_size(decode(content)) == (1600, 1200)
    ours, theirs = (np.asarray(i.resize((96, 96)), float) for i in (small, decode(content)))
    assert np.abs(ours - theirs).mean() < 1
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    turned = decode(to_bytes(large, "JPEG", quality=95, exif=exif), at_least=250)
    assert turned.size == (300, 400) and full_size(turned) == (1200, 1600)
    little = to_bytes(large.resize((160, 120)), "JPEG")
    assert decode(little, at_least=10).size == (160, 120)  # that would save nothing


@pytest.mark.parametrize("chunk", [b"zTXt", b"iTXt", b"tEXt", b"iCCP"])
def test_png_metadata_that_is_broken_or_too_large_does_not_cost_the_photo(chunk):
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8))
    whole = to_bytes(image)
    header = 8 + 25  # signature and IHDR
    zeros = zlib.compress(bytes(80_000_000))
    for data in (b"k\0\0" + zeros, b"k\0\0broken", b"", b"\xff" * 200):
        length, crc = (n.to_bytes(4, "big") for n in (len(data), zlib.crc32(chunk + data)))
        for check in (crc, b"none"):
            content = whole[:header] + length + chunk + data + check + whole[header:]
            np.testing.assert_array_equal(np.asarray(decode(content)), np.asarray(image))


@pytest.mark.parametrize("name", ["AVIF", "HEIF"])
def test_formats_of_phones_are_photos(name):
    pytest.importorskip("pillow_heif")
    assert register_heif()
    image = Image.new("RGB", (64, 48), (200, 40, 30))
    found = np.asarray(decode(to_bytes(image, name, quality=90)), float)
    assert found.shape == (48, 64, 3) and np.abs(found - [200, 40, 30]).max() < 12
    assert {".avif", ".heic", ".jfif", ".jpe"} <= set(extensions())
