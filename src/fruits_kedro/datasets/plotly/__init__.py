"""Plots, atomically. Kedro-Viz knows a plot by the end of this module's name."""

from fruits_kedro.datasets.plotly.json_dataset import JSONDataset

__all__ = ["JSONDataset"]
