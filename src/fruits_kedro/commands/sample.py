"""Synthetic fruits that turn in front of a white background, in the layout of Fruits-360."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 100  # pixels, as Fruits-360
_TEST_SHARE = 0.25
_TEXTURE = (64, 128)  # latitudes, longitudes
# name: base colour, second colour, height / width, dent at the stem, stripes, spots, gloss, stem
_KINDS: dict[
    str, tuple[tuple[int, int, int], tuple[int, int, int], float, float, float, float, float, float]
] = {
    "Apple": ((190, 32, 38), (214, 190, 70), 0.92, 0.14, 0.5, 0.3, 0.5, 1.0),
    "Cherry": ((120, 10, 30), (170, 30, 45), 0.96, 0.08, 0.1, 0.0, 0.9, 1.0),
    "Tomato": ((206, 48, 30), (226, 110, 50), 0.82, 0.06, 0.1, 0.0, 0.7, 0.4),
    "Pear": ((188, 190, 70), (150, 120, 50), 1.30, -0.16, 0.1, 0.8, 0.3, 1.0),
    "Orange": ((236, 140, 24), (226, 120, 20), 0.97, 0.02, 0.0, 1.0, 0.4, 0.0),
    "Lemon": ((244, 220, 60), (226, 200, 40), 0.74, -0.10, 0.0, 0.9, 0.4, 0.0),
    "Plum": ((70, 36, 92), (110, 60, 120), 1.16, 0.03, 0.2, 0.1, 0.4, 0.3),
    "Peach": ((240, 170, 96), (206, 74, 66), 0.95, 0.10, 0.2, 0.2, 0.1, 0.0),
    "Kiwi": ((124, 94, 52), (100, 74, 40), 1.18, 0.00, 0.3, 1.0, 0.0, 0.0),
    "Blueberry": ((62, 74, 128), (90, 104, 160), 0.86, 0.05, 0.0, 0.3, 0.2, 0.0),
}


@dataclass(frozen=True)
class _Fruit:
    """One variety: the texture and the shape of a body."""

    texture: NDArray[np.float32]
    height: float
    dent: float
    lobes: float
    size: float
    gloss: float
    stem: float


def class_names(n_classes: int) -> list[str]:
    """Names of varieties, such as ``Apple 1``, every kind in turn."""
    kinds = list(_KINDS)
    return [f"{kinds[i % len(kinds)]} {i // len(kinds) + 1}" for i in range(n_classes)]


def make_fruit(label: str, seed: int) -> _Fruit:
    """A variety's texture and shape; equal label and seed give equal ones."""
    rng = np.random.default_rng([seed, *label.encode()])
    base, second, height, dent, stripes, spots, gloss, stem = _KINDS[label.rpartition(" ")[0]]
    colours = [np.clip(np.array(c) + rng.normal(0, 22, 3), 8, 250) for c in (base, second)]
    latitude, longitude = np.mgrid[0 : 1 : _TEXTURE[0] * 1j, 0 : 2 * np.pi : _TEXTURE[1] * 1j]
    waves = sum(
        rng.normal(0, 1 / k)
        * np.cos(k * longitude + rng.uniform(0, 7) + latitude * rng.normal(0, 4))
        for k in range(1, 5)
    )
    blush = 1 / (1 + np.exp(-2 * waves - rng.normal(0, 1)))
    lines = stripes * 0.35 * np.cos(rng.integers(9, 17) * longitude + 3 * waves)
    freckles = spots * 0.25 * (rng.random(_TEXTURE) < 0.12)
    mix = np.clip(blush + lines, 0, 1)[..., None]
    texture = colours[0] * (1 - mix) + colours[1] * mix
    texture = texture * (1 - freckles[..., None]) * rng.normal(1, 0.025, (*_TEXTURE, 1))
    return _Fruit(
        texture=texture.astype(np.float32),
        height=height * rng.normal(1, 0.04),
        dent=dent * rng.normal(1, 0.2),
        lobes=0.02 * rng.random(),
        size=rng.uniform(0.80, 0.94),
        gloss=gloss,
        stem=stem,
    )


def draw_fruit(fruit: _Fruit, spin: float, tilt: float) -> Image.Image:
    """A fruit turned by ``spin`` round its stem and by ``tilt`` in the picture (radians)."""
    axis = (np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2) / (SIZE / 2)
    x, y = np.meshgrid(axis, axis)
    scale = fruit.size / max(1.0, fruit.height)
    u = (x * np.cos(tilt) + y * np.sin(tilt)) / scale
    v = (y * np.cos(tilt) - x * np.sin(tilt)) / (scale * fruit.height)
    angle = np.arctan2(u, -v)  # 0 at the stem
    outline = 1 - fruit.dent * np.exp(-((angle / 0.55) ** 2)) + fruit.lobes * np.cos(5 * angle)
    radius = np.sqrt(u * u + v * v) / outline
    z = np.sqrt(np.clip(1 - radius * radius, 0, 1))
    rows = np.clip(
        (np.arcsin(np.clip(v / outline, -1, 1)) / np.pi + 0.5) * _TEXTURE[0], 0, _TEXTURE[0] - 1
    )
    turn = (np.arctan2(u / outline, z) + spin) / (2 * np.pi)
    columns = (turn * _TEXTURE[1]).astype(np.int32) % _TEXTURE[1]
    colour = fruit.texture[rows.astype(np.int32), columns]
    light = np.clip(0.48 + 0.5 * z - 0.16 * x / scale - 0.20 * y / scale, 0, 1.1)
    shine = fruit.gloss * 190 * np.exp(-((x / scale + 0.33) ** 2 + (y / scale + 0.36) ** 2) * 26)
    colour = colour * light[..., None] + shine[..., None]
    stem = fruit.stem * (np.abs(u - 0.12 * (v + 1)) < 0.035) * ((v < -0.80) & (v > -1.06))
    colour = colour * (1 - stem[..., None]) + np.array([92, 62, 32]) * stem[..., None]
    cover = np.maximum(np.clip((1 - radius) * scale * SIZE / 2, 0, 1), stem)[..., None]
    return Image.fromarray((np.clip(colour, 0, 255) * cover + 255 * (1 - cover)).astype(np.uint8))


def draw_class(label: str, n_images: int, seed: int) -> Iterator[tuple[str, str, bytes]]:
    """The photos of one class: split, file name and JPEG bytes of each."""
    fruit = make_fruit(label, seed)
    n_test = round(n_images * _TEST_SHARE)
    for i in range(n_images):
        axis, frame = divmod(i, 100)
        rng = np.random.default_rng([seed, i, *label.encode()])
        tilt = axis * 0.9 + rng.normal(0, 0.12)
        photo = draw_fruit(fruit, spin=2 * np.pi * frame / min(n_images, 100), tilt=tilt)
        # Spreads the test photos evenly over the frames.
        is_test = n_test > 0 and (i * n_test) // n_images != ((i + 1) * n_test) // n_images
        yield (
            "Test" if is_test else "Training",
            f"r{axis}_{frame}_100.jpg",
            _save(photo, "JPEG", quality=92),
        )


def write_sample(root: Path, classes: int, images: int, seed: int, broken: int) -> Iterator[int]:
    """Write a sample data set; yields the number of photos of each class when it is done.

    Args:
        root: the folder to fill, as ``root/{Training,Test}/<label>/*.jpg``.
        classes: number of varieties.
        images: photos of each, a quarter of them in Test.
        seed: the same seed gives the same bytes.
        broken: number of broken files to add, of ``BROKEN_KINDS`` in turn.
    """
    names = class_names(classes)
    with ProcessPoolExecutor(min(os.cpu_count() or 1, classes)) as pool:
        yield from pool.map(partial(_write_class, root, images, seed), names)
    for i in range(broken):
        kind, content = broken_file(i, seed)
        folder = root / ("Test" if i % 4 == 3 else "Training") / names[i % classes]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"broken_{i:03d}_{kind}.jpg").write_bytes(content)


def _write_class(root: Path, images: int, seed: int, label: str) -> int:
    for split, name, content in draw_class(label, images, seed):
        folder = root / split / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return images


# The kinds of broken files: the bytes of one, from those of a good photo.
BROKEN_KINDS: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "empty": lambda good, rng: b"",
    "truncated": lambda good, rng: good[: len(good) // 2],
    "text": lambda good, rng: b"This is not a photo.\n" * 50,
    "zeros": lambda good, rng: bytes(len(good)),
    "noise": lambda good, rng: rng.bytes(len(good)),
    "header_only": lambda good, rng: good[:20],
    "wrong_magic": lambda good, rng: b"XX" + good[2:],
    "bomb": lambda good, rng: _save(Image.new("1", (20_000, 20_000)), "PNG"),
    "html": lambda good, rng: b"<!DOCTYPE html><html><title>404 Not Found</title></html>",
    "float_tiff": lambda good, rng: _save(Image.new("F", (SIZE, SIZE)), "TIFF"),
}


def broken_file(i: int, seed: int) -> tuple[str, bytes]:
    """The name of the i-th kind of broken file, and the bytes of one."""
    kind = list(BROKEN_KINDS)[i % len(BROKEN_KINDS)]
    good = next(draw_class("Apple 1", 1, seed + i))[2]
    return kind, BROKEN_KINDS[kind](good, np.random.default_rng([seed, i]))


def _save(image: Image.Image, file_format: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
