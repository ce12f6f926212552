"""The backbone: RGB arrays to feature vectors. No Spark in here."""

from fruits_kedro.backbones.backbone import Backbone, Engine, FeatureModel, Precision

__all__ = ["Backbone", "Engine", "FeatureModel", "Precision"]
