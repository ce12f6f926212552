"""Trains a backbone on labelled photos. Keras only: no Spark and no Kedro in here."""

from fruits_kedro.pretraining.checkpoint import Checkpoint

__all__ = ["Checkpoint"]
