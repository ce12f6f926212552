"""One row out for each row in, with features or with the reason why not."""

import hashlib
import io
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from fruits_kedro.backbones.find import find_backbone
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.commands.sample import draw_class
from fruits_kedro.config.parameters import ExtractionParams
from fruits_kedro.errors import ImageError
from fruits_kedro.features import extract as extractor
from fruits_kedro.images.decode import decode
from fruits_kedro.images.limits import ImageLimits
from fruits_kedro.images.quality import measure_quality
from fruits_kedro.images.thumbnail import SIDE, small_picture


@dataclass
class MeanColour:
    """Stands in for a network: its features are the mean colour of a photo."""

    name: str = "mean_colour"
    engine: str = "litert"
    input_size: int = 10
    n_features: int = 3
    fingerprint: str = "mean-colour"
    decoding: str = "full"
    resize: str = "bicubic"

    def load_model(self):
        return lambda images: images.mean(axis=(1, 2)).astype(np.float32)


PHOTOS = {f"{i}.jpg": content for i, (_, _, content) in enumerate(draw_class("Plum 1", 150, 0))}


def read_all(paths):
    return [PHOTOS.get(path) or ImageError("read", "missing", path) for path in paths]


def batch(paths, lengths=None):
    return pa.RecordBatch.from_pydict(
        {
            "path": paths,
            "split": ["Test"] * len(paths),
            "label": ["Plum 1"] * len(paths),
            "bytes": lengths or [100] * len(paths),
        }
    )


def test_rows_stay_whole_and_in_order():
    paths = [f"{i}.jpg" for i in range(150)]
    paths[7] = paths[77] = "gone.jpg"
    batches = list(extractor.extract_batches([batch(paths)], read_all, MeanColour(), ImageLimits()))
    assert [b.num_rows for b in batches] == [64, 64, 22]
    table = pa.Table.from_batches(batches)
    assert table.column("path").to_pylist() == paths
    for i, row in enumerate(table.to_pylist()):
        assert row["fingerprint"] == "mean-colour"
        if i in (7, 77):
            assert (row["features"], row["error"]) == (None, "read: missing: gone.jpg")
            assert row["content_hash"] is row["quality"] is None
            assert row["thumbnail"] is row["picture"] is None
        else:
            assert row["error"] is None
            photo = extractor.decode(PHOTOS[paths[i]])
            image = extractor.resize(photo, 10)
            np.testing.assert_allclose(row["features"], image.mean(axis=(0, 1)), rtol=1e-6)
            digest = hashlib.sha256(PHOTOS[paths[i]]).hexdigest()
            assert row["content_hash"] == digest
            seen = Image.fromarray(image)  # 10 pixels wide, and the photo has 100
            gray = seen.convert("L")
            expected = measure_quality(photo.size, gray)._asdict()
            assert row["quality"] == pytest.approx(expected, rel=1e-6)
            small = gray.resize((SIDE, SIDE), Image.Resampling.LANCZOS)
            assert row["thumbnail"] == np.asarray(small).tobytes()
            assert row["picture"] == small_picture(seen, photo.size)


def test_a_file_that_is_too_large_is_not_read():
    read = []

    def reader(paths):
        read.extend(paths)
        return read_all(paths)

    limits = ImageLimits(bytes=1000)
    rows = batch(["0.jpg", "1.jpg", "2.jpg"], [1000, 1001, 999])
    (out,) = extractor.extract_batches([rows], reader, MeanColour(), limits)
    assert read == ["0.jpg", "2.jpg"]
    errors = out.column("error").to_pylist()
    assert errors == [None, "read: too_large: 1,001 bytes, and 1,000 are allowed", None]


def test_a_photo_that_takes_too_long_is_interrupted(monkeypatch):
    def endless(content, *others):
        while content == b"endless":
            pass
        return decode(content, *others)

    decode, model = extractor.decode, MeanColour().load_model()
    monkeypatch.setattr(extractor, "decode", endless)
    contents = [b"endless", PHOTOS["1.jpg"]]
    slow, quick = extractor.extract(contents, model, MeanColour(), ImageLimits(seconds=0.5))
    assert str(slow) == "decode: too_slow: more than 0.5 s"
    assert isinstance(quick, np.ndarray)


def test_a_large_photo_is_interrupted_while_it_is_decoded():
    large = io.BytesIO()
    Image.effect_noise((4000, 4000), 90).convert("RGB").save(large, "PNG", compress_level=1)
    model, content = MeanColour().load_model(), [large.getvalue()]
    (slow,) = extractor.extract(content, model, MeanColour(), ImageLimits(seconds=0.01))
    assert str(slow) == "decode: too_slow: more than 0.01 s"
    assert isinstance(extractor.extract(content, model, MeanColour())[0], np.ndarray)


def test_a_batch_of_failures_only():
    (out,) = extractor.extract_batches([batch(["x", "y"])], read_all, MeanColour(), ImageLimits())
    assert out.column("features").to_pylist() == [None, None]


def test_no_rows_in_no_rows_out():
    assert list(extractor.extract_batches([batch([])], read_all, MeanColour(), ImageLimits())) == []


def test_one_photo_that_the_model_refuses_costs_no_other():
    def model(images):
        if (images[:, 0, 0, 0] == 1).any():
            raise RuntimeError("no")
        return images.mean(axis=(1, 2)).astype(np.float32)

    images = [np.full((2, 2, 3), value, np.uint8) for value in (0, 1, 2)]
    first, second, third = extractor._infer(images, model)
    assert (first.tolist(), third.tolist()) == ([0, 0, 0], [2, 2, 2])
    assert str(second) == "infer: failed: no"


def test_features_that_are_not_finite_are_rejected():
    (outcome,) = extractor._infer(
        [np.zeros((2, 2, 3), np.uint8)], lambda _: np.array([[1, np.nan, 3]], np.float32)
    )
    assert (outcome.stage, outcome.reason) == ("infer", "not_finite")


def test_the_model_is_loaded_once(monkeypatch):
    monkeypatch.setattr(extractor, "_models", {})
    built = []
    backbone = MeanColour()
    monkeypatch.setattr(MeanColour, "load_model", lambda self: built.append(self) or (lambda x: x))
    assert extractor.get_model(backbone) is extractor.get_model(backbone)
    assert len(built) == 1


@pytest.fixture(autouse=True)
def fresh_models(monkeypatch):
    monkeypatch.setattr(extractor, "_models", {})


def test_another_filter_gives_its_pixels_and_its_own_fingerprint():
    usual, lanczos, both = (
        find_backbone(ExtractionParams(weights="embedded", **given).backbone_settings, None)
        for given in ({}, {"resize": "lanczos"}, {"resize": "box", "decoding": "scaled"})
    )
    assert lanczos.fingerprint == usual.fingerprint.replace("-f32-", "-f32.lanczos-")
    assert both.fingerprint == usual.fingerprint.replace("-f32-", "-f32.scaled.box-")
    photo = decode(PHOTOS["0.jpg"])
    seen: list[np.ndarray] = []
    extractor.extract([PHOTOS["0.jpg"]], lambda x: seen.append(x) or np.zeros((1, 3)), lanczos)
    expected = photo.resize((96, 96), Image.Resampling.LANCZOS)
    assert (seen[0][0] == np.asarray(expected)).all()


def test_scaled_decoding_gives_nearly_the_features_and_its_own_fingerprint():
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    photo = Image.fromarray(noise).resize((1600, 1200))
    content = io.BytesIO()
    photo.save(content, "JPEG", quality=95)
    full = load_backbone("embedded", "litert", None)
    scaled = replace(full, decoding="scaled")
    assert full.fingerprint.startswith("mobilenetv2-96-f32-")
    assert scaled.fingerprint == full.fingerprint.replace("-f32-", "-f32.scaled-")
    model = full.load_model()
    (one,), (other,) = (
        extractor.extract_photos([content.getvalue()], model, backbone, ImageLimits())
        for backbone in (full, scaled)
    )
    difference = np.linalg.norm(other.features - one.features) / np.linalg.norm(one.features)
    assert 0 < difference < 0.1
    assert other.facts.quality[:2] == one.facts.quality[:2] == (1600, 1200)
    assert Image.open(io.BytesIO(other.facts.picture)).size == (64, 48)
