"""Photos of fruits in; MobileNetV2 features, a PCA matrix and pictures of both out."""

__version__ = "0.2.0"
