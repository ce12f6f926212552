"""A compiled backbone travels as one file."""

import pytest

from fruits_kedro.backbones.backbone_file import to_bytes
from fruits_kedro.backbones.load import load_backbone
from fruits_kedro.errors import FruitsError


@pytest.fixture(scope="module")
def compiled(random_weights, tmp_path_factory):
    backbone = load_backbone(str(random_weights), "litert", 96)
    path = tmp_path_factory.mktemp("backbone") / "model.backbone"
    path.write_bytes(to_bytes(backbone))
    return backbone, path


def test_it_comes_back_whole(compiled):
    backbone, path = compiled
    assert load_backbone(str(path), "litert", None) == backbone
    assert load_backbone(str(path), "litert", 96).fingerprint == backbone.fingerprint


@pytest.mark.parametrize("asked", [("tensorflow", None), ("litert", 224)])
def test_it_refuses_to_be_another(compiled, asked):
    with pytest.raises(FruitsError, match="compiled for the engine litert, 96 pixels and f32"):
        load_backbone(str(compiled[1]), *asked)


def test_missing_and_damaged_files(compiled, tmp_path):
    with pytest.raises(FruitsError, match="no compiled backbone"):
        load_backbone(str(tmp_path / "none.backbone"), "litert", None)
    damaged = tmp_path / "half.backbone"
    damaged.write_bytes(compiled[1].read_bytes()[:5000])
    with pytest.raises(FruitsError, match="is not a compiled backbone"):
        load_backbone(str(damaged), "litert", None)
