"""The backbone: RGB arrays to feature vectors. No Spark in here."""

from fruits_kedro.backbones.backbone import N_FEATURES, Backbone, Engine, FeatureModel, Precision

__all__ = ["N_FEATURES", "Backbone", "Engine", "FeatureModel", "Precision"]
