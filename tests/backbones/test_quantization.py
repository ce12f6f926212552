"""Lower precision on real photos: near float32, and refused where it cannot be."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from fruits_kedro.backbones.find import BackboneSettings, find_backbone
from fruits_kedro.backbones.load import calibrate_backbone
from fruits_kedro.errors import FruitsError
from fruits_kedro.features.extract import get_model, load_pixels
from fruits_kedro.images.folder import ImageFolder
from fruits_kedro.images.limits import ImageLimits


@pytest.fixture(scope="module")
def photos(shared):
    """10 photos to calibrate on, and 20 others with the features that were published of them."""
    golden = pq.read_table(shared / "golden" / "mobilenetv2_imagenet_features.parquet")
    chosen = golden.take(list(range(0, len(golden), len(golden) // 30))[:30])
    folder = ImageFolder(str(shared / "data/fruits-360"))
    contents = folder.read_all(chosen["path"].to_pylist())
    pixels = np.stack([load_pixels(content, 224, ImageLimits()) for content in contents])
    features = np.array(chosen["features"].to_pylist(), np.float32)
    return pixels[:10], pixels[10:], features[10:]


@pytest.mark.parametrize(("precision", "least"), [("mixed", 0.99), ("int8", 0.94)])
def test_features_are_near_those_of_float32(imagenet, photos, precision, least):
    calibration, others, published = photos
    backbone = calibrate_backbone("imagenet", 224, precision, None, lambda size: calibration)
    found = get_model(backbone)(others)
    lengths = np.linalg.norm(found, axis=1) * np.linalg.norm(published, axis=1)
    cosine = (found * published).sum(1) / lengths
    assert least < cosine.mean() < 0.9999
    assert backbone.fingerprint.startswith(f"mobilenetv2-224-{precision}-")
    assert len(backbone.model) < 5e6


def test_a_run_in_lower_precision_keeps_its_calibration(kedro_run, sample, tmp_path):
    int8 = {"extraction.precision": "int8"}
    prints = []
    for subset in ({"subset": "mine", "subsets.mine.total": 30}, {}):
        given = {"images": sample, "store": tmp_path, **int8, **subset}
        result = kedro_run("--to-outputs", "model_info", **given)
        assert result.exit_code == 0, result.output
        info = json.loads((tmp_path / "08_reporting/model_info.json").read_text())
        prints.append(info["backbone"]["fingerprint"])
    assert prints[0] == prints[1] and "-96-int8-" in prints[0]
    assert info["counts"]["reused"] > 0 and info["counts"]["features"] == 60
    file = str(tmp_path / "06_models/model.backbone")  # for machines without TensorFlow
    assert (
        find_backbone(BackboneSettings(weights=file, precision="int8"), None).fingerprint
        == prints[0]
    )
    with pytest.raises(FruitsError, match="96 pixels and int8, not for litert, 96 and mixed"):
        find_backbone(BackboneSettings(weights=file, precision="mixed"), None)


def test_lower_precision_is_litert_s(kedro_run, sample, tmp_path):
    asked = {"extraction.precision": "int8", "extraction.engine": "tensorflow"}
    result = kedro_run(images=sample, store=tmp_path, **asked)
    assert result.exit_code == 1 and "precision=int8 is LiteRT's" in result.output
