"""The backbone: RGB arrays to feature vectors. No Spark in here."""

from fruits_kedro.backbones.backbone import (
    Backbone,
    Decoding,
    Engine,
    EngineSetting,
    FeatureModel,
    Precision,
    Resize,
)

__all__ = ["Backbone", "Decoding", "Engine", "EngineSetting", "FeatureModel", "Precision", "Resize"]
