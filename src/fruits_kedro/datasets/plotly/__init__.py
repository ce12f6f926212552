"""Plotly figures with atomic writes. This module's name tells Kedro-Viz that they are plots."""

from fruits_kedro.datasets.plotly.json_dataset import JSONDataset

__all__ = ["JSONDataset"]
