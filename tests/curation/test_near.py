"""Pairs of thumbnails are those of a comparison of all with all."""

import io

import numpy as np
import pytest
from PIL import ImageOps

from fruits_kedro.commands.sample import draw_class
from fruits_kedro.curation import near
from fruits_kedro.curation.near import near_pairs
from fruits_kedro.features.extract import load_photo
from fruits_kedro.images.decode import decode
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.thumbnail import SIDE

DEFAULT = 1.2


def thumbnail(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    loaded = load_photo(file.getvalue(), 224, ImageLimits())
    return np.frombuffer(loaded.facts.thumbnail, np.uint8)


def pairs_of(thumbnails, distance):
    rows = np.arange(len(thumbnails))
    pairs = near_pairs(thumbnails, rows, distance, lambda pairs: pairs[:, 0] >= 0)
    found = np.concatenate(list(pairs))
    return sorted(set(map(tuple, found.tolist())))


def by_hand(thumbnails, distance):
    plain = thumbnails.astype(float)
    mirrored = plain.reshape(-1, SIDE, SIDE)[:, :, ::-1].reshape(plain.shape)
    gaps = [
        np.sqrt(((plain[:, None] - other[None]) ** 2).mean(axis=2)) for other in (plain, mirrored)
    ]
    one, other = np.nonzero(np.minimum(*gaps) <= distance)
    return [(i, j) for i, j in zip(one.tolist(), other.tolist()) if i < j]


@pytest.mark.parametrize("distance", [0, 1.2, 3, 20])
def test_all_pairs_are_found_in_any_blocks(distance, monkeypatch):
    rng = np.random.default_rng(0)
    bases = rng.integers(0, 256, (40, SIDE * SIDE))
    noise = rng.integers(0, 5, (200, 1)) + rng.normal(0, 1, (200, SIDE * SIDE))
    thumbnails = np.clip(bases[rng.integers(0, 40, 200)] + noise, 0, 255).astype(np.uint8)
    thumbnails[7] = thumbnails[5].reshape(SIDE, SIDE)[:, ::-1].ravel()
    expected = by_hand(thumbnails, distance)
    assert (5, 7) in expected and pairs_of(thumbnails, distance) == expected
    for name, rows in {"_ROWS": 7, "_COLUMNS": 16, "_PAIRS": 5}.items():
        monkeypatch.setattr(near, name, rows)
    assert pairs_of(thumbnails, distance) == expected


def test_copies_of_photos_are_near_and_photos_are_not():
    photos = [decode(content) for _, _, content in draw_class("Plum 1", 12, 0)]
    saved = io.BytesIO()
    photos[0].save(saved, "JPEG", quality=60)
    copies = [decode(saved.getvalue()), photos[1].resize((80, 80)), ImageOps.mirror(photos[2])]
    thumbnails = np.stack([thumbnail(image) for image in (*photos, *copies)])
    assert pairs_of(thumbnails, DEFAULT) == [(0, 12), (1, 13), (2, 14)]


def test_few_or_equal_thumbnails():
    assert not list(near_pairs(np.zeros((9, SIDE * SIDE), np.uint8), np.arange(1), 1, None))
    assert pairs_of(np.full((3, SIDE * SIDE), 255, np.uint8), 0) == [(0, 1), (0, 2), (1, 2)]
